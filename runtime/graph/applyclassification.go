package graph

import (
	"slices"

	"github.com/camena-io/camena/events"
)

// setMarks leaves the classifications as they are when nothing or the same set
// is wanted.
func setClassifications(e *events.Element, want []events.Classification) {
	if want != nil && !sameClassifications(e.Classifications, want) {
		e.Classifications = want
	}
}

// sameMarks reports whether two sets of classifications are the same.
func sameClassifications(a, b []events.Classification) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(m events.Classification) bool {
		return !slices.ContainsFunc(b, func(n events.Classification) bool {
			return m.Name == n.Name && m.Properties.Equal(n.Properties) && m.Effectivity.Equal(n.Effectivity)
		})
	})
}

func dropClassification(e *events.Element, name string) {
	e.Classifications = slices.DeleteFunc(e.Classifications, func(m events.Classification) bool { return m.Name == name })
}

// mark puts a classification on the element, or replaces the one it has.
func mark(e *events.Element, m *events.Classification) {
	if have := e.Classification(m.Name); have != nil {
		*have = *m
		return
	}
	e.Classifications = append(e.Classifications, *m)
}

func (a *applier) classify(v view, q *Request, c *events.Classify) (Outcome, error) {
	name := c.Classification.Name
	if _, err := v.registry().Classification(name, "/classification/classificationName"); err != nil {
		return Outcome{}, err
	}
	old, err := liveElement(v, c.Element, c.Expectation)
	if err != nil {
		return Outcome{}, err
	}
	e, err := old.element()
	if err != nil {
		return Outcome{}, err
	}
	have, want, eventType := e.Classification(name), c.Classification, events.TypeElementReclassified
	if have == nil {
		eventType = events.TypeElementClassified
	}
	merge := c.Merge && have != nil
	if err := checkClassification(v.registry(), old.typ, &want, merge, "/classification"); err != nil {
		return Outcome{}, err
	}
	if merge {
		if err := mergeClassification(&want, have); err != nil {
			return Outcome{}, err
		}
	}
	return a.revise(q, old, eventType, name, func(e *events.Element) error {
		mark(e, &want)
		return nil
	})
}

// mergeMark adds to a classification what the one that is there has beside it.
func mergeClassification(want, have *events.Classification) (err error) {
	want.Properties, err = have.Properties.Merge(want.Properties)
	if want.Effectivity == (events.Effectivity{}) {
		want.Effectivity = have.Effectivity
	}
	return err
}

func (a *applier) declassify(v view, q *Request, c *events.Declassify) (Outcome, error) {
	old, err := liveElement(v, c.Element, c.Expectation)
	if err != nil {
		return Outcome{}, err
	}
	e, err := old.element()
	if err != nil {
		return Outcome{}, err
	}
	if e.Classification(c.ClassificationName) == nil {
		if _, err := v.registry().Classification(c.ClassificationName, "/classificationName"); err != nil {
			return Outcome{}, err
		}
		return unchanged(old), q.mayChange(old)
	}
	return a.revise(q, old, events.TypeElementDeclassified, c.ClassificationName, func(e *events.Element) error {
		dropClassification(e, c.ClassificationName)
		return nil
	})
}
