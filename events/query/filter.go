package query

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// Filter decides the parts of an [events.Find] that depend on the JSON of an
// element: all but its type, source, scope, name and text. It is not safe for
// concurrent use.
type Filter struct {
	find                  *events.Find
	classification, where *Matcher
	row                   boundedRow
}

// boundedRow is a state whose values end when the time of the question does.
type boundedRow struct {
	State

	over func(bytes int) bool
}

// Value implements [Row].
func (r *boundedRow) Value(path string) jsontext.Value {
	if r.over != nil && r.over(max(len(r.raw), len(r.properties))) {
		return nil
	}
	return r.State.Value(path)
}

// NewFilter checks the conditions of a question against the types of the elements
// and of the classification; without types only their form is checked.
//
// over, if given, is called before each comparison with the bytes it reads. After
// it has returned true nothing more is read, and Match means nothing.
func NewFilter(q *events.Find, elements, classification Types, over func(bytes int) bool) (*Filter, error) {
	f := &Filter{find: q, row: boundedRow{over: over}}
	var err error
	if q.ClassificationWhere != nil {
		if q.Classification == "" {
			return nil, invalid("/classification", "missing: name the classification that classificationWhere is about")
		}
		if f.classification, err = Compile(q.ClassificationWhere, classification, "/classificationWhere"); err != nil {
			return nil, err
		}
	}
	if q.Where != nil {
		f.where, err = Compile(q.Where, elements, "/where")
	}
	return f, err
}

// Passes reports whether the filter excludes nothing but archived elements.
func (f *Filter) Passes() bool {
	q := f.find
	return q.Classification == "" && q.Zone == "" && q.EffectiveAt.IsZero() && f.where == nil
}

// Match reports whether an element passes.
func (f *Filter) Match(s State) bool {
	q := f.find
	return s.Visible(q.EffectiveAt, q.IncludeArchived) &&
		(q.Classification == "" || f.isClassified(&s)) &&
		(q.Zone == "" || s.inZone(q.Zone)) &&
		(f.where == nil || f.matches(f.where, s))
}

func (f *Filter) matches(m *Matcher, s State) bool {
	f.row.State = s
	return m.Match(&f.row)
}

func (f *Filter) isClassified(s *State) bool {
	c := s.classification(f.find.Classification)
	if c == nil || !f.find.EffectiveAt.IsZero() && !isEffective(c, f.find.EffectiveAt) {
		return false
	}
	return f.classification == nil || f.matches(f.classification, State{properties: memberOf(c, "properties")})
}
