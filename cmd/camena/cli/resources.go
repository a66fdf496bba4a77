package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// A resource is one document of a resource file: something that is wanted to be
// in the metadata.
type resource interface {
	// commands make the metadata what the resource says, all at once.
	commands() []events.Command
	// main is the index of the command that makes the resource itself.
	main() int
	// removal removes what commands made.
	removal() []events.Command
	// obsolete selects the relationships that an earlier version of the resource
	// may have left, and that are to go.
	obsolete() []leftover
}

// leftover is a kind of relationship that an element has to one element only.
type leftover struct {
	from         events.ElementRef
	relationship string
	// end of the relationship at which from is.
	end  int
	keep string // the qualified name of the one element
}

// wantedResource is a resource and where it was read.
type wantedResource struct {
	resource
	kind, name string
	where      string // file:line
	order      int
}

// The kinds of resources, in the order in which they are applied.
const (
	kindTypes        = "Types"
	kindGroup        = "IntegrationGroup"
	kindConnector    = "IntegrationConnector"
	kindElement      = "Element"
	kindRelationship = "Relationship"
)

func resourceKinds() []string {
	return []string{kindTypes, kindGroup, kindConnector, kindElement, kindRelationship}
}

// reader reads resource files.
type reader struct {
	stdin io.Reader
	// offered are the connectors that configurations are checked against.
	offered  connectors.Set
	warnings []string
}

// readFiles reads the resources of files and of folders; "-" is the standard input.
func (r *reader) readFiles(paths []string) ([]wantedResource, error) {
	var all []wantedResource
	var errs []error
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, file := range files {
			list, err := r.readFile(file)
			all, errs = append(all, list...), append(errs, err)
		}
	}
	slices.SortStableFunc(all, func(a, b wantedResource) int { return a.order - b.order })
	return all, errors.Join(append(errs, twice(all))...)
}

// expand returns the resource files below a folder, or the path itself.
func expand(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: the folder holds no .yaml file", path)
	}
	slices.Sort(files)
	return files, nil
}

// twice refuses two resources of the same name, of which one would win.
func twice(all []wantedResource) error {
	first := map[string]string{}
	for _, w := range all {
		id := w.kind + " " + w.name
		if where, ok := first[id]; ok {
			return fmt.Errorf("%s: %s is given in %s already", w.where, id, where)
		}
		first[id] = w.where
	}
	return nil
}

func (r *reader) readFile(file string) ([]wantedResource, error) {
	var content []byte
	var err error
	if file == "-" {
		content, err = io.ReadAll(r.stdin)
		file = "standard input"
	} else {
		content, err = os.ReadFile(file) //nolint:gosec // the user names the file
	}
	if err != nil {
		return nil, err
	}
	var list []wantedResource
	var errs []error
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return list, errors.Join(errs...)
		}
		if err != nil {
			return nil, errors.Join(append(errs, syntaxError(file, err))...)
		}
		if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
			continue // only comments
		}
		w, err := r.resource(&document{file: file}, root.Content[0])
		errs = append(errs, err)
		if err == nil {
			list = append(list, w)
		}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError names the file and line of what is no YAML at all.
func syntaxError(file string, err error) error {
	text := err.Error()
	line := 1
	if m := yamlLine.FindStringSubmatch(text); len(m) > 1 && m[1] != "" {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	return fmt.Errorf("%s:%d: not YAML: %s", file, line, yamlLine.ReplaceAllString(text, ""))
}

func (r *reader) resource(d *document, n *yaml.Node) (wantedResource, error) {
	w := wantedResource{where: fmt.Sprintf("%s:%d", d.file, n.Line)}
	kind := fieldOf(n, "kind")
	if kind == nil {
		return w, d.errorAt(n, "there is no kind; give one of %s", strings.Join(resourceKinds(), ", "))
	}
	var err error
	switch w.kind = kind.Value; w.kind {
	case kindTypes:
		w.name, w.resource, err = d.typesResource(n)
	case kindGroup:
		w.name, w.resource, err = d.group(n)
	case kindConnector:
		w.name, w.resource, err = r.connector(d, n)
	case kindElement:
		w.name, w.resource, err = d.element(n)
	case kindRelationship:
		w.name, w.resource, err = d.relationship(n)
	default:
		return w, d.errorAt(kind, "unknown kind %q%s; the kinds are %s", kind.Value,
			suggest.Nearest(kind.Value, resourceKinds()), strings.Join(resourceKinds(), ", "))
	}
	w.order = slices.Index(resourceKinds(), w.kind)
	return w, err
}

// fieldOf returns the value of a field, nil if it is not there.
func fieldOf(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// require returns an error for the first field that is missing or empty.
func (d *document) require(n *yaml.Node, kind string, required ...string) error {
	for _, name := range required {
		if v := fieldOf(n, name); v == nil || v.Kind == yaml.ScalarNode && v.Value == "" {
			return d.errorAt(n, "the %s needs %q", kind, name)
		}
	}
	return nil
}

func skip(*yaml.Node) error { return nil }
