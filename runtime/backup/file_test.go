package backup_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/backup"
)

func header() backup.Header {
	return backup.Header{
		Format: backup.Format, Domain: "camena", Created: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Records: 3, FirstSequence: 2, LastSequence: 9,
	}
}

func records() []backup.Record {
	event := func(id, data string) events.Event {
		return events.Event{
			ID: id, Source: "/connectors/files", Type: events.TypeElementCreated, Subject: "s", Time: time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC),
			ContentType: events.JSON, Extensions: map[string]string{events.ExtInSequence: "7"}, Data: []byte(data),
		}
	}
	return []backup.Record{
		{Subject: "camena.out.element.DataFile.1", Sequence: 2, Time: time.Date(2026, 1, 1, 0, 0, 0, 2, time.UTC), Event: event("a", `{"b":1.50,"a":"\u0041"}`)},
		{Sequence: 5, Event: event("b", "{\n}")},
		{Sequence: 9, Event: events.Event{ID: "c", Source: "/s", Type: "t", ContentType: "text/plain", Data: []byte("no JSON\xff")}},
	}
}

// written writes a backup, and fails if it cannot.
func written(tb testing.TB, m backup.Header, all []backup.Record) string {
	tb.Helper()
	var b bytes.Buffer
	w, err := backup.NewWriter(&b, m)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range all {
		if err := w.Write(&all[i]); err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func readAll(in io.Reader) (backup.Header, []backup.Record, error) {
	r, err := backup.NewReader(in)
	if err != nil {
		return backup.Header{}, nil, err
	}
	var all []backup.Record
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Header(), all, nil
		}
		if err != nil {
			return r.Header(), all, err
		}
		all = append(all, *record)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	text := written(t, header(), records())
	for name, form := range map[string]string{"plain": text, "compressed": zipped(t, text)} {
		m, got, err := readAll(strings.NewReader(form))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(m, header()); diff != "" {
			t.Errorf("%s: manifest (-got +want):\n%s", name, diff)
		}
		if diff := cmp.Diff(got, records(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: records (-got +want):\n%s", name, diff)
		}
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if _, err := events.Decode(nil, []byte(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	again := written(t, header(), records())
	if again != text {
		t.Error("writing the same again gives another backup")
	}
}

func anyRecords() *rapid.Generator[[]backup.Record] {
	return rapid.Custom(func(t *rapid.T) []backup.Record {
		var all []backup.Record
		sequence := uint64(0)
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanoseconds")).UTC()
		})
		data := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 20),
			rapid.Map(rapid.MapOf(rapid.String(), rapid.Float64()), func(m map[string]float64) []byte {
				raw, err := events.Marshal(m)
				if err != nil {
					return nil
				}
				return raw
			}),
		)
		for range rapid.IntRange(0, 8).Draw(t, "records") {
			sequence += rapid.Uint64Range(1, 1<<50).Draw(t, "step")
			r := backup.Record{
				Subject: rapid.String().Draw(t, "subject"), Sequence: sequence, Time: moment.Draw(t, "time"),
				Event: events.Event{
					ID: rapid.StringN(1, -1, -1).Draw(t, "id"), Source: "/" + rapid.StringMatching(`[a-z/]{0,9}`).Draw(t, "source"),
					Type: rapid.StringN(1, -1, -1).Draw(t, "type"), Subject: rapid.String().Draw(t, "event subject"),
					ContentType: rapid.SampledFrom([]string{events.JSON, "text/plain", "application/x+json"}).Draw(t, "content type"),
					Time:        moment.Draw(t, "event time"), Data: data.Draw(t, "data"),
				},
			}
			for name, value := range rapid.MapOf(rapid.StringMatching(`x[a-z0-9]{0,5}`), rapid.StringN(1, -1, -1)).Draw(t, "extensions") {
				r.Event.SetExtension(name, value)
			}
			all = append(all, r)
		}
		return all
	})
}

func TestAnyRecordsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		all := anyRecords().Draw(rt, "records")
		var b bytes.Buffer
		w, err := backup.NewWriter(&b, header())
		if err != nil {
			rt.Fatal(err)
		}
		for i := range all {
			if err := w.Write(&all[i]); err != nil {
				rt.Fatal(err)
			}
		}
		said, err := w.Close()
		if err != nil {
			rt.Fatal(err)
		}
		text := b.String()
		_, got, err := readAll(strings.NewReader(text))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(got, all, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("records (-got +want):\n%s", diff)
		}
		if said.Records != uint64(len(all)) {
			rt.Fatalf("%+v for %d records", said, len(all))
		}
		// No change of a single byte, and no cut, goes unnoticed.
		at := rapid.IntRange(0, len(text)-1).Draw(rt, "at")
		changed := text[:at] + string(text[at]^1) + text[at+1:]
		if _, _, err := readAll(strings.NewReader(changed)); err == nil && at < strings.LastIndex(text[:len(text)-1], "\n") {
			rt.Fatalf("byte %d was changed, and nobody knows", at)
		}
		if _, _, err := readAll(strings.NewReader(text[:at])); err == nil {
			rt.Fatalf("cut at byte %d, and nobody knows", at)
		}
	})
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	whole := written(t, header(), records())
	lines := slices.Collect(strings.Lines(whole))
	zip := zipped(t, whole)
	longest := len(lines[0]) + len(lines[1])
	tests := []struct {
		name, text      string
		line            int64
		pointer, reason string
		records         int
	}{
		{"empty", "", 1, "", "the file is empty", 0},
		{"cut in the middle of a line", whole[:longest+10], 3, "", "the backup ends here, in the middle of a line: it is truncated", 1},
		{"cut at the end of a line", strings.Join(lines[:3], ""), 4, "", "the backup ends here, after 2 records, without its last line: it is truncated", 2},
		{"cut in the last line", strings.TrimSuffix(whole, "\n"), 5, "", "in the middle of a line", 3},
		{"a record is missing", lines[0] + lines[1] + lines[3] + lines[4], 4, "/data/records", "the backup should have 3 records, but has 2", 2},
		{"the first record is missing", lines[0] + lines[2] + lines[3] + strings.Replace(lines[4], `"records":3`, `"records":2`, 1), 4, "/data", "should hold sequences 2 to 9, but holds 5 to 9", 2},
		{"a record is twice", lines[0] + lines[1] + lines[1] + lines[4], 3, "/streamsequence", "sequence 2 follows 2", 1},
		{"records are swapped", lines[0] + lines[2] + lines[1] + lines[3] + lines[4], 3, "/streamsequence", "sequence 2 follows 5", 1},
		{"a record is changed", strings.Replace(whole, "1.50", "1.51", 1), 5, "/data/sha256", "the backup was changed since it was written", 3},
		{"a line is no JSON", lines[0] + "Name: Willow\n" + lines[4], 2, "", "not a CloudEvent", 0},
		{"a line has no sequence", lines[0] + strings.Replace(lines[1], `"streamsequence":"2",`, "", 1), 2, "/streamsequence", "missing: the sequence", 0},
		{"a sequence is no number", lines[0] + strings.Replace(lines[1], `"streamsequence":"2"`, `"streamsequence":"two"`, 1), 2, "/streamsequence", "is not a whole number", 0},
		{"a time is no time", lines[0] + strings.Replace(lines[1], `"streamtime":"2026`, `"streamtime":"x026`, 1), 2, "/streamtime", "expected a time", 0},
		{"something follows", whole + "\n", 6, "", "something follows the last line", 3},
		{"another backup follows", lines[0] + lines[0], 2, "/type", "another backup begins here", 0},
		{"the last line makes no sense", lines[0] + strings.Replace(lines[4], `"records"`, `"recordings"`, 1), 2, "/data", "unknown field", 0},
		{"the first line is missing", strings.Join(lines[1:], ""), 1, "/type", "io.camena.archive.begin.v1", 0},
		{"the first line makes no sense", strings.Replace(whole, `"domain"`, `"realm"`, 1), 1, "/data", "unknown field", 0},
		{"no version", strings.Replace(whole, `"format":1`, `"format":"1"`, 1), 1, "/data/format", "the version of the format is missing", 0},
		{"newer version", strings.Replace(whole, `"format":1`, `"format":2,"more":[]`, 1), 1, "/data/format", "the backup is of format 2; this Camena reads up to format 1", 0},
		{"an open metadata archive", "{\"class\":\"OpenMetadataArchive\"}\n", 1, "", "imported", 0},
		{"truncated gzip", zip[:len(zip)-9], 6, "", "the compressed file is damaged here: unexpected EOF", 3},
		{"no gzip", "\x1f\x8bzip", 1, "", "the compressed file is damaged here", 0},
		{"endless line", lines[0] + strings.Repeat("x", backup.MaxLine+(1<<20)), 2, "", "the line is longer than 67108864 bytes", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, all, err := readAll(strings.NewReader(test.text))
			damage, ok := errors.AsType[*backup.DamageError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if damage.Line != test.line || damage.Pointer != test.pointer || !strings.Contains(damage.Reason, test.reason) {
				t.Errorf("%v\nwant line %d, %s: %s", damage, test.line, test.pointer, test.reason)
			}
			if len(all) != test.records && test.name != "truncated gzip" {
				t.Errorf("%d records, want %d", len(all), test.records)
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	valid := records()[0]
	tests := map[string]func(*backup.Record){
		"sequences begin at 1":                   func(r *backup.Record) { r.Sequence = 0 },
		"has the attribute streamtime already":   func(r *backup.Record) { r.Event.Extensions = map[string]string{"streamtime": "x"} },
		"which is no event of the out topic":     func(r *backup.Record) { r.Event.Type = "io.camena.archive.end.v1" },
		"sequence 2: id: missing":                func(r *backup.Record) { r.Event.ID = "" },
		"sequence 2: source: \"%zz\" is not a U": func(r *backup.Record) { r.Event.Source = "%zz" },
	}
	for want, change := range tests {
		r := valid
		change(&r)
		w, err := backup.NewWriter(io.Discard, header())
		if err != nil {
			t.Fatal(err)
		}
		first := w.Write(&r)
		if first == nil || !strings.Contains(first.Error(), want) {
			t.Errorf("got %v, want %s", first, want)
		}
		if again := w.Write(&valid); !errors.Is(again, first) {
			t.Errorf("then %v, want %v", again, first)
		}
		if _, err := w.Close(); !errors.Is(err, first) {
			t.Errorf("then %v, want %v", err, first)
		}
	}
}

// TestFilesAppearWhenComplete exports to files, compressed and not, and stops an
// export.
func TestFilesAppearWhenComplete(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(3)...)
	folder := t.TempDir()
	for _, name := range []string{"all.ndjson", "all.ndjson.gz"} {
		path := filepath.Join(folder, name)
		done, err := backup.ExportFile(t.Context(), backup.ExportSettings{Bus: i.bus, Progress: func(uint64, uint64) {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s is there before it is complete", name)
			}
		}}, path)
		if err != nil || done.Records != 3 {
			t.Fatalf("%+v, %v", done, err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if isZip := bytes.HasPrefix(content, []byte{0x1f, 0x8b}); isZip != strings.HasSuffix(name, ".gz") {
			t.Errorf("%s is compressed: %t", name, isZip)
		}
		if b, err := backup.Verify(t.Context(), path, nil); err != nil || b.Records != 3 {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := backup.ExportSettings{Bus: i.bus, Progress: func(uint64, uint64) { cancel() }}
	if _, err := backup.ExportFile(ctx, stop, filepath.Join(folder, "never.gz")); !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped export ends with %v", err)
	}
	if _, err := backup.ExportFile(t.Context(), backup.ExportSettings{Bus: i.bus}, filepath.Join(folder, "missing", "x")); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 2 {
		t.Errorf("files: %v, %v", entries, err)
	}
}

func TestVerifyStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	file := filepath.Join(t.TempDir(), "b")
	if err := os.WriteFile(file, []byte(written(t, header(), records()[:1])), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Verify(ctx, file, nil); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// FuzzBackup reads anything as a backup. What is read can be written and
// read again.
func FuzzBackup(f *testing.F) {
	whole := written(f, header(), records())
	f.Add([]byte(whole))
	f.Add([]byte(whole[:len(whole)/2]))
	f.Add([]byte(strings.Replace(whole, `"format":1`, `"format":1e1`, 1)))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, all, err := readAll(bytes.NewReader(data))
		if _, isDamage := errors.AsType[*backup.DamageError](err); err != nil && !isDamage {
			t.Fatal(err)
		}
		if len(all) == 0 {
			return
		}
		var b bytes.Buffer
		w, err := backup.NewWriter(&b, m)
		if err != nil {
			return // a time that cannot be written
		}
		for i := range all {
			if err := w.Write(&all[i]); err != nil {
				if strings.Contains(err.Error(), "RFC 3339") {
					return
				}
				t.Fatal(err)
			}
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, again, err := readAll(&b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if !bytes.Equal(again[i].Event.Data, all[i].Event.Data) || again[i].Sequence != all[i].Sequence || again[i].Subject != all[i].Subject {
				t.Fatalf("%+v, then %+v", all[i], again[i])
			}
		}
	})
}
