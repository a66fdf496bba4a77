package graph

import (
	"cmp"
	"reflect"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// ReplayedResult is the result of a command that an earlier writer applied, as the
// present state tells it. Whether the command changed anything is no longer known: it
// counts as changed unless nothing can have been there to change, and the result says
// that it is replayed.
func ReplayedResult(x *index.Index, q *Request, c events.Command) events.Result {
	sequence, _ := x.Reached()
	p := replay{transaction: transaction{q: q, base: x}}
	o := Outcome{Result: p.resultOf(c)}
	o.Result.Replayed = true
	o.describe(x)
	o.Stored(sequence)
	return o.Result
}

// replay finds out what commands were about.
type replay struct {
	transaction

	// approximate means that an earlier step needed an unknown number of guids.
	approximate bool
}

func (p *replay) resultOf(c events.Command) events.Result {
	result := events.Result{Changed: true}
	switch c := c.(type) {
	case *events.ChangeSet:
		steps, _ := c.Steps() // none if they cannot be read
		for _, step := range steps {
			result.Steps = append(result.Steps, p.resultOf(step))
		}
		return result
	case *events.Flush:
		return events.Result{}
	}
	id := p.subject(c)
	if id == uuid.Nil {
		return result
	}
	now := p.base.ByGUID(id)
	if row, _ := events.CommandTypeOf(c.EventType()); row.Removes && now == nil && !p.isDeleted(id) {
		return events.Result{} // it was not there
	}
	if result.GUID = id.String(); now != nil {
		result.Version = now.Version
	}
	return result
}

// subject returns the guid of what a command was about, [uuid.Nil] if it was about
// neither an element nor a relationship, or if that is no longer known.
func (p *replay) subject(c events.Command) guid {
	switch c := c.(type) {
	case *events.Create:
		return p.created(c.Element.Ref())
	case *events.Upsert:
		return p.created(c.Element.Ref())
	case *events.FromTemplate:
		return p.copied(c)
	case *events.Link:
		spec := &c.Relationship
		return p.relationship(&events.RelationshipRef{GUID: spec.GUID, Type: spec.Type, End1: spec.End1, End2: spec.End2})
	case *events.Unlink:
		return p.relationship(c.Ref())
	case *events.LinkExternalID:
		return p.element(p.identifier(&c.ExternalID))
	case *events.UnlinkExternalID:
		return p.element(p.identifier(&c.ExternalID))
	case *events.ConfirmSynchronization:
		return p.relationship(&events.RelationshipRef{Type: typeExternalIDLink, End1: c.Element, End2: p.identifier(&c.ExternalID)})
	default:
		if link := fieldOf[events.RelationshipRef](c, "Relationship"); link != (events.RelationshipRef{}) {
			return p.relationship(&link)
		}
		return p.element(fieldOf[events.ElementRef](c, "Element"))
	}
}

// fieldOf returns the field by which a command names what it is about, zero if it has
// none.
func fieldOf[T any](c events.Command, name string) (v T) {
	if f := reflect.ValueOf(c).Elem().FieldByName(name); f.IsValid() {
		v, _ = reflect.TypeAssert[T](f)
	}
	return v
}

func (p *replay) isDeleted(id guid) bool {
	_, deleted := p.base.LastDeletion(events.ByGUID(id.String()))
	return deleted && p.base.ByGUID(id) == nil
}

// element returns the guid of an element that is there or was deleted.
func (p *replay) element(ref events.ElementRef) guid {
	if r, err := index.Element(p.base, ref, ""); err == nil {
		return r.GUID
	}
	if id := index.GUIDOf(ref); ref.GUID != "" || p.isDeleted(id) {
		return id
	}
	return uuid.Nil // it may have had another guid
}

// created returns the guid of a new element: the next one that the command made if
// there is neither guid nor name.
func (p *replay) created(ref events.ElementRef) guid {
	switch {
	case ref != (events.ElementRef{}):
		return p.element(ref)
	case p.approximate:
		return uuid.Nil
	default:
		return p.newGUID()
	}
}

// copied returns the guid of the copy of a template.
func (p *replay) copied(c *events.FromTemplate) guid {
	defer func() { p.approximate = true }()
	ref := events.ElementRef{GUID: c.GUID, QualifiedName: c.QualifiedName}
	template, err := index.Element(p.base, c.Template, "")
	if err == nil && c.GUID == "" {
		if ref.QualifiedName, err = newPlaceholders(c).fill(cmp.Or(c.QualifiedName, template.QualifiedName())); err != nil {
			return uuid.Nil
		}
	}
	return p.created(ref)
}

// relationship returns the guid of a relationship that is there or was deleted.
func (p *replay) relationship(ref *events.RelationshipRef) guid {
	if ref.GUID != "" {
		return index.GUIDOf(events.ByGUID(ref.GUID))
	}
	end1, end2 := p.element(ref.End1), p.element(ref.End2)
	if end1 == uuid.Nil || end2 == uuid.Nil {
		return uuid.Nil
	}
	if all := between(p.base, ref.Type, end1, end2); len(all) > 0 {
		return all[0].GUID
	}
	if key := events.RelationshipKey(ref.Type, end1, end2); p.isDeleted(key) {
		return key
	}
	return uuid.Nil // it may have had another guid
}

// identifier names the ExternalId of an external identifier; nothing if its scope is
// not known any more.
func (p *replay) identifier(x *events.ExternalID) events.ElementRef {
	scope := x.Scope.QualifiedName
	if r, err := index.Element(p.base, x.Scope, ""); err == nil {
		scope = r.Name
	} else if x.Scope.GUID != "" {
		return events.ElementRef{}
	}
	return events.ByName(events.ExternalIDName(scope, x.Identifier))
}
