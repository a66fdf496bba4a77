package egeria

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Step is one item of an archive, or several types, and the command that brings it
// into the repository.
type Step struct {
	// Finding names the item; of several types, the first.
	Finding
	// Command is nil if the item asks for nothing.
	Command events.Command
	// Anchor is the guid of the element that the command anchors its element to.
	Anchor string
	// Counts is how many items of each kind the step brings.
	Counts map[Kind]int
	types  []placedType
}

// newStep returns a step that brings one item.
func newStep(f Finding, command events.Command) *Step {
	f.Outcome = Taken
	return &Step{Finding: f, Command: command, Counts: map[Kind]int{f.Kind: 1}}
}

// Archives reports whether the step archives an element.
func (s *Step) Archives() bool { return s.Kind == KindClassification && s.Type == events.Memento }

// subject returns the guid of the element that the step is about, "" for types and
// relationships.
func (s *Step) subject() string {
	if s.Kind == KindElement || s.Kind == KindClassification {
		return s.GUID
	}
	return ""
}

// ends returns the guids of the elements that the step relates.
func (s *Step) ends() []string {
	if link, ok := s.Command.(*events.Link); ok {
		return []string{link.Relationship.End1.GUID, link.Relationship.End2.GUID}
	}
	return nil
}

// classificationStep returns the step of a classification. Zones and anchor are parts of
// the header of an element; Memento is what archiving leaves. An element whose anchor is
// itself has none.
func classificationStep(c *events.Classification, of Stub, where Place) (*Step, *fault) {
	element := events.ByGUID(of.GUID)
	s := newStep(Finding{Kind: KindClassification, GUID: of.GUID, QualifiedName: of.QualifiedName, Type: c.Name, Where: where}, nil)
	var f *fault
	switch c.Name {
	case anchors:
		if s.Anchor, f = anchorOf(c, of.GUID); s.Anchor != "" {
			s.Command = anchorCommand(of, s.Anchor)
		}
	case zoneMembership, assetZones:
		var zones []string
		zones, f = zonesOf(c)
		s.Command = &events.Update{Element: element, Zones: zones}
	case events.Memento:
		s.Command = &events.Delete{
			Element: element, Method: events.DeleteArchive, Cascade: true, ArchiveProcess: c.Properties.String("archiveProcess"),
		}
	default:
		s.Command = &events.Classify{Element: element, Classification: *c}
	}
	return s, f
}

// anchorCommand anchors an existing element, and changes nothing else.
func anchorCommand(of Stub, anchor string) events.Command {
	return &events.Upsert{Merge: true, Element: events.ElementSpec{
		GUID: of.GUID, Type: of.Type, QualifiedName: of.QualifiedName, Anchor: events.ByGUID(anchor),
	}}
}

const (
	anchors       = "Anchors"
	anchorGUID    = "anchorGUID"
	anchorPointer = "/properties/instanceProperties/" + anchorGUID
	zonesPointer  = "/properties/instanceProperties/zoneMembership"
)

// anchorOf returns the guid that the classification Anchors names, "" if it names
// none or the element itself.
func anchorOf(c *events.Classification, of string) (string, *fault) {
	guid, err := events.Property[string](c.Properties, anchorGUID)
	if err != nil {
		return "", faultf(anchorPointer, "expected a guid")
	}
	if guid == "" || guid == of {
		return "", nil
	}
	return guid, validGUID(anchorPointer, guid)
}

// zonesOf returns the zones that the classification names; none, if it names none.
func zonesOf(c *events.Classification) ([]string, *fault) {
	zones, err := events.Property[[]string](c.Properties, "zoneMembership")
	if err != nil {
		return nil, faultf(zonesPointer, "expected an array of strings")
	}
	if slices.Contains(zones, "") {
		return nil, faultf(zonesPointer, "the name of a zone is empty")
	}
	return append([]string{}, zones...), nil
}

// entity is an entity of an archive with those of its classifications that are taken.
type entity struct {
	wire wireElement
	spec events.ElementSpec
	// inHeader is how many classifications are parts of the header of the element;
	// the others are steps of their own.
	inHeader        int
	classifications []*Step
}

// decodeEntity decodes an entity, without its classifications. A faulty one has what
// could be read before the fault, to help to find it.
func (p *Plan) decodeEntity(i *item) (e *entity, f *fault) {
	e = &entity{}
	if f = i.decode(&e.wire); f != nil {
		e.spec = events.ElementSpec{GUID: cmp.Or(e.wire.GUID, guidIn(i.raw)), Type: e.wire.Type.Name}
		return e, f
	}
	e.spec, f = p.element(&e.wire)
	return e, f
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

func (i *item) decode(w any) *fault {
	if err := json.Unmarshal(i.raw, w); err != nil {
		return faultOf(err)
	}
	return nil
}

func (e *entity) stub() Stub {
	return Stub{GUID: e.spec.GUID, Type: e.spec.Type, QualifiedName: e.spec.QualifiedName}
}

func (e *entity) finding(kind Kind, typeName string, where Place) Finding {
	return Finding{Kind: kind, GUID: e.spec.GUID, QualifiedName: e.spec.QualifiedName, Type: typeName, Where: where}
}

// add adds a classification.
func (e *entity) add(s *Step) {
	switch c := s.Command.(type) {
	case nil, *events.Upsert:
		e.spec.Anchor = events.ByGUID(s.Anchor)
	case *events.Update:
		e.spec.Zones = c.Zones
	default:
		e.classifications = append(e.classifications, s)
		return
	}
	e.inHeader++
}

// steps returns the steps of the entity. Its classifications are commands of their
// own, so that those that others gave the element stay, and that a refused one leaves
// its element; commands by themselves are also several times faster than a change set.
func (e *entity) steps(where Place, unknown events.UnknownProperties) []*Step {
	s := newStep(e.finding(KindElement, e.spec.Type, where), &events.Upsert{Element: e.spec, UnknownProperties: unknown})
	s.Anchor = e.spec.Anchor.GUID
	if e.inHeader > 0 {
		s.Counts[KindClassification] = e.inHeader
	}
	return append([]*Step{s}, e.classifications...)
}

// relationship is a relationship of an archive.
type relationship struct {
	wire wireRelationship
	spec events.RelationshipSpec
	ends [2]Stub
}

func (p *Plan) decodeRelationship(i *item) (r relationship, f *fault) {
	if f = i.decode(&r.wire); f != nil {
		r.spec = events.RelationshipSpec{GUID: r.wire.GUID, Type: r.wire.Type.Name}
		return r, f
	}
	r.spec, r.ends, f = p.relationship(&r.wire)
	return r, f
}

func (r *relationship) step(where Place) *Step {
	return newStep(Finding{Kind: KindRelationship, GUID: r.spec.GUID, Type: r.spec.Type, Where: where}, &events.Link{Relationship: r.spec})
}

// extension is a classification that stands by itself.
type extension struct {
	wire           wireExtension
	classification events.Classification
	of             Stub
}

func (p *Plan) decodeExtension(i *item) (x extension, f *fault) {
	if f := i.decode(&x.wire); f != nil {
		return x, f
	}
	x.classification, x.of, f = p.extension(&x.wire)
	return x, f
}

func (x *extension) step(where Place) (*Step, *fault) {
	s, f := classificationStep(&x.classification, x.of, where)
	if f != nil {
		f = f.below("/classification")
	}
	return s, f
}

// id returns a valid guid in the form that is compared.
func id(guid string) uuid.UUID {
	parsed, err := uuid.Parse(guid)
	if err != nil {
		return uuid.Nil
	}
	return parsed
}
