package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/camena-io/camena/events"
)

// Error is a mistake in a file.
type Error struct {
	File string
	Line int
	// About names the resource, type or command, if it is known, and Field the value
	// in it that is wrong.
	About, Field string
	Err          error
}

func (e *Error) Error() string {
	message := e.Err.Error()
	if cause, ok := errors.AsType[*events.Error](e.Err); ok {
		message = cause.Message
	}
	parts := []string{fmt.Sprintf("%s:%d", e.File, e.Line), e.About, e.Field, message}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

func (e *Error) Unwrap() error { return e.Err }

// document is one YAML document of a file.
type document struct {
	file    string
	root    ast.Node
	anchors map[string]ast.Node
}

// parse returns the documents of a file that are not empty.
func parse(file string, content []byte) ([]*document, error) {
	parsed, err := parser.ParseBytes(content, 0, parser.AllowDuplicateMapKey())
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		return nil, &Error{File: file, Line: e.GetToken().Position.Line, Err: fmt.Errorf("not YAML: %s", e.GetMessage())}
	}
	if err != nil {
		return nil, &Error{File: file, Line: 1, Err: fmt.Errorf("not YAML: %w", err)}
	}
	var all []*document
	for _, doc := range parsed.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		all = append(all, &document{file: file, root: doc.Body, anchors: map[string]ast.Node{}})
	}
	return all, nil
}

// place is a value in a document, and the name of what it describes.
type place struct {
	*document
	pointer, about string
}

// invalid returns what is wrong with the value, or with a value in it.
func (p place) invalid(pointer, format string, args ...any) error {
	return p.located(pointer, events.Errorf(events.CodeInvalid, pointer, format, args...))
}

// located names the line of a value in the value that err is about.
func (p place) located(pointer string, err error) *Error {
	return &Error{File: p.file, Line: p.line(p.pointer + pointer), About: p.about, Field: strings.TrimPrefix(pointer, "/"), Err: err}
}

// pointerOf returns where in a value an error points.
func pointerOf(err error) string {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Pointer != "" {
		return "/" + strings.TrimPrefix(e.Pointer, "/")
	}
	return ""
}

// line returns the line of the value that a pointer names, or of the innermost
// one there is around it.
func (d *document) line(pointer string) int {
	n := d.root
	line := lineOf(n)
	for name := range jsontext.Pointer(pointer).Tokens() {
		n = d.resolve(n)
		if list, ok := n.(*ast.SequenceNode); ok {
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(list.Values) {
				return line
			}
			n = list.Values[i]
			line = lineOf(n)
			continue
		}
		all := d.pairs(n)
		i := slices.IndexFunc(all, func(p pair) bool { return d.key(p) == name })
		if i < 0 {
			return line
		}
		n, line = all[i].Value, lineOf(all[i].Key)
	}
	return line
}

func lineOf(n ast.Node) int { return n.GetToken().Position.Line }

func (d *document) errorAt(n ast.Node, format string, args ...any) error {
	return &Error{File: d.file, Line: lineOf(n), Err: events.Errorf(events.CodeInvalid, "", format, args...)}
}

// resolve returns the value that anchors, aliases and tags stand before.
func (d *document) resolve(n ast.Node) ast.Node {
	for {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			n = d.anchors[v.Value.GetToken().Value]
		case *ast.TagNode:
			n = v.Value
		case *ast.MappingKeyNode:
			n = v.Value
		default:
			return n
		}
	}
}

// pair is a field of a mapping.
type pair = *ast.MappingValueNode

// pairs returns the fields of a mapping, and after them those that "<<" adds.
func (d *document) pairs(n ast.Node) []pair {
	m, ok := d.resolve(n).(ast.MapNode)
	if !ok {
		return nil
	}
	var own, merged []pair
	for i := m.MapRange(); i.Next(); {
		if p := i.KeyValue(); !p.Key.IsMergeKey() {
			own = append(own, p)
		} else if list, ok := d.resolve(p.Value).(*ast.SequenceNode); ok {
			for _, item := range list.Values {
				merged = append(merged, d.pairs(item)...)
			}
		} else {
			merged = append(merged, d.pairs(p.Value)...)
		}
	}
	for _, m := range merged {
		if !slices.ContainsFunc(own, func(p pair) bool { return d.key(p) == d.key(m) }) {
			own = append(own, m)
		}
	}
	return own
}

// checkMerges refuses a "<<" that names no mapping.
func (d *document) checkMerges(n ast.Node) error {
	m, ok := d.resolve(n).(ast.MapNode)
	if !ok {
		return d.errorAt(n, "expected fields such as \"name: value\"")
	}
	for i := m.MapRange(); i.Next(); {
		p := i.KeyValue()
		if _, isList := d.resolve(p.Value).(*ast.SequenceNode); p.Key.IsMergeKey() && !isList && d.pairs(p.Value) == nil {
			return d.errorAt(p.Key, "expected fields, or an alias of fields before it, after <<")
		}
	}
	return nil
}

// key returns the name of a field, "" if it is not a text.
func (d *document) key(p pair) string {
	if key, ok := d.resolve(p.Key).(*ast.StringNode); ok {
		return key.Value
	}
	return ""
}

// maxJSON bounds what aliases of aliases can grow to.
const maxJSON = 64 << 20

// json returns a value as JSON, with numbers as they are written.
func (d *document) json(n ast.Node) (jsontext.Value, error) {
	var b bytes.Buffer
	err := d.write(jsontext.NewEncoder(&b), n)
	return bytes.TrimSpace(b.Bytes()), err
}

func (d *document) write(enc *jsontext.Encoder, n ast.Node) error {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return d.writeObject(enc, n)
	case *ast.SequenceNode:
		return d.writeArray(enc, n)
	case *ast.AnchorNode:
		err := d.write(enc, n.Value)
		d.anchors[n.Name.GetToken().Value] = d.resolve(n.Value)
		return err
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := d.anchors[name]
		if !ok || enc.OutputOffset() > maxJSON {
			return d.errorAt(n, "the alias *%s has no anchor before it, or makes the document too large", name)
		}
		return d.write(enc, target)
	case *ast.TagNode:
		return d.writeTagged(enc, n)
	case *ast.NullNode:
		return enc.WriteToken(jsontext.Null)
	case *ast.BoolNode:
		return enc.WriteToken(jsontext.Bool(n.Value))
	default:
		text, plain := scalar(n)
		if !plain {
			return d.writeText(enc, n, text)
		}
		switch v, err := number(text); {
		case err != nil:
			return d.errorAt(n, "%s", err)
		case v != nil:
			return enc.WriteValue(v)
		default:
			return d.writeText(enc, n, text)
		}
	}
}

func (d *document) writeText(enc *jsontext.Encoder, n ast.Node, text string) error {
	if err := enc.WriteToken(jsontext.String(text)); err != nil {
		return d.errorAt(n, "the text is not valid UTF-8")
	}
	return nil
}

func (d *document) writeObject(enc *jsontext.Encoder, n ast.Node) error {
	if err := errors.Join(d.checkMerges(n), enc.WriteToken(jsontext.BeginObject)); err != nil {
		return err
	}
	for _, p := range d.pairs(n) {
		name := d.key(p)
		if _, ok := d.resolve(p.Key).(*ast.StringNode); !ok {
			return d.errorAt(p.Key, "the name of a field must be a text; quote it")
		}
		if err := enc.WriteToken(jsontext.String(name)); err != nil {
			return d.errorAt(p.Key, "%q is given twice", name)
		}
		if err := d.write(enc, p.Value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

func (d *document) writeArray(enc *jsontext.Encoder, n *ast.SequenceNode) error {
	if err := enc.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, item := range n.Values {
		if err := d.write(enc, item); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndArray)
}

// writeTagged writes a value with a tag. "!path ./x" is the absolute path of x,
// seen from the folder of the file.
func (d *document) writeTagged(enc *jsontext.Encoder, n *ast.TagNode) error {
	text, _ := scalar(d.resolve(n.Value))
	switch tag := n.Start.Value; {
	case tag == "!path":
		if !filepath.IsAbs(text) {
			text = filepath.Join(filepath.Dir(d.file), text)
		}
		path, err := filepath.Abs(text)
		if err != nil {
			return d.errorAt(n, "%s", err)
		}
		return d.writeText(enc, n, path)
	case tag == "!!str":
		return d.writeText(enc, n, text)
	case !strings.HasPrefix(tag, "!!"):
		return d.errorAt(n, "unknown tag %s; only !path is known", tag)
	}
	var v any
	if err := yaml.NodeToValue(n, &v); err != nil {
		return d.errorAt(n, "not a value of %s", n.Start.Value)
	}
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	data, err := events.Marshal(v)
	if err != nil {
		return d.errorAt(n, "not a value of %s", n.Start.Value)
	}
	return enc.WriteValue(data)
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
