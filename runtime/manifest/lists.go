package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml/ast"

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
	docs, err := r.single(paths, true)
	if err != nil {
		return nil, err
	}
	all := &Types{Command: &events.DefineTypes{}}
	var errs []error
	for _, d := range docs {
		_, err := decode[struct {
			Types []jsontext.Value `json:"types"`
		}](place{document: d}, d.root)
		if err == nil {
			err = all.add(d)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	err = all.Located(all.Command.Validate())
	return all, err
}

func readTypesResource(w *Resource) error {
	_, err := decode[struct {
		Kind  string           `json:"kind"`
		Types []jsontext.Value `json:"types"`
	}](w.place, w.root)
	if err != nil {
		return err
	}
	w.types = &Types{Command: &events.DefineTypes{}}
	if err := w.types.add(w.document); err != nil {
		return err
	}
	names := make([]string, len(w.types.places))
	for i := range names {
		names[i] = w.types.Command.Types[i].Name
	}
	w.Name, w.commands = strings.Join(names, ", "), []events.Command{w.types.Command}
	return w.types.Located(w.types.Command.Validate())
}

// add reads the definitions of a document.
func (t *Types) add(d *document) error {
	items := d.items("types")
	if len(items) == 0 {
		return place{document: d}.invalid("/types", "expected a list of types")
	}
	var errs []error
	for i, item := range items {
		at := place{document: d, pointer: "/types/" + strconv.Itoa(i)}
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

// items returns the items of a field, or of the document itself.
func (d *document) items(name string) []ast.Node {
	n := d.root
	if name != "" {
		all := d.pairs(d.root)
		i := slices.IndexFunc(all, func(p pair) bool { return d.key(p) == name })
		if i < 0 {
			return nil
		}
		n = all[i].Value
	}
	if list, ok := d.resolve(n).(*ast.SequenceNode); ok {
		return list.Values
	}
	return nil
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
	docs, err := r.single(files, false)
	if err != nil {
		return nil, err
	}
	all := &ChangeSet{Command: &events.ChangeSet{}}
	var errs []error
	for _, d := range docs {
		if _, ok := d.resolve(d.root).(*ast.SequenceNode); !ok {
			errs = append(errs, d.errorAt(d.root, `expected a list of commands such as "- type: element.create"`))
		}
		for i, item := range d.items("") {
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

func readStep(at *place, n ast.Node) (events.Step, error) {
	f, err := decode[struct {
		Type string         `json:"type"`
		Data jsontext.Value `json:"data"`
	}](*at, n)
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

// single parses files with one document each.
func (r *Reader) single(paths []string, folders bool) (all []*document, err error) {
	for _, path := range paths {
		files := []string{path}
		if folders {
			if files, err = expand(path); err != nil {
				return nil, err
			}
		}
		for _, file := range files {
			docs, err := r.parseFile(file)
			switch {
			case err != nil:
				return nil, err
			case len(docs) == 0:
				return nil, fmt.Errorf("%s: there is nothing in it", file)
			case len(docs) > 1:
				return nil, fmt.Errorf("%s: there is more than one document in it", docs[0].file)
			}
			all = append(all, docs...)
		}
	}
	return all, nil
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
