package backup_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/backup"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

func TestMain(m *testing.M) { runtimetest.VerifyTestMain(m) }

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
	i.repo, i.stop = runtimetest.NewRepository(tb, i.bus)
}

func (i *installation) apply(tb testing.TB, commands ...events.Command) []events.Result {
	tb.Helper()
	return runtimetest.Apply(tb, i.metadata, commands...)
}

// export writes the repository to a file.
func (i *installation) export(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "backup.ndjson.gz")
	if _, err := backup.ExportFile(tb.Context(), backup.ExportSettings{Bus: i.bus}, file); err != nil {
		tb.Fatal(err)
	}
	return file
}

// restore restores a file into an installation that does not run.
func (i *installation) restore(tb testing.TB, file string) error {
	tb.Helper()
	_, err := i.restoreWith(tb, file, backup.RestoreSettings{})
	return err
}

func (i *installation) restoreWith(tb testing.TB, file string, s backup.RestoreSettings) (backup.Restored, error) {
	tb.Helper()
	b, err := backup.Verify(tb.Context(), file, nil)
	if err != nil {
		return backup.Restored{}, err
	}
	s.Bus, s.Node = i.bus, "test"
	return b.Restore(tb.Context(), s)
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
	count, err := events.Ask(tb.Context(), i.metadata, &events.Count{Find: events.Find{Page: events.Page{MinSequence: sequence}}})
	count.Sequence = 0
	say("count", count, err)
	types, err := events.Ask(tb.Context(), i.metadata, &events.Types{Defined: true})
	types.Sequence = 0
	say("types", types, err)
	for n := range terms {
		h, err := events.Ask(tb.Context(), i.metadata, &events.History{ElementRef: events.ByName(name(n))})
		h.Sequence = 0
		for c := range h.Changes {
			h.Changes[c].Sequence = 0
		}
		say("history of "+name(n), h, err)
		for _, m := range append(slices.Clone(moments), time.Time{}) {
			a, err := events.Ask(tb.Context(), i.metadata, &events.Get{ElementRef: events.ByName(name(n)), AsOf: m})
			a.Sequence = 0
			say(name(n)+" at "+m.String(), a, err)
		}
		r, err := events.Ask(tb.Context(), i.metadata, &events.Related{ElementRef: events.ByName(name(n))})
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

// upserts are so many commands, each of which changes something.
func upserts(n int) []events.Command {
	commands := make([]events.Command, n)
	for i := range commands {
		commands[i] = &events.Upsert{Element: events.ElementSpec{Type: "GlossaryTerm", QualifiedName: name(i)}}
	}
	return commands
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
