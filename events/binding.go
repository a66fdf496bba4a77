package events

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	specVersion       = "1.0"
	prefix            = "ce-"
	headerContentType = "Content-Type"
	structuredType    = "application/cloudevents"
	batchType         = structuredType + "-batch"
)

// Encode writes e in binary mode into header and returns the message body. The
// names are as the CloudEvents NATS protocol binding says: "ce-" and the
// attribute's name, the content type included; values are percent-encoded.
func Encode(e *Event, header map[string][]string) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	list := e.headers()
	values := make([]string, len(list))
	for i, h := range list {
		values[i] = EncodeAttribute(h.value)
		header[h.name] = values[i : i+1 : i+1]
	}
	return e.Data, nil
}

// text is an attribute that CloudEvents defines, and whose value is any text.
type text struct {
	header string
	value  *string
}

func (t *text) name() string { return t.header[len(prefix):] }

// texts returns all such attributes.
func (e *Event) texts() [6]text {
	return [...]text{
		{prefix + "id", &e.ID},
		{prefix + "source", &e.Source},
		{prefix + "type", &e.Type},
		{prefix + "subject", &e.Subject},
		{prefix + "datacontenttype", &e.ContentType},
		{prefix + "dataschema", &e.DataSchema},
	}
}

// header is an attribute with the name of its header.
type header struct{ name, value string }

// headers returns the attributes that have a value.
func (e *Event) headers() []header {
	list := make([]header, 0, 8+len(e.Extensions))
	add := func(name, value string) {
		if value != "" {
			list = append(list, header{name, value})
		}
	}
	add(prefix+"specversion", specVersion)
	sent := *e
	sent.ContentType = e.contentType()
	for _, a := range sent.texts() {
		add(a.header, *a.value)
	}
	if !e.Time.IsZero() {
		add(prefix+"time", e.Time.UTC().Format(time.RFC3339Nano))
	}
	for name, value := range e.Extensions {
		add(prefix+name, value)
	}
	return list
}

// Decode reads a message in either mode. A content type of
// "application/cloudevents…", or no "ce-specversion" header at all, means
// structured mode. The event keeps a reference to body.
func Decode(header map[string][]string, body []byte) (Event, error) {
	var e Event
	binary, structured := false, ""
	var wrong *Error
	for name, values := range header {
		if strings.EqualFold(name, headerContentType) && len(values) > 0 {
			structured = max(structured, structuredMode(values[0]))
			continue
		}
		attribute, ok := attributeName(name)
		if !ok {
			continue
		}
		binary = binary || attribute == "specversion"
		// Which of several errors is reported must not depend on the map's order.
		if err := e.read(attribute, values); err != nil && (wrong == nil || err.Pointer < wrong.Pointer) {
			wrong = err
		}
	}
	switch {
	case structured == batchType:
		return Event{}, Errorf(CodeInvalid, "datacontenttype", "a batch of CloudEvents; send every event as a message of its own")
	case structured != "" || !binary:
		return decodeStructured(body)
	case wrong != nil:
		return Event{}, wrong
	}
	if len(body) > 0 {
		e.Data = body
	}
	if err := e.validateRequired(); err != nil {
		return Event{}, err
	}
	return e, nil
}

// structuredMode returns which of the media types of CloudEvents a content type
// begins with, if any.
func structuredMode(contentType string) string {
	for _, mode := range [...]string{batchType, structuredType} {
		if len(contentType) >= len(mode) && strings.EqualFold(contentType[:len(mode)], mode) {
			return mode
		}
	}
	return ""
}

// read takes one attribute from the values of its header.
func (e *Event) read(attribute string, values []string) *Error {
	switch {
	case len(values) == 0:
		return nil
	case len(values) > 1:
		return Errorf(CodeInvalid, attribute, "the header %s%s occurs %d times", prefix, attribute, len(values))
	}
	value := DecodeAttribute(values[0])
	if !utf8.ValidString(value) {
		return Errorf(CodeInvalid, attribute, notUTF8)
	}
	return e.set(attribute, value)
}

func (e *Event) set(attribute, value string) *Error {
	switch attribute {
	case "specversion":
		if value != specVersion {
			return Errorf(CodeInvalid, attribute, "%q is not supported; send CloudEvents %s", value, specVersion)
		}
		return nil
	case "time":
		t, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return Errorf(CodeInvalid, attribute, "%q is not a time such as 2006-01-02T15:04:05Z", value)
		}
		if !e.Time.IsZero() {
			return twice(attribute)
		}
		e.Time = t
		return nil
	}
	for _, a := range e.texts() {
		switch {
		case a.name() != attribute:
			continue
		case *a.value != "":
			return twice(attribute)
		}
		*a.value = value
		return nil
	}
	return e.addExtension(attribute, value)
}

func (e *Event) addExtension(name, value string) *Error {
	if !validAttribute(name) {
		return Errorf(CodeInvalid, name, badAttribute)
	}
	if reserved(name) {
		return Errorf(CodeInvalid, name, badExtension)
	}
	if _, there := e.Extensions[name]; there {
		return twice(name)
	}
	if value == "" {
		return nil
	}
	if e.Extensions == nil {
		e.Extensions = map[string]string{}
	}
	e.Extensions[name] = value
	return nil
}

// twice is for headers that differ in case only: NATS keeps both.
func twice(attribute string) *Error {
	return Errorf(CodeInvalid, attribute, "the header %s%s occurs in two spellings", prefix, attribute)
}

// attributeName returns the attribute that a header carries. NATS keeps the
// case of header names as sent, so other spellings of "ce-" are met.
func attributeName(header string) (string, bool) {
	if len(header) <= len(prefix) || !strings.EqualFold(header[:len(prefix)], prefix) {
		return "", false
	}
	return strings.ToLower(header[len(prefix):]), true
}

// EncodeAttribute makes the value of an attribute fit for a header: it escapes what the HTTP protocol binding of CloudEvents, to which
// the NATS binding refers, does not allow in a header value.
func EncodeAttribute(s string) string {
	i := 0
	for i < len(s) && !mustEscape(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if mustEscape(c) {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func mustEscape(c byte) bool {
	return c <= ' ' || c >= 0x7f || c == '"' || c == '%'
}

// DecodeAttribute reverses [EncodeAttribute]. It is lenient, as the binding asks: what is no valid escape
// stands for itself.
func DecodeAttribute(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
