package events

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// ExtType is how errors name the CloudEvents type attribute.
const ExtType = "type"

// Event is a CloudEvent 1.0. ID, Source and Type are required.
type Event struct {
	ID          string
	Source      string
	Type        string
	Subject     string
	Time        time.Time
	ContentType string
	DataSchema  string
	// Extensions are the attributes beyond the specification, see ExtActor and
	// its neighbors. Names are lower-case letters and digits.
	Extensions map[string]string
	Data       []byte
}

// New returns an event with a fresh id, the present time and v encoded as JSON.
func New(source, typeName string, v any) (Event, error) {
	data, err := Marshal(v)
	if err != nil {
		return Event{}, invalidJSON(err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Event{}, err
	}
	return Event{
		ID: id.String(), Source: source, Type: typeName, Time: time.Now().UTC(),
		ContentType: JSON, Data: data,
	}, nil
}

// NewCommand returns the event that carries c; source is a URI reference that
// names the sender, such as "/connectors/files".
func NewCommand(source string, c Command) (Event, error) {
	if err := c.Validate(); err != nil {
		return Event{}, err
	}
	return New(source, c.EventType(), c)
}

// Extension returns the named extension attribute, or "".
func (e *Event) Extension(name string) string { return e.Extensions[name] }

// SetExtension sets an extension attribute; an empty value removes it. Bytes
// that are not UTF-8 are replaced, since no attribute can carry them.
func (e *Event) SetExtension(name, value string) {
	value = strings.ToValidUTF8(value, "\ufffd")
	if value == "" {
		delete(e.Extensions, name)
		return
	}
	if e.Extensions == nil {
		e.Extensions = map[string]string{}
	}
	e.Extensions[name] = value
}

// Uint returns an extension attribute that is a whole number; 0 if it is not there.
func (e *Event) Uint(name string) (uint64, error) {
	s := e.Extensions[name]
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, Errorf(CodeInvalid, name, "%q is not a whole number", s)
	}
	return n, nil
}

// Validate checks the required attributes and the form of all of them.
func (e *Event) Validate() error {
	if err := e.validateRequired(); err != nil {
		return err
	}
	for _, a := range e.texts() {
		if !utf8.ValidString(*a.value) {
			return Errorf(CodeInvalid, a.name(), notUTF8)
		}
	}
	if year := e.Time.UTC().Year(); year < 0 || year > 9999 {
		return Errorf(CodeInvalid, "time", "the year %d cannot be written in RFC 3339", year)
	}
	for name, value := range e.Extensions {
		switch {
		case !validAttribute(name):
			return Errorf(CodeInvalid, name, badAttribute)
		case reserved(name):
			return Errorf(CodeInvalid, name, badExtension)
		case !utf8.ValidString(value):
			return Errorf(CodeInvalid, name, notUTF8)
		}
	}
	return nil
}

// validateRequired checks what is left to check when each attribute has been
// decoded on its own.
func (e *Event) validateRequired() error {
	for _, a := range [...]struct{ name, value string }{{"id", e.ID}, {"source", e.Source}, {"type", e.Type}} {
		if a.value == "" {
			return Errorf(CodeInvalid, a.name, "missing: a CloudEvent needs the attribute %s", a.name)
		}
	}
	if !plainReference(e.Source) {
		if _, err := url.Parse(e.Source); err != nil {
			return Errorf(CodeInvalid, "source", "%q is not a URI reference", e.Source)
		}
	}
	if e.DataSchema != "" {
		if _, err := url.Parse(e.DataSchema); err != nil {
			return Errorf(CodeInvalid, "dataschema", "%q is not a URI", e.DataSchema)
		}
	}
	return nil
}

// What is wrong with an attribute; the error's pointer says which.
const (
	badAttribute = "attribute names are lower-case letters and digits only"
	badExtension = "the name is taken by CloudEvents; an extension needs another one"
	notUTF8      = "not UTF-8"
)

// reserved reports whether a name cannot be that of an extension.
func reserved(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", memberData:
		return true
	default:
		return false
	}
}

// plainReference spares the common sources a full URI parse.
func plainReference(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '/', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

func validAttribute(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// contentType returns the content type to send: data without one is JSON.
func (e *Event) contentType() string {
	if e.ContentType == "" && len(e.Data) > 0 {
		return JSON
	}
	return e.ContentType
}
