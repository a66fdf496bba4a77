package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) typesApplyCommand() *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use: "apply -f FILE...", Short: "Add types, or change some in a compatible way",
		Long: `Add types, or change some in a way that leaves all metadata valid. The types of all files are defined together or
not at all, so they may refer to each other in any order. A definition is whole: give all attributes, also those that
the type has already.

  types:
    - kind: element
      name: Pump
      superType: Asset
      description: A pump.
      attributes:
        - {name: litresPerMinute, type: int, description: What it moves.}`,
		Example: `  camena types apply -f my-types.yaml --dry-run
  camena types apply -f my-types/              # every .yaml file of a folder`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringSliceVarP(&files, "file", "f", nil, "file of types, folder of such, or - for the standard input")
	o := p.operation(&verb{}, cmd)
	o.flags()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		types, err := p.readTypes(files)
		if err != nil {
			return err
		}
		command := types.command()
		o.about = func([]string) string { return count(len(types), "type") }
		o.locate = types.located
		return o.run(cmd.Context(), func(context.Context, *client.Client) (events.Command, error) { return command, nil })
	}
	return cmd
}

// placedType is the definition of a type, and where it was read.
type placedType struct {
	def      events.TypeDef
	document *document
	node     *yaml.Node
}

type placedTypes []placedType

func (p *program) readTypes(paths []string) (placedTypes, error) {
	if len(paths) == 0 {
		return nil, errors.New("name the files with -f")
	}
	var all placedTypes
	var errs []error
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			d, root, err := p.readDocument(file)
			if err != nil {
				return nil, err
			}
			var list placedTypes
			errs = append(errs, d.mapping(root, fields{"types": d.types(&list)}))
			all = append(all, list...)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, all.located(all.command().Validate())
}

// types reads a list of definitions.
func (d *document) types(to *placedTypes) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode {
			return d.errorAt(n, "expected a list of types, found %s", found(n))
		}
		if len(n.Content) == 0 {
			return d.errorAt(n, "the list of types is empty")
		}
		var errs []error
		for _, item := range n.Content {
			t, err := d.typeOf(follow(item))
			*to, errs = append(*to, t), append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// typeOf reads a definition.
func (d *document) typeOf(n *yaml.Node) (placedType, error) {
	t := placedType{document: d, node: n}
	var data jsontext.Value
	if err := d.json(&data)(n); err != nil {
		return t, err
	}
	var err error
	if t.def, err = events.Unmarshal[events.TypeDef](data); err == nil {
		err = t.def.Validate("")
	}
	if err != nil {
		err = t.located(err, "")
	}
	return t, err
}

func (t placedTypes) command() *events.DefineTypes {
	c := &events.DefineTypes{}
	for i := range t {
		c.Types = append(c.Types, t[i].def)
	}
	return c
}

// located names the line of the file that an error is about.
func (t placedTypes) located(err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	i, rest, ok := itemOf(e.Pointer, "/types")
	if !ok || i >= len(t) {
		return err
	}
	return t[i].located(e, rest)
}

func (t *placedType) located(err error, pointer string) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return t.document.errorAt(t.node, "%w", err)
	}
	if pointer == "" {
		pointer = e.Pointer
	}
	at := t.document.offender(t.node, &events.Error{Pointer: pointer})
	name := ""
	if t.def.Name != "" {
		name = t.def.Name + ": "
	}
	return t.document.errorAt(at, "%s%w", name, withMessage(e, "%s", worded(e)))
}

// typesResource is a resource of several types.
type typesResource struct{ types placedTypes }

func (d *document) typesResource(n *yaml.Node) (string, resource, error) {
	r := &typesResource{}
	err := d.mapping(n, fields{"kind": skip, "types": d.types(&r.types)})
	if err == nil {
		err = d.require(n, kindTypes, "types")
	}
	if err == nil {
		err = r.types.located(r.types.command().Validate())
	}
	names := make([]string, len(r.types))
	for i := range r.types {
		names[i] = r.types[i].def.Name
	}
	return strings.Join(names, ", "), r, err
}

func (r *typesResource) commands() []events.Command { return []events.Command{r.types.command()} }

// removal does nothing: types stay, since there may be metadata of them.
func (*typesResource) removal() []events.Command { return nil }

func (*typesResource) main() int { return 0 }

func (*typesResource) obsolete() []leftover { return nil }
