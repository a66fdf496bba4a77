package events_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
)

// FuzzDecode reads headers, one "name: value" a line, and a body; what is read
// can be sent in both modes and read again.
func FuzzDecode(f *testing.F) {
	e := command1K(f)
	header := map[string][]string{}
	body, err := events.Encode(&e, header)
	if err != nil {
		f.Fatal(err)
	}
	var lines strings.Builder
	for name, values := range header {
		lines.WriteString(name + ": " + values[0] + "\n")
	}
	f.Add(lines.String(), body)
	structured, err := events.EncodeStructured(&e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("content-type: application/cloudevents+json", structured)
	f.Add("", []byte(`{"data_base64":1,"specversion":"1.0","id":"1","source":"/s","type":"t"}`))
	f.Add("", []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","x":true,"y":-5,"z":null,"data":null}`))
	f.Add("CE-ID: %41%zz%\nce-specversion: 1.0\nCe-Id: 2\nce-time: 2006-01-02T15:04:05+01:00", []byte(nil))
	f.Fuzz(func(t *testing.T, lines string, body []byte) {
		header := map[string][]string{}
		for line := range strings.Lines(lines) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			header[name] = append(header[name], value)
		}
		e, err := events.Decode(header, body)
		if err != nil {
			if _, again := events.Decode(header, body); events.CodeOf(err) != events.CodeInvalid || again.Error() != err.Error() {
				t.Fatalf("%v, then %v", err, again)
			}
			return
		}
		sent := map[string][]string{}
		data, err := events.Encode(&e, sent)
		if err != nil {
			if e.Time.UTC().Year() < 0 || e.Time.UTC().Year() > 9999 { // in UTC, not where it comes from
				return
			}
			t.Fatal(err)
		}
		again, err := events.Decode(sent, data)
		if err != nil {
			t.Fatal(err)
		}
		if e.ContentType == "" && len(e.Data) > 0 {
			e.ContentType = events.JSON
		}
		e.Time = e.Time.UTC()
		sameEvent(t, again, e)
		document, err := events.EncodeStructured(&e)
		if err != nil {
			t.Fatal(err)
		}
		again, err = events.Decode(nil, document)
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		if !bytes.Equal(again.Data, e.Data) {
			again.Data, e.Data = compactAny(again.Data), compactAny(e.Data) // JSON is embedded without white space
		}
		sameEvent(t, again, e)
	})
}

func compactAny(data []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimPrefix(compact([]byte(`{"":`+string(data)+`}`)), []byte(`{"":`)), []byte("}"))
}

func FuzzDecodeCommand(f *testing.F) {
	for typeName, c := range everyCommand(f) {
		data, err := events.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(typeName, data)
	}
	f.Add("", []byte("{}"))
	f.Add(events.TypeApplyChangeSet, []byte(`{"commands":[{"type":"`+events.TypeApplyChangeSet+`","data":{"commands":[]}}]}`))
	f.Fuzz(func(t *testing.T, typeName string, data []byte) {
		c, err := events.DecodeCommand(&events.Event{Type: typeName, Data: data})
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid || err.Error() == "" {
				t.Fatal(err)
			}
			return
		}
		e, err := events.NewCommand("/s", c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := events.DecodeCommand(&e)
		if err != nil {
			t.Fatalf("%s: %v", e.Data, err)
		}
		sameJSON(t, again, c)
	})
}

func FuzzParseProperties(f *testing.F) {
	for _, object := range []string{
		"", "{}", "null", `{"b":[1,{"d":-0,"c":"\u0041\n\/"}],"a":1E400}`, `{"\ud83d\ude00":1,"ﬀ":2}`, `{"a":1,"\u0061":2}`, nested(100), nested(101),
		`{ "a" : [ ] , "b" : { } }`, `{"a":"\\","b":"\""}`,
	} {
		f.Add([]byte(object), []byte(`{"a":null,"z":{"y":[null]}}`))
	}
	f.Fuzz(func(t *testing.T, object, patch []byte) {
		p, err := events.ParseProperties(object)
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid || len(err.Error()) > 100+len(object) {
				t.Fatal(err)
			}
			return
		}
		// Names in reverse order take the long way to the same form.
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(object, &fields); err != nil {
			t.Fatal(err)
		}
		var spaced bytes.Buffer
		if err := json.Indent(&spaced, object, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		for _, same := range [][]byte{p.Raw(), spaced.Bytes()} {
			again, err := events.ParseProperties(same)
			if err != nil || !again.Equal(p) {
				t.Fatalf("%s: %s, then %s, %v", same, p.Raw(), again.Raw(), err)
			}
		}
		if len(p.Map()) != len(fields) {
			t.Fatalf("%d properties, want %d", len(p.Map()), len(fields))
		}
		q, err := events.ParseProperties(patch)
		if err != nil {
			return
		}
		merged, err := p.Merge(q)
		if err != nil {
			t.Fatal(err)
		}
		again, err := events.ParseProperties(merged.Raw())
		if err != nil || !again.Equal(merged) {
			t.Fatalf("merged to %s, which is %s, %v", merged.Raw(), again.Raw(), err)
		}
	})
}

func fuzzUnmarshal[T any](f *testing.F, seeds ...string) {
	f.Helper()
	for _, seed := range append(seeds, "", "null", "{}", "[]", `{"x":1}`, "{} {}", `{"connector":"\ud800"}`) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := events.Unmarshal[T](data)
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		encoded, err := events.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := events.Unmarshal[T](encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		sameJSON(t, again, v)
	})
}

func sameJSON(t *testing.T, got, want any) {
	t.Helper()
	a, errA := events.Marshal(got)
	b, errB := events.Marshal(want)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Fatalf("got %s, %v, want %s, %v", a, errA, b, errB)
	}
}

const header = `"header":{"guid":"` + guid + `","type":{"typeName":"T","superTypeNames":["S"]},"qualifiedName":"a","versions":{"createdBy":"u","createTime":"2006-01-02T15:04:05.5+01:00","version":1},"origin":{"originCategory":"EXTERNAL_SOURCE","source":"s"},"zones":["z"]}`

func FuzzUnmarshalElementChange(f *testing.F) {
	fuzzUnmarshal[events.ElementChange](f,
		`{"element":{`+header+`,"properties":{"a":1},"classifications":[{"classificationName":"C","properties":{}}]},"classificationName":"C"}`,
		`{"previous":{`+header+`}}`)
}

func FuzzUnmarshalRelationshipChange(f *testing.F) {
	fuzzUnmarshal[events.RelationshipChange](f,
		`{"relationship":{`+header+`,"end1":{"guid":"a","typeName":"T"},"end2":{"guid":"b","typeName":"T","qualifiedName":"b"}}}`)
}

func FuzzUnmarshalCycle(f *testing.F) {
	fuzzUnmarshal[events.Cycle](f, `{"connector":"c","kind":"refresh","generation":7,"interval":"1m30s","run":"r","due":"2006-01-02T15:04:05Z"}`)
}

func FuzzUnmarshalAssignment(f *testing.F) {
	fuzzUnmarshal[events.Assignment](f, `{"definition":{"id":"i","element":"e","name":"n","kind":"k","configuration":{"b":1,"a":2},"refresh":"@every 10m","usesBlockingCalls":true,"permittedSynchronization":"TO_THIRD_PARTY","startDate":"2006-01-02T15:04:05Z"},"node":"n","generation":7}`)
}

func FuzzUnmarshalConnectorReport(f *testing.F) {
	fuzzUnmarshal[events.ConnectorReport](f, `{"connector":"c","name":"n","kind":"k","node":"n","generation":7,"status":"RUNNING","since":"2006-01-02T15:04:05Z","attempts":1,"problems":["p"],"statistics":{"a":-1}}`)
}

func FuzzUnmarshalNode(f *testing.F) {
	fuzzUnmarshal[events.Node](f, `{"name":"n","instance":"i","roles":["host"],"version":"v","started":"2006-01-02T15:04:05Z","kinds":["files"],"connectors":3}`)
}

func FuzzUnmarshalGet(f *testing.F) {
	fuzzUnmarshal[events.Get](f, `{"guid":"`+guid+`","minSequence":7}`, `{"qualifiedName":"a"}`, `{"qualifiedName":"a","qualifiedName":"b"}`)
}

func FuzzUnmarshalFind(f *testing.F) {
	fuzzUnmarshal[events.Find](f, `{"type":"T","source":"s","scope":"c","namePrefix":"p","text":"t","limit":10,"after":"x","minSequence":7}`, `{"limit":-1}`)
}

func FuzzUnmarshalRelated(f *testing.F) {
	fuzzUnmarshal[events.Related](f, `{"qualifiedName":"a","relationship":"R","end":1,"limit":10,"after":"x"}`, `{"end":3}`)
}

func FuzzUnmarshalDigests(f *testing.F) {
	fuzzUnmarshal[events.Digests](f, `{"source":"s","scope":"c","limit":5000,"after":"x","minSequence":7}`)
}

func FuzzUnmarshalHistory(f *testing.F) {
	fuzzUnmarshal[events.History](f, `{"guid":"`+guid+`","minSequence":18446744073709551615}`)
}

func FuzzUnmarshalResult(f *testing.F) {
	fuzzUnmarshal[events.Result](f,
		`{"guid":"g","version":2,"sequence":7,"changed":true,"steps":[{"guid":"g","version":1,"changed":true}]}`,
		`{"error":{"code":"invalid","message":"m","pointer":"/a"}}`)
}

func FuzzUnmarshalFence(f *testing.F) {
	fuzzUnmarshal[events.Fence](f, `{"connector":"c","generation":7}`)
}

func FuzzUnmarshalCycleReport(f *testing.F) {
	fuzzUnmarshal[events.CycleReport](f, `{"run":"r","connector":"c","name":"n","node":"n","kind":"refresh","outcome":"completed","error":"e","start":"2006-01-02T15:04:05Z","end":"2006-01-02T15:04:06+01:00","lateness":"1ms","created":1,"updated":2,"deleted":3}`)
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"", "0", "1h30m", "-5s", "1e9s", "9223372036854775807ns", "10", "1.5µs"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d, again events.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		written, err := d.MarshalText()
		if err == nil {
			err = again.UnmarshalText(written)
		}
		if err != nil || again != d {
			t.Fatalf("%d became %s, %d, %v", d, written, again, err)
		}
	})
}
