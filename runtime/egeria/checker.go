package egeria

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"maps"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// stage is a part of the check. It must be complete before the next begins.
type stage int

const (
	stageTypes stage = iota
	stageElements
	stageLinks
	stageDone
)

func (s section) stage() stage {
	switch s {
	case attributeTypes, newTypes, typePatches:
		return stageTypes
	case entities:
		return stageElements
	default:
		return stageLinks
	}
}

// checker decides what is taken of the items that it is shown.
type checker struct {
	*Plan
	stage stage
	seed  maphash.Seed
	// patches and inline definitions are applied when all definitions are read.
	inline  []events.TypeDef
	patches []placedPatch
	// elements and relationships are those of the archive, unread the elements that
	// could not be decoded.
	elements, relationships, unread map[uuid.UUID]seen
	// names has the element with each qualified name, classified the classifications
	// by element and name.
	names      map[uint64]uuid.UUID
	classified map[uint64]seen
	anchored   []anchored
	// pending are the items that refer to what is not in the archive.
	pending []pending
	// there says of each guid that the repository was asked for whether it has it.
	there map[uuid.UUID]bool
}

// seen is an item that was read before.
type seen struct {
	hash  uint64
	line  int64
	index int
	sec   section
	taken bool
}

func (s seen) String() string {
	return fmt.Sprintf("line %d, %s", s.line, itemAt(s.sec.pointer(), s.index))
}

// pending is an item, or a classification in one, about which is decided later: when
// its element is taken, or the repository has what it refers to.
type pending struct {
	key        key
	finding    Finding
	references []reference
}

// reference is what an item says about another one.
type reference struct {
	what  string
	where Place
	Stub
}

func newChecker(p *Plan) *checker {
	return &checker{
		Plan: p, seed: maphash.MakeSeed(),
		elements: map[uuid.UUID]seen{}, relationships: map[uuid.UUID]seen{}, unread: map[uuid.UUID]seen{}, names: map[uint64]uuid.UUID{},
		classified: map[uint64]seen{}, there: map[uuid.UUID]bool{},
	}
}

func (c *checker) item(ctx context.Context, i *item) error {
	if err := c.finish(ctx, i.section.stage()); err != nil {
		return err
	}
	switch i.section {
	case entities:
		c.entity(i)
	case relationships:
		c.relationship(i)
	case classifications:
		c.extension(i)
	default:
		c.define(i)
	}
	if len(c.pending) < lookups {
		return nil
	}
	return c.resolve(ctx)
}

// finish ends all stages before one.
func (c *checker) finish(ctx context.Context, next stage) error {
	for ; c.stage < next; c.stage++ {
		switch c.stage {
		case stageTypes:
			c.settleTypes()
		case stageElements:
			c.deferAnchors()
		default:
		}
		if err := c.resolve(ctx); err != nil {
			return err
		}
	}
	return nil
}

// refuse drops an item because of a fault in one of its values.
func (c *checker) refuse(i *item, f Finding, wrong *fault) {
	f.Outcome, f.Where, f.Reason = wrong.outcome, i.place(wrong.pointer), wrong.reason
	c.drop(i.key(), f)
}

const (
	active    = "ACTIVE"
	deleted   = "DELETED"
	isDeleted = "it is deleted in the archive"
)

func (c *checker) entity(i *item) {
	e, wrong := c.decodeEntity(i)
	f, n := e.finding(KindElement, e.spec.Type, Place{}), len(e.wire.Classifications)
	c.Report.count(KindClassification, found, n)
	if wrong != nil {
		c.unread[id(f.GUID)] = i.seen(0)
	} else {
		wrong = c.takeEntity(i, e)
	}
	if wrong != nil {
		c.refuse(i, f, wrong)
		c.Report.count(KindClassification, wrong.outcome, n)
	}
}

func (c *checker) takeEntity(i *item, e *entity) *fault {
	now := i.seen(c.hash(&e.wire))
	if wrong := twice(c.elements, id(e.spec.GUID), now, "/guid"); wrong != nil {
		return wrong
	}
	wrong := skipf(isDeleted)
	if e.wire.Status != deleted {
		wrong = c.element(i, e)
	}
	now.taken = wrong == nil
	c.elements[id(e.spec.GUID)] = now
	return wrong
}

func (i *item) seen(hash uint64) seen {
	return seen{hash: hash, line: i.line, index: i.index, sec: i.section}
}

// element takes an element, unless something is wrong with it.
func (c *checker) element(i *item, e *entity) *fault {
	if wrong := c.validType("/type/typeDefName", e.spec.Type, events.KindElement); wrong != nil {
		return wrong
	}
	name := c.hash(e.spec.QualifiedName)
	if other, isTaken := c.names[name]; isTaken && e.spec.QualifiedName != "" {
		return faultf("/properties/instanceProperties/qualifiedName", "the element %s has the same qualified name, at %s", other, c.elements[other])
	}
	dropped, own, lost := c.classifications(i, e)
	if wrong := c.fits(e.steps(Place{}, "")...); wrong != nil {
		return wrong
	}
	c.names[name] = id(e.spec.GUID)
	c.Report.count(KindElement, Taken, 1)
	c.Report.lose(&e.wire.wireAudit)
	for _, m := range lost {
		c.Report.loseOf(m)
	}
	c.Report.count(KindClassification, Taken, e.inHeader+len(e.classifications))
	maps.Copy(c.classified, own)
	for _, d := range dropped {
		c.drop(d.key, d.finding)
	}
	return nil
}

// classifications adds to an entity those of its classifications that are taken, and
// returns the others, and what tells the taken ones apart.
func (c *checker) classifications(i *item, e *entity) (dropped []pending, own map[uint64]seen, lost []*wireClassification) {
	own = map[uint64]seen{}
	for index, m := range e.wire.Classifications {
		if m == nil {
			e.inHeader++ // it asks for nothing
			continue
		}
		wrong := c.classification(i, e, m, index, own)
		if wrong == nil {
			lost = append(lost, m)
			continue
		}
		f := e.finding(KindClassification, cmp.Or(m.Name, m.Type.Name), i.place(itemAt("/classifications", index)+wrong.pointer))
		f.Outcome, f.Reason = wrong.outcome, wrong.reason
		dropped = append(dropped, pending{key: i.classification(index), finding: f})
	}
	return dropped, own, lost
}

func (c *checker) classification(i *item, e *entity, m *wireClassification, index int, own map[uint64]seen) *fault {
	out, f := c.Plan.classification(m)
	if f != nil {
		return f
	}
	if m.Status == deleted {
		return skipf(isDeleted)
	}
	if f := c.validType("/name", out.Name, events.KindClassification); f != nil {
		return f
	}
	k, now := c.classificationHash(e.spec.GUID, out.Name), i.seen(c.hash(m))
	if f := twice(own, k, now, ""); f != nil {
		return f
	}
	s, f := classificationStep(&out, e.stub(), Place{})
	if f != nil {
		return f
	}
	own[k] = now
	c.mementos = c.mementos || s.Archives()
	if s.Anchor == "" {
		e.add(s)
		return nil
	}
	e.spec.Anchor = events.ByGUID(s.Anchor)
	pointer := itemAt("/classifications", index)
	s.Where = i.place(pointer)
	c.anchored = append(c.anchored, anchored{
		pending: pending{key: i.classification(index), finding: s.Finding},
		element: e.stub(), anchor: reference{what: "the anchor", Stub: Stub{GUID: s.Anchor}, where: i.place(pointer + anchorPointer)},
	})
	return nil
}

// classificationHash tells classifications apart: an element has one of each name.
func (c *checker) classificationHash(guid, name string) uint64 {
	return c.hash([]string{id(guid).String(), name})
}

// twice skips what occurs before, and refuses what occurs before with other content.
func twice[K comparable](before map[K]seen, k K, now seen, pointer string) *fault {
	was, again := before[k]
	switch {
	case again && was.hash == now.hash:
		return skipf("the same occurs before: at %s", was)
	case again:
		return faultf(pointer, "it occurs before, with other content, at %s", was)
	default:
		return nil
	}
}

// fits checks that the commands of an item are not too large to be sent.
func (c *checker) fits(steps ...*Step) *fault {
	if c.settings.MaxCommand <= 0 {
		return nil
	}
	size := 0
	for _, s := range steps {
		data, err := events.Marshal(s.Command)
		if err != nil {
			return faultf("", "%s", err)
		}
		size += len(data)
	}
	if size > c.settings.MaxCommand {
		return faultf("", "%s", tooLarge(int64(size), int64(c.settings.MaxCommand)))
	}
	return nil
}

func tooLarge(size, limit int64) string {
	return fmt.Sprintf("it has %d bytes; the most that can be sent is %d", size, limit)
}

// validType checks that there is a type of that name and kind.
func (c *checker) validType(pointer, name string, kind events.TypeKind) *fault {
	known, ok := c.typeOf(name)
	switch {
	case !ok && c.settings.TypeDef == nil:
		return nil
	case !ok:
		return faultf(pointer, "unknown type %q: neither the archive nor the repository defines it", short(name))
	case known.Kind != kind:
		return faultf(pointer, "%s is a type of kind %s, not %s", name, known.Kind, kind)
	}
	return nil
}

// typeOf returns the definition of a type, of the archive or of the repository.
func (p *Plan) typeOf(name string) (events.TypeDef, bool) {
	if def, ok := p.defs[name]; ok {
		return def, true
	}
	return p.ask(name)
}

// ask returns the definition that the repository has of a type.
func (p *Plan) ask(name string) (events.TypeDef, bool) {
	if p.settings.TypeDef == nil {
		return events.TypeDef{}, false
	}
	return p.settings.TypeDef(name)
}

// hash returns the same for the same content.
func (c *checker) hash(value any) uint64 {
	data, err := events.Marshal(value)
	if err != nil {
		data = []byte(err.Error())
	}
	return maphash.Bytes(c.seed, data)
}
