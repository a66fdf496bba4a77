package events_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	sdk "github.com/cloudevents/sdk-go/v2/event"
	sdktest "github.com/cloudevents/sdk-go/v2/test"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

func TestBinaryRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent().Draw(t, "event")
		header := map[string][]string{}
		body, err := events.Encode(&want, header)
		if err != nil {
			t.Fatal(err)
		}
		respelled := map[string][]string{}
		spell := rapid.SampledFrom([]func(string) string{
			strings.ToUpper,
			func(s string) string { return s },
			func(s string) string { return "Ce-" + strings.ToUpper(s[3:4]) + s[4:] },
		})
		for name, values := range header {
			respelled[spell.Draw(t, "spelling")(name)] = values
		}
		got, err := events.Decode(respelled, body)
		if err != nil {
			t.Fatalf("%q: %v", respelled, err)
		}
		sameEvent(t, got, want)
	})
}

// Every header can be read by following the NATS protocol binding to the letter.
func TestBinaryIsTheNATSBinding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent().Draw(t, "event")
		header := map[string][]string{}
		if _, err := events.Encode(&e, header); err != nil {
			t.Fatal(err)
		}
		read := map[string]string{}
		for name, values := range header {
			if !strings.HasPrefix(name, "ce-") || strings.ToLower(name) != name || len(values) != 1 {
				t.Fatalf("header %q: %q", name, values)
			}
			for _, c := range values[0] {
				if c <= ' ' || c > '~' || c == '"' {
					t.Fatalf("header %s: %q holds %q unescaped", name, values[0], c)
				}
			}
			value, err := url.PathUnescape(values[0])
			if err != nil {
				t.Fatal(err)
			}
			read[strings.TrimPrefix(name, "ce-")] = value
		}
		want := map[string]string{
			"specversion": "1.0", "id": e.ID, "source": e.Source, "type": e.Type, "subject": e.Subject,
			"datacontenttype": e.ContentType, "dataschema": e.DataSchema,
		}
		maps.Copy(want, e.Extensions)
		if !e.Time.IsZero() {
			want["time"] = e.Time.Format(time.RFC3339Nano)
		}
		for name, value := range want {
			if read[name] != value {
				t.Fatalf("%s: got %q, want %q", name, read[name], value)
			}
			if _, there := header["ce-"+name]; there && value == "" {
				t.Fatalf("%s is sent although it is empty", name)
			}
		}
		if header["Content-Type"] != nil {
			t.Fatal("a Content-Type would say structured mode")
		}
	})
}

func TestStructuredRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent().Draw(t, "event")
		body, err := events.EncodeStructured(&want)
		if err != nil {
			t.Fatal(err)
		}
		contentType := rapid.SampledFrom([]string{"application/cloudevents+json", "Application/CloudEvents+json; charset=utf-8", ""}).Draw(t, "content type")
		got, err := events.Decode(map[string][]string{"content-type": {contentType}}, body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		sameEvent(t, got, want)
	})
}

// The SDK reads what we write, and we what it writes.
func TestStructuredIsWhatTheSDKSpeaks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent().Draw(t, "event")
		// The SDK trims attributes.
		want.ID, want.Type, want.Subject = "i"+want.ID+"i", "t"+want.Type+"t", "s"+want.Subject+"s"
		body, err := events.EncodeStructured(&want)
		if err != nil {
			t.Fatal(err)
		}
		var theirs sdk.Event
		if err := json.Unmarshal(body, &theirs); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if err := theirs.Validate(); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if body, err = json.Marshal(theirs); err != nil {
			t.Fatal(err)
		}
		got, err := events.Decode(nil, body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if want.ContentType == events.JSON { // encoding/json escapes <, > and &
			got.Data, want.Data = compact(got.Data), compact(want.Data)
		}
		sameEvent(t, got, want)
	})
}

func compact(data []byte) []byte {
	p, err := events.ParseProperties(data)
	if err != nil {
		return data
	}
	return p.Raw()
}

func TestEventsOfTheSDK(t *testing.T) {
	t.Parallel()
	sdktest.EachEvent(t, sdktest.Events(), func(t *testing.T, theirs sdk.Event) {
		t.Helper()
		ours, err := events.Decode(map[string][]string{"Content-Type": {"application/cloudevents+json"}}, sdktest.MustJSON(t, theirs))
		if theirs.SpecVersion() != sdk.CloudEventsVersionV1 {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("CloudEvents %s: got %v, want a refusal", theirs.SpecVersion(), err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := events.EncodeStructured(&ours)
		if err != nil {
			t.Fatal(err)
		}
		var back sdk.Event
		if err := json.Unmarshal(body, &back); err != nil {
			t.Fatal(err)
		}
		back.DataBase64 = theirs.DataBase64 // how it is to be written, not what it says
		sdktest.AssertEventEquals(t, sdktest.ConvertEventExtensionsToString(t, theirs), back)
	})
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	full := func(extra ...string) map[string][]string {
		h := map[string][]string{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/s"}, "ce-type": {"t"}}
		for i := 0; i < len(extra); i += 2 {
			if extra[i+1] == "" {
				delete(h, extra[i])
				continue
			}
			h[extra[i]] = append(h[extra[i]], extra[i+1])
		}
		return h
	}
	const document = `{"specversion":"1.0","id":"1","source":"/s","type":"t",`
	for _, c := range []struct {
		name   string
		header map[string][]string
		body   string
		want   string
	}{
		{"nothing", nil, "", "not a CloudEvent: neither ce- headers nor a CloudEvents JSON document (the JSON document ends too early, at byte 0)"},
		{"a number", nil, "5", "not a CloudEvent: neither ce- headers nor a CloudEvents JSON document (expected an object, found a number)"},
		{"null", nil, "null", "not a CloudEvent: neither ce- headers nor a CloudEvents JSON document (null)"},
		{"trailing bytes", nil, document + `"x":"y"}}`, "not a CloudEvent: neither ce- headers nor a CloudEvents JSON document (not valid JSON at byte 63: invalid character '}' after top-level value)"},
		{"not UTF-8", nil, document + "\"x\":\"\xff\"}", "not a CloudEvent: neither ce- headers nor a CloudEvents JSON document (/x: not valid JSON at byte 60: invalid UTF-8)"},
		{"nested deep", nil, document + `"data":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", "exceeded max depth"},
		{"duplicate attribute", nil, document + `"id":"2"}`, "(/id: the same name occurs twice)"},
		{"no specversion", nil, "{}", "specversion: missing: a CloudEvent needs the attribute specversion"},
		{"structured 0.3", nil, `{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, `specversion: "0.3" is not supported; send CloudEvents 1.0`},
		{"no id", nil, `{"specversion":"1.0","source":"/s","type":"t"}`, "id: missing: a CloudEvent needs the attribute id"},
		{"id is null", nil, `{"specversion":"1.0","id":null,"source":"/s","type":"t"}`, "id: missing: a CloudEvent needs the attribute id"},
		{"id is a number", nil, `{"specversion":"1.0","id":1,"source":"/s","type":"t"}`, "id: expected a string, found a number"},
		{"time is no time", nil, document + `"time":"today"}`, `time: "today" is not a time such as 2006-01-02T15:04:05Z`},
		{"extension is an object", nil, document + `"x":{}}`, "x: expected a string, found an object"},
		{"extension is a fraction", nil, document + `"x":1.5}`, "x: 1.5 is not a whole number of 32 bits; send it as a string"},
		{"extension name", nil, document + `"aB":"y"}`, "aB: attribute names are lower-case letters and digits only"},
		{"two data", nil, document + `"data":1,"data_base64":""}`, "data_base64: data is given too; send only one of them"},
		{"base64 is a number", nil, `{"data_base64":1,` + document[1:] + `"x":"y"}`, "data_base64: expected a string, found a number"},
		{"base64 is none", nil, document + `"data_base64":"?"}`, "data_base64: not base64: illegal base64 data at input byte 0"},
		{"text is an object", nil, document + `"datacontenttype":"text/plain","data":{}}`, `data: expected a string, since datacontenttype is "text/plain", found an object`},
		{"batch", map[string][]string{"content-type": {"application/cloudevents-batch+json"}}, "[]", "datacontenttype: a batch of CloudEvents; send every event as a message of its own"},
		{"structured wins", full("Content-Type", "application/cloudevents+json", "ce-id", ""), "{}", "specversion: missing: a CloudEvent needs the attribute specversion"},

		{"binary without id", full("ce-id", ""), "", "id: missing: a CloudEvent needs the attribute id"},
		{"binary without source", full("ce-source", ""), "", "source: missing: a CloudEvent needs the attribute source"},
		{"binary without type", full("ce-type", ""), "", "type: missing: a CloudEvent needs the attribute type"},
		{"binary 0.3", map[string][]string{"Ce-Specversion": {"0.3"}}, "", `specversion: "0.3" is not supported; send CloudEvents 1.0`},
		{"binary time", full("ce-time", "today"), "", `time: "today" is not a time such as 2006-01-02T15:04:05Z`},
		{"header twice", full("ce-subject", "a", "ce-subject", "b"), "", "subject: the header ce-subject occurs 2 times"},
		{"two spellings", full("CE-ID", "2"), "", "id: the header ce-id occurs in two spellings"},
		{"two spellings of an extension", full("ce-x", "1", "Ce-X", "1"), "", "x: the header ce-x occurs in two spellings"},
		{"two spellings of the time", full("ce-time", "2006-01-02T15:04:05Z", "Ce-Time", "2006-01-02T15:04:05Z"), "", "time: the header ce-time occurs in two spellings"},
		{"name of an extension", full("ce-a-b", "1"), "", "a-b: attribute names are lower-case letters and digits only"},
		{"reserved", full("ce-data", "1"), "", "data: the name is taken by CloudEvents; an extension needs another one"},
		{"value not UTF-8", full("ce-x", "%ff"), "", "x: not UTF-8"},
		{"source", full("ce-source", "http://[", "ce-source", ""), "", "source: missing: a CloudEvent needs the attribute source"},
		{"first of several", full("ce-b", "%ff", "ce-a", "%ff", "ce-c", "%ff"), "", "a: not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := events.Decode(c.header, []byte(c.body))
			if events.CodeOf(err) != events.CodeInvalid {
				t.Fatalf("got %v, want an error of code %s", err, events.CodeInvalid)
			}
			if !strings.HasSuffix(err.Error(), c.want) && !strings.Contains(err.Error(), "max depth") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	valid := events.Event{ID: "1", Source: "/s", Type: "t"}
	for _, c := range []struct {
		name    string
		change  func(*events.Event)
		pointer string
	}{
		{"no id", func(e *events.Event) { e.ID = "" }, "id"},
		{"a source that is no URI", func(e *events.Event) { e.Source = "http://[" }, "source"},
		{"a schema that is no URI", func(e *events.Event) { e.DataSchema = "%" }, "dataschema"},
		{"text that is not UTF-8", func(e *events.Event) { e.Subject = "\xff" }, "subject"},
		{"an extension that is not UTF-8", func(e *events.Event) { e.Extensions = map[string]string{"x": "\xff"} }, "x"},
		{"an extension that hides an attribute", func(e *events.Event) { e.SetExtension("id", "2") }, "id"},
		{"an upper-case extension", func(e *events.Event) { e.SetExtension("X", "2") }, "X"},
		{"an extension without name", func(e *events.Event) { e.SetExtension("", "2") }, ""},
		{"a year that RFC 3339 lacks", func(e *events.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := valid
			c.change(&e)
			_, err := events.Encode(&e, map[string][]string{})
			_, errStructured := events.EncodeStructured(&e)
			for _, err := range []error{err, errStructured} {
				refusal, ok := err.(*events.Error) //nolint:errorlint // it is returned as such
				if !ok || refusal.Code != events.CodeInvalid || refusal.Pointer != c.pointer {
					t.Errorf("got %v, want a refusal at %q", err, c.pointer)
				}
			}
		})
	}
}

// What is no valid escape stands for itself, as the binding asks.
func TestDecodeIsLenientWithPercentSigns(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"100%": "100%", "%zz": "%zz", "%4": "%4", "%41%": "A%", "%e2%82%ac": "€", "%E2%82%AC": "€", "%2541": "%41", "%00": "\x00",
	} {
		e, err := events.Decode(map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"/s"}, "ce-type": {"t"}, "ce-subject": {sent},
		}, nil)
		if err != nil || e.Subject != want {
			t.Errorf("%q: got %q, %v, want %q", sent, e.Subject, err, want)
		}
	}
}

func TestSetExtensionMakesUTF8(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var e events.Event
		e.SetExtension("x", string(rapid.SliceOf(rapid.Byte()).Draw(t, "value")))
		if got := e.Extension("x"); !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
	})
}

func TestUint(t *testing.T) {
	t.Parallel()
	e := events.Event{Extensions: map[string]string{"max": "18446744073709551615", "bad": "-1"}}
	if n, err := e.Uint("max"); n != 1<<64-1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := e.Uint("absent"); n != 0 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := e.Uint("bad"); err == nil || err.Error() != `bad: "-1" is not a whole number` {
		t.Errorf("got %v", err)
	}
}
