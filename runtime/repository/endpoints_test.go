package repository_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// Whatever the repository answers, a connector can ask, and ask in a test, too.
func TestAContextAsksAllEndpoints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// by names the ways of a Context that are called otherwise than the endpoint.
	by := map[string]string{"count": "CountElements", "digests": "Reconcile"}
	context := reflect.TypeFor[*connectors.Context]()
	readers := []reflect.Type{reflect.TypeFor[connectors.Reader](), reflect.TypeFor[connectors.Explorer](), reflect.TypeFor[connectors.TypeReader]()}
	for _, r := range readers {
		if !reflect.TypeFor[*connectortest.Repository]().Implements(r) {
			t.Errorf("the repository in memory is no %s", r)
		}
	}
	endpoints := b.endpoints(t)
	for _, verb := range endpoints {
		method := string(verb[0]-'a'+'A') + verb[1:]
		name, other := by[verb]
		if !other {
			name = method
		}
		if _, ok := context.MethodByName(name); !ok {
			t.Errorf("a Context has no %s to ask the endpoint %s", name, verb)
		}
		asked := 0
		for _, r := range readers {
			if _, ok := r.MethodByName(method); ok {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("%d interfaces have %s", asked, method)
		}
	}
	if len(endpoints) < 9 {
		t.Errorf("there are only the endpoints %q", endpoints)
	}
	c := connectors.NewContext(connectors.Settings{Definition: events.Definition{ID: "c", Name: "c"}, Reader: b.metadata})
	for def, err := range c.Types(t.Context(), events.Types{}) {
		if err != nil {
			t.Fatal(err)
		}
		if def.Name != "" {
			return
		}
	}
	t.Error("there are no types")
}

// endpoints are the verbs that the repository answers.
func (b *bundle) endpoints(t *testing.T) (verbs []string) {
	t.Helper()
	b.must(t, typed("DataFile", "a", nil))
	answer, err := b.bus.Conn().RequestWithContext(t.Context(), "$SRV.INFO.camena-repository", nil)
	if err != nil {
		t.Fatal(err)
	}
	var info micro.Info
	if err := json.Unmarshal(answer.Data, &info); err != nil {
		t.Fatal(err)
	}
	for i := range info.Endpoints {
		verbs = append(verbs, info.Endpoints[i].Name)
	}
	return verbs
}
