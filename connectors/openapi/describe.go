package openapi

import (
	"context"
	"slices"
	"strings"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi/spec"
)

// The actions on entities.
const (
	actionQuery  = "Query"
	actionCreate = "Create"
	actionUpdate = "Update"
	actionDelete = "Delete"
)

// The properties of what an operation answers.
const (
	statusProperty = "response.status"
	rawProperty    = "response.body"
	rowsProperty   = "result"
)

// Actions implements [dataservice.Describer]: the operations, and the actions that
// some entity has.
func (c *Connector) Actions(context.Context) (all []dataservice.ActionDefinition, err error) {
	for _, o := range c.document.Operations {
		all = append(all, dataservice.ActionDefinition{Name: o.Name, Description: o.Description, Input: true})
	}
	for _, a := range []dataservice.ActionDefinition{
		{Name: actionQuery, Known: dataservice.ActionQuery, Description: "Read one by its key, or those that the API lists in one answer", Where: true},
		{Name: actionCreate, Known: dataservice.ActionCreate, Description: "Create", Input: true, Bulk: true},
		{Name: actionUpdate, Known: dataservice.ActionUpdate, Description: "Update by the key", Input: true, Bulk: true},
		{Name: actionDelete, Known: dataservice.ActionDelete, Description: "Delete by the key", Input: true, Bulk: true},
	} {
		if slices.ContainsFunc(c.document.Entities, func(e *spec.Entity) bool { return slices.Contains(actionsOf(e), a.Name) }) {
			all = append(all, a)
		}
	}
	return all, nil
}

func actionsOf(e *spec.Entity) (names []string) {
	for _, a := range []struct {
		name string
		has  bool
	}{{actionQuery, e.Get != nil || e.List != nil}, {actionCreate, e.Create != nil}, {actionUpdate, e.Update != nil}, {actionDelete, e.Delete != nil}} {
		if a.has {
			names = append(names, a.name)
		}
	}
	return names
}

// Objects implements [dataservice.Describer].
func (c *Connector) Objects(context.Context) ([]dataservice.ObjectDefinition, error) {
	all := c.objects()
	for i := range all {
		all[i].Properties = nil
	}
	return all, nil
}

// Object implements [dataservice.Describer].
func (c *Connector) Object(_ context.Context, name string) (*dataservice.ObjectDefinition, error) {
	all := c.objects()
	if i := slices.IndexFunc(all, func(o dataservice.ObjectDefinition) bool { return o.Name == name }); i >= 0 {
		return &all[i], nil
	}
	return nil, nil //nolint:nilnil // there is none
}

// objects returns the entities; for each operation what it takes; and what it
// answers, if that is no entity.
func (c *Connector) objects() (all []dataservice.ObjectDefinition) {
	for _, e := range c.document.Entities {
		all = append(all, dataservice.ObjectDefinition{Name: e.Name, Actions: actionsOf(e), Properties: e.Fields})
	}
	for _, o := range c.document.Operations {
		all = append(all, c.inputObject(o))
		if name := c.resultObject(o); o.Result.Ref != "" && c.entity(name) == nil {
			all = append(all, dataservice.ObjectDefinition{Name: name, Hidden: true, Actions: []string{}, Properties: o.Result.Fields})
		}
	}
	return all
}

func (c *Connector) entity(name string) *spec.Entity {
	if i := slices.IndexFunc(c.document.Entities, func(e *spec.Entity) bool { return strings.EqualFold(e.Name, name) }); i >= 0 {
		return c.document.Entities[i]
	}
	return nil
}

// inputObject describes what an operation takes and answers. It has the name of the
// action, unless that is the name of an entity.
func (c *Connector) inputObject(o *spec.Operation) dataservice.ObjectDefinition {
	object := dataservice.ObjectDefinition{Name: o.Name, Description: o.Method + " " + o.Path, Hidden: true, Actions: []string{o.Name}}
	if c.entity(o.Name) != nil {
		object.Name += ".input"
	}
	for i := range o.Parameters {
		p := o.Parameters[i].PropertyDefinition
		p.Name = property(&o.Parameters[i])
		object.Properties = append(object.Properties, p)
	}
	if o.Body != nil {
		object.Properties = append(object.Properties, dataservice.PropertyDefinition{
			Name: bodyProperty, Description: o.Body.MediaType, Type: o.Body.Type, Required: o.Body.Required, NoOutput: true,
		})
	}
	object.Properties = append(object.Properties,
		dataservice.PropertyDefinition{Name: statusProperty, Type: dataservice.TypeInteger, NoInput: true},
		dataservice.PropertyDefinition{Name: rawProperty, Type: dataservice.TypeJSON, Nullable: true, NoInput: true})
	if o.Result.Ref != "" {
		object.Properties = append(object.Properties, dataservice.PropertyDefinition{
			Name: rowsProperty, Type: dataservice.Type(c.resultObject(o)), MaxOccurs: -1, NoInput: true,
		})
	}
	return object
}

// resultObject names the object of what an operation answers.
func (c *Connector) resultObject(o *spec.Operation) string {
	for _, e := range c.document.Entities {
		if e.Ref != "" && e.Ref == o.Result.Ref {
			return e.Name
		}
	}
	return o.Name + ".result"
}
