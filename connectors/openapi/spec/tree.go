package spec

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"

	"github.com/camena-io/camena/events"
)

const (
	// maxReferences bounds how many references lead to a part.
	maxReferences = 256
	// maxDepth bounds nesting.
	maxDepth = 1000
	// expansion is how many times larger than itself the aliases of YAML may make a
	// document, in values for each byte.
	expansion = 10
)

// tree is a document as maps, lists and scalars.
type tree struct{ root map[string]any }

// decode reads JSON, or else YAML.
func decode(data []byte) (map[string]any, error) {
	if len(data) > MaxBytes {
		return nil, events.Errorf(events.CodeTooLarge, "", "the document has %d bytes; at most %d are allowed", len(data), MaxBytes)
	}
	var root any
	var err error
	if start := bytes.TrimLeft(data, " \t\r\n\ufeff"); len(start) > 0 && start[0] == '{' && jsontext.Value(start).IsValid() {
		err = json.Unmarshal(start, &root, json.WithUnmarshalers(json.UnmarshalFromFunc(exactNumber)))
	} else {
		err = decodeYAML(data, &root)
	}
	if err != nil {
		return nil, events.Errorf(events.CodeInvalid, "", "neither JSON nor YAML: %s", firstLine(err.Error()))
	}
	if budget := expansion * (len(data) + 1); !fits(root, &budget, 0) {
		return nil, events.Errorf(events.CodeTooLarge, "", "the document is nested too deeply, or its aliases make it too large")
	}
	top, ok := root.(map[string]any)
	if !ok {
		return nil, events.Errorf(events.CodeInvalid, "", "the document is no object")
	}
	return top, nil
}

// decodeYAML survives defects of the decoder, which reads what others wrote.
func decodeYAML(data []byte, root *any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder fails: %v", p)
		}
	}()
	return yaml.Unmarshal(data, root)
}

// exactNumber keeps the digits of a number.
func exactNumber(dec *jsontext.Decoder, to *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported // the decoder reads any other value
	}
	raw, err := dec.ReadValue()
	*to = raw.Clone()
	return err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// fits walks a value, with aliases, as long as the budget lasts.
func fits(value any, budget *int, depth int) bool {
	*budget--
	if *budget < 0 || depth > maxDepth {
		return false
	}
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			if !fits(member, budget, depth+1) {
				return false
			}
		}
	case []any:
		for _, item := range v {
			if !fits(item, budget, depth+1) {
				return false
			}
		}
	}
	return true
}

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// token escapes a name in a JSON pointer.
func token(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// resolve follows references: it returns the object and where it is.
func (t *tree) resolve(value any, pointer string) (map[string]any, string, error) {
	for range maxReferences {
		m, ok := value.(map[string]any)
		if !ok {
			return nil, "", events.Errorf(events.CodeInvalid, pointer, "expected an object")
		}
		ref, isRef := m["$ref"].(string)
		if !isRef {
			return m, pointer, nil
		}
		next, err := t.at(ref)
		if err != nil {
			return nil, "", events.Errorf(err.Code, pointer+"/$ref", "%s", err.Message)
		}
		value, pointer = next, strings.TrimPrefix(ref, "#")
	}
	return nil, "", events.Errorf(events.CodeInvalid, pointer, "the references lead nowhere")
}

// at returns the part that a reference names.
func (t *tree) at(ref string) (any, *events.Error) {
	path, local := strings.CutPrefix(ref, "#/")
	if !local {
		return nil, events.Errorf(events.CodeUnsupported, "", "%q refers to another document", ref)
	}
	var value any = t.root
	for name := range strings.SplitSeq(path, "/") {
		if unescaped, err := url.PathUnescape(name); err == nil {
			name = unescaped
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil, events.Errorf(events.CodeInvalid, "", "there is no %q", ref)
			}
			value = v[i]
		default:
			value = nil
		}
	}
	if value == nil {
		return nil, events.Errorf(events.CodeInvalid, "", "there is no %q", ref)
	}
	return value, nil
}

// server returns the URL of the first server of an object.
func serverOf(of map[string]any) string {
	servers := list(of["servers"])
	if len(servers) == 0 {
		return ""
	}
	server := object(servers[0])
	address := text(server["url"])
	for name, variable := range object(server["variables"]) {
		if value := object(variable)["default"]; value != nil {
			address = strings.ReplaceAll(address, "{"+name+"}", fmt.Sprint(value))
		}
	}
	return address
}

// schemes returns the security schemes that can be read.
func (t *tree) schemes() map[string]Scheme {
	all := map[string]Scheme{}
	for name, node := range object(object(t.root["components"])["securitySchemes"]) {
		if s, _, err := t.resolve(node, ""); err == nil {
			all[name] = Scheme{Type: text(s["type"]), Name: text(s["name"]), In: text(s["in"]), Scheme: strings.ToLower(text(s["scheme"]))}
		}
	}
	return all
}
