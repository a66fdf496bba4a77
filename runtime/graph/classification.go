package graph

import (
	"slices"
	"strconv"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// checkClassifications checks the classifications wanted on elements of a type.
func checkClassifications(types *opentypes.Registry, typ *opentypes.Type, list []events.Classification, pointer string) error {
	for i := range list {
		if err := checkClassification(types, typ.Header(), &list[i], false, pointer+"/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

// checkClassification checks a classification and brings it into its stored form.
func checkClassification(types *opentypes.Registry, element *events.ElementType, c *events.Classification, partial bool, pointer string) error {
	typ, err := types.Classification(c.Name, pointer+"/classificationName")
	if err != nil {
		return err
	}
	if err := typ.CheckClassifies(element, pointer+"/classificationName"); err != nil {
		return err
	}
	c.Properties, err = typ.Check(c.Properties, opentypes.CheckOptions{Pointer: pointer + "/properties", Partial: partial})
	if err == nil && !partial {
		c.Properties, err = c.Properties.WithoutNulls()
	}
	c.Effectivity = inUTC(c.Effectivity)
	return err
}

// setClassifications leaves the classifications as they are if none or the same set is
// wanted.
func setClassifications(e *events.Element, want []events.Classification) {
	have := e.Classifications
	same := len(have) == len(want) && !slices.ContainsFunc(have, func(m events.Classification) bool {
		return !slices.ContainsFunc(want, func(n events.Classification) bool {
			return m.Name == n.Name && m.Properties.Equal(n.Properties) && m.Effectivity.Equal(n.Effectivity)
		})
	})
	if want != nil && !same {
		e.Classifications = want
	}
}

func dropClassification(e *events.Element, name string) {
	e.Classifications = slices.DeleteFunc(e.Classifications, func(c events.Classification) bool { return c.Name == name })
}

// setClassification adds a classification, or replaces the one of that name.
func setClassification(e *events.Element, c *events.Classification) {
	if have := e.Classification(c.Name); have != nil {
		*have = *c
		return
	}
	e.Classifications = append(e.Classifications, *c)
}

func (t *transaction) classify(c *events.Classify) error {
	want, types := c.Classification, t.view().Types()
	if _, err := types.Classification(want.Name, "/classification/classificationName"); err != nil {
		return err
	}
	old, e, err := t.liveElement(c.Element, c.Expectation)
	if err != nil {
		return err
	}
	have, eventType := e.Classification(want.Name), events.TypeElementReclassified
	if have == nil {
		eventType = events.TypeElementClassified
	}
	merge := c.Merge && have != nil
	if err := checkClassification(types, old.Type, &want, merge, "/classification"); err != nil {
		return err
	}
	if merge {
		if want.Properties, err = have.Properties.Merge(want.Properties); err != nil {
			return err
		}
		if want.Effectivity == (events.Effectivity{}) {
			want.Effectivity = have.Effectivity
		}
	}
	setClassification(e, &want)
	return t.revise(old, e, eventType, want.Name)
}

func (t *transaction) declassify(c *events.Declassify) error {
	old, e, err := t.liveElement(c.Element, c.Expectation)
	if err != nil {
		return err
	}
	if e.Classification(c.ClassificationName) == nil {
		if _, err := t.view().Types().Classification(c.ClassificationName, "/classificationName"); err != nil {
			return err
		}
		t.is(old)
		return t.mayChange(old)
	}
	dropClassification(e, c.ClassificationName)
	return t.revise(old, e, events.TypeElementDeclassified, c.ClassificationName)
}
