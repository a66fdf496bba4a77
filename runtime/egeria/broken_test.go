package egeria_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/runtime/egeria"
)

func TestBrokenArchives(t *testing.T) {
	t.Parallel()
	first := entity(library, named("a"), "")
	whole := store("entities", first, entity(north, named("b"), ""))
	middle, between := strings.Index(whole, north)+10, len(store("entities", first))-len("\n]}}")
	zip := zipped(t, willow(t))
	tests := []struct {
		name, text    string
		line, offset  int64
		pointer       string
		reason        string
		elements      int
		isLineUnknown bool
	}{
		{name: "empty", text: "", line: 1, reason: "the file is empty"},
		{name: "blank", text: " \n\n", line: 3, offset: 3, reason: "the file is empty"},
		{
			name: "truncated within an entity", text: whole[:middle], line: 8, offset: int64(middle),
			pointer: "/archiveInstanceStore/entities/1/guid", reason: "the archive ends here", elements: 1,
		},
		{
			name: "truncated between entities", text: whole[:between], line: 6, offset: int64(between),
			pointer: "/archiveInstanceStore/entities", reason: "it is truncated", elements: 1,
		},
		{
			name: "one brace is missing", text: whole[:len(whole)-1], line: 11, offset: int64(len(whole) - 1),
			reason: "it is truncated", elements: 2,
		},
		{
			name: "not JSON", text: strings.Replace(whole, north+`",`, north+`"`, 1), line: 9, offset: int64(strings.Index(whole, north) + len(north) + 2),
			pointer: "/archiveInstanceStore/entities/1", reason: "not JSON: invalid character '\"'", elements: 1,
		},
		{
			name: "not JSON at all", text: "\nName: Willow\n", line: 2, offset: 1, reason: "not JSON: invalid character 'N'",
		},
		{
			name: "an array", text: "[1]", line: 1, reason: "expected an object, found an array",
		},
		{
			name: "a number", text: "  7", line: 1, offset: 2, reason: "expected an object, found a number",
		},
		{
			name: "another document", text: `{"openapi":"3.0.3"}`, line: 1,
			reason: "nor archiveTypeStore nor archiveInstanceStore",
		},
		{
			name: "another class", text: "{\n\"class\":\"InstanceGraph\"}", line: 2, offset: 10, pointer: "/class",
			reason: `"InstanceGraph", which is no`,
		},
		{
			name: "class that is no name", text: `{"class":[]}`, line: 1, offset: 9, pointer: "/class", reason: "a class, found an array",
		},
		{
			name: "wrong version", text: "{\"headerVersion\":\n2}", line: 2, offset: 18, pointer: "/headerVersion",
			reason: "is of version 2",
		},
		{
			name: "native archive", text: `{"data":{},"specversion":"1.0"}`, line: 1, offset: 25, pointer: "/specversion",
			reason: "this is a CloudEvent",
		},
		{
			name: "more than one document", text: whole + "\n{}", line: 12, offset: int64(len(whole) + 1), reason: "something follows", elements: 2,
		},
		{
			name: "nested too deep", text: `{"archiveInstanceStore":{"later":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + "}}",
			line: 1, offset: 10_031, pointer: "/archiveInstanceStore/later" + strings.Repeat("/0", 120), reason: "exceeded max depth",
		},
		{
			name: "no gzip", text: "\x1f\x8bzip", line: 1, reason: "the compressed file is damaged",
		},
		{
			name: "truncated gzip", text: zip[:len(zip)/2], reason: "damaged here: unexpected EOF", elements: -1, isLineUnknown: true,
		},
		{
			name: "changed gzip", text: zip[:len(zip)-6] + "garden", reason: "damaged here: gzip: invalid checksum", line: 1073,
			offset: int64(len(willow(t))), elements: -1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plan := check(t, test.text)
			b := plan.Report.Broken
			if b == nil {
				t.Fatal("it is not broken")
			}
			pointer, _ := strings.CutSuffix(b.Where.Pointer, "…")
			place := b.Where.Line == test.line && b.Where.Offset == test.offset && (pointer == test.pointer || len(pointer) > 200 && strings.HasPrefix(test.pointer, pointer))
			if !place && !test.isLineUnknown || !strings.Contains(b.Reason, test.reason) {
				t.Errorf("%s\nwant line %d, byte %d, %s: %s", b, test.line, test.offset, test.pointer, test.reason)
			}
			if n := plan.Report.Counts[egeria.KindElement].Found; test.elements >= 0 && n != test.elements {
				t.Errorf("%d elements were found, want %d", n, test.elements)
			}
			if plan.Report.Complete() {
				t.Error("the report is complete")
			}
			for s, err := range plan.Steps(t.Context()) {
				if s != nil || err == nil || !strings.Contains(err.Error(), "nothing is taken") {
					t.Errorf("a step, %+v, and %v", s, err)
				}
			}
		})
	}
}

// TestEveryTruncation cuts an archive everywhere.
func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	whole := strings.TrimSuffix(willow(t), "\n")
	for n := 0; n < len(whole); n += 29 {
		plan := check(t, whole[:n])
		b := plan.Report.Broken
		if b == nil {
			t.Fatalf("cut at %d, it is not broken", n)
		}
		if want := int64(strings.Count(whole[:n], "\n") + 1); n > 0 && (b.Where.Line != want || b.Where.Offset != int64(n)) {
			t.Fatalf("cut at %d, on line %d: %s", n, want, b)
		}
	}
}

// TestBrokenStructure is about parts of an archive that are not what they should
// be: nobody knows then what it holds, nor whose that is.
func TestBrokenStructure(t *testing.T) {
	t.Parallel()
	one := entity(library, "", "")
	header := func(member string) string {
		return "{\"archiveProperties\":{\"archiveName\":\"Willow\",\n" + member + "},\n\"archiveInstanceStore\":{\"entities\":[" + one + "]}}"
	}
	tests := []struct {
		name, text      string
		line, offset    int64
		pointer, reason string
	}{
		{
			"store is no object", "{\"archiveProperties\":null,\n\"archiveInstanceStore\":[]}",
			2, 50, "/archiveInstanceStore", "expected an object, found an array",
		}, {
			"types are no object", "{\"archiveTypeStore\":true}", 1, 20, "/archiveTypeStore", "expected an object, found a boolean",
		}, {
			"section is no array", "{\"archiveInstanceStore\":{\"entities\":\n{}}}",
			2, 37, "/archiveInstanceStore/entities", "expected an array, found an object",
		}, {
			"section twice", "{\"archiveInstanceStore\":{\"entities\":[" + one + "],\n\"entities\":[" + one + "]}}",
			5, 173, "/archiveInstanceStore/entities", "the same name occurs twice",
		}, {
			"store twice", "{\"archiveInstanceStore\":{\"entities\":[" + one + "]},\n\"archiveInstanceStore\":{\"relationships\":[]}}",
			5, 186, "/archiveInstanceStore", "the same name occurs twice",
		}, {
			"header twice", "{\"archiveProperties\":{},\n\"archiveProperties\":{}}", 2, 45, "/archiveProperties", "the same name occurs twice",
		}, {
			"header is no object", "{\"archiveProperties\":7}", 1, 21, "/archiveProperties", "expected an object, found a number",
		}, {
			"version is a number", header(`"archiveVersion": 99`), 2, 64, "/archiveProperties/archiveVersion", "expected a string, found a number",
		}, {
			"date of creation", header(`"creationDate":true`), 2, 61, "/archiveProperties/creationDate", "found a boolean",
		}, {
			"no UTF-8", header("\"archiveDescription\":\"\xff\""), 2, 67, "/archiveProperties/archiveDescription", "invalid UTF-8",
		}, {
			"half a character", header(`"archiveGUID":"\ud83d"`), 2, 60, "/archiveProperties/archiveGUID", "invalid surrogate pair",
		}, {
			"name twice", header(`"archiveName":"Oak"`), 1, 36, "/archiveProperties/archiveName", "the same name occurs twice",
		}, {
			"what it depends on", header(`"dependsOnArchives":[1]`), 2, 67, "/archiveProperties/dependsOnArchives/0", "expected a string, found a number",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plan := check(t, test.text)
			b := plan.Report.Broken
			if b == nil {
				t.Fatalf("it is not broken: %+v", plan.Report)
			}
			if want := (egeria.Place{Line: test.line, Offset: test.offset, Pointer: test.pointer}); b.Where != want || !strings.Contains(b.Reason, test.reason) {
				t.Errorf("%s\nwant %s: %s", b, want, test.reason)
			}
		})
	}
}

// TestItChangesBetweenReadings replaces an archive after it was checked.
func TestItChangesBetweenReadings(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "archive.json")
	whole := store("entities", entity(library, "", ""), entity(north, "", ""))
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(whole)
	a, err := egeria.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	plan, err := a.Check(t.Context(), egeria.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	write(strings.Replace(whole, north, strings.Repeat("x", len(north)), 1))
	var failed *egeria.DamageError
	taken := 0
	for _, err := range plan.Steps(t.Context()) {
		if err == nil {
			taken++
		} else if !errors.As(err, &failed) {
			t.Fatal(err)
		}
	}
	want := &egeria.DamageError{Where: egeria.Place{Line: 8, Offset: 183, Pointer: "/archiveInstanceStore/entities/1/guid"}}
	if failed == nil || !strings.HasPrefix(failed.Reason, "the archive was changed") || taken != 1 {
		t.Fatalf("%d taken, then %v", taken, failed)
	}
	if failed.Where.Line != want.Where.Line || failed.Where.Pointer != want.Where.Pointer {
		t.Errorf("%s, want %s", failed.Where, want.Where)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := egeria.Open(filepath.Join(folder, "missing.json")); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
	if _, err := egeria.Open(folder); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("got %v", err)
	}
}

func TestCheckStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(willow(t)).Check(ctx, egeria.Settings{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	plan := check(t, willow(t))
	var last error
	for _, err := range plan.Steps(ctx) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v", last)
	}
	if _, err := egeria.New(unreadable{}, 100).Check(t.Context(), egeria.Settings{}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// unreadable is a file on a disk that fails.
type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestProgress(t *testing.T) {
	t.Parallel()
	var done, total int64
	progress := func(d, n int64) {
		if d < done && d != 0 && n == total || d > n {
			t.Errorf("%d of %d comes after %d of %d", d, n, done, total)
		}
		done, total = d, n
	}
	plan := checkWith(t, willow(t), egeria.Settings{Progress: progress})
	if size := int64(len(willow(t))); done != size || total != size {
		t.Errorf("%d of %d at the end of the check, want %d", done, total, size)
	}
	steps(t, plan)
	if done != total || done == 0 {
		t.Errorf("%d of %d at the end", done, total)
	}
}

// endless is a file of an archive with as many entities as fit, which is
// nowhere as a whole.
type endless struct {
	head, item, tail string
	items            int64
}

func (e *endless) size() int64 {
	return int64(len(e.head)) + e.items*int64(len(e.item)) + int64(len(e.tail))
}

func (e *endless) ReadAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) {
		at := offset + int64(n) - int64(len(e.head))
		var from string
		switch {
		case at < 0:
			from = e.head[len(e.head)+int(at):]
		case at < e.items*int64(len(e.item)):
			from = e.item[at%int64(len(e.item)):]
		case at < e.size()-int64(len(e.head)):
			from = e.tail[at-e.items*int64(len(e.item)):]
		default:
			return n, io.EOF
		}
		n += copy(p[n:], from)
	}
	return n, nil
}

// TestLargeArchives reads an archive that is much larger than what is kept of it.
func TestLargeArchives(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	var r relay
	r.item = strings.Repeat(" ", 100_000) + entity(library, named(strings.Repeat("x", 20_000)), "") + ",\n"
	r.head, r.tail, r.items = `{"archiveInstanceStore":{"entities":[`, entity(north, "", "")+"]}}", 950
	var most uint64
	plan, err := egeria.New(&r, r.size()).Check(t.Context(), egeria.Settings{Progress: func(int64, int64) {
		r.reads++
		if r.reads%200 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plan.Report.Counts[egeria.KindElement], (egeria.Count{Found: 951, Taken: 2, Skipped: 949}); got != want {
		t.Errorf("%+v, want %+v: %v", got, want, plan.Report.Broken)
	}
	if size := uint64(r.size()); size < 100<<20 || most > 60<<20 {
		t.Errorf("reading %d MiB took %d MiB", size>>20, most>>20)
	}
}

type relay struct {
	endless

	reads int
}

func TestManyFindings(t *testing.T) {
	t.Parallel()
	var e endless
	e.head, e.item, e.tail, e.items = `{"archiveInstanceStore":{"entities":[`, "7,", "7]}}", egeria.MaxFindings+50
	plan, err := egeria.New(&e, e.size()).Check(t.Context(), egeria.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	n := egeria.MaxFindings + 51
	if diff := cmp.Diff(plan.Report.Counts, map[egeria.Kind]egeria.Count{egeria.KindElement: {Found: n, Refused: n}}); diff != "" {
		t.Errorf("counts (-got +want):\n%s", diff)
	}
	if len(plan.Report.Findings) != egeria.MaxFindings || plan.Report.Omitted != 51 {
		t.Errorf("%d findings and %d more", len(plan.Report.Findings), plan.Report.Omitted)
	}
}
