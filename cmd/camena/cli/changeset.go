package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) changeSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "changeset", Short: "Apply several commands all together or not at all",
		Example: `  camena changeset apply -f change.yaml --dry-run`,
	}
	cmd.AddCommand(p.changeSetApplyCommand())
	return cmd
}

func (p *program) changeSetApplyCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use: "apply -f FILE...", Short: "Apply the commands of files all together or not at all",
		Long: `Apply the commands of files, in order, all together or not at all. A file is a list, in YAML or
JSON, of commands with their type and their data, as docs/events.md describes them. The type may be
given in short: element.create for io.camena.element.create.v1. A command sees what those before it
did. The data of most commands may have an expectedVersion: if that is not the version there is,
nothing is changed.

  - type: element.create
    data: {element: {type: Topic, qualifiedName: "Topic::orders"}}
  - type: element.update
    data: {element: {qualifiedName: "Topic::old"}, properties: {displayName: x}, expectedVersion: 3}`,
		Example: `  camena changeset apply -f change.yaml
  camena changeset apply -f change.yaml --dry-run
  generate | camena changeset apply -f - --source IntegrationConnector::mine -o json`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringSliceVarP(&files, "file", "f", nil, "file of commands, or - for the standard input")
	o := p.operation(&verb{command: events.TypeApplyChangeSet}, cmd)
	o.flags()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		steps, err := p.readSteps(files)
		if err != nil {
			return err
		}
		set := &events.ChangeSet{}
		for i := range steps {
			set.Commands = append(set.Commands, steps[i].Step)
		}
		if o.steps, err = set.Steps(); err != nil {
			return located(err, steps)
		}
		o.locate = func(err error) error { return located(err, steps) }
		return o.run(cmd.Context(), func(context.Context, *client.Client) (events.Command, error) { return set, nil })
	}
	return cmd
}

// placedStep is a command of a change set, and where it was read.
type placedStep struct {
	events.Step
	document *document
	node     *yaml.Node
}

// readSteps reads the commands of files.
func (p *program) readSteps(files []string) ([]placedStep, error) {
	if len(files) == 0 {
		return nil, errors.New("name the files with -f")
	}
	var all []placedStep
	var errs []error
	for _, file := range files {
		d, root, err := p.readDocument(file)
		if err != nil {
			return nil, err
		}
		if root.Kind != yaml.SequenceNode {
			return nil, d.errorAt(root, `expected a list of commands such as "- type: element.create", found %s`, found(root))
		}
		for _, n := range root.Content {
			s, err := d.step(follow(n))
			if err == nil {
				_, err = s.Command(len(all))
				err = located(err, append(slices.Clone(all), s))
			}
			all, errs = append(all, s), append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}

// readDocument reads the one document of a file, YAML or JSON.
func (p *program) readDocument(file string) (*document, *yaml.Node, error) {
	var content []byte
	var err error
	if file == "-" {
		content, err = io.ReadAll(p.stdin)
		file = "standard input"
	} else {
		content, err = os.ReadFile(file) //nolint:gosec // the user names the file
	}
	if err != nil {
		return nil, nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var root, more yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF) || err == nil && len(root.Content) == 0:
		return nil, nil, fmt.Errorf("%s: there is nothing in it", file)
	case err != nil:
		return nil, nil, syntaxError(file, err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: there is more than one document in it", file)
	}
	return &document{file: file}, follow(root.Content[0]), nil
}

func (d *document) step(n *yaml.Node) (placedStep, error) {
	s := placedStep{document: d, node: n}
	var name string
	err := d.mapping(n, fields{"type": d.text(&name), "data": d.json(&s.Data)})
	if err == nil {
		err = d.require(n, "command", "type", "data")
	}
	if err != nil {
		return s, err
	}
	known := commandTypes()
	i := slices.IndexFunc(known, func(t string) bool { return t == name || shortType(t) == name })
	if i < 0 {
		short := make([]string, len(known))
		for i, t := range known {
			short[i] = shortType(t)
		}
		return s, d.errorAt(fieldOf(n, "type"), "there is no command %q%s; the commands are %s", name, suggest.Nearest(name, short), strings.Join(short, ", "))
	}
	s.Type = known[i]
	return s, nil
}

// json reads any value as JSON.
func (d *document) json(to *jsontext.Value) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if err := d.resolvePaths(n); err != nil {
			return err
		}
		var v any
		err := n.Decode(&v)
		if err == nil {
			*to, err = events.Marshal(v)
		}
		if err != nil {
			return d.errorAt(n, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return nil
	}
}

// shortType is the type of a command without what all have in common.
func shortType(eventType string) string {
	return strings.TrimSuffix(strings.TrimPrefix(eventType, "io.camena."), ".v1")
}

// commandTypes are the types of the commands that a change set takes.
func commandTypes() []string {
	var types []string
	for _, t := range events.CommandTypes() {
		if t.InChangeSet {
			types = append(types, t.Type)
		}
	}
	return types
}

// located names the line of the file that an error is about.
func located(err error, steps []placedStep) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	i, rest, ok := itemOf(e.Pointer, "/commands")
	if !ok || i >= len(steps) {
		return err
	}
	s := &steps[i]
	at := s.document.offender(s.node, &events.Error{Pointer: rest})
	return s.document.errorAt(at, "%s: %w", shortType(s.Type), withMessage(e, "%s", worded(e)))
}

// worded names the field where there is an unknown one, and the property where the
// message does not.
func worded(e *events.Error) string {
	if rest, ok := strings.CutPrefix(e.Message, "unknown field;"); ok {
		return fmt.Sprintf("unknown field %q;%s", jsontext.Pointer(e.Pointer).LastToken(), rest)
	}
	const properties = "/properties/"
	if n := strings.LastIndex(e.Pointer, properties); n >= 0 && !strings.Contains(e.Message, e.Pointer[n+len(properties):]) {
		return e.Pointer[n+len(properties):] + ": " + e.Message
	}
	return e.Message
}

// itemOf reads the index behind a pointer to a list, and the pointer within.
func itemOf(pointer, list string) (i int, rest string, ok bool) {
	after, ok := strings.CutPrefix(pointer, list+"/")
	if !ok {
		return 0, "", false
	}
	digits, within, deeper := strings.Cut(after, "/")
	if deeper {
		rest = "/" + within
	}
	_, err := fmt.Sscanf(cmp.Or(digits, "x"), "%d", &i)
	return i, rest, err == nil && i >= 0
}
