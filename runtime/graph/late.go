package graph

import "github.com/camena-io/camena/events"

// ResultOf is the outcome of a command that was applied before, told by what there
// is now.
func (x *Index) ResultOf(c events.Command) events.Result {
	o := Outcome{Result: lateResult(x, c)}
	o.describe(x)
	return o.Result
}

// lateResult is the outcome of a command that an earlier tenure applied, told by
// what there is now.
func lateResult(v view, c events.Command) events.Result {
	if set, ok := c.(*events.ChangeSet); ok {
		result := events.Result{Changed: true}
		steps, err := set.Steps()
		if err != nil {
			return result
		}
		for _, step := range steps {
			result.Steps = append(result.Steps, lateResult(v, step))
		}
		return result
	}
	found := subjectOf(v, c)
	if found == nil {
		return events.Result{}
	}
	return events.Result{GUID: found.guid.String(), Version: found.version, Changed: true}
}

// subjectOf returns what a command was about, as it is now; nil if it is gone.
func subjectOf(v view, c events.Command) *record {
	switch c := c.(type) {
	case *events.Create:
		return elementOrNil(v, c.Element.Ref())
	case *events.Upsert:
		return elementOrNil(v, c.Element.Ref())
	case *events.FromTemplate:
		return elementOrNil(v, events.ElementRef{GUID: c.GUID, QualifiedName: c.QualifiedName})
	case *events.Link:
		spec := &c.Relationship
		return linkOrNil(v, &events.RelationshipRef{GUID: spec.GUID, Type: spec.Type, End1: spec.End1, End2: spec.End2})
	case *events.UpdateRelationship:
		return linkOrNil(v, &c.Relationship)
	case *events.Rehome:
		if c.Element == (events.ElementRef{}) {
			return linkOrNil(v, &c.Relationship)
		}
		return elementOrNil(v, c.Element)
	default:
		return elementOrNil(v, elementOf(c))
	}
}

// elementOf returns the element that a command is about, if it is about one.
func elementOf(c events.Command) events.ElementRef {
	switch c := c.(type) {
	case *events.Update:
		return c.Element
	case *events.Restore:
		return c.Element
	case *events.Publish:
		return c.Element
	case *events.Withdraw:
		return c.Element
	case *events.Retype:
		return c.Element
	case *events.Classify:
		return c.Element
	case *events.Declassify:
		return c.Element
	default:
		return events.ElementRef{}
	}
}

func elementOrNil(v view, ref events.ElementRef) *record {
	if ref == (events.ElementRef{}) {
		return nil
	}
	r, err := element(v, ref, "")
	if err != nil {
		return nil
	}
	return r
}

func linkOrNil(v view, ref *events.RelationshipRef) *record {
	r, err := linkOf(v, ref, "")
	if err != nil {
		return nil
	}
	return r
}
