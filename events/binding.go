package events

import (
	"encoding/json"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

const (
	specVersion       = "1.0"
	prefix            = "ce-"
	headerSpecVersion = prefix + "specversion"
	headerContentType = "Content-Type"
	structuredType    = "application/cloudevents"
)

// Encode writes e in binary mode into header and returns the message body. The
// names are as the CloudEvents NATS protocol binding says: "ce-" and the
// attribute's name, the content type included; values are percent-encoded.
func Encode(e *Event, header map[string][]string) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	put := func(name, value string) { header[prefix+name] = []string{percentEncode(value)} }
	put("specversion", specVersion)
	put("id", e.ID)
	put("source", e.Source)
	put("type", e.Type)
	if e.Subject != "" {
		put("subject", e.Subject)
	}
	if !e.Time.IsZero() {
		put("time", e.Time.UTC().Format(time.RFC3339Nano))
	}
	if e.Data != nil {
		put("datacontenttype", e.contentType())
	}
	if e.DataSchema != "" {
		put("dataschema", e.DataSchema)
	}
	for name, value := range e.Extensions {
		put(name, value)
	}
	return e.Data, nil
}

// Decode reads a message in either mode. A content type of
// "application/cloudevents…", or no "ce-specversion" header at all, means
// structured mode. The event keeps a reference to body.
func Decode(header map[string][]string, body []byte) (Event, error) {
	if strings.HasPrefix(headerValue(header, headerContentType), structuredType) || !has(header, headerSpecVersion) {
		return decodeStructured(body)
	}
	var e Event
	for name, values := range header {
		attribute, ok := attributeName(name)
		if !ok || len(values) == 0 {
			continue
		}
		if len(values) > 1 {
			return Event{}, Errorf(CodeInvalid, attribute, "the header %s occurs %d times", name, len(values))
		}
		if err := e.set(attribute, percentDecode(values[0])); err != nil {
			return Event{}, err
		}
	}
	if len(body) > 0 {
		e.Data = body
	}
	return e, e.Validate()
}

// EncodeStructured writes e as one JSON document (structured mode).
func EncodeStructured(e *Event) ([]byte, error) {
	c, err := e.CloudEvent()
	if err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

func decodeStructured(body []byte) (Event, error) {
	var c cloudevents.Event
	if err := json.Unmarshal(body, &c); err != nil {
		return Event{}, Errorf(CodeInvalid, "", "not a CloudEvent: neither ce- headers nor a CloudEvents JSON document (%s)", firstLine(err.Error()))
	}
	return FromCloudEvent(&c)
}

func (e *Event) set(attribute, value string) error {
	switch attribute {
	case "specversion":
		if value != specVersion {
			return Errorf(CodeInvalid, attribute, "%q is not supported; send CloudEvents %s", value, specVersion)
		}
	case "id":
		e.ID = value
	case "source":
		e.Source = value
	case "type":
		e.Type = value
	case "subject":
		e.Subject = value
	case "datacontenttype":
		e.ContentType = value
	case "dataschema":
		e.DataSchema = value
	case "time":
		t, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return Errorf(CodeInvalid, attribute, "%q is not a time such as 2006-01-02T15:04:05Z", value)
		}
		e.Time = t
	default:
		e.SetExtension(attribute, value)
	}
	return nil
}

// attributeName returns the attribute that a header carries. NATS keeps the
// case of header names as sent, so other spellings of "ce-" are met.
func attributeName(header string) (string, bool) {
	if len(header) <= len(prefix) || !strings.EqualFold(header[:len(prefix)], prefix) {
		return "", false
	}
	return strings.ToLower(header[len(prefix):]), true
}

func has(header map[string][]string, name string) bool {
	if _, ok := header[name]; ok {
		return true
	}
	return headerValue(header, name) != ""
}

func headerValue(header map[string][]string, name string) string {
	if v := header[name]; len(v) > 0 {
		return v[0]
	}
	if v := header[textproto.CanonicalMIMEHeaderKey(name)]; len(v) > 0 {
		return v[0]
	}
	for _, key := range slices.Sorted(maps.Keys(header)) {
		if strings.EqualFold(key, name) && len(header[key]) > 0 {
			return header[key][0]
		}
	}
	return ""
}

// percentEncode escapes what the HTTP protocol binding of CloudEvents, to which
// the NATS binding refers, does not allow in a header value.
func percentEncode(s string) string {
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

// percentDecode is lenient, as the binding asks: what is no valid escape
// stands for itself.
func percentDecode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo)) //nolint:gosec // two hex digits fit a byte
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

func formatExtension(v any) (string, error) { return types.Format(v) }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
