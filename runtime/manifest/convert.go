package manifest

import (
	"cmp"
	"errors"
	"math/big"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/camena-io/camena/events"
)

const (
	// maxJSON and maxNodes bound what aliases of aliases can grow to.
	maxJSON  = 64 << 20
	maxNodes = 1 << 20
	// maxPointer bounds how deep values may nest.
	maxPointer = 16 << 10
)

// converter writes a document as JSON, with numbers as they are written. In place
// of a value that has no JSON it writes null.
type converter struct {
	*document
	anchors map[string]ast.Node
}

func convert(file string, root ast.Node) *document {
	c := &converter{&document{file: file, nodes: map[string]source{}}, map[string]ast.Node{}}
	c.write("", root, root)
	return c.document
}

func (c *converter) fail(pointer string, n ast.Node, format string, args ...any) {
	err := &Error{File: c.file, Line: lineOf(n), Err: events.Errorf(events.CodeInvalid, "", format, args...)}
	c.faults = append(c.faults, fault{pointer, err})
}

func (c *converter) null(pointer string, n ast.Node, format string, args ...any) {
	c.fail(pointer, n, format, args...)
	c.json = append(c.json, "null"...)
}

func lineOf(n ast.Node) int { return n.GetToken().Position.Line }

// write writes a value, whose line is that of the node at.
func (c *converter) write(pointer string, at, n ast.Node) {
	text, plain := scalar(c.resolve(n))
	c.nodes[pointer] = source{lineOf(at), text, plain}
	if len(pointer) > maxPointer {
		c.null(pointer, n, "the value is nested too deep")
		return
	}
	c.value(pointer, n)
}

func (c *converter) value(pointer string, n ast.Node) {
	switch n := n.(type) {
	case ast.MapNode:
		c.json = append(c.json, '{')
		c.members(pointer, n, false)
		c.json = append(c.json, '}')
	case *ast.SequenceNode:
		c.json = append(c.json, '[')
		for i, item := range n.Values {
			c.separate()
			c.write(pointer+"/"+strconv.Itoa(i), item, item)
		}
		c.json = append(c.json, ']')
	case *ast.AnchorNode:
		c.value(pointer, n.Value)
		c.anchors[n.Name.GetToken().Value] = c.resolve(n.Value)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		if target, ok := c.anchors[name]; ok && len(c.json) < maxJSON && len(c.nodes) < maxNodes {
			c.value(pointer, target)
		} else {
			c.null(pointer, n, "the alias *%s has no anchor before it, or makes the document too large", name)
		}
	case *ast.TagNode:
		c.tagged(pointer, n)
	case *ast.NullNode:
		c.json = append(c.json, "null"...)
	case *ast.BoolNode:
		c.json = strconv.AppendBool(c.json, n.Value)
	default:
		c.scalar(pointer, n)
	}
}

// separate writes a comma after a value.
func (c *converter) separate() {
	if last := c.json[len(c.json)-1]; last != '{' && last != '[' {
		c.json = append(c.json, ',')
	}
}

// members writes the fields of a mapping, and after them those that "<<" merges
// into it, which are left out if the mapping has them.
func (c *converter) members(pointer string, n ast.MapNode, merged bool) {
	var merges []*ast.MappingValueNode
	for i := n.MapRange(); i.Next(); {
		p := i.KeyValue()
		name, ok := c.resolve(p.Key).(*ast.StringNode)
		if p.Key.IsMergeKey() {
			merges = append(merges, p)
			continue
		}
		if !ok {
			c.fail(pointer, p.Key, "the name of a field must be a text; quote it")
			continue
		}
		at := member(pointer, name.Value)
		if _, given := c.nodes[at]; !given {
			c.separate()
			c.text(at, p.Key, name.Value)
			c.json = append(c.json, ':')
			c.write(at, p.Key, p.Value)
		} else if !merged {
			c.fail(pointer, p.Key, "%q is given twice", name.Value)
		}
	}
	for _, p := range merges {
		c.merge(pointer, p)
	}
}

// merge writes the fields of a mapping, or of several, that "<<" merges.
func (c *converter) merge(pointer string, p *ast.MappingValueNode) {
	values := []ast.Node{p.Value}
	if list, ok := c.resolve(p.Value).(*ast.SequenceNode); ok {
		values = list.Values
	}
	for _, v := range values {
		if m, ok := c.resolve(v).(ast.MapNode); ok {
			c.members(pointer, m, true)
		} else {
			c.fail(pointer, p.Key, "expected fields, or an alias of fields before it, after <<")
		}
	}
}

// resolve returns the value that anchors, aliases and tags stand before.
func (c *converter) resolve(n ast.Node) ast.Node {
	for {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			n = c.anchors[v.Value.GetToken().Value]
		case *ast.TagNode:
			n = v.Value
		case *ast.MappingKeyNode:
			n = v.Value
		default:
			return n
		}
	}
}

func (c *converter) scalar(pointer string, n ast.Node) {
	text, plain := scalar(n)
	v, err := number(text)
	switch {
	case plain && err != nil:
		c.null(pointer, n, "%s", err)
	case plain && v != nil:
		c.json = append(c.json, v...)
	default:
		c.text(pointer, n, text)
	}
}

func (c *converter) text(pointer string, n ast.Node, text string) {
	var err error
	if c.json, err = jsontext.AppendQuote(c.json, text); err != nil {
		c.fail(pointer, n, "the text is not valid UTF-8")
	}
}

// tagged writes a value with a tag. "!path ./x" is the absolute path of x, seen
// from the folder of the file.
func (c *converter) tagged(pointer string, n *ast.TagNode) {
	text, _ := scalar(c.resolve(n.Value))
	switch tag := n.Start.Value; {
	case tag == "!path":
		if !filepath.IsAbs(text) {
			text = filepath.Join(filepath.Dir(c.file), text)
		}
		path, err := filepath.Abs(text)
		if err != nil {
			c.fail(pointer, n, "%s", err)
		}
		c.text(pointer, n, path)
	case tag == "!!str":
		c.text(pointer, n, text)
	case !strings.HasPrefix(tag, "!!"):
		c.null(pointer, n, "unknown tag %s; only !path is known", tag)
	default:
		var v any
		err := yaml.NodeToValue(n, &v)
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		data, invalid := events.Marshal(v)
		if cmp.Or(err, invalid) != nil {
			c.null(pointer, n, "not a value of %s", tag)
		} else {
			c.json = append(c.json, data...)
		}
	}
}

// scalar returns the text of a value that is not a mapping or a list, and
// whether it is plain: neither quoted nor a block of text.
func scalar(n ast.Node) (text string, plain bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, n.Token.Type != token.SingleQuoteType && n.Token.Type != token.DoubleQuoteType
	case *ast.LiteralNode:
		return n.Value.Value, false
	case ast.ScalarNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

var (
	infinite = regexp.MustCompile(`(?i)^([-+]?\.inf|\.nan)$`)
	decimal  = regexp.MustCompile(`^([-+]?)(\d*)(?:\.(\d*))?([eE][-+]?\d+)?$`)
	based    = regexp.MustCompile(`^[-+]?0[xob][0-9a-fA-F]+$`)
)

// number returns a plain text as a number of JSON, nil if it is another text. All
// digits stay.
func number(text string) (jsontext.Value, error) {
	digits := strings.ReplaceAll(text, "_", "")
	if v, ok := new(big.Int).SetString(digits, 0); ok && based.MatchString(digits) {
		return v.Append(nil, 10), nil
	}
	part := decimal.FindStringSubmatch(digits)
	switch {
	case infinite.MatchString(text):
		return nil, errors.New("there is no number " + text + " in JSON; quote it if it is a text")
	case len(part) == 0 || part[2]+part[3] == "":
		return nil, nil
	case len(part[2]) > 1 && part[2][0] == '0':
		return nil, errors.New("a number does not begin with 0: quote it if it is a text, or write 0o17 for an octal number")
	}
	v := strings.TrimPrefix(part[1], "+")
	if v += part[2]; part[2] == "" {
		v += "0"
	}
	if part[3] != "" {
		v += "." + part[3]
	}
	return jsontext.Value(v + part[4]), nil
}
