package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/camena-io/camena/connectors/dataservice"
)

// The actions.
const (
	actionQuery  = "Query"
	actionCreate = "Create"
)

// Actions implements [dataservice.Describer].
func (*Connector) Actions(context.Context) ([]dataservice.ActionDefinition, error) {
	return []dataservice.ActionDefinition{
		{Name: actionQuery, Known: dataservice.ActionQuery, Description: "Read rows", Where: true, Sort: true},
		{Name: actionCreate, Known: dataservice.ActionCreate, Description: "Insert rows", Input: true, Bulk: true},
	}, nil
}

// What the user may read, and whether rows can be inserted, of the tables, views and
// foreign tables of a schema.
const tables = `
SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
       has_table_privilege(c.oid, 'INSERT') AND (pg_relation_is_updatable(c.oid, true) & 8) <> 0
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(c.oid, 'SELECT')
  AND ($2 = '' OR c.relname = $2)
ORDER BY c.relname`

// Objects implements [dataservice.Describer].
func (c *Connector) Objects(ctx context.Context) ([]dataservice.ObjectDefinition, error) {
	return c.objects(ctx, "")
}

func (c *Connector) objects(ctx context.Context, name string) ([]dataservice.ObjectDefinition, error) {
	rows, err := c.pool.Query(ctx, tables, c.config.Schema, name)
	if err != nil {
		return nil, failed(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o dataservice.ObjectDefinition, err error) {
		var insertable bool
		err = row.Scan(&o.Name, &o.Description, &insertable)
		o.Actions = []string{actionQuery}
		if insertable {
			o.Actions = append(o.Actions, actionCreate)
		}
		return o, err
	})
	return all, failed(err)
}

const columns = `
SELECT a.attname, coalesce(col_description(a.attrelid, a.attnum), ''), t.typname, t.typcategory::text, coalesce(e.typname, ''),
       CASE WHEN t.typname IN ('varchar', 'bpchar') THEN greatest(a.atttypmod - 4, 0) ELSE 0 END,
       CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN ((a.atttypmod - 4) >> 16) & 65535 ELSE 0 END,
       CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN (a.atttypmod - 4) & 2047 ELSE 0 END,
       NOT a.attnotnull, coalesce(a.attnum = ANY (k.conkey), false),
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> '' OR a.attidentity = 'a'
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type d ON d.oid = a.atttypid
JOIN pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

// Object implements [dataservice.Describer].
func (c *Connector) Object(ctx context.Context, name string) (*dataservice.ObjectDefinition, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	all, err := c.objects(ctx, name)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	object := &all[0]
	rows, err := c.pool.Query(ctx, columns, c.config.Schema, name)
	if err != nil {
		return nil, failed(err)
	}
	object.Properties, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p dataservice.PropertyDefinition, err error) {
		var typeName, category, item string
		err = row.Scan(&p.Name, &p.Description, &typeName, &category, &item, &p.Size, &p.Precision, &p.Scale, &p.Nullable, &p.Key, &p.Required, &p.NoInput)
		p.Type, p.Presentation = typeOf(typeName), typeName
		if category == "A" {
			// An array is read as PostgreSQL writes it.
			p.Type, p.Presentation, p.NoInput = dataservice.TypeString, strings.TrimPrefix(typeName, "_")+"[]", true
		}
		return p, err
	})
	return object, failed(err)
}

// typeOf returns the type of the values of a column.
func typeOf(typeName string) dataservice.Type {
	switch typeName {
	case "bool":
		return dataservice.TypeBoolean
	case "int2", "int4", "int8", "oid":
		return dataservice.TypeInteger
	case "float4", "float8":
		return dataservice.TypeDouble
	case "numeric":
		return dataservice.TypeDecimal
	case "timestamptz":
		return dataservice.TypeTime
	case "timestamp":
		return dataservice.TypeLocalTime
	case "date":
		return dataservice.TypeDate
	case "time":
		return dataservice.TypeClock
	case "uuid":
		return dataservice.TypeGUID
	case "bytea":
		return dataservice.TypeBytes
	case "json", "jsonb":
		return dataservice.TypeJSON
	default:
		return dataservice.TypeString
	}
}
