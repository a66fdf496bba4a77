package events

import (
	"net/url"
	"strconv"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
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
	// its neighbours. Names are lower-case letters and digits.
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

// SetExtension sets an extension attribute; an empty value removes it.
func (e *Event) SetExtension(name, value string) {
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
	for name := range e.Extensions {
		if !validAttribute(name) {
			return Errorf(CodeInvalid, name, "attribute names are lower-case letters and digits only")
		}
	}
	return nil
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

// CloudEvent returns e as the type of the CloudEvents SDK.
func (e *Event) CloudEvent() (cloudevents.Event, error) {
	if err := e.Validate(); err != nil {
		return cloudevents.Event{}, err
	}
	c := cloudevents.New(cloudevents.CloudEventsVersionV1)
	c.SetID(e.ID)
	c.SetSource(e.Source)
	c.SetType(e.Type)
	if e.Subject != "" {
		c.SetSubject(e.Subject)
	}
	if !e.Time.IsZero() {
		c.SetTime(e.Time)
	}
	if e.DataSchema != "" {
		c.SetDataSchema(e.DataSchema)
	}
	for name, value := range e.Extensions {
		c.SetExtension(name, value)
	}
	if e.Data != nil {
		if err := c.SetData(e.contentType(), e.Data); err != nil {
			return c, Errorf(CodeInvalid, "", "data: %s", err)
		}
	}
	if err := c.Validate(); err != nil {
		return c, Errorf(CodeInvalid, "", "not a CloudEvent: %s", err)
	}
	return c, nil
}

// FromCloudEvent takes over an event of the CloudEvents SDK.
func FromCloudEvent(c *cloudevents.Event) (Event, error) {
	if err := c.Validate(); err != nil {
		return Event{}, Errorf(CodeInvalid, "", "not a CloudEvent: %s", err)
	}
	e := Event{
		ID: c.ID(), Source: c.Source(), Type: c.Type(), Subject: c.Subject(), Time: c.Time(),
		ContentType: c.DataContentType(), DataSchema: c.DataSchema(), Data: c.Data(),
	}
	for name, value := range c.Extensions() {
		text, err := formatExtension(value)
		if err != nil {
			return Event{}, Errorf(CodeInvalid, name, "%s", err)
		}
		e.SetExtension(name, text)
	}
	return e, e.Validate()
}

func (e *Event) contentType() string {
	if e.ContentType == "" {
		return JSON
	}
	return e.ContentType
}
