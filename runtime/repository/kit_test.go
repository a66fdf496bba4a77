package repository_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// The repository that connectors are tested on is held against the model that
// this one is held against.
func TestTheKitsRepositoryEqualsTheModel(t *testing.T) {
	t.Parallel()
	shipped, err := opentypes.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	types := loosened(t, shipped)
	rapid.Check(t, func(rt *rapid.T) {
		list := slices.Concat(furniture(), rapid.SliceOfN(wishes(), 20, 60).Draw(rt, "commands"))
		synctest.Test(t, func(t *testing.T) { // the model has to know the time of each command
			k := &kit{world: world{t: t, model: newModel()}, repo: connectortest.NewRepository(types...)}
			k.repo.SetZones([]string{"sales", "research"}, []string{"draft"})
			k.send(rt, list)
			for _, id := range slices.Sorted(maps.Keys(k.model.graves)) {
				k.send(rt, []wish{{command: &events.Restore{Element: events.ByGUID(id)}}})
			}
			k.compare(rt)
		})
	})
}

// kit is a world without a bus.
type kit struct {
	world
	repo *connectortest.Repository
}

// send sends commands, and compares the outcomes with those of the model.
func (k *kit) send(rt *rapid.T, list []wish) {
	for _, o := range list {
		e, err := o.event()
		if err != nil {
			k.t.Fatal(err)
		}
		command, err := events.DecodeCommand(&e)
		if err != nil {
			k.t.Fatal(err)
		}
		i := issueOf(&e, uint64(len(k.learned)+1), time.Now().UTC())
		want := k.model.apply(i, command)
		k.learned = append(k.learned, learned{issue: i, command: command, result: want})
		got, err := k.repo.Request(k.t.Context(), e)
		if err != nil {
			k.t.Fatal(err)
		}
		if (got.Error != nil) != (want.refused != nil) || got.Error == nil && !want.is(&got, i.dry) {
			rt.Errorf("command %d: answered %+v, the model says %+v", len(k.learned), got, want)
		}
	}
}

func (k *kit) compare(rt *rapid.T) {
	out := newTold()
	for _, c := range k.repo.Changes() {
		out.take(&c)
	}
	k.compareTold(rt, out)
	if buried := len(k.repo.DeadLetters()); buried != k.model.refused {
		rt.Errorf("%d dead letters, the model refused %d", buried, k.model.refused)
	}
	if rt.Failed() {
		k.explain(rt)
	}
}
