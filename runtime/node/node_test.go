package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/node"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func TestANodeReleasesItsDataFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		n, err := node.New(node.Settings{Name: "n", Server: embedded.Settings{Dir: dir, Port: -1}, Logger: runtimetest.Logger()})
		if err != nil {
			t.Fatal(err)
		}
		stop := runtimetest.Run(t, n.Serve)
		await(t, n)
		stop()
		if _, ok := embedded.URLOf(dir); ok {
			t.Error("the data folder is still in use")
		}
	}
}

func TestTwoNodesOfOneNameAreRefused(t *testing.T) {
	t.Parallel()
	first := runtimetest.NewNode(t)
	second, err := node.New(node.Settings{Name: runtimetest.NodeName, Bus: bus.Settings{URL: first.URL()}, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := second.Serve(ctx); !errors.Is(err, node.ErrNameTaken) {
		t.Errorf("got %v, want %v", err, node.ErrNameTaken)
	}
}

func TestANodeWithoutTheRoleHostIsVisible(t *testing.T) {
	t.Parallel()
	first := runtimetest.NewNode(t)
	n, err := node.New(node.Settings{
		Name: "second", Roles: []string{node.RoleRepository}, Bus: bus.Settings{URL: first.URL()}, Logger: runtimetest.Logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := runtimetest.Run(t, n.Serve)
	await(t, n)
	nodes, err := bus.OpenBucket[events.Node](t.Context(), first.Bus(), first.Bus().Topics().NodesBucket())
	if err != nil {
		t.Fatal(err)
	}
	visible := func() bool {
		_, err := nodes.Get(t.Context(), "second")
		return err == nil
	}
	runtimetest.Eventually(t, "a heartbeat", visible)
	stop()
	runtimetest.Eventually(t, "the heartbeat to be gone", func() bool { return !visible() })
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]node.Settings{"no name": {}, "no such role": {Name: "n", Roles: []string{"poet"}}} {
		if _, err := node.New(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func await(t *testing.T, n *node.Node) {
	t.Helper()
	select {
	case <-n.Ready():
	case <-time.After(30 * time.Second):
		t.Fatal("the node is not ready within 30 s")
	}
}
