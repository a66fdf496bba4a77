package graphtest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/internal/graphtest"
)

// The repository of the conformance kit behaves as the model, as the real one does.
func TestRepositoryEqualsTheModel(t *testing.T) {
	t.Parallel()
	types, loose := graphtest.Types(), graphtest.LooseTypes()
	rapid.Check(t, func(rt *rapid.T) {
		list := slices.Concat(graphtest.Fixtures(), rapid.SliceOfN(graphtest.Requests(), 20, 60).Draw(rt, "commands"))
		synctest.Test(t, func(t *testing.T) { // the model has to know the time of each command
			k := &modelled{T: t, model: graphtest.NewModel(types), repo: connectortest.NewRepository(loose...)}
			k.repo.SetZones([]string{"sales", "research"}, []string{"draft"})
			k.send(rt, list)
			k.send(rt, k.model.Restores())
			k.compare(rt)
		})
	})
}

// modelled is a repository and the model of it.
type modelled struct {
	*testing.T

	model *graphtest.Model
	repo  *connectortest.Repository
}

// send sends commands, and compares the outcomes with those of the model.
func (k *modelled) send(rt *rapid.T, list []events.Event) {
	for _, e := range list {
		n := len(k.model.Applied()) + 1
		want, err := k.model.Apply(&e, uint64(n), time.Now().UTC())
		if err != nil {
			rt.Fatal(err)
		}
		got, err := k.repo.Request(k.Context(), e)
		if err != nil {
			rt.Fatal(err)
		}
		if !want.Matches(&got) {
			rt.Errorf("command %d: answered %+v, the model says %s", n, got, want)
		}
	}
}

func (k *modelled) compare(rt *rapid.T) {
	out := graphtest.NewChangeLog()
	for _, c := range k.repo.Changes() {
		out.Add(&events.Preview{Type: c.Type, Element: c.Element, Relationship: c.Relationship, OpenType: c.OpenType})
	}
	k.model.Compare(rt, out)
	if letters := len(k.repo.DeadLetters()); letters != k.model.Refused() {
		rt.Errorf("%d dead letters, the model refused %d", letters, k.model.Refused())
	}
	if rt.Failed() {
		k.model.Explain(rt)
	}
}
