package graph

import (
	"cmp"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// ResultOf is the outcome of a command that was applied before, told by what there
// is now. What cannot be told any more is whether the command found anything to
// do: unless it is certain that it did not, it has.
func (x *Index) ReplayedResult(r *Request, c events.Command) events.Result {
	sequence, _ := x.Reached()
	q := *r
	q.made = 0
	l := replay{Index: x, q: &q}
	o := Outcome{Result: l.result(c)}
	o.describe(x)
	o.Stored(sequence)
	return o.Result
}

// late tells what commands were about that an earlier tenure applied.
type replay struct {
	*Index

	q *Request
	// unsure says that a step before this one needed nobody knows how many guids.
	approximate bool
}

func (l *replay) result(c events.Command) events.Result {
	if set, ok := c.(*events.ChangeSet); ok {
		return l.set(set)
	}
	if _, ok := c.(*events.Flush); ok {
		return events.Result{}
	}
	id := l.subject(c)
	if id == uuid.Nil {
		return events.Result{Changed: true}
	}
	if now := l.get(id); now != nil {
		return events.Result{GUID: id.String(), Version: now.version, Changed: true}
	}
	if _, deleted := l.deletedAt(id); !deleted && removes(c) {
		return events.Result{} // it was not there
	}
	return events.Result{GUID: id.String(), Changed: true}
}

func (l *replay) set(c *events.ChangeSet) events.Result {
	result := events.Result{Changed: true}
	steps, err := c.Steps()
	if err != nil {
		return result
	}
	for _, step := range steps {
		result.Steps = append(result.Steps, l.result(step))
	}
	return result
}

func removes(c events.Command) bool {
	switch c.(type) {
	case *events.Delete, *events.Unlink, *events.UnlinkExternalID:
		return true
	default:
		return false
	}
}

// subject returns the guid of what a command was about, [uuid.Nil] if it was about
// neither an element nor a relationship, or that cannot be told any more.
func (l *replay) subject(c events.Command) guid {
	switch c := c.(type) {
	case *events.Create:
		return l.specified(&c.Element)
	case *events.Upsert:
		return l.specified(&c.Element)
	case *events.FromTemplate:
		return l.copied(c)
	case *events.Link:
		spec := &c.Relationship
		return l.relationship(&events.RelationshipRef{GUID: spec.GUID, Type: spec.Type, End1: spec.End1, End2: spec.End2})
	case *events.UpdateRelationship:
		return l.relationship(&c.Relationship)
	case *events.Unlink:
		return l.relationship(c.Ref())
	case *events.LinkExternalID:
		return l.element(l.identifier(&c.ExternalID))
	case *events.UnlinkExternalID:
		return l.element(l.identifier(&c.ExternalID))
	case *events.ConfirmSynchronization:
		return l.relationship(&events.RelationshipRef{Type: typeExternalIDLink, End1: c.Element, End2: l.identifier(&c.ExternalID)})
	case *events.Rehome:
		if c.Relationship != (events.RelationshipRef{}) {
			return l.relationship(&c.Relationship)
		}
		return l.element(c.Element)
	default:
		return l.element(elementOf(c))
	}
}

// elementOf returns the element that a command names, if it is about one.
func elementOf(c events.Command) events.ElementRef {
	switch c := c.(type) {
	case *events.Update:
		return c.Element
	case *events.Delete:
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

// element returns the guid of an element that is there, or was deleted.
func (l *replay) element(ref events.ElementRef) guid {
	if ref == (events.ElementRef{}) {
		return uuid.Nil
	}
	if r, err := element(l, ref, ""); err == nil {
		return r.guid
	}
	id := guidOf(ref)
	if _, deleted := l.deletedAt(id); deleted || ref.GUID != "" {
		return id
	}
	return uuid.Nil // it may have had another guid
}

func (l *replay) specified(spec *events.ElementSpec) guid {
	if ref := spec.Ref(); ref != (events.ElementRef{}) {
		return l.element(ref)
	}
	return l.fresh()
}

// fresh returns the next guid that the command made; it made one for what has
// neither guid nor name.
func (l *replay) fresh() guid {
	if l.approximate {
		return uuid.Nil
	}
	return l.q.newGUID()
}

// copied returns the guid of the copy of a template.
func (l *replay) copied(c *events.FromTemplate) guid {
	defer func() { l.approximate = true }()
	if c.GUID != "" {
		return l.element(events.ByGUID(c.GUID))
	}
	template, err := element(l, c.Template, "")
	if err != nil {
		return l.element(events.ByName(c.QualifiedName))
	}
	m := &templateCopy{command: c, template: template, used: map[string]bool{}}
	name, err := m.fill(cmp.Or(c.QualifiedName, template.qualifiedName()))
	switch {
	case err != nil:
		return uuid.Nil
	case name == "":
		return l.fresh()
	default:
		return l.element(events.ByName(name))
	}
}

// relationship returns the guid of a relationship that is there, or was deleted.
func (l *replay) relationship(ref *events.RelationshipRef) guid {
	if ref.GUID != "" {
		return guidOf(events.ByGUID(ref.GUID))
	}
	end1, end2 := l.element(ref.End1), l.element(ref.End2)
	if end1 == uuid.Nil || end2 == uuid.Nil {
		return uuid.Nil
	}
	if all := between(l, ref.Type, end1, end2); len(all) > 0 {
		return all[0].guid
	}
	key := events.RelationshipKey(ref.Type, end1, end2)
	if _, deleted := l.deletedAt(key); deleted {
		return key
	}
	return uuid.Nil // it may have had another guid
}

// identifier names the ExternalId that an external identifier is kept as; none if
// its scope is not there to tell.
func (l *replay) identifier(x *events.ExternalID) events.ElementRef {
	scope := x.Scope.QualifiedName
	if r, err := element(l, x.Scope, ""); err == nil {
		scope = r.name
	} else if x.Scope.GUID != "" {
		return events.ElementRef{}
	}
	return events.ByName(events.ExternalIDName(scope, x.Identifier))
}
