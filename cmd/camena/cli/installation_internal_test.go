package cli

import (
	"fmt"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// installation is a bus and, while it runs, a repository.
type installation struct {
	bus      *bus.Bus
	metadata *client.Client
}

func newInstallation(tb testing.TB) *installation {
	tb.Helper()
	i := &installation{bus: runtimetest.NewBus(tb, runtimetest.NewServer(tb))}
	i.metadata = client.New(i.bus, "test")
	return i
}

func (i *installation) start(tb testing.TB) {
	tb.Helper()
	runtimetest.NewRepository(tb, i.bus)
}

func (i *installation) apply(tb testing.TB, commands ...events.Command) []events.Result {
	tb.Helper()
	return runtimetest.Apply(tb, i.metadata, commands...)
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
	b := runtimetest.Dial(t, bus.Settings{InProcess: server, Domain: domain, Name: t.Name()})
	return &installation{bus: b, metadata: client.New(b, "test")}
}
