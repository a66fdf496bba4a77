package repository_test

import (
	"fmt"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/internal/graphtest"
)

// looseTypes are the shipped ones, with attributes of any kind for tests to
// which it does not matter.
func looseTypes(tb testing.TB) *opentypes.Registry {
	tb.Helper()
	return graphtest.Types()
}

// flow1 and flow2 are guids of relationships.
const (
	flow1 = "bbbbbbbb-0000-4000-8000-000000000001"
	flow2 = "bbbbbbbb-0000-4000-8000-000000000002"
)

func upsert(typ, name string, properties map[string]any) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: typ, QualifiedName: name, Properties: events.Props(properties)}}
}

func same(a, b map[string]any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
