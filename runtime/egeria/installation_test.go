package egeria_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// installation is a bus and a repository.
type installation struct {
	bus      *bus.Bus
	metadata *client.Client
}

func newInstallation(tb testing.TB) *installation {
	tb.Helper()
	i := &installation{bus: runtimetest.NewBus(tb, runtimetest.NewServer(tb))}
	i.metadata = client.New(i.bus, "test")
	runtimetest.NewRepository(tb, i.bus)
	return i
}

// apply sends a command on behalf of a metadata source, "" for none.
func (i *installation) apply(t *testing.T, source string, c events.Command) {
	t.Helper()
	e, err := events.NewCommand("/test", c)
	if err != nil {
		t.Fatal(err)
	}
	e.SetExtension(events.ExtMetadataSource, source)
	if r, err := i.metadata.Request(t.Context(), e); err != nil || r.Error != nil {
		t.Fatal(err, r.Error)
	}
}
