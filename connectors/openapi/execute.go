package openapi

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi/spec"
	"github.com/camena-io/camena/events"
)

// Execute implements [dataservice.Operator]. Each entity of the input is a request
// of its own. What the API did stays: when it can no longer be reached, the rows
// before are still returned.
func (c *Connector) Execute(ctx context.Context, in dataservice.OperationInput) (r dataservice.OperationResult, err error) {
	if in.Test {
		return r, events.Errorf(events.CodeUnsupported, "/input/test", "an API has no way to try something without doing it")
	}
	for i := range in.Input {
		row, err := c.perform(ctx, in.Action, &in.Input[i])
		if err != nil && (i == 0 || ctx.Err() != nil) {
			return r, err
		}
		if err != nil {
			row = dataservice.RowResult{Error: &dataservice.RowError{Description: err.Error()}}
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

// perform performs an action on one entity. What is wrong with that entity is in
// the row.
func (c *Connector) perform(ctx context.Context, action string, e *dataservice.DataEntity) (row dataservice.RowResult, err error) {
	if of := c.entity(e.Object); of != nil {
		row, err = c.change(ctx, action, of, e.Properties)
	} else if o := c.document.Find(action); o != nil {
		row, err = c.operate(ctx, o, e.Properties)
	} else {
		err = events.Errorf(events.CodeUnsupported, "/input/action", "there is no action %q", action)
	}
	if refused, ok := errors.AsType[*StatusError](err); ok {
		return dataservice.RowResult{Error: &dataservice.RowError{
			Number: dataservice.ErrorNumber(refused.Status), Description: refused.Error(), Detail: refused.Body,
		}}, nil
	}
	if code := events.CodeOf(err); code == events.CodeInvalid || code == events.CodeTooLarge {
		return dataservice.RowResult{Error: &dataservice.RowError{Description: err.Error()}}, nil
	}
	return row, err
}

// operate executes an operation. The JSON objects that its document promises are
// entities; any other answer is the body.
func (c *Connector) operate(ctx context.Context, o *spec.Operation, values dataservice.Values) (row dataservice.RowResult, err error) {
	answer, err := c.send(ctx, o, values)
	if err != nil {
		return row, err
	}
	e := &dataservice.DataEntity{Object: c.inputObject(o).Name, Properties: dataservice.Values{statusProperty: int64(answer.status)}}
	raw, isJSON := answer.json()
	results, ok := entitiesOf(raw, c.resultObject(o), o.Result.Fields)
	switch {
	case isJSON && ok && o.Result.Ref != "":
		e.Children = map[string][]dataservice.DataEntity{rowsProperty: results}
	case isJSON:
		e.Properties[rawProperty] = raw
	case len(answer.body) > 0 && utf8.Valid(answer.body):
		e.Properties[rawProperty] = string(answer.body)
	case len(answer.body) > 0:
		e.Properties[rawProperty] = answer.body
	}
	row = dataservice.RowResult{Success: true, Output: e}
	if o.Method != http.MethodGet && o.Method != http.MethodHead {
		row.Affected = 1
	}
	return row, nil
}
