package postgres

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// preview is how many rows a test query returns at most.
const preview = 10

// Query implements [dataservice.Querier].
func (c *Connector) Query(ctx context.Context, q dataservice.Query) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		rows, selected, err := c.open(ctx, &q)
		if err != nil {
			yield(dataservice.DataEntity{}, failed(err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			if !yield(entityOf(rows, q.Root.Object, selected), nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(dataservice.DataEntity{}, failed(err))
		}
	}
}

// open begins a query; its rows have the selected properties.
func (c *Connector) open(ctx context.Context, q *dataservice.Query) (pgx.Rows, []dataservice.PropertyDefinition, error) {
	switch {
	case q.Native != "":
		return nil, nil, events.Errorf(events.CodeUnsupported, "/input/native", "PostgreSQL connectors take no SQL")
	case len(q.Root.Children) > 0:
		return nil, nil, events.Errorf(events.CodeUnsupported, "/input/root/children", "PostgreSQL connectors join nothing")
	case q.Test && (q.Limit == 0 || q.Limit > preview):
		q.Limit = preview
	}
	object, err := c.Object(ctx, q.Root.Object)
	if err != nil || object == nil {
		return nil, nil, cmp.Or(err, notFound(q.Root.Object))
	}
	s := &statement{object: object}
	selected, err := s.selects(c.config.Schema, q)
	if err != nil {
		return nil, nil, err
	}
	rows, err := c.pool.Query(ctx, s.text.String(), append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, s.arguments...)...)
	return rows, selected, err
}

func notFound(object string) error {
	return events.Errorf(events.CodeNotFound, "/input/root/object", "there is no table %q", object)
}

func entityOf(rows pgx.Rows, object string, selected []dataservice.PropertyDefinition) dataservice.DataEntity {
	e := dataservice.DataEntity{Object: object, Properties: make(dataservice.Values, len(selected))}
	for i, text := range rows.RawValues() {
		e.Properties[selected[i].Name] = valueOf(text, selected[i].Type)
	}
	return e
}

// Execute implements [dataservice.Operator].
func (c *Connector) Execute(ctx context.Context, in dataservice.OperationInput) (r dataservice.OperationResult, err error) {
	objects := map[string]*dataservice.ObjectDefinition{}
	for i := range in.Input {
		name := in.Input[i].Object
		if objects[name] == nil {
			if objects[name], err = c.Object(ctx, name); err != nil || objects[name] == nil {
				return r, cmp.Or(err, notFound(name))
			}
		}
	}
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return r, failed(err)
	}
	defer conn.Release()
	for i := range in.Input {
		row, err := create(ctx, conn.Conn(), c.config.Schema, objects[in.Input[i].Object], &in.Input[i], in.Test)
		if err != nil {
			return r, failed(err) // it is not the row's fault
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

var errRollback = errors.New("nothing is to stay")

// create inserts one row; what PostgreSQL has against it is in the result.
func create(ctx context.Context, conn *pgx.Conn, schema string, object *dataservice.ObjectDefinition, e *dataservice.DataEntity, test bool) (row dataservice.RowResult, err error) {
	s := &statement{object: object}
	selected := s.inserts(schema, e)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, s.text.String(), append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, s.arguments...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		if rows.Next() {
			output := entityOf(rows, object.Name, selected)
			row = dataservice.RowResult{Success: true, Affected: 1, Output: &output}
		}
		rows.Close()
		if err := rows.Err(); err != nil || !test {
			return err
		}
		return errRollback
	})
	if errors.Is(err, errRollback) {
		return row, nil
	}
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && !strings.HasPrefix(refusal.Code, "57") && !strings.HasPrefix(refusal.Code, "08") && ctx.Err() == nil {
		row = dataservice.RowResult{Error: &dataservice.RowError{Description: refusal.Message + " (" + refusal.Code + ")", Detail: refusal.ConstraintName}}
		if refusal.Code == stateDuplicate {
			row.Error.Number = dataservice.DuplicateKey
		}
		return row, nil
	}
	return row, err
}
