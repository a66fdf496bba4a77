package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

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
	if _, err := second.metadata.Get(t.Context(), events.Get{ElementRef: events.ByName(name(2))}); err != nil {
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

func installationOn(t *testing.T, server *embedded.Server, domain string) *installation {
	t.Helper()
	b, err := bus.Connect(t.Context(), bus.Settings{
		InProcess: server, Domain: domain, Name: t.Name(), Logger: runtimetest.Logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context(), topics.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	i := &installation{bus: b}
	i.metadata = client.New(b, "test")
	return i
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
	e := &exporting{progress: newProgress(io.Discard, true), noHistory: true}
	done, err := e.run(t.Context(), first.bus, file, nil)
	if err != nil || done.Deleted != 2 {
		t.Fatalf("exported %+v (%v)", done, err)
	}
	if err := second.restore(t, file); err != nil {
		t.Fatal(err)
	}
	second.start(t)
	fate := regexp.MustCompile(`: it was deleted at \S+; camena elements restore brings it back`)
	present := func(i *installation) []string {
		var all []string
		for _, a := range i.answers(t, terms, nil) {
			if !strings.HasPrefix(a, "history of ") {
				all = append(all, fate.ReplaceAllString(a, ""))
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
	if err := second.restore(t, file); err == nil || !strings.Contains(err.Error(), "the repository is not empty: it is at sequence 901 and holds 901 events") {
		t.Errorf("without force it ends with %v", err)
	}
	if n, err := second.bus.LastSequence(t.Context(), second.bus.Topics().OutStream()); err != nil || n != 901 {
		t.Errorf("then it is at sequence %d (%v)", n, err)
	}
	r := &restoring{progress: newProgress(io.Discard, true), force: true, where: "here"}
	if err := r.verify(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := leading(t.Context(), second.bus, "test", r.run); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	if err := r.tell(&told); err != nil {
		t.Error(err)
	}
	want := "restored 11 events into here\nleft out 1 event about the generation that connectors are fenced to: nodes count anew\n"
	if diff := cmp.Diff(told.String(), want); diff != "" {
		t.Errorf("it tells (-got +want):\n%s", diff)
	}
	second.start(t)
	sameAnswers(t, first, second)
}

// TestInterruptedByASignal interrupts the program when the first event is
// restored: it tells what the installation is good for, and how to go on.
func TestInterruptedByASignal(t *testing.T) {
	t.Parallel()
	const n = 10_000
	first := newInstallation(t)
	first.start(t)
	first.apply(t, upserts(n)...)
	file := first.export(t)
	server := runtimetest.NewServer(t)
	second := installationOn(t, server, topics.DefaultDomain)
	restore := func() (*exec.Cmd, *bytes.Buffer) {
		c := exec.CommandContext(t.Context(), "camena", "restore", file)
		out := &bytes.Buffer{}
		c.Stdout, c.Stderr = out, out
		c.Env = append(os.Environ(), "CAMENA_NATS_URL="+server.URL(), "CAMENA_NODE=n2", "GORACE=atexit_sleep_ms=0")
		return c, out
	}
	heard, err := second.bus.Conn().SubscribeSync(second.bus.Topics().Domain() + ".out.>")
	if err != nil {
		t.Fatal(err)
	}
	c, out := restore()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := heard.NextMsg(20 * time.Second); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := heard.Unsubscribe(); err != nil {
		t.Error(err)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = c.Wait()
	want := regexp.MustCompile(`(?m)^camena: interrupted; \d+ of 10000 events are restored into nats://\S+, domain camena, where questions are refused until all are: ` +
		`run it again with the same file to go on, or with --force to begin anew\n$`)
	if c.ProcessState.ExitCode() != exitFailed || !want.MatchString(out.String()) {
		t.Fatalf("it ends with %v: %s", err, out)
	}
	c, out = restore()
	if err := c.Run(); err != nil || !strings.Contains(out.String(), "restored 10000 events into nats://") {
		t.Fatalf("then it ends with %v: %s", err, out)
	}
	second.start(t)
	if a, err := second.metadata.Count(t.Context(), events.Find{}); err != nil || a.Elements["GlossaryTerm"] != n {
		t.Errorf("%v elements (%v)", a.Elements, err)
	}
}

// Who begins to watch behind the end is told where that is.
func TestWatchingFromBehindTheEnd(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(3)...)
	for from, want := range map[uint64]string{3: "", 4: "", 9: "--from 9: the last change so far has the sequence 3\n"} {
		var told strings.Builder
		w := &watching{p: &program{stderr: &told}}
		w.filter.From = from
		w.warn(t.Context(), i.metadata)
		if told.String() != want {
			t.Errorf("from %d: got %q, want %q", from, told.String(), want)
		}
	}
}
