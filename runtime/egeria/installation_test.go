package egeria_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
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
	repo, err := repository.New(repository.Settings{Node: "n1", Bus: i.bus, Logger: runtimetest.Logger()})
	if err != nil {
		tb.Fatal(err)
	}
	runtimetest.Run(tb, repo.Serve)
	runtimetest.Eventually(tb, "a repository that answers", func() bool {
		_, err := events.Ask(tb.Context(), i.metadata, &events.Count{})
		return err == nil
	})
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
