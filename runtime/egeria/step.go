package egeria

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Step is one item of an archive, or several types, and the commands that bring it
// into the repository.
type Step struct {
	// Finding names the item; of several types, the first.
	Finding
	Types []events.TypeDef
	// Commands belong together: of an element, and of each of its classifications.
	Commands []events.Command
	// Anchor is the guid of the element that the first command anchors its element to.
	Anchor string
	// Counts is how many items of each kind the step brings.
	Counts map[Kind]int
	// Parts bring the same one by one, each with one command at most: each of several
	// types, or an element and then each of its classifications. Nil means that the
	// step has no parts.
	Parts []*Step
}

// newStep returns a step that brings one item.
func newStep(f Finding, commands ...events.Command) *Step {
	f.Outcome = Taken
	return &Step{Finding: f, Commands: commands, Counts: map[Kind]int{f.Kind: 1}}
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
	if link, ok := s.Commands[0].(*events.Link); ok {
		return []string{link.Relationship.End1.GUID, link.Relationship.End2.GUID}
	}
	return nil
}

// classificationCommands returns the commands of a classification and what it
// anchors its element to. Zones and anchor are parts of the header of an element;
// Memento is what archiving leaves. An element whose anchor is itself has none.
func classificationCommands(c *events.Classification, of Stub) (commands []events.Command, anchor string, f *fault) {
	element := events.ByGUID(of.GUID)
	switch c.Name {
	case anchors:
		if anchor, f = anchorOf(c, of.GUID); anchor == "" || f != nil {
			return nil, "", f
		}
		return []events.Command{anchorCommand(of, anchor)}, anchor, nil
	case zoneMembership, assetZones:
		zones, f := zonesOf(c)
		return []events.Command{&events.Update{Element: element, Zones: zones}}, "", f
	case events.Memento:
		return []events.Command{&events.Delete{
			Element: element, Method: events.DeleteArchive, Cascade: true, ArchiveProcess: c.Properties.String("archiveProcess"),
		}}, "", nil
	default:
		return []events.Command{&events.Classify{Element: element, Classification: *c}}, "", nil
	}
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
	wire   wireElement
	spec   events.ElementSpec
	anchor string
	// inHeader is how many classifications are parts of the header of the element;
	// the others are commands of their own.
	inHeader        int
	classifications []*Step
}

// decodeEntity decodes an entity, without its classifications. A faulty one has what
// could be read before the fault, to help to find it.
func (c *converter) decodeEntity(i *item) (e *entity, f *fault) {
	e = &entity{}
	if f = i.decode(&e.wire); f != nil {
		e.spec = events.ElementSpec{GUID: cmp.Or(e.wire.GUID, guidIn(i.raw)), Type: e.wire.Type.Name}
		return e, f
	}
	e.spec, f = c.element(&e.wire)
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

// add adds a classification, and returns what it anchors the element to.
func (e *entity) add(c *events.Classification, where Place) (anchor string, f *fault) {
	commands, anchor, f := classificationCommands(c, e.stub())
	switch {
	case f != nil:
		return "", f
	case c.Name == anchors:
		return anchor, nil
	}
	if update, ok := commands[0].(*events.Update); ok {
		e.spec.Zones = update.Zones
		e.inHeader++
		return "", nil
	}
	e.classifications = append(e.classifications, newStep(e.finding(KindClassification, c.Name, where), commands...))
	return "", nil
}

// step returns the step of the entity. Its classifications are commands of their
// own, so that those that others gave the element stay.
func (e *entity) step(where Place, unknown events.UnknownProperties) *Step {
	upsert := &events.Upsert{Element: e.spec, UnknownProperties: unknown}
	if e.anchor != "" {
		upsert.Element.Anchor = events.ByGUID(e.anchor)
	}
	bare := newStep(e.finding(KindElement, e.spec.Type, where), upsert)
	bare.Anchor = e.anchor
	if e.inHeader > 0 {
		bare.Counts[KindClassification] = e.inHeader
	}
	if len(e.classifications) == 0 {
		return bare
	}
	whole := *bare
	whole.Counts = map[Kind]int{KindElement: 1, KindClassification: e.inHeader + len(e.classifications)}
	whole.Parts = append([]*Step{bare}, e.classifications...)
	for _, s := range e.classifications {
		whole.Commands = append(whole.Commands, s.Commands...)
	}
	return &whole
}

// relationship is a relationship of an archive.
type relationship struct {
	wire wireRelationship
	spec events.RelationshipSpec
	ends [2]Stub
}

func (c *converter) decodeRelationship(i *item) (r relationship, f *fault) {
	if f = i.decode(&r.wire); f != nil {
		r.spec = events.RelationshipSpec{GUID: r.wire.GUID, Type: r.wire.Type.Name}
		return r, f
	}
	r.spec, r.ends, f = c.relationship(&r.wire)
	return r, f
}

func (r *relationship) finding(where Place) Finding {
	return Finding{Kind: KindRelationship, GUID: r.spec.GUID, Type: r.spec.Type, Where: where}
}

// extension is a classification that stands by itself.
type extension struct {
	wire           wireExtension
	classification events.Classification
	of             Stub
	commands       []events.Command
	// anchor is what the classification anchors its element to.
	anchor string
}

func (c *converter) decodeExtension(i *item) (x extension, f *fault) {
	if f := i.decode(&x.wire); f != nil {
		return x, f
	}
	x.classification, x.of, f = c.extension(&x.wire)
	return x, f
}

// setCommands sets commands and anchor.
func (x *extension) setCommands() (f *fault) {
	if x.commands, x.anchor, f = classificationCommands(&x.classification, x.of); f != nil {
		return f.below("/classification")
	}
	return nil
}

func (x *extension) finding(where Place) Finding {
	return Finding{Kind: KindClassification, GUID: x.of.GUID, QualifiedName: x.of.QualifiedName, Type: x.classification.Name, Where: where}
}

// id returns a valid guid in the form that is compared.
func id(guid string) uuid.UUID {
	parsed, err := uuid.Parse(guid)
	if err != nil {
		return uuid.Nil
	}
	return parsed
}
