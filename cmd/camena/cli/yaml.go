package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// document reads one YAML document strictly; every error names file and line.
type document struct {
	file string
}

// errorAt returns an error that names the line of n.
func (d *document) errorAt(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", d.file, n.Line, fmt.Errorf(format, args...))
}

// fields are the readers of a mapping's values, by name.
type fields map[string]func(*yaml.Node) error

// mapping reads every field of n, each at most once, and none that is unknown.
func (d *document) mapping(n *yaml.Node, known fields) error {
	n = follow(n)
	if n.Kind != yaml.MappingNode {
		return d.errorAt(n, "expected fields such as \"name: value\", found %s", foundKind(n))
	}
	seen := map[string]bool{}
	var errs []error
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := known[key.Value]
		switch {
		case !ok:
			errs = append(errs, d.errorAt(key, "unknown field %q%s", key.Value, suggest.Nearest(key.Value, names(known))))
		case seen[key.Value]:
			errs = append(errs, d.errorAt(key, "%q is given twice", key.Value))
		default:
			if err := read(follow(value)); err != nil {
				errs = append(errs, err)
			}
		}
		seen[key.Value] = true
	}
	return errors.Join(errs...)
}

func names(known fields) []string {
	list := make([]string, 0, len(known))
	for name := range known {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "fields"
	default:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return fmt.Sprintf("%q", n.Value)
	}
}

// foundKind is what is found where a value is not repeated: it may be a secret.
func foundKind(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return "a text"
	}
	return found(n)
}

// text reads a plain value as text.
func (d *document) text(to *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			return d.errorAt(n, "expected a text, found %s", found(n))
		}
		*to = n.Value
		return nil
	}
}

func (d *document) flag(to *bool) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			return d.errorAt(n, "expected true or false, found %s", found(n))
		}
		return n.Decode(to)
	}
}

// date reads a day or a point in time.
func (d *document) date(to *time.Time) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		t, err := parseTime(n.Value)
		if err != nil || n.Kind != yaml.ScalarNode {
			return d.errorAt(n, "expected a time such as 2026-05-01 or 2026-05-01T08:00:00Z, found %s", found(n))
		}
		*to = t
		return nil
	}
}

// oneOf reads one of several words.
func oneOf[T ~string](d *document, to *T, words ...T) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = string(w)
		}
		if n.Kind != yaml.ScalarNode || !slices.Contains(list, n.Value) {
			return d.errorAt(n, "expected one of %s, found %s", strings.Join(list, ", "), found(n))
		}
		*to = T(n.Value)
		return nil
	}
}

// properties reads an object of any values. "!path ./x" is the absolute path of
// x as seen from the folder of the file.
func (d *document) properties(to *events.Properties) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.MappingNode {
			return d.errorAt(n, "expected fields such as \"name: value\", found %s", foundKind(n))
		}
		if err := d.resolvePaths(n); err != nil {
			return err
		}
		values := map[string]any{}
		if err := n.Decode(&values); err != nil {
			return d.errorAt(n, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		p := events.Props(values)
		if _, err := p.MarshalJSON(); err != nil {
			return d.errorAt(n, "%w", err)
		}
		*to = p
		return nil
	}
}

// resolvePaths replaces every value that is tagged !path.
func (d *document) resolvePaths(n *yaml.Node) error {
	for _, child := range n.Content {
		if err := d.resolvePaths(child); err != nil {
			return err
		}
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!path":
		path := n.Value
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(d.file), path)
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return d.errorAt(n, "%w", err)
		}
		n.Tag, n.Value = "!!str", absolute
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		return d.errorAt(n, "unknown tag %s; only !path is known", n.Tag)
	}
	return nil
}
