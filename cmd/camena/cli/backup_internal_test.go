package cli

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
	"github.com/camena-io/camena/runtime/archive"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// installation is a bus and, while it runs, a repository.
type installation struct {
	bus      *bus.Bus
	metadata *client.Client
	repo     *repository.Repository
	stop     func()
}

func newInstallation(tb testing.TB) *installation {
	tb.Helper()
	i := &installation{bus: runtimetest.NewBus(tb, runtimetest.NewServer(tb))}
	i.metadata = client.New(i.bus, "test")
	return i
}

func (i *installation) start(tb testing.TB) {
	tb.Helper()
	repo, err := repository.New(repository.Settings{Node: "n1", Bus: i.bus, Logger: runtimetest.Logger()})
	if err != nil {
		tb.Fatal(err)
	}
	i.repo, i.stop = repo, runtimetest.Run(tb, repo.Serve)
	runtimetest.Eventually(tb, "a repository that answers", func() bool {
		_, err := i.metadata.Count(tb.Context(), events.Find{})
		return err == nil
	})
}

func (i *installation) apply(tb testing.TB, commands ...events.Command) []events.Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	results := make([]events.Result, len(commands))
	err := i.metadata.RequestAll(ctx, func(yield func(events.Event) bool) {
		for _, c := range commands {
			e, err := events.NewCommand("/test", c)
			if err != nil || !yield(e) {
				return
			}
		}
	}, func(n int, r events.Result) { results[n] = r })
	if err != nil {
		tb.Fatal(err)
	}
	return results
}

// export writes what there is to a file.
func (i *installation) export(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "backup.ndjson.gz")
	e := &exporting{progress: newProgress(io.Discard, true)}
	if _, err := e.run(tb.Context(), i.bus, file, io.Discard); err != nil {
		tb.Fatal(err)
	}
	return file
}

func (i *installation) restore(tb testing.TB, file string) error {
	tb.Helper()
	r := &restoring{progress: newProgress(io.Discard, true)}
	if err := r.verify(tb.Context(), file); err != nil {
		return err
	}
	return leading(tb.Context(), i.bus, "test", r.run)
}

func name(n int) string { return fmt.Sprintf("Term:%d", n) }

// answers is everything that the repository says, but for sequences.
func (i *installation) answers(tb testing.TB, terms int, moments []time.Time) []string {
	tb.Helper()
	sequence, err := i.metadata.LastChange(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	var all []string
	say := func(what string, answer any, err error) {
		if events.CodeOf(err) == events.CodeUnavailable {
			tb.Fatal(err)
		}
		data, encodeErr := events.Marshal(answer)
		all = append(all, fmt.Sprint(what, " ", string(data), " ", err, encodeErr))
	}
	count, err := i.metadata.Count(tb.Context(), events.Find{Page: events.Page{MinSequence: sequence}})
	count.Sequence = 0
	say("count", count, err)
	types, err := i.metadata.Types(tb.Context(), events.Types{Defined: true})
	types.Sequence = 0
	say("types", types, err)
	for n := range terms {
		h, err := i.metadata.History(tb.Context(), events.History{ElementRef: events.ByName(name(n))})
		h.Sequence = 0
		for c := range h.Changes {
			h.Changes[c].Sequence = 0
		}
		say("history of "+name(n), h, err)
		for _, m := range append(slices.Clone(moments), time.Time{}) {
			a, err := i.metadata.Get(tb.Context(), events.Get{ElementRef: events.ByName(name(n)), AsOf: m})
			a.Sequence = 0
			say(name(n)+" at "+m.String(), a, err)
		}
		r, err := i.metadata.Related(tb.Context(), events.Related{ElementRef: events.ByName(name(n))})
		r.Sequence = 0
		say("related to "+name(n), r, err)
	}
	return all
}

const terms = 4

// drawCommand draws a command of any kind about few elements.
func drawCommand(t *rapid.T) events.Command {
	n := rapid.IntRange(0, terms-1).Draw(t, "n")
	ref := events.ByName(name(n))
	other := events.ByName(name((n + 1) % terms))
	text := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "text")
	spec := events.ElementSpec{Type: "GlossaryTerm", QualifiedName: name(n), Properties: events.Props(map[string]any{"displayName": text})}
	if rapid.IntRange(0, 3).Draw(t, "anchored") == 0 {
		spec.Anchor = other
	}
	link := &events.Link{Relationship: events.RelationshipSpec{Type: "SemanticAssignment", End1: ref, End2: other}}
	return rapid.SampledFrom([]events.Command{
		&events.Upsert{Element: spec}, &events.Upsert{Element: spec}, &events.Upsert{Element: spec}, link, link,
		&events.Delete{Element: ref}, &events.Delete{Element: ref, Cascade: true, Method: events.DeletePurge}, &events.Restore{Element: ref},
		&events.Classify{Element: ref, Classification: events.Classification{Name: "Confidentiality", Properties: events.Props(map[string]any{"notes": text})}},
		&events.Fence{Connector: "c" + text, Generation: uint64(n) + 1},
		&events.DefineTypes{Types: []events.TypeDef{{Kind: events.KindElement, Name: "Own" + text, SuperType: "GlossaryTerm"}}},
		&events.Retype{Element: ref, Type: "Glossary"},
	}).Draw(t, "command")
}

// scenario is what happens before an export and after it was restored.
type scenario struct{ before, after []events.Command }

func drawScenario(t *rapid.T) scenario {
	return scenario{
		before: rapid.SliceOfN(rapid.Custom(drawCommand), 5, 60).Draw(t, "before"),
		// Fences are not restored: nodes begin to count anew.
		after: slices.DeleteFunc(rapid.SliceOfN(rapid.Custom(drawCommand), 1, 20).Draw(t, "after"),
			func(c events.Command) bool { return c.EventType() == events.TypeFenceConnector }),
	}
}

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

// upserts are so many commands, each of which changes something.
func upserts(n int) []events.Command {
	commands := make([]events.Command, n)
	for i := range commands {
		commands[i] = &events.Upsert{Element: events.ElementSpec{Type: "GlossaryTerm", QualifiedName: name(i)}}
	}
	return commands
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

	half := &restoring{progress: newProgress(io.Discard, true)}
	if err := half.verify(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	errStop := errors.New("interrupted")
	err := leading(t.Context(), second.bus, "test", func(ctx context.Context, b *bus.Bus) error {
		half.bus = b
		if _, err := half.prepare(ctx); err != nil {
			return err
		}
		read := 0
		return half.read(ctx, func(record *archive.Record) error {
			read++
			if read > 700 {
				return errStop
			}
			return half.add(ctx, record)
		})
	})
	if !errors.Is(err, errStop) || half.last != 500 {
		t.Fatalf("%d events are restored (%v)", half.last, err)
	}

	repo, err := repository.New(repository.Settings{Node: "n1", Bus: second.bus, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	// A node that runs refuses to answer, until all is there.
	stop := runtimetest.Run(t, repo.Serve)
	runtimetest.Eventually(t, "a repository that refuses", func() bool {
		_, err := second.metadata.Count(t.Context(), events.Find{})
		return events.CodeOf(err) == events.CodeUnavailable && strings.Contains(err.Error(), "restore again with the same file")
	})
	e := &exporting{progress: newProgress(io.Discard, true)}
	if _, err := e.run(t.Context(), second.bus, "-", io.Discard); err == nil || !strings.Contains(err.Error(), "nothing whole to export") {
		t.Errorf("exporting ends with %v", err)
	}
	told := regexp.MustCompile(`the restore of another file was interrupted here, an export of the domain camena made at \d{4}-\S+ \S+ with \d+ events: go on with that`)
	if err := second.restore(t, other); err == nil || !told.MatchString(err.Error()) {
		t.Errorf("restoring another file ends with %v", err)
	}
	s := &sender{metadata: second.metadata}
	if _, err := s.send(t.Context(), &events.Delete{Element: events.ByName("x")}); err == nil || !strings.Contains(err.Error(), "restore again") {
		t.Errorf("a command ends with %v", err)
	}
	var warned strings.Builder
	(&watching{p: &program{stderr: &warned}}).warn(t.Context(), second.metadata)
	if !strings.Contains(warned.String(), "not everything is there: a restore was interrupted") {
		t.Errorf("who watches is told %q", warned.String())
	}
	if err := second.restore(t, file); err != nil {
		t.Fatal(err)
	}
	runtimetest.Eventually(t, "a repository that answers", func() bool {
		_, err := second.metadata.Count(t.Context(), events.Find{})
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
		h, err := second.metadata.History(t.Context(), events.History{ElementRef: events.ByName(name(0))})
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
	if err := second.restore(t, file); err == nil || !strings.Contains(err.Error(), "1 command on the in topic") {
		t.Errorf("it ends with %v", err)
	}
	r := &restoring{progress: newProgress(io.Discard, true), force: true}
	if err := r.verify(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := leading(t.Context(), second.bus, "test", r.run); err != nil {
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
