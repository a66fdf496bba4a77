package archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens an archive of that text.
func open(text string) *archive.Archive {
	return archive.New(strings.NewReader(text), int64(len(text)))
}

// check checks an archive of that text against an empty repository, in which
// every type is known.
func check(t *testing.T, text string) *archive.Plan {
	t.Helper()
	return checkWith(t, text, archive.Settings{})
}

func checkWith(t *testing.T, text string, settings archive.Settings) *archive.Plan {
	t.Helper()
	plan, err := open(text).Check(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// steps returns what a plan yields.
func steps(t *testing.T, plan *archive.Plan) []*archive.Step {
	t.Helper()
	var all []*archive.Step
	for s, err := range plan.Steps(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Commands {
			if err := c.Validate(); err != nil {
				t.Errorf("%s: %v", s.Where, err)
			}
		}
		all = append(all, s)
	}
	return all
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
