package events

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The members of a structured document that are not attributes.
const (
	memberData   = "data"
	memberBase64 = "data_base64"
)

// EncodeStructured writes e as one JSON document (structured mode). It embeds JSON
// data and writes other data in base64.
func EncodeStructured(e *Event) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	doc := map[string]any{}
	for _, h := range e.headers() {
		doc[strings.TrimPrefix(h.name, prefix)] = h.value
	}
	switch {
	case len(e.Data) == 0:
	case e.embeddable():
		doc[memberData] = jsontext.Value(e.Data)
	default:
		doc[memberBase64] = e.Data
	}
	return Marshal(doc)
}

// embeddable reports whether the data can be embedded in a JSON document.
func (e *Event) embeddable() bool {
	return isJSON(e.ContentType) && jsontext.Value(e.Data).IsValid()
}

// decodeStructured reads a JSON document. The decoder of the SDK accepts duplicate
// names, and panics if data_base64 is not a string.
func decodeStructured(body []byte) (Event, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		reason := "null"
		if err != nil {
			reason = invalidJSON(err).Error()
		}
		return Event{}, Errorf(CodeInvalid, "", "not a CloudEvent: neither ce- headers nor a CloudEvents JSON document (%s)", reason)
	}
	if _, ok := members["specversion"]; !ok {
		return Event{}, Errorf(CodeInvalid, "specversion", "missing: a CloudEvent needs the attribute specversion")
	}
	data, base64Data := members[memberData], members[memberBase64]
	delete(members, memberData)
	delete(members, memberBase64)
	var e Event
	var wrong *Error
	for name, value := range members {
		// Which of several errors is reported must not depend on the map's order.
		if err := e.readMember(name, value); err != nil && (wrong == nil || err.Pointer < wrong.Pointer) {
			wrong = err
		}
	}
	if wrong != nil {
		return Event{}, wrong
	}
	if err := e.readData(data, base64Data); err != nil {
		return Event{}, err
	}
	if err := e.validateRequired(); err != nil {
		return Event{}, err
	}
	return e, nil
}

// readMember reads one attribute. Extensions may also be booleans and 32-bit
// integers; null means absent.
func (e *Event) readMember(name string, value jsontext.Value) *Error {
	switch kind := value.Kind(); kind {
	case 'n':
		return nil
	case '"':
		return e.set(name, unquote(value))
	case 't', 'f', '0':
		_, err := strconv.ParseInt(string(value), 10, 32)
		if kind == '0' && err != nil {
			return Errorf(CodeInvalid, name, "%s is not a whole number of 32 bits; send it as a string", value)
		}
		if reserved(name) {
			return Errorf(CodeInvalid, name, "expected a string, found %s", kindName(kind))
		}
		return e.set(name, string(value))
	default:
		return Errorf(CodeInvalid, name, "expected a string, found %s", kindName(kind))
	}
}

func (e *Event) readData(data, base64Data jsontext.Value) error {
	switch {
	case data != nil && base64Data != nil:
		return Errorf(CodeInvalid, memberBase64, "%s is given too; send only one of them", memberData)
	case base64Data != nil:
		if base64Data.Kind() != '"' {
			return Errorf(CodeInvalid, memberBase64, "expected a string, found %s", kindName(base64Data.Kind()))
		}
		decoded, err := base64.StdEncoding.DecodeString(unquote(base64Data))
		if err != nil {
			return Errorf(CodeInvalid, memberBase64, "not base64: %s", err)
		}
		e.Data = decoded
	case data != nil && isJSON(e.ContentType):
		e.Data = data
	case data != nil:
		if data.Kind() != '"' {
			return Errorf(CodeInvalid, memberData, "expected a string, since datacontenttype is %q, found %s", e.ContentType, kindName(data.Kind()))
		}
		e.Data = []byte(unquote(data))
	}
	return nil
}

// unquote returns the text of a valid JSON string.
func unquote(value jsontext.Value) string {
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}

// isJSON reports whether a content type means JSON. An empty one does (CloudEvents
// JSON format).
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	return media == "" || media == JSON || media == "text/json" || strings.HasSuffix(media, "+json")
}
