package manifest

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// Types are the definitions of types in files.
type Types struct {
	Command *events.DefineTypes
	places  []place
}

// Located names file and line of the definition that an error is about.
func (t *Types) Located(err error) error { return locate(err, "/types", t.places) }

// Types reads the definitions of types in files and in the .yaml files of
// folders.
func (r *Reader) Types(paths ...string) (*Types, error) {
	docs, err := r.documents(paths, true)
	all := &Types{Command: &events.DefineTypes{}}
	errs := []error{err}
	for _, d := range docs {
		w := Resource{place: place{document: d}, types: all}
		errs = append(errs, readTypes(&w))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, all.Located(all.Command.Validate())
}

func readTypesResource(w *Resource) error {
	w.types = &Types{Command: &events.DefineTypes{}}
	if err := readTypes(w); err != nil {
		return err
	}
	names := make([]string, len(w.types.places))
	for i := range names {
		names[i] = w.types.Command.Types[i].Name
	}
	w.Name, w.commands = strings.Join(names, ", "), []events.Command{w.types.Command}
	return w.types.Located(w.types.Command.Validate())
}

// readTypes adds the definitions of a document to the types of a resource.
func readTypes(w *Resource) error {
	f, err := decode[struct {
		Kind  string           `json:"kind"`
		Types []jsontext.Value `json:"types"`
	}](w.place, w.json)
	switch {
	case err == nil && f.Kind != "" && f.Kind != KindTypes:
		err = w.invalid("/kind", "expected %s, found %q", KindTypes, f.Kind)
	case err == nil && len(f.Types) == 0:
		err = w.invalid("/types", "expected a list of types")
	}
	errs, t := []error{err}, w.types
	for i, item := range f.Types {
		at := place{document: w.document, pointer: "/types/" + strconv.Itoa(i)}
		def, err := decode[events.TypeDef](at, item)
		if at.about = def.Name; err == nil {
			if err = def.Validate(""); err != nil {
				err = at.located(pointerOf(err), err)
			}
		}
		errs, t.places, t.Command.Types = append(errs, err), append(t.places, at), append(t.Command.Types, def)
	}
	return errors.Join(errs...)
}

// ChangeSet are the commands in files.
type ChangeSet struct {
	Command *events.ChangeSet
	places  []place
}

// Located names file and line of the command that an error is about.
func (c *ChangeSet) Located(err error) error { return locate(err, "/commands", c.places) }

// ChangeSet reads files that are lists of commands.
func (r *Reader) ChangeSet(files ...string) (*ChangeSet, error) {
	docs, err := r.documents(files, true)
	all := &ChangeSet{Command: &events.ChangeSet{}}
	errs := []error{err}
	for _, d := range docs {
		items, err := events.Unmarshal[[]jsontext.Value](d.json)
		if err != nil {
			errs = append(errs, place{document: d}.invalid("", `expected a list of commands such as "- type: element.create"`))
		}
		for i, item := range items {
			at := place{document: d, pointer: "/" + strconv.Itoa(i)}
			step, err := readStep(&at, item)
			all.Command.Commands, all.places = append(all.Command.Commands, step), append(all.places, at)
			if err == nil {
				_, err = step.Command(len(all.places) - 1)
				err = all.Located(err)
			}
			errs = append(errs, err)
		}
	}
	return all, errors.Join(errs...)
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

// locate returns where an error stands that points at an item of a list.
func locate(err error, list string, places []place) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	rest, ok := strings.CutPrefix(e.Pointer, list+"/")
	index, within, deeper := strings.Cut(rest, "/")
	i, convErr := strconv.Atoi(index)
	if !ok || convErr != nil || i < 0 || i >= len(places) {
		return err
	}
	if deeper {
		within = "/" + within
	}
	return places[i].located(within, err)
}
