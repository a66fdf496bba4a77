package client_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// generations returns a connector on two nodes: the former and the present one.
func generations(t *testing.T, b *bus.Bus) (former, present *connectors.Context) {
	t.Helper()
	made := make([]*connectors.Context, 2)
	for i := range made {
		m := client.New(b, "c1")
		made[i] = connectors.NewContext(connectors.Settings{
			Definition: events.Definition{ID: "c1", Name: "c1"}, Generation: uint64(i + 1), Publisher: m, Asker: m, Follower: m, Positions: m,
		})
		t.Cleanup(func() { _ = made[i].Close(context.WithoutCancel(t.Context())) })
	}
	return made[0], made[1]
}

func saved(t *testing.T, c *connectors.Context, want string) {
	t.Helper()
	if p, err := c.LoadPosition(t.Context(), "k"); err != nil || string(p) != want {
		t.Errorf("the position is %q, want %q (%v)", p, want, err)
	}
}

// Commands of a connector after it was moved are refused: with a position after them
// its successor would skip the changes.
func TestAPositionIsNotThatOfAnOlderGeneration(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"moved": "5", "moved before its first position": ""} {
		former, present := generations(t, setup(t))
		if before != "" {
			if err := former.SavePosition(t.Context(), "k", []byte(before)); err != nil {
				t.Fatal(err)
			}
		}
		saved(t, present, before)
		if err := former.SavePosition(t.Context(), "k", []byte("999")); events.CodeOf(err) != events.CodeStale {
			t.Errorf("%s: the former one saves: %v", name, err)
		}
		if _, err := former.LoadPosition(t.Context(), "k"); events.CodeOf(err) != events.CodeStale {
			t.Errorf("%s: the former one loads: %v", name, err)
		}
		saved(t, present, before)
		if err := present.SavePosition(t.Context(), "k", []byte("6")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		saved(t, present, "6")
	}
}

// As soon as the new node has loaded the position, the former one cannot change it.
func TestPositionsAreFencedWhileTheyAreSaved(t *testing.T) {
	t.Parallel()
	former, present := generations(t, setup(t))
	var saving sync.WaitGroup
	for n := range 4 {
		saving.Go(func() {
			for i := range 50 {
				err := former.SavePosition(t.Context(), "k", []byte(strconv.Itoa(1000*n+i)))
				if events.CodeOf(err) == events.CodeStale {
					return
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	loaded, err := present.LoadPosition(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	saved(t, present, string(loaded))
	saving.Wait()
	saved(t, present, string(loaded))
}

func TestPositionsWithoutGenerations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kv, err := b.JetStream().KeyValue(t.Context(), b.Topics().PositionsBucket())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), "c1.k", []byte("41")); err != nil { // as it was once written
		t.Fatal(err)
	}
	_, present := generations(t, b)
	saved(t, present, "41")
	m := client.New(b, "c1")
	if err := m.SavePosition(t.Context(), "k", 0, []byte("42")); err != nil {
		t.Fatal(err)
	}
	saved(t, present, "42")
	if err := m.SavePosition(t.Context(), "k", 1, nil); events.CodeOf(err) != events.CodeStale {
		t.Errorf("the generation is forgotten: %v", err)
	}
	// An entry of a later version is not read as a position.
	if _, err := kv.Put(t.Context(), "c1.later", []byte(`{"generation":9,"value":"NDE=","more":1}`)); err != nil {
		t.Fatal(err)
	}
	if v, err := m.LoadPosition(t.Context(), "later", 1); err == nil {
		t.Errorf("loaded %q", v)
	}
}
