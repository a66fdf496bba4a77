package postgres

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// statement is SQL in the making. What callers say gets into it as parameters, and
// as names of columns that exist.
type statement struct {
	text      strings.Builder
	arguments []any
	object    *dataservice.ObjectDefinition
}

func (s *statement) write(parts ...string) {
	for _, part := range parts {
		s.text.WriteString(part)
	}
}

// parameter adds a value, and returns its place.
func (s *statement) parameter(value any) string {
	s.arguments = append(s.arguments, value)
	return "$" + strconv.Itoa(len(s.arguments))
}

func identifier(names ...string) string { return pgx.Identifier(names).Sanitize() }

// column returns a column that a path names.
func (s *statement) column(path, pointer string) (string, error) {
	name := strings.TrimPrefix(path, s.object.Name+".")
	if s.object.Property(name) == nil {
		return "", events.Errorf(events.CodeInvalid, pointer, "%s has no column %q", s.object.Name, name)
	}
	return identifier(name), nil
}

// columns returns the selected properties: those that are asked for, or all.
func (s *statement) columns(names []string) (selected []dataservice.PropertyDefinition, list string) {
	for i := range s.object.Properties {
		if p := &s.object.Properties[i]; len(names) == 0 || slices.Contains(names, p.Name) {
			selected = append(selected, *p)
		}
	}
	quoted := make([]string, len(selected))
	for i := range selected {
		quoted[i] = identifier(selected[i].Name)
	}
	return selected, strings.Join(quoted, ", ")
}

// selects makes the statement of a query.
func (s *statement) selects(schema string, q *dataservice.Query) ([]dataservice.PropertyDefinition, error) {
	selected, list := s.columns(q.Root.Properties)
	s.write("SELECT ", list, " FROM ", identifier(schema, s.object.Name))
	if q.Where != nil {
		s.write(" WHERE ")
		if err := s.where(q.Where, "/where"); err != nil {
			return nil, err
		}
	}
	for i, key := range q.Root.Sort {
		column, err := s.column(key.Property, "/root/sort/"+strconv.Itoa(i)+"/property")
		if err != nil {
			return nil, err
		}
		s.write([]string{" ORDER BY ", ", "}[min(i, 1)], column)
		if p := s.object.Property(strings.TrimPrefix(key.Property, s.object.Name+".")); p.Type == dataservice.TypeString {
			s.write(` COLLATE "C"`) // by code point, whatever the database's own order is
		}
		if key.Descending {
			s.write(" DESC NULLS FIRST")
		}
	}
	if q.Limit > 0 {
		s.write(" LIMIT ", strconv.Itoa(q.Limit))
	}
	return selected, nil
}

// where writes a condition.
func (s *statement) where(c *events.Condition, pointer string) error {
	switch {
	case c.Not != nil:
		s.write("NOT coalesce(")
		err := s.where(c.Not, pointer+"/not")
		s.write(", false)")
		return err
	case c.And != nil:
		return s.list(c.And, " AND ", pointer+"/and/")
	case c.Or != nil:
		return s.list(c.Or, " OR ", pointer+"/or/")
	default:
		return s.comparison(c, pointer)
	}
}

func (s *statement) list(conditions []events.Condition, between, pointer string) error {
	s.write("(")
	for i := range conditions {
		if i > 0 {
			s.write(between)
		}
		if err := s.where(&conditions[i], pointer+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	s.write(")")
	return nil
}

func (s *statement) comparison(c *events.Condition, pointer string) error {
	column, err := s.column(c.Property, pointer+"/property")
	if err != nil {
		return err
	}
	if c.IgnoreCase {
		return events.Errorf(events.CodeUnsupported, pointer+"/ignoreCase", "PostgreSQL connectors compare with regard to case")
	}
	switch c.Operator {
	case events.OpIsNull:
		s.write(column, " IS NULL")
		return nil
	case events.OpNotNull:
		s.write(column, " IS NOT NULL")
		return nil
	case events.OpIn:
		return s.in(c, column)
	default:
		return s.compare(c, column, pointer)
	}
}

// compare writes a comparison with one value.
func (s *statement) compare(c *events.Condition, column, pointer string) error {
	value, err := literal(c.Value)
	if err != nil {
		return err
	}
	switch c.Operator {
	case events.OpNotEqual:
		s.write(column, " IS DISTINCT FROM ", s.parameter(value))
	case events.OpContains:
		s.write("strpos(", column, "::text, ", s.parameter(value), ") > 0")
	case events.OpStartsWith:
		s.write("starts_with(", column, "::text, ", s.parameter(value), ")")
	case events.OpEndsWith:
		at := s.parameter(value)
		s.write("right(", column, "::text, length(", at, "::text)) = ", at, "::text")
	default:
		operator, ok := map[events.Operator]string{
			events.OpEqual: " = ", events.OpLess: " < ", events.OpLessOrEqual: " <= ", events.OpGreater: " > ", events.OpGreaterOrEqual: " >= ",
		}[c.Operator]
		if !ok {
			return events.Errorf(events.CodeUnsupported, pointer+"/operator", "PostgreSQL connectors have no operator %q", c.Operator)
		}
		s.write(column, operator, s.parameter(value))
	}
	return nil
}

func (s *statement) in(c *events.Condition, column string) error {
	items, err := events.Unmarshal[[]jsontext.Value](c.Value)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		s.write("false")
		return nil
	}
	places := make([]string, len(items))
	for i := range items {
		value, err := literal(items[i])
		if err != nil {
			return err
		}
		places[i] = s.parameter(value)
	}
	s.write(column, " IN (", strings.Join(places, ", "), ")")
	return nil
}

// inserts makes the statement that creates a row and returns it.
func (s *statement) inserts(schema string, e *dataservice.DataEntity) []dataservice.PropertyDefinition {
	s.write("INSERT INTO ", identifier(schema, s.object.Name))
	var names, places []string
	for i := range s.object.Properties {
		if value, ok := e.Properties[s.object.Properties[i].Name]; ok {
			names = append(names, identifier(s.object.Properties[i].Name))
			places = append(places, s.parameter(argument(value)))
		}
	}
	if len(names) == 0 {
		s.write(" DEFAULT VALUES")
	} else {
		s.write(" (", strings.Join(names, ", "), ") VALUES (", strings.Join(places, ", "), ")")
	}
	selected, list := s.columns(nil)
	s.write(" RETURNING ", list)
	return selected
}
