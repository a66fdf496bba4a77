package cli

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
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
		_, err := events.Ask(tb.Context(), i.metadata, &events.Count{})
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

func name(n int) string { return fmt.Sprintf("Term:%d", n) }

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
