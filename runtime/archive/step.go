package archive

import (
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Step is one item of an archive, or several types, and the commands that bring
// it into the repository. One of the pointers is set.
type Step struct {
	// Where the item stands; for types, the first of them.
	Where          Place
	Types          []events.TypeDef
	Element        *Element
	Classification *Classification
	Relationship   *Relationship
	// Anchoring is an element that was sent in an earlier step, before that to
	// which it belongs.
	Anchoring *Anchoring

	// Commands belong together: more than one should be sent as a change set.
	Commands []events.Command

	// counts says how many items the types stand for, parts are the types one by
	// one.
	counts map[Kind]int
	parts  []*Step
}

// Counts returns how many items of each kind the step brings.
func (s *Step) Counts() map[Kind]int {
	switch {
	case len(s.Types) > 0:
		return s.counts
	case s.Element != nil && s.Element.marks > 0:
		return map[Kind]int{KindElement: 1, KindClassification: s.Element.marks}
	default:
		return map[Kind]int{s.finding().Kind: 1}
	}
}

// Parts returns steps that bring the same one by one, each with one command: each
// of several types, or an element and then each of its classifications. It
// returns nil for what has no parts.
func (s *Step) Parts() []*Step {
	e := s.Element
	switch {
	case len(s.parts) > 1:
		return s.parts
	case e == nil || len(e.Classifications) == 0 || len(s.Commands) != 1+len(e.Classifications):
		return nil
	}
	bare := *e
	bare.Classifications, bare.marks = nil, e.marks-len(e.Classifications)
	parts := []*Step{{Where: s.Where, Element: &bare, Commands: s.Commands[:1]}}
	for i := range e.Classifications {
		where := s.Where
		where.Pointer += itemAt("/classifications", e.places[i])
		parts = append(parts, &Step{Where: where, Classification: &e.Classifications[i], Commands: s.Commands[i+1 : i+2]})
	}
	return parts
}

// Anchoring says to which element another one belongs.
type Anchoring struct {
	Element Stub
	Anchor  string
}

// finding returns what a report says about the step.
func (s *Step) finding() Finding {
	f := Finding{Outcome: Taken, Where: s.Where}
	switch {
	case s.Element != nil:
		f.Kind, f.GUID, f.QualifiedName, f.Type = KindElement, s.Element.GUID, s.Element.QualifiedName, s.Element.Type
	case s.Classification != nil:
		f.Kind, f.GUID, f.Type = KindClassification, s.Classification.Element.GUID, s.Classification.Type
		f.QualifiedName = s.Classification.Element.QualifiedName
	case s.Relationship != nil:
		f.Kind, f.GUID, f.Type = KindRelationship, s.Relationship.GUID, s.Relationship.Type
	case s.Anchoring != nil:
		f.Kind, f.GUID, f.Type = KindClassification, s.Anchoring.Element.GUID, anchors
		f.QualifiedName = s.Anchoring.Element.QualifiedName
	default:
		f.Kind = KindType
		if len(s.Types) > 0 {
			f.Type = s.Types[0].Name
		}
	}
	return f
}

// Subject returns the element that the step is about; none of types and
// relationships.
func (s *Step) Subject() Stub {
	switch {
	case s.Element != nil:
		return Stub{GUID: s.Element.GUID, Type: s.Element.Type, QualifiedName: s.Element.QualifiedName}
	case s.Classification != nil:
		return s.Classification.Element
	case s.Anchoring != nil:
		return s.Anchoring.Element
	default:
		return Stub{}
	}
}

// Archives reports whether the step archives an element.
func (s *Step) Archives() bool {
	return s.Classification != nil && s.Classification.Type == events.Memento
}

// Anchor returns the guid of what the step anchors its element to, if it does.
func (s *Step) Anchor() string {
	for _, c := range s.Commands {
		if upsert, ok := c.(*events.Upsert); ok {
			return upsert.Element.Anchor.GUID
		}
	}
	return ""
}

// Provenance returns where the item is at home; types are at home nowhere.
func (s *Step) Provenance() Provenance {
	switch {
	case s.Element != nil:
		return s.Element.Provenance
	case s.Classification != nil:
		return s.Classification.Provenance
	case s.Relationship != nil:
		return s.Relationship.Provenance
	default:
		return Provenance{}
	}
}

// elementCommands makes the element what the archive says. Its classifications
// are commands of their own, since those that others gave it shall stay.
func elementCommands(e *Element, anchor string, unknown events.UnknownProperties) []events.Command {
	upsert := &events.Upsert{
		Element: events.ElementSpec{
			GUID: e.GUID, Type: e.Type, QualifiedName: e.QualifiedName, Properties: e.Properties, Zones: e.Zones,
			Effectivity: effectivity(e.Effectivity),
		},
		UnknownProperties: unknown,
	}
	if anchor != "" {
		upsert.Element.Anchor = events.ByGUID(anchor)
	}
	commands := []events.Command{upsert}
	for i := range e.Classifications {
		commands = append(commands, classificationCommands(&e.Classifications[i])...)
	}
	return commands
}

// effectivity returns nil, which leaves what is there, for what always counts.
func effectivity(e events.Effectivity) *events.Effectivity {
	if e == (events.Effectivity{}) {
		return nil
	}
	return &e
}

// classificationCommands puts the classification on its element. That of zones
// stands in the header of the element; Memento is what archiving leaves.
func classificationCommands(c *Classification) []events.Command {
	if c.Type == anchors {
		guid, f := c.anchor(c.Element.GUID)
		if f != nil || guid == "" { // the check refuses it, or it stands by itself
			return nil
		}
		return anchorCommands(&Anchoring{Element: c.Element, Anchor: guid})
	}
	if c.isZones() {
		zones, f := c.zones()
		if f != nil { // the check refuses it
			return nil
		}
		return []events.Command{&events.Update{Element: events.ByGUID(c.Element.GUID), Zones: zones}}
	}
	if c.Type == events.Memento {
		return []events.Command{&events.Delete{
			Element: events.ByGUID(c.Element.GUID), Method: events.DeleteArchive, Cascade: true, ArchiveProcess: c.Properties.String("archiveProcess"),
		}}
	}
	return []events.Command{&events.Classify{
		Element:        events.ByGUID(c.Element.GUID),
		Classification: events.Classification{Name: c.Type, Properties: c.Properties, Effectivity: c.Effectivity},
	}}
}

func relationshipCommands(r *Relationship) []events.Command {
	return []events.Command{&events.Link{Relationship: events.RelationshipSpec{
		GUID: r.GUID, Type: r.Type, Properties: r.Properties,
		End1: events.ByGUID(r.End1.GUID), End2: events.ByGUID(r.End2.GUID),
		Effectivity: effectivity(r.Effectivity),
	}}}
}

// anchorCommands anchors an element that is there, and changes nothing else.
func anchorCommands(a *Anchoring) []events.Command {
	return []events.Command{&events.Upsert{
		Merge: true,
		Element: events.ElementSpec{
			GUID: a.Element.GUID, Type: a.Element.Type, QualifiedName: a.Element.QualifiedName, Anchor: events.ByGUID(a.Anchor),
		},
	}}
}

// typeCommands defines types that may refer to each other.
func typeCommands(types []events.TypeDef) []events.Command {
	return []events.Command{&events.DefineTypes{Types: types}}
}

const (
	anchors       = "Anchors"
	anchorGUID    = "anchorGUID"
	anchorPointer = "/properties/instanceProperties/" + anchorGUID
)

// anchor returns the guid of the element that another one is anchored to, by the
// classification Anchors; none if it stands by itself.
func (c *Classification) anchor(of string) (string, *fault) {
	guid, err := events.Property[string](c.Properties, anchorGUID)
	if err != nil {
		return "", faultf(anchorPointer, "expected a guid")
	}
	if guid == "" || guid == of {
		return "", nil
	}
	return guid, validGUID(anchorPointer, guid)
}

// id returns a guid, which was checked to be one, in the form that is compared.
func id(guid string) uuid.UUID {
	parsed, err := uuid.Parse(guid)
	if err != nil {
		return uuid.Nil
	}
	return parsed
}
