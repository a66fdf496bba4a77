package dataservice

import (
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// Query asks for the entities of an object, with related ones as children.
type Query struct {
	// Root is the object whose entities are counted and returned.
	Root QueryEntity `json:"root"`
	// Where is what is true of the entities that are returned. The path of a
	// property of a related entity begins with the name of that entity.
	Where *events.Condition `json:"where,omitempty"`
	// Limit is the largest number of root entities; 0: all.
	Limit int `json:"limit,omitzero"`
	// Native is a query in the language of the data store, instead of Root and Where.
	Native string `json:"native,omitempty"`
	// Test: only a few entities are wanted, as a preview.
	Test bool `json:"test,omitzero"`
}

// QueryEntity is an object in a query.
type QueryEntity struct {
	// Name tells it from others of the same object; by default it is the object's.
	Name   string `json:"name,omitempty"`
	Object string `json:"object"`
	// Properties are exactly those that are returned; none means all.
	Properties []string         `json:"properties,omitempty"`
	Sort       []events.SortKey `json:"sort,omitempty"`
	// Join relates it to the entity that it is below.
	Join     *Join         `json:"join,omitempty"`
	Children []QueryEntity `json:"children,omitempty"`
}

// Join relates two entities of a query by equal values.
type Join struct {
	Parent []string `json:"parent"`
	Child  []string `json:"child"`
	// Required leaves out parents without a child (an inner join).
	Required bool `json:"required,omitzero"`
}

// Check checks a query against the definition of its root object.
func (q *Query) Check(object *ObjectDefinition) error {
	for i, name := range q.Root.Properties {
		if p := object.Property(name); p == nil || p.NoSelect {
			return invalid("/root/properties/"+strconv.Itoa(i), "%s has no property %q to select", object.Name, name)
		}
	}
	if q.Limit < 0 {
		return invalid("/limit", "%d is negative", q.Limit)
	}
	if q.Where != nil {
		if _, err := query.Compile(q.Where, Rows{object}, "/where"); err != nil {
			return err
		}
	}
	if len(q.Root.Sort) > 0 {
		if _, err := query.NewSorter(q.Root.Sort, Rows{object}, "/root/sort"); err != nil {
			return err
		}
	}
	return nil
}

// Rows is the view of an object's definition by which conditions are checked.
type Rows struct{ Object *ObjectDefinition }

// Values implements [query.Types].
func (r Rows) Values(path, pointer string) ([]query.Value, error) {
	name := strings.TrimPrefix(path, r.Object.Name+".")
	p := r.Object.Property(name)
	if p == nil || p.NoWhere {
		return nil, invalid(pointer, "%s has no property %q to compare", r.Object.Name, name)
	}
	value := query.Value{Kind: p.Type.kind()}
	if p.Type == TypeList || p.MaxOccurs > 1 || p.MaxOccurs < 0 {
		value = query.Value{Kind: query.Array, Item: &query.Value{Kind: value.Kind}}
	}
	return []query.Value{value}, nil
}
