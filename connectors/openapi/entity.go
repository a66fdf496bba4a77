package openapi

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi/spec"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// preview is how many entities a test query returns at most.
const preview = 10

// change creates, updates or deletes an entity.
func (c *Connector) change(ctx context.Context, action string, e *spec.Entity, given dataservice.Values) (row dataservice.RowResult, err error) {
	o := map[string]*spec.Operation{actionCreate: e.Create, actionUpdate: e.Update, actionDelete: e.Delete}[action]
	key := given[e.Key]
	switch {
	case o == nil:
		return row, events.Errorf(events.CodeUnsupported, "/input/action", "%s has no action %s", e.Name, action)
	case key == nil && action != actionCreate:
		return row, invalid(e.Key, "missing: the key")
	}
	values := dataservice.Values{"path." + e.Parameter: key}
	if o.Body != nil {
		if values[bodyProperty], err = body(e, o, given); err != nil {
			return row, err
		}
	}
	answer, err := c.send(ctx, o, values)
	if err != nil {
		return row, err
	}
	row = dataservice.RowResult{Success: true, Affected: 1}
	if raw, ok := answer.json(); ok && raw.Kind() == '{' && action != actionDelete {
		if created, ok := entitiesOf(raw, e.Name, e.Fields); ok {
			row.Output = &created[0]
		}
	}
	return row, nil
}

// body writes the JSON of an entity. A property that the operation does not take is
// a mistake, except for the key, which may be in the path only.
func body(e *spec.Entity, o *spec.Operation, values dataservice.Values) (jsontext.Value, error) {
	takes := dataservice.ObjectDefinition{Properties: o.Body.Fields}
	members := plain(values)
	for name := range values {
		switch field := takes.Property(name); {
		case field != nil && !field.NoInput && field.MaxOccurs < 0 && values[name] != nil && members[name].Kind() != '[':
			members[name] = append(append(jsontext.Value{'['}, members[name]...), ']') // one is a list of one
		case field != nil && !field.NoInput:
			continue
		case name == e.Key && o != e.Create:
			delete(members, name)
		default:
			return nil, invalid(name, "the API does not take it")
		}
	}
	return events.Marshal(members)
}

// Query implements [dataservice.Querier]. A condition on the key reads one entity;
// otherwise the API lists what it has, and the condition chooses among that.
func (c *Connector) Query(ctx context.Context, q dataservice.Query) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		found, err := c.query(ctx, &q)
		for i := range found {
			if !yield(found[i], nil) {
				return
			}
		}
		if err != nil {
			yield(dataservice.DataEntity{}, err)
		}
	}
}

func (c *Connector) query(ctx context.Context, q *dataservice.Query) (matching []dataservice.DataEntity, err error) {
	e := c.entity(q.Root.Object)
	switch {
	case q.Native != "":
		return nil, events.Errorf(events.CodeUnsupported, "/input/native", "OpenAPI connectors have no language of their own")
	case len(q.Root.Children) > 0:
		return nil, events.Errorf(events.CodeUnsupported, "/input/root/children", "OpenAPI connectors join nothing")
	case len(q.Root.Sort) > 0:
		return nil, events.Errorf(events.CodeUnsupported, "/input/root/sort", "OpenAPI connectors do not sort")
	case e == nil || e.Get == nil && e.List == nil:
		return nil, events.Errorf(events.CodeUnsupported, "/input/root/object", "%q cannot be queried", q.Root.Object)
	}
	matches := func(*dataservice.DataEntity) bool { return true }
	if q.Where != nil {
		matcher, err := query.Compile(q.Where, dataservice.Rows{Object: &dataservice.ObjectDefinition{Name: e.Name, Properties: e.Fields}}, "/input/where")
		if err != nil {
			return nil, err
		}
		matches = func(entity *dataservice.DataEntity) bool { return matcher.Match(entity) }
	}
	all, err := c.fetch(ctx, e, q.Where)
	for i := range all {
		if matches(&all[i]) {
			matching = append(matching, all[i])
		}
	}
	if q.Test {
		matching = matching[:min(len(matching), preview)]
	}
	return matching, err
}

// keyIn returns the value that a condition says that the key equals, if only
// entities with that key can match.
func keyIn(where *events.Condition, e *spec.Entity) jsontext.Value {
	if where == nil {
		return nil
	}
	if where.Operator == events.OpEqual && !where.IgnoreCase && strings.TrimPrefix(where.Property, e.Name+".") == e.Key {
		return where.Value
	}
	for i := range where.And {
		if key := keyIn(&where.And[i], e); key != nil {
			return key
		}
	}
	return nil
}

// fetch reads the entities that a condition can match: one, or those that the API
// lists in one answer.
func (c *Connector) fetch(ctx context.Context, e *spec.Entity, where *events.Condition) ([]dataservice.DataEntity, error) {
	o, values := e.List, dataservice.Values{}
	key := keyIn(where, e)
	switch {
	case key != nil && e.Get != nil:
		o, values["path."+e.Parameter] = e.Get, valueOf(key, e.Property(e.Key))
	case o == nil:
		return nil, events.Errorf(events.CodeUnsupported, "/input/where", "the API does not list %s: a query needs the key, as in %s = …", e.Name, e.Key)
	}
	answer, err := c.send(ctx, o, values)
	if refused, ok := errors.AsType[*StatusError](err); ok && o == e.Get && refused.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	raw, isJSON := answer.json()
	all, ok := entitiesOf(raw, e.Name, e.Fields)
	if !isJSON || !ok {
		return nil, events.Errorf(events.CodeUnavailable, "", "the API answered %d without the JSON that its document promises", answer.status)
	}
	for i := range all {
		if _, known := all[i].Properties[e.Key]; !known && o == e.Get {
			all[i].Properties[e.Key] = values["path."+e.Parameter]
		}
	}
	return all, nil
}
