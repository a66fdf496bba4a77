package events

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Filter decides what of a [Find] the state of an element tells: all but its
// type, source, scope, name and text.
type Filter struct {
	find           *Find
	classification *Matcher
	where          *Matcher
}

// Filter checks the question and returns what decides it.
func (q *Find) Filter() (*Filter, error) {
	f := &Filter{find: q}
	if q.ClassificationWhere != nil {
		if q.Classification == "" {
			return nil, Errorf(CodeInvalid, "/classification", "missing: name the classification that classificationWhere is about")
		}
		var err error
		if f.classification, err = q.ClassificationWhere.Compile("/classificationWhere"); err != nil {
			return nil, err
		}
	}
	if q.Where != nil {
		var err error
		if f.where, err = q.Where.Compile("/where"); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Watch is [Matcher.Watch] for all conditions of the question.
func (f *Filter) Watch(over func(bytes int) bool) {
	for _, m := range [...]*Matcher{f.classification, f.where} {
		if m != nil {
			m.Watch(over)
		}
	}
}

// Passes reports whether nothing but archived elements is left out.
func (f *Filter) Passes() bool {
	q := f.find
	return q.Classification == "" && q.Zone == "" && q.EffectiveAt.IsZero() && f.where == nil
}

// Match reports whether an element is one of those asked for.
func (f *Filter) Match(s State) bool {
	q := f.find
	return Visible(s, q.EffectiveAt, q.IncludeArchived) &&
		(q.Classification == "" || f.isClassified(s)) &&
		(q.Zone == "" || s.inZone(q.Zone)) &&
		(f.where == nil || f.where.Match(s))
}

func (f *Filter) isClassified(s State) bool {
	if !s.isMarked() {
		return false
	}
	c := s.classification(f.find.Classification)
	if c == nil || !f.find.EffectiveAt.IsZero() && !effectiveAt(c, f.find.EffectiveAt) {
		return false
	}
	return f.classification == nil || f.classification.Match(stateOfProperties(memberOf(c, "properties")))
}

// Visible reports whether an element or relationship counts at a time, if one
// is given, and is not archived, unless that does not matter.
func Visible(s State, effectiveAt time.Time, includeArchived bool) bool {
	return (includeArchived || !s.Archived()) && (effectiveAt.IsZero() || s.EffectiveAt(effectiveAt))
}

// Value returns what stands at a path, as [Condition] has them; nil if nothing
// does.
func (s State) Value(property string) jsontext.Value {
	p, err := parsePath(property, "")
	if err != nil {
		return nil
	}
	return s.value(&p)
}
