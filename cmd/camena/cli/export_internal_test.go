package cli

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// swept has an installation with what was deleted, and an export that has read
// that it was created, when it is swept. More lies between than is fetched ahead.
func swept(t *testing.T, file string, out io.Writer) (*installation, *exportRun) {
	t.Helper()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(2)...)
	i.apply(t, &events.Link{Relationship: events.RelationshipSpec{Type: "SemanticAssignment", End1: events.ByName(name(0)), End2: events.ByName(name(1))}})
	i.apply(t, upserts(4000)...)
	i.apply(t, &events.Delete{Element: events.ByName(name(0))}, upserts(4001)[4000])
	e := &exporting{progress: newProgress(io.Discard, true)}
	x, err := e.begin(t.Context(), i.bus, file, out)
	if err != nil {
		t.Fatal(err)
	}
	isSwept := false
	err = i.bus.Copy(t.Context(), x.copying(), func(m *bus.Message) error {
		if m.Sequence == 4 && !isSwept {
			isSwept = true
			if n := i.repo.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 2 {
				t.Errorf("%d are swept", n)
			}
		}
		return x.take(m)
	})
	if err != nil {
		t.Fatal(err)
	}
	return i, x
}

// TestWhatIsSweptMeanwhileIsNotExported: otherwise what was deleted would be back
// after a restore.
func TestWhatIsSweptMeanwhileIsNotExported(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "backup.ndjson.gz")
	first, x := swept(t, file, nil)
	done, err := x.finish(t.Context(), file)
	if err != nil || done.Swept != 2 || done.Records != 4000 {
		t.Fatalf("exported %+v (%v)", done, err)
	}
	second := newInstallation(t)
	if err := second.restore(t, file); err != nil {
		t.Fatal(err)
	}
	second.start(t)
	if diff := cmp.Diff(first.answers(t, terms, nil), second.answers(t, terms, nil)); diff != "" {
		t.Errorf("it answers otherwise (-first +restored):\n%s", diff)
	}
}

func TestWhatIsSweptMeanwhileEndsAnExportToAStream(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, x := swept(t, "-", &out)
	if _, err := x.finish(t.Context(), "-"); err == nil || !strings.Contains(err.Error(), "swept while it was exported: run it again, or export to a file") {
		t.Errorf("it ends with %v", err)
	}
	if strings.Contains(out.String(), "io.camena.archive.end.v1") {
		t.Error("what is not whole has an end")
	}
}

// TestExportOfAnOutTopicThatIsMadeAnew makes the out topic anew meanwhile, as a
// restore does.
func TestExportOfAnOutTopicThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(3)...)
	i.stop()
	e := &exporting{progress: newProgress(io.Discard, true)}
	x, err := e.begin(t.Context(), i.bus, "-", io.Discard)
	if err == nil {
		err = i.bus.Copy(t.Context(), x.copying(), x.take)
	}
	if err == nil {
		err = i.bus.Renew(t.Context(), i.bus.Topics().OutStream())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.finish(t.Context(), "-"); err == nil || !strings.Contains(err.Error(), "made anew meanwhile") {
		t.Errorf("it ends with %v", err)
	}
}
