package events_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
)

// constants returns the values of the string constants of this package whose
// names begin with prefix and whose values begin with value.
func constants(t *testing.T, prefix, value string) (values []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				if v, err := strconv.Unquote(literal.Value); err == nil && strings.HasPrefix(v, value) {
					values = append(values, v)
				}
			}
			return true
		})
	}
	return values
}

func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func sortedSet(values []string) []string {
	set := map[string]bool{}
	for _, v := range values {
		set[v] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// documentedTypes are those that a document names; ".withdrawn.v1" behind
// "io.camena.element.published.v1" is of the same family.
func documentedTypes(text string) (types []string) {
	names := regexp.MustCompile("`((io\\.camena(?:\\.[a-z]+)?)?\\.[a-z]+\\.v1)`")
	for line := range strings.Lines(text) {
		family := ""
		for _, m := range names.FindAllStringSubmatch(line, -1) {
			if m[2] != "" {
				family = m[2]
				types = append(types, m[1])
			} else {
				types = append(types, family+m[1])
			}
		}
	}
	return types
}

// documentedAttributes are those in the first column of tables of attributes.
func documentedAttributes(text string) (attributes []string) {
	table := false
	row := regexp.MustCompile("^\\| `([a-z]+)` ")
	for line := range strings.Lines(text) {
		table = strings.HasPrefix(line, "| attribute ") || table && strings.HasPrefix(line, "|")
		if m := row.FindStringSubmatch(line); table && m != nil {
			attributes = append(attributes, m[1])
		}
	}
	return attributes
}

func TestEventsAndAttributesAreDocumented(t *testing.T) {
	t.Parallel()
	text := document(t)
	if d := cmp.Diff(sortedSet(constants(t, "Type", "io.camena.")), sortedSet(documentedTypes(text))); d != "" {
		t.Errorf("types of events (-package +docs/events.md):\n%s", d)
	}
	attributes := slices.DeleteFunc(constants(t, "Ext", ""), func(name string) bool { return name == events.ExtType })
	if d := cmp.Diff(sortedSet(attributes), sortedSet(documentedAttributes(text))); d != "" {
		t.Errorf("extension attributes (-package +docs/events.md):\n%s", d)
	}
}

func TestCommandTypesAreAllThereAre(t *testing.T) {
	t.Parallel()
	var commands, table []string
	for _, name := range constants(t, "Type", "io.camena.") {
		_, err := events.DecodeCommand(&events.Event{Type: name, Data: []byte("7")})
		if e, ok := errors.AsType[*events.Error](err); !ok || e.Pointer != events.ExtType {
			commands = append(commands, name)
		}
	}
	for _, c := range events.CommandTypes() {
		table = append(table, c.Type)
		if got := c.New().EventType(); got != c.Type {
			t.Errorf("the row %s makes a command of the type %s", c.Type, got)
		}
	}
	if d := cmp.Diff(sortedSet(commands), sortedSet(table)); d != "" {
		t.Error(d)
	}
}

// The table of commands in the documentation is the table of the package.
func TestCommandTypesAreDocumented(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| `(io\\.camena\\.[^`]+)` \\| ([^|]+) \\| ([^|]+) \\|$")
	var documented, table [][2]string
	for _, m := range row.FindAllStringSubmatch(document(t), -1) {
		documented = append(documented, [2]string{m[1], m[2]})
	}
	for _, c := range events.CommandTypes() {
		table = append(table, [2]string{c.Type, c.Does})
	}
	if d := cmp.Diff(table, documented); d != "" {
		t.Errorf("docs/events.md (-table +document):\n%s", d)
	}
}
