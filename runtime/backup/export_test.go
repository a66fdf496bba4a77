package backup_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/backup"
)

// swept has an installation with a deleted element, and settings of an export
// that has read that it was created when its history is removed. More lies
// between than is fetched ahead.
func swept(t *testing.T) (*installation, backup.ExportSettings) {
	t.Helper()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(2)...)
	i.apply(t, &events.Link{Relationship: events.RelationshipSpec{Type: "SemanticAssignment", End1: events.ByName(name(0)), End2: events.ByName(name(1))}})
	i.apply(t, upserts(4000)...)
	i.apply(t, &events.Delete{Element: events.ByName(name(0))}, upserts(4001)[4000])
	isSwept := false
	return i, backup.ExportSettings{Bus: i.bus, Progress: func(done, _ uint64) {
		if done == 4 && !isSwept {
			isSwept = true
			if n := i.repo.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 2 {
				t.Errorf("%d are swept", n)
			}
		}
	}}
}

// TestWhatIsSweptMeanwhileIsNotExported: otherwise a restore would bring deleted
// elements back.
func TestWhatIsSweptMeanwhileIsNotExported(t *testing.T) {
	t.Parallel()
	first, s := swept(t)
	file := filepath.Join(t.TempDir(), "backup.ndjson.gz")
	done, err := backup.ExportFile(t.Context(), s, file)
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
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err != nil || len(left) > 0 {
		t.Errorf("files are left: %q (%v)", left, err)
	}
}

func TestWhatIsSweptMeanwhileEndsAnExportToAStream(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, s := swept(t)
	if _, err := backup.Export(t.Context(), s, &out); !errors.Is(err, backup.ErrSwept) {
		t.Errorf("it ends with %v", err)
	}
	if strings.Contains(out.String(), "io.camena.archive.end.v1") {
		t.Error("a backup that is not whole has an end")
	}
}

// TestExportOfAnOutTopicThatIsMadeAnew creates the out topic again meanwhile, as
// a restore does.
func TestExportOfAnOutTopicThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(3)...)
	i.stop()
	_, err := backup.Export(t.Context(), backup.ExportSettings{Bus: i.bus, Progress: func(done, total uint64) {
		if done == total {
			if err := i.bus.Renew(t.Context(), i.bus.Topics().OutStream()); err != nil {
				t.Error(err)
			}
		}
	}}, io.Discard)
	if events.CodeOf(err) != events.CodeConflict {
		t.Errorf("it ends with %v", err)
	}
}
