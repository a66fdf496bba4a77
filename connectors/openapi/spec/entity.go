package spec

import (
	"slices"
	"strings"

	"github.com/camena-io/camena/connectors/dataservice"
)

// Entity is a kind of thing that several operations are about: that which a path
// with a key at its end names.
type Entity struct {
	Name string
	// Key is the property that identifies it, Parameter the template of the path.
	Key       string
	Parameter string
	// Ref names its schema.
	Ref    string
	Fields []dataservice.PropertyDefinition
	// The operations that it has; nil is one that it does not have. Update may be one
	// of the collection, with the key in the body.
	Get, List, Create, Update, Delete *Operation
}

// Property returns the definition of a field, nil if there is none.
func (e *Entity) Property(name string) *dataservice.PropertyDefinition {
	object := dataservice.ObjectDefinition{Properties: e.Fields}
	return object.Property(name)
}

// entities derives the entities of operations.
func entities(operations []*Operation) (all []*Entity) {
	byPath := map[string]map[string]*Operation{}
	for _, o := range operations {
		if o.variant {
			continue
		}
		if byPath[o.Path] == nil {
			byPath[o.Path] = map[string]*Operation{}
		}
		byPath[o.Path][o.Method] = o
	}
	taken := map[string]bool{}
	for _, path := range sortedKeys(byPath) {
		collection, parameter, ok := itemPath(path)
		if !ok {
			continue
		}
		e := &Entity{Name: base(collection), Parameter: parameter}
		if e.Name == "" || taken[strings.ToLower(e.Name)] {
			e.Name = sanitize(strings.Join(literals(collection), "_"))
		}
		e.assign(byPath[path], byPath[collection])
		if e.Name != "" && !taken[strings.ToLower(e.Name)] && e.describe(byPath[path]) {
			taken[strings.ToLower(e.Name)] = true
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *Entity) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// itemPath splits a path whose last segment, and no other, is a template.
func itemPath(path string) (collection, parameter string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 || strings.Contains(path[:i], "{") {
		return "", "", false
	}
	names := templates(path)
	if len(names) != 1 || path[i+1:] != "{"+names[0]+"}" {
		return "", "", false
	}
	return path[:i], names[0], true
}

// assign gives the entity the operations that need nothing but its key and its
// fields.
func (e *Entity) assign(item, collection map[string]*Operation) {
	usable := func(o *Operation, withBody bool) *Operation {
		if o == nil || withBody != (o.Body != nil && o.Body.Type == dataservice.TypeJSON && len(o.Body.Fields) > 0) {
			return nil
		}
		if slices.ContainsFunc(o.Parameters, func(p Parameter) bool { return p.Required && (p.In != "path" || p.Name != e.Parameter) }) {
			return nil
		}
		return o
	}
	e.Get, e.Delete, e.Create = usable(item["GET"], false), usable(item["DELETE"], false), usable(collection["POST"], true)
	for _, o := range []*Operation{item["PATCH"], item["PUT"], item["POST"], collection["PUT"]} {
		if e.Update == nil {
			e.Update = usable(o, true)
		}
	}
	if o := usable(collection["GET"], false); o != nil && o.Result.List && len(o.Result.Fields) > 0 {
		e.List = o
	}
	if e.Get != nil && e.Get.Result.List {
		e.Get = nil
	}
}

// describe finds the fields and the key; it reports whether anything can be done
// with the entity.
func (e *Entity) describe(item map[string]*Operation) bool {
	switch {
	case e.Get != nil && len(e.Get.Result.Fields) > 0:
		e.Ref, e.Fields = e.Get.Result.Ref, slices.Clone(e.Get.Result.Fields)
	case e.List != nil:
		e.Ref, e.Fields = e.List.Result.Ref, slices.Clone(e.List.Result.Fields)
	}
	e.addInput()
	if len(e.Fields) == 0 {
		return false
	}
	for _, method := range sortedKeys(item) {
		for _, p := range item[method].Parameters {
			if p.In == inPath && e.Key == "" {
				e.addKey(p.PropertyDefinition)
			}
		}
	}
	isKey := func(f dataservice.PropertyDefinition) bool { return f.Name == e.Key && !f.NoInput }
	if u := e.Update; u != nil && len(templates(u.Path)) == 0 && !slices.ContainsFunc(u.Body.Fields, isKey) {
		e.Update = nil // it may replace the whole collection
	}
	return e.Get != nil || e.List != nil || e.Create != nil || e.Update != nil || e.Delete != nil
}

// addInput adds what only a request has, and takes from fields that no request has
// the permission to be given.
func (e *Entity) addInput() {
	given := map[string]dataservice.PropertyDefinition{}
	for _, o := range []*Operation{e.Update, e.Create} {
		if o == nil {
			continue
		}
		for _, f := range o.Body.Fields {
			f.Required = f.Required && o == e.Create
			given[f.Name] = f
		}
	}
	for i := range e.Fields {
		f, ok := given[e.Fields[i].Name]
		e.Fields[i].Required, e.Fields[i].NoInput = f.Required, !ok || f.NoInput
		delete(given, f.Name)
	}
	for _, name := range sortedKeys(given) {
		f := given[name]
		f.NoOutput = true
		e.Fields = append(e.Fields, f)
	}
}

// addKey marks the field that the parameter of the path stands for: that of its
// name, or that whose name it ends with, as in petId. Without one the parameter is
// itself a property.
func (e *Entity) addKey(p dataservice.PropertyDefinition) {
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }
	for _, same := range []func(field string) bool{
		func(field string) bool { return field == p.Name },
		func(field string) bool { return plain(field) == plain(p.Name) },
		func(field string) bool {
			name := plain(e.Name)
			return plain(p.Name) == name+plain(field) || plain(p.Name) == strings.TrimSuffix(name, "s")+plain(field)
		},
		func(field string) bool { return plain(field) == "id" && strings.HasSuffix(plain(p.Name), "id") },
	} {
		for i := range e.Fields {
			if f := &e.Fields[i]; same(f.Name) && f.MaxOccurs == 0 {
				f.Key, e.Key = true, f.Name
				f.NoInput = f.NoInput && e.Update == nil && e.Delete == nil
				return
			}
		}
	}
	p.Key, p.Required, p.NoOutput = true, false, false
	e.Key, e.Fields = p.Name, append([]dataservice.PropertyDefinition{p}, e.Fields...)
}
