package manifest

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// Command is a command that files give.
type Command struct {
	events.Command
	list   string // the pointer to what the places are of
	places []place
}

// validated returns the command unless there are errors.
func (c *Command) validated(errs []error) (*Command, error) {
	err := errors.Join(errs...)
	if err == nil {
		err = c.Located(c.Validate())
	}
	return c, err
}

// Types reads the definitions of types in files and in the .yaml files of
// folders.
func (r *Reader) Types(paths ...string) (*Command, error) {
	docs, err := r.documents(paths, true)
	types := &events.DefineTypes{}
	all := &Command{Command: types, list: "/types"}
	errs := []error{err}
	for _, d := range docs {
		errs = append(errs, all.addTypes(place{document: d}, types))
	}
	return all.validated(errs)
}

func readTypesResource(w *Resource) error {
	types := &events.DefineTypes{}
	w.types = &Command{Command: types, list: "/types"}
	_, err := w.types.validated([]error{w.types.addTypes(w.place, types)})
	names := make([]string, len(types.Types))
	for i := range names {
		names[i] = types.Types[i].Name
	}
	w.Name, w.commands = strings.Join(names, ", "), []events.Command{types}
	return err
}

// addTypes reads the definitions of a document.
func (c *Command) addTypes(d place, types *events.DefineTypes) error {
	f, err := decode[struct {
		Kind  string           `json:"kind"`
		Types []jsontext.Value `json:"types"`
	}](d, d.json)
	switch {
	case err == nil && f.Kind != "" && f.Kind != KindTypes:
		err = d.invalid("/kind", "expected %s, found %q", KindTypes, f.Kind)
	case err == nil && len(f.Types) == 0:
		err = d.invalid("/types", "expected a list of types")
	}
	errs := []error{err}
	for i, item := range f.Types {
		at := place{document: d.document, pointer: "/types/" + strconv.Itoa(i)}
		def, err := decode[events.TypeDef](at, item)
		if at.about = def.Name; err == nil {
			if err = def.Validate(""); err != nil {
				err = at.located(pointerOf(err), err)
			}
		}
		errs, c.places, types.Types = append(errs, err), append(c.places, at), append(types.Types, def)
	}
	return errors.Join(errs...)
}

// ChangeSet reads files that are lists of commands.
func (r *Reader) ChangeSet(files ...string) (*Command, error) {
	docs, err := r.documents(files, true)
	set := &events.ChangeSet{}
	all := &Command{Command: set, list: "/commands"}
	errs := []error{err}
	for _, d := range docs {
		items, err := events.Unmarshal[[]jsontext.Value](d.json)
		if err != nil {
			errs = append(errs, place{document: d}.invalid("", `expected a list of commands such as "- type: element.create"`))
		}
		for i, item := range items {
			at := place{document: d, pointer: "/" + strconv.Itoa(i)}
			step, err := readStep(&at, item)
			set.Commands, all.places = append(set.Commands, step), append(all.places, at)
			if err == nil {
				_, err = step.Command(len(all.places) - 1)
				err = all.Located(err)
			}
			errs = append(errs, err)
		}
	}
	return all.validated(errs)
}

func readStep(at *place, value jsontext.Value) (events.Step, error) {
	f, err := decode[struct {
		Type string         `json:"type"`
		Data jsontext.Value `json:"data"`
	}](*at, value)
	switch {
	case err != nil:
		return events.Step{}, err
	case f.Type == "" || f.Data == nil:
		return events.Step{}, at.invalid("", `the command needs "type" and "data"`)
	}
	var known []string
	for _, t := range events.CommandTypes() {
		short := strings.TrimSuffix(strings.TrimPrefix(t.Type, "io.camena."), ".v1")
		if !t.InChangeSet {
			continue
		}
		if f.Type == t.Type || f.Type == short {
			at.about = short
			return events.Step{Type: t.Type, Data: f.Data}, nil
		}
		known = append(known, short)
	}
	return events.Step{}, at.invalid("/type", "there is no command %q%s; the commands are %s", f.Type, suggest.Nearest(f.Type, known), strings.Join(known, ", "))
}

// Located names file and line of the item of the command that an error is about.
func (c *Command) Located(err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	rest, ok := strings.CutPrefix(e.Pointer, c.list+"/")
	index, within, deeper := strings.Cut(rest, "/")
	i, convErr := strconv.Atoi(index)
	if !ok || convErr != nil || i < 0 || i >= len(c.places) {
		return err
	}
	if deeper {
		within = "/" + within
	}
	return c.places[i].located(within, err)
}
