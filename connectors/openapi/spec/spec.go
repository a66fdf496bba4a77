// Package spec reads OpenAPI 3.0 documents as real ones are: each operation and
// each schema is read by itself, so that a mistake in one makes that one
// unsupported and no other. Schemas are followed only as far as they are needed,
// and may refer to themselves.
package spec

import (
	"fmt"
	"strings"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// The limits of a document.
const (
	MaxBytes      = 32 << 20
	MaxOperations = 20_000
)

// Document is what an OpenAPI document says.
type Document struct {
	// Server is the URL of the first server with its variables filled in. It may be
	// relative or empty.
	Server string
	// Schemes are the security schemes, by name.
	Schemes map[string]Scheme
	// Operations are those that can be executed, in the order of their names.
	Operations []*Operation
	// Unsupported are the others.
	Unsupported []Unsupported
	Entities    []*Entity
}

// Operation is one method of one path.
type Operation struct {
	// Name identifies it, whatever its case. It is stable: it does not depend on the
	// order of the document.
	Name string
	// ID is the operationId.
	ID          string
	Method      string
	Path        string // with templates in braces
	Description string
	// Server is the URL of a server of its own.
	Server     string
	Parameters []Parameter
	Body       *Body
	Result     Result
	// Security are the alternatives, each the names of schemes that are needed together.
	Security [][]string
	variant  bool // of another with the same method and path
}

// Unsupported is an operation that cannot be executed.
type Unsupported struct {
	Name   string
	Method string
	Path   string
	// Reason points at the part of the document.
	Reason *events.Error
}

// Parameter is a parameter of an operation.
type Parameter struct {
	dataservice.PropertyDefinition

	In string // path, query or header
	// Explode writes each part of a value by itself: in the style simple in paths and
	// headers, form in queries.
	Explode bool
}

// Body is the body of a request.
type Body struct {
	MediaType string
	Required  bool
	Type      dataservice.Type // JSON or bytes
	// Fields are the properties, if the schema is that of an object.
	Fields []dataservice.PropertyDefinition
}

// Result is the JSON that an operation answers with.
type Result struct {
	// Ref points at the schema of an object, or of the objects of a list; empty: the
	// document promises no JSON.
	Ref  string
	List bool
	// Fields are the properties of an object.
	Fields []dataservice.PropertyDefinition
}

// Scheme is a security scheme.
type Scheme struct {
	Type   string // apiKey, http, oauth2 or openIdConnect
	Name   string // of an API key
	In     string // where an API key goes
	Scheme string // of HTTP: basic, bearer or another
}

// Find returns the operation of a name, an operationId, or a method and a path such
// as "GET /pet/{petId}"; nil if there is none.
func (d *Document) Find(name string) *Operation {
	for _, is := range []func(*Operation) bool{
		func(o *Operation) bool { return strings.EqualFold(o.Name, name) },
		func(o *Operation) bool { return o.ID == name },
		func(o *Operation) bool { return o.Method+" "+o.Path == name },
	} {
		for _, o := range d.Operations {
			if is(o) {
				return o
			}
		}
	}
	return nil
}

// Parse reads a document in JSON or YAML. The error is about the document as a
// whole; what is wrong with an operation is in Unsupported.
func Parse(data []byte) (*Document, error) {
	root, err := decode(data)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(root); err != nil {
		return nil, err
	}
	t := &tree{root: root}
	d := &Document{Server: serverOf(root), Schemes: t.schemes()}
	found, err := t.operations()
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		o, err := t.operation(r)
		if err != nil {
			d.Unsupported = append(d.Unsupported, Unsupported{Name: r.name, Method: r.method, Path: r.path, Reason: events.AsError(err)})
			continue
		}
		d.Operations = append(d.Operations, o)
	}
	d.Entities = entities(d.Operations)
	return d, nil
}

func checkVersion(root map[string]any) error {
	if version, old := root["swagger"]; old {
		return events.Errorf(events.CodeUnsupported, "/swagger",
			"the document is OpenAPI %v, only 3.0 is supported; convert it to 3.0", version)
	}
	version := fmt.Sprint(root["openapi"])
	switch {
	case root["openapi"] == nil:
		return events.Errorf(events.CodeInvalid, "/openapi", "missing: this is no OpenAPI document")
	case version != "3.0" && !strings.HasPrefix(version, "3.0."):
		return events.Errorf(events.CodeUnsupported, "/openapi", "the document is OpenAPI %.20s, only 3.0 is supported", version)
	default:
		return nil
	}
}
