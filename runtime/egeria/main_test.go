package egeria_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func TestMain(m *testing.M) { runtimetest.VerifyTestMain(m) }

// open opens an archive of that text.
func open(text string) *egeria.Archive {
	return egeria.New(strings.NewReader(text), int64(len(text)))
}

// check checks an archive of that text against an empty repository, in which
// every type is known.
func check(t *testing.T, text string) *egeria.Plan {
	t.Helper()
	return checkWith(t, text, egeria.Settings{})
}

func checkWith(t *testing.T, text string, settings egeria.Settings) *egeria.Plan {
	t.Helper()
	plan, err := open(text).Check(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// steps returns what a plan yields.
func steps(t *testing.T, plan *egeria.Plan) []*egeria.Step {
	t.Helper()
	var all []*egeria.Step
	for s, err := range plan.Steps(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Command != nil {
			if err := s.Command.Validate(); err != nil {
				t.Errorf("%s: %v", s.Where, err)
			}
		}
		all = append(all, s)
	}
	return all
}

// defined returns the types that a step defines.
func defined(s *egeria.Step) []events.TypeDef {
	if c, ok := s.Command.(*events.DefineTypes); ok {
		return c.Types
	}
	return nil
}

// having returns a lookup in a repository that has elements with those guids.
func having(guids ...string) func(context.Context, []string) ([]string, error) {
	return func(_ context.Context, asked []string) ([]string, error) {
		return slices.DeleteFunc(slices.Clone(asked), func(guid string) bool { return !slices.Contains(guids, guid) }), nil
	}
}

// knowing returns the lookup of a repository that has those types.
func knowing(types ...events.TypeDef) func(string) (events.TypeDef, bool) {
	return func(name string) (events.TypeDef, bool) {
		i := slices.IndexFunc(types, func(d events.TypeDef) bool { return d.Name == name })
		if i < 0 {
			return events.TypeDef{}, false
		}
		return types[i], true
	}
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// upserted returns the element of a step.
func upserted(t *testing.T, s *egeria.Step) events.ElementSpec {
	t.Helper()
	upsert, ok := s.Command.(*events.Upsert)
	if !ok {
		t.Fatalf("the step is %+v", s)
	}
	return upsert.Element
}
