package archive

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"maps"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// stage is what must be complete before the next can be checked.
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
	converter

	stage stage
	seed  maphash.Seed
	// patches and inline definitions are applied once all definitions were read.
	inline  []events.TypeDef
	patches []placedPatch
	// elements and relationships are those of the archive, names who has which
	// qualified name, marked the classifications by element and name.
	elements      map[uuid.UUID]seen
	relationships map[uuid.UUID]seen
	// unread are the elements of the archive that could not be decoded.
	unread map[uuid.UUID]seen
	names  map[uint64]uuid.UUID
	marked map[uint64]seen
	// moored are the elements whose anchors are still to be found, waiting the
	// items that refer to what is not in the archive.
	moored  []moored
	waiting []waiting
	asked   map[uuid.UUID]bool
	there   map[uuid.UUID]bool
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

// waiting is an item that is taken if what it refers to exists.
type waiting struct {
	key        key
	finding    Finding
	references []reference
	// mark is which classification of an element it is, or -1.
	mark int
}

// reference is what an item says about another one.
type reference struct {
	what  string
	guid  string
	where Place
	// says is what the item says about it.
	says Stub
}

// moored is an element that belongs to another one.
type moored struct {
	item    waiting
	element Stub
	anchor  reference
}

func newChecker(p *Plan) *checker {
	return &checker{
		Plan: p, converter: converter{enum: p.nameOf}, seed: maphash.MakeSeed(),
		elements: map[uuid.UUID]seen{}, relationships: map[uuid.UUID]seen{}, unread: map[uuid.UUID]seen{}, names: map[uint64]uuid.UUID{},
		marked: map[uint64]seen{}, asked: map[uuid.UUID]bool{}, there: map[uuid.UUID]bool{},
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
		c.link(i)
	case classifications:
		c.extend(i)
	default:
		c.define(i)
	}
	if len(c.waiting) < lookups {
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
			c.moor()
		default:
		}
		if err := c.resolve(ctx); err != nil {
			return err
		}
	}
	return nil
}

// refuse drops an item for what is wrong with one of its values.
func (c *checker) refuse(i *item, f Finding, wrong *fault) {
	f.Outcome, f.Where, f.Reason = Refused, i.place(wrong.pointer), wrong.reason
	c.drop(i.key(), f)
}

// pass drops an item that need not be taken.
func (c *checker) pass(i *item, f Finding, reason string) {
	f.Outcome, f.Where, f.Reason = Skipped, i.place(""), reason
	c.drop(i.key(), f)
}

const (
	active    = "ACTIVE"
	deleted   = "DELETED"
	isDeleted = "it is deleted in the archive"
)

func (c *checker) entity(i *item) {
	e, w, wrong := c.readElement(i)
	f := Finding{Kind: KindElement, GUID: e.GUID, QualifiedName: e.QualifiedName, Type: e.Type}
	marks := len(w.Classifications)
	c.Report.found(KindClassification, marks)
	if wrong != nil {
		f.GUID = cmp.Or(f.GUID, guidIn(i.raw))
		c.unread[id(f.GUID)] = seen{line: i.line, index: i.index, sec: entities}
		c.refuse(i, f, wrong)
		c.Report.count(KindClassification, Refused, marks)
		return
	}
	before, again := c.elements[id(e.GUID)]
	now := seen{hash: c.hash(w), line: i.line, index: i.index, sec: entities}
	switch {
	case again && before.hash == now.hash:
		c.pass(i, f, "the same occurs before: at "+before.String())
		c.Report.count(KindClassification, Skipped, marks)
		return
	case again:
		c.refuse(i, f, faultf("/guid", "the guid occurs before, with other content, at %s", before))
		c.Report.count(KindClassification, Refused, marks)
		return
	case e.Status == deleted:
		c.pass(i, f, isDeleted)
		c.Report.count(KindClassification, Skipped, marks)
	default:
		if wrong = c.takeElement(i, e, w); wrong != nil {
			c.refuse(i, f, wrong)
			c.Report.count(KindClassification, Refused, marks)
		}
		now.taken = wrong == nil
	}
	c.elements[id(e.GUID)] = now
}

// readElement decodes an entity, without its classifications.
func (c *checker) readElement(i *item) (*Element, *wireElement, *fault) {
	var w wireElement
	if err := json.Unmarshal(i.raw, &w); err != nil {
		// What could be read before the fault helps to find the item.
		return &Element{Instance: Instance{GUID: w.GUID, Type: w.Type.Name}}, &w, faultOf(err)
	}
	e, f := c.converter.element(&w)
	return e, &w, f
}

// guidIn returns the guid of an entity that cannot be decoded as a whole.
func guidIn(entity []byte) string {
	var w struct {
		GUID string `json:"guid"`
	}
	if json.Unmarshal(entity, &w) != nil {
		return ""
	}
	return w.GUID
}

func (c *checker) takeElement(i *item, e *Element, w *wireElement) *fault {
	if wrong := c.validType("/type/typeDefName", e.Type, events.KindElement); wrong != nil {
		return wrong
	}
	name := c.hash(e.QualifiedName)
	if other, isTaken := c.names[name]; isTaken && e.QualifiedName != "" {
		return faultf("/properties/instanceProperties/qualifiedName", "the element %s has the same qualified name, at %s", other, c.elements[other])
	}
	m := c.marksOf(i, e, w)
	if wrong := c.fits(elementCommands(e, m.anchor.anchor.guid, "")); wrong != nil {
		return wrong
	}
	c.names[name] = id(e.GUID)
	c.Report.count(KindElement, Taken, 1)
	c.Report.lose(&e.Instance)
	c.Report.count(KindClassification, Taken, m.taken)
	maps.Copy(c.marked, m.hashes)
	for _, d := range m.dropped {
		c.marks[d.mark] = true
		c.Report.add(d.finding)
	}
	if m.anchor.anchor.guid != "" {
		c.moored = append(c.moored, m.anchor)
	}
	return nil
}

// marksOf are the classifications of one entity.
type marksOf struct {
	taken   int
	dropped []droppedMark
	hashes  map[uint64]seen
	anchor  moored
}

// droppedMark is a classification that is not taken.
type droppedMark struct {
	mark    mark
	finding Finding
}

// marksOf reads the classifications of an entity into it.
func (c *checker) marksOf(i *item, e *Element, w *wireElement) marksOf {
	m := marksOf{hashes: map[uint64]seen{}}
	for index, wire := range w.Classifications {
		if wire == nil {
			m.taken++ // it asks for nothing
			continue
		}
		pointer := itemAt("/classifications", index)
		outcome, f := c.readMark(i, e, wire, index, &m)
		if f == nil {
			continue
		}
		m.dropped = append(m.dropped, droppedMark{mark: mark{i.index, index}, finding: Finding{
			Outcome: outcome, Kind: KindClassification, GUID: e.GUID, QualifiedName: e.QualifiedName, Type: cmp.Or(wire.Name, wire.Type.Name),
			Where: i.place(pointer + f.pointer), Reason: f.reason,
		}})
	}
	return m
}

func (c *checker) readMark(i *item, e *Element, wire *wireClassification, index int, m *marksOf) (Outcome, *fault) {
	out, f := c.converter.classification(wire)
	if f != nil {
		return Refused, f
	}
	out.Element = Stub{GUID: e.GUID, Type: e.Type, QualifiedName: e.QualifiedName}
	if out.Status == deleted {
		return Skipped, faultf("", isDeleted)
	}
	if f := c.validType("/name", out.Type, events.KindClassification); f != nil {
		return Refused, f
	}
	k, now := c.markKey(out), seen{hash: c.hash(wire), line: i.line, index: i.index, sec: entities}
	if outcome, f := twice(m.hashes, k, now); f != nil {
		return outcome, f
	}
	anchor, f := e.wear(out)
	if f != nil {
		return Refused, f
	}
	m.hashes[k] = now
	c.mementos = c.mementos || out.Type == events.Memento
	c.Report.loseOf(out)
	if anchor == "" {
		m.taken++
		return Taken, nil
	}
	pointer := itemAt("/classifications", index)
	m.anchor = moored{
		element: out.Element,
		anchor:  reference{what: "the anchor", guid: anchor, where: i.place(pointer + anchorPointer)},
		item: waiting{key: i.key(), mark: index, finding: Finding{
			Kind: KindClassification, GUID: e.GUID, QualifiedName: e.QualifiedName, Type: out.Type, Where: i.place(pointer),
		}},
	}
	return Taken, nil
}

// wear puts a classification on an element: most are marks, but zones and
// anchor stand in the element's header.
func (e *Element) wear(c *Classification) (anchor string, f *fault) {
	switch {
	case c.Type == anchors:
		return c.anchor(e.GUID)
	case c.isZones():
		e.Zones, f = c.zones()
		return "", f
	default:
		e.Classifications = append(e.Classifications, *c)
		return "", nil
	}
}

// markKey tells classifications apart: an element has one of each name.
func (c *checker) markKey(m *Classification) uint64 {
	return c.hash([]string{id(m.Element.GUID).String(), m.Type})
}

// twice finds out whether something was there before.
func twice[K comparable](before map[K]seen, k K, now seen) (Outcome, *fault) {
	was, again := before[k]
	switch {
	case again && was.hash == now.hash:
		return Skipped, faultf("", "the same occurs before: at %s", was)
	case again:
		return Refused, faultf("", "it occurs before, with other content, at %s", was)
	default:
		return Taken, nil
	}
}

// fits checks that commands are not too large to be sent.
func (c *checker) fits(commands []events.Command) *fault {
	if c.settings.MaxCommand <= 0 {
		return nil
	}
	size := 0
	for _, command := range commands {
		data, err := events.Marshal(command)
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
	known, asked := p.known[name]
	if !asked {
		if def, ok := p.ask(name); ok {
			known = &def
		}
		p.known[name] = known
	}
	if known == nil {
		return events.TypeDef{}, false
	}
	return *known, true
}

// ask returns the definition that the repository has of a type.
func (p *Plan) ask(name string) (events.TypeDef, bool) {
	if p.settings.TypeDef == nil {
		return events.TypeDef{}, false
	}
	return p.settings.TypeDef(name)
}

// hash sums up what makes two items the same.
func (c *checker) hash(value any) uint64 {
	data, err := events.Marshal(value)
	if err != nil {
		data = []byte(err.Error())
	}
	return maphash.Bytes(c.seed, data)
}
