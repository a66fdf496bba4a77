package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/backup"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// TestRestoredInstallationAnswersTheSame does anything, exports, restores into
// another installation, and asks both the same, before and after more commands.
func TestRestoredInstallationAnswersTheSame(t *testing.T) {
	t.Parallel()
	for seed := range 6 {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			answersTheSame(t, rapid.Custom(drawScenario).Example(seed))
		})
	}
}

func answersTheSame(t *testing.T, s scenario) {
	t.Helper()
	first, second := newInstallation(t), newInstallation(t)
	first.start(t)
	var moments []time.Time
	for part := range slices.Chunk(s.before, 10) {
		moments = append(moments, time.Now())
		first.apply(t, part...)
	}
	moments = append(moments, time.Now())
	if err := second.restore(t, first.export(t)); err != nil {
		t.Fatal(err)
	}
	second.start(t)
	if diff := cmp.Diff(first.answers(t, terms, moments), second.answers(t, terms, moments)); diff != "" {
		t.Fatalf("it answers otherwise (-first +restored):\n%s", diff)
	}
	if diff := cmp.Diff(outcomes(first.apply(t, s.after...)), outcomes(second.apply(t, s.after...))); diff != "" {
		t.Fatalf("commands have another outcome (-first +restored):\n%s", diff)
	}
}

// outcomes are what can be compared of results.
func outcomes(results []events.Result) []string {
	var all []string
	for _, r := range results {
		all = append(all, fmt.Sprint(r.Changed, r.Version, r.Error))
	}
	return all
}

// TestInterruptedRestoreGoesOn restores half of a file: nobody takes that for the
// metadata, until the rest is restored, too.
func TestInterruptedRestoreGoesOn(t *testing.T) {
	t.Parallel()
	first, second := newInstallation(t), newInstallation(t)
	first.start(t)
	first.apply(t, upserts(1200)...)
	other := first.export(t)
	first.apply(t, &events.Delete{Element: events.ByName(name(7))})
	file := first.export(t)

	ctx, interrupt := context.WithCancel(t.Context())
	half, err := backup.Verify(ctx, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	done, err := half.Restore(ctx, backup.RestoreSettings{Bus: second.bus, Node: "test", Progress: func(int64, int64) {
		calls++
		if calls > 700 {
			interrupt()
		}
	}})
	if !errors.Is(err, context.Canceled) || !done.Begun || done.Records != 500 {
		t.Fatalf("%+v is restored (%v)", done, err)
	}

	repo, err := repository.New(repository.Settings{Node: "n1", Bus: second.bus, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	// A node that runs refuses to answer until all is there.
	stop := runtimetest.Run(t, repo.Serve)
	runtimetest.Eventually(t, "a repository that refuses", func() bool {
		_, err := events.Ask(t.Context(), second.metadata, &events.Count{})
		return events.CodeOf(err) == events.CodeUnavailable && strings.Contains(err.Error(), client.ErrRestoring.Error())
	})
	if _, err := backup.Export(t.Context(), backup.ExportSettings{Bus: second.bus}, io.Discard); !errors.Is(err, client.ErrRestoring) {
		t.Errorf("exporting ends with %v", err)
	}
	if err := second.restore(t, other); events.CodeOf(err) != events.CodeConflict || !strings.Contains(err.Error(), "domain camena") {
		t.Errorf("restoring another file ends with %v", err)
	}
	if err := second.restore(t, file); err != nil {
		t.Fatal(err)
	}
	runtimetest.Eventually(t, "a repository that answers", func() bool {
		_, err := events.Ask(t.Context(), second.metadata, &events.Count{})
		return err == nil
	})
	stop()
	second.start(t)
	if diff := cmp.Diff(first.answers(t, terms, nil), second.answers(t, terms, nil)); diff != "" {
		t.Errorf("it answers otherwise (-first +restored):\n%s", diff)
	}
}

// TestCommandsAfterARestoreAreAppliedOnce sends commands before the repository
// starts again, with positions in the file far behind the new in topic.
func TestCommandsAfterARestoreAreAppliedOnce(t *testing.T) {
	t.Parallel()
	first, second := newInstallation(t), newInstallation(t)
	first.start(t)
	first.apply(t, upserts(50)...)
	file := first.export(t)
	if err := second.restore(t, file); err != nil {
		t.Fatal(err)
	}
	change := func(text string) events.Event {
		e, err := events.NewCommand("/test", &events.Update{
			Element: events.ByName(name(0)), Properties: events.Props(map[string]any{"displayName": text}),
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if err := second.metadata.Send(t.Context(), slices.Values([]events.Event{change("a"), change("b")})); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		second.start(t)
		second.apply(t, &events.Update{Element: events.ByName(name(0)), Properties: events.Props(map[string]any{"displayName": strconv.Itoa(round)})})
		h, err := events.Ask(t.Context(), second.metadata, &events.History{ElementRef: events.ByName(name(0))})
		if err != nil || len(h.Changes) != 4+round {
			t.Errorf("round %d: %d changes (%v)", round, len(h.Changes), err)
		}
		second.stop()
	}
}

// TestCommandsThatWaitAreNotAppliedToWhatIsRestored refuses to restore while
// commands wait, unless they are thrown away.
func TestCommandsThatWaitAreNotAppliedToWhatIsRestored(t *testing.T) {
	t.Parallel()
	first, second := newInstallation(t), newInstallation(t)
	first.start(t)
	first.apply(t, upserts(5)...)
	file := first.export(t)
	e, err := events.NewCommand("/test", &events.Delete{Element: events.ByName(name(1))})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.metadata.Send(t.Context(), slices.Values([]events.Event{e})); err != nil {
		t.Fatal(err)
	}
	if err := second.metadata.SavePosition(t.Context(), "k", 0, []byte("7")); err != nil {
		t.Fatal(err)
	}
	if err := second.restore(t, file); events.CodeOf(err) != events.CodeConflict {
		t.Errorf("it ends with %v", err)
	}
	if _, err := second.restoreWith(t, file, backup.RestoreSettings{Force: true}); err != nil {
		t.Fatal(err)
	}
	second.start(t)
	if diff := cmp.Diff(first.answers(t, terms, nil), second.answers(t, terms, nil)); diff != "" {
		t.Errorf("it answers otherwise (-first +restored):\n%s", diff)
	}
	if p, err := second.metadata.LoadPosition(t.Context(), "k", 0); err != nil || p != nil {
		t.Errorf("a position is left: %q (%v)", p, err)
	}
}

// lived has an installation in which a little of everything has happened.
func lived(t *testing.T) *installation {
	t.Helper()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(terms)...)
	i.apply(t,
		&events.DefineTypes{Types: []events.TypeDef{{Kind: events.KindElement, Name: "Own", SuperType: "GlossaryTerm"}}},
		&events.Upsert{Element: events.ElementSpec{Type: "Own", QualifiedName: "Own:1", Anchor: events.ByName(name(3))}},
		&events.Link{Relationship: events.RelationshipSpec{Type: "SemanticAssignment", End1: events.ByName(name(0)), End2: events.ByName(name(1))}},
		&events.Link{Relationship: events.RelationshipSpec{Type: "SemanticAssignment", End1: events.ByName(name(2)), End2: events.ByName(name(1))}},
		&events.Update{Element: events.ByName(name(1)), Properties: events.Props(map[string]any{"displayName": "one"})},
		&events.Fence{Connector: "c", Generation: 7},
		&events.Delete{Element: events.ByName(name(2))},
	)
	return i
}

// changes are commands whose outcome depends on what is there.
func changes() []events.Command {
	return []events.Command{
		&events.Update{Element: events.ByName(name(1)), Properties: events.Props(map[string]any{"displayName": "again"})},
		&events.Upsert{Element: events.ElementSpec{Type: "Own", QualifiedName: "Own:2"}},
		&events.Link{Relationship: events.RelationshipSpec{Type: "SemanticAssignment", End1: events.ByName(name(0)), End2: events.ByName(name(1))}},
		&events.Delete{Element: events.ByName(name(3)), Cascade: true},
	}
}

// TestRestoreIntoAnotherDomain restores into an installation that shares its
// NATS with others.
func TestRestoreIntoAnotherDomain(t *testing.T) {
	t.Parallel()
	first := lived(t)
	file := first.export(t)
	second := installationOn(t, runtimetest.NewServer(t), "trial")
	if err := second.restore(t, file); err != nil {
		t.Fatal(err)
	}
	second.start(t)
	sameAnswers(t, first, second)
	second.apply(t, &events.Restore{Element: events.ByName(name(2))})
	if _, err := events.Ask(t.Context(), second.metadata, &events.Get{ElementRef: events.ByName(name(2))}); err != nil {
		t.Errorf("what was deleted before: %v", err)
	}
	// And from there back again.
	third := newInstallation(t)
	if err := third.restore(t, second.export(t)); err != nil {
		t.Fatal(err)
	}
	third.start(t)
	if diff := cmp.Diff(second.answers(t, terms, nil), third.answers(t, terms, nil)); diff != "" {
		t.Errorf("it answers otherwise (-restored +back):\n%s", diff)
	}
}

func sameAnswers(t *testing.T, first, second *installation) {
	t.Helper()
	if diff := cmp.Diff(first.answers(t, terms, nil), second.answers(t, terms, nil)); diff != "" {
		t.Fatalf("it answers otherwise (-first +restored):\n%s", diff)
	}
	if diff := cmp.Diff(outcomes(first.apply(t, changes()...)), outcomes(second.apply(t, changes()...))); diff != "" {
		t.Errorf("commands have another outcome (-first +restored):\n%s", diff)
	}
}

// TestRestoreWithoutHistory restores the present state only: what is there is as
// it was, and what was deleted is not there.
func TestRestoreWithoutHistory(t *testing.T) {
	t.Parallel()
	first, second := lived(t), newInstallation(t)
	file := filepath.Join(t.TempDir(), "present.ndjson")
	done, err := backup.ExportFile(t.Context(), backup.ExportSettings{Bus: first.bus, Latest: true}, file)
	if err != nil || done.Deleted != 2 {
		t.Fatalf("exported %+v (%v)", done, err)
	}
	if err := second.restore(t, file); err != nil {
		t.Fatal(err)
	}
	second.start(t)
	deletion := regexp.MustCompile(`: it was deleted at \S+;[^<]*`)
	present := func(i *installation) []string {
		var all []string
		for _, a := range i.answers(t, terms, nil) {
			if !strings.HasPrefix(a, "history of ") {
				all = append(all, deletion.ReplaceAllString(a, " "))
			}
		}
		return all
	}
	if diff := cmp.Diff(present(first), present(second)); diff != "" {
		t.Fatalf("it answers otherwise (-first +restored):\n%s", diff)
	}
	if r := second.apply(t, &events.Restore{Element: events.ByName(name(2))})[0]; r.Error == nil {
		t.Error("what was deleted before is back")
	}
	if diff := cmp.Diff(outcomes(first.apply(t, changes()...)), outcomes(second.apply(t, changes()...))); diff != "" {
		t.Errorf("commands have another outcome (-first +restored):\n%s", diff)
	}
}

// TestRestoreIntoWhatIsNotEmpty refuses to merge, and replaces what is there.
func TestRestoreIntoWhatIsNotEmpty(t *testing.T) {
	t.Parallel()
	first, second := lived(t), newInstallation(t)
	file := first.export(t)
	second.start(t)
	second.apply(t, upserts(900)...)
	second.apply(t, &events.DefineTypes{Types: []events.TypeDef{{Kind: events.KindElement, Name: "Other", SuperType: "GlossaryTerm"}}})
	second.stop()
	if err := second.restore(t, file); events.CodeOf(err) != events.CodeConflict {
		t.Errorf("without force it ends with %v", err)
	}
	if n, err := second.bus.LastSequence(t.Context(), second.bus.Topics().OutStream()); err != nil || n != 901 {
		t.Errorf("then it is at sequence %d (%v)", n, err)
	}
	done, err := second.restoreWith(t, file, backup.RestoreSettings{Force: true})
	if want := (backup.Restored{Records: 11}); err != nil || done != want {
		t.Errorf("got %+v (%v), want %+v", done, err, want)
	}
	if b, err := backup.Verify(t.Context(), file, nil); err != nil || b.Records != 11 || b.Fences != 1 {
		t.Errorf("the file has %+v (%v)", b, err)
	}
	second.start(t)
	sameAnswers(t, first, second)
}
