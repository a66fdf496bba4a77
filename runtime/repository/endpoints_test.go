package repository_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// Whatever can be asked, the repository answers, and so does the one in memory.
func TestAllQuestionsAreAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var verbs []string
	c := connectors.NewContext(connectors.Settings{Definition: events.Definition{ID: "c", Name: "c"}, Asker: b.metadata})
	memory := connectortest.NewRepository()
	for _, row := range events.Questions() {
		verbs = append(verbs, row.New().Verb())
		for name, asker := range map[string]events.Asker{"the bus": c, "memory": memory} {
			if _, err := asker.Ask(t.Context(), row.New()); err != nil && events.CodeOf(err) != events.CodeInvalid && events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("%s, %s: %v", row.New().Verb(), name, err)
			}
		}
	}
	slices.Sort(verbs)
	if d := cmp.Diff(verbs, b.endpoints(t)); d != "" {
		t.Errorf("questions and endpoints (-questions +endpoints):\n%s", d)
	}
	for def, err := range events.All(t.Context(), c, &events.Types{}) {
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
	slices.Sort(verbs)
	return verbs
}
