package events

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// ElementRef names an element by its guid or its qualified name; if both are
// given, the guid counts.
type ElementRef struct {
	GUID          string `json:"guid,omitempty"`
	QualifiedName string `json:"qualifiedName,omitempty"`
}

// ByGUID refers to the element with that guid.
func ByGUID(guid string) ElementRef { return ElementRef{GUID: guid} }

// ByName refers to the element with that qualified name.
func ByName(qualifiedName string) ElementRef { return ElementRef{QualifiedName: qualifiedName} }

// Validate checks that the reference names something; pointer is where it stands.
func (r ElementRef) Validate(pointer string) error {
	if r.GUID == "" && r.QualifiedName == "" {
		return Errorf(CodeInvalid, pointer, "name the element by guid or by qualifiedName")
	}
	return validGUID(pointer+"/guid", r.GUID)
}

// ElementSpec is how an element is wanted to be.
type ElementSpec struct {
	// GUID is only given when the element must have that very guid (imports).
	GUID          string     `json:"guid,omitempty"`
	Type          string     `json:"type"`
	QualifiedName string     `json:"qualifiedName,omitempty"`
	Properties    Properties `json:"properties,omitzero"`
	// Zones and Classifications: nil leaves what is there, empty removes it.
	Zones           []string         `json:"zones,omitzero"`
	Classifications []Classification `json:"classifications,omitzero"`
}

// Ref returns a reference to the element that the spec describes.
func (s *ElementSpec) Ref() ElementRef {
	return ElementRef{GUID: s.GUID, QualifiedName: s.QualifiedName}
}

// Validate checks what can be checked without the repository.
func (s *ElementSpec) Validate(pointer string) error {
	if s.Type == "" {
		return Errorf(CodeInvalid, pointer+"/type", "missing: name the type of the element")
	}
	var names map[string]bool
	if len(s.Classifications) > 1 {
		names = make(map[string]bool, len(s.Classifications))
	}
	for i := range s.Classifications {
		name := s.Classifications[i].Name
		switch {
		case name == "":
			return Errorf(CodeInvalid, pointer+classificationAt(i), "missing: name the classification")
		case names[name]:
			return Errorf(CodeInvalid, pointer+classificationAt(i), "%s is given twice", name)
		case names != nil:
			names[name] = true
		}
	}
	return validGUID(pointer+"/guid", s.GUID)
}

func classificationAt(i int) string {
	return "/classifications/" + strconv.Itoa(i) + "/classificationName"
}

// RelationshipSpec is how a relationship is wanted to be.
type RelationshipSpec struct {
	GUID       string     `json:"guid,omitempty"`
	Type       string     `json:"type"`
	End1       ElementRef `json:"end1"`
	End2       ElementRef `json:"end2"`
	Properties Properties `json:"properties,omitzero"`
}

// Validate checks what can be checked without the repository.
func (s *RelationshipSpec) Validate(pointer string) error {
	if s.Type == "" {
		return Errorf(CodeInvalid, pointer+"/type", "missing: name the type of the relationship")
	}
	if err := s.End1.Validate(pointer + "/end1"); err != nil {
		return err
	}
	if err := s.End2.Validate(pointer + "/end2"); err != nil {
		return err
	}
	return validGUID(pointer+"/guid", s.GUID)
}

// Upsert is the data of [TypeUpsertElement]: create the element, or make it
// what the spec says. Merge keeps properties that the spec does not name;
// otherwise they are removed. Zones and classifications that the spec leaves
// out stay as they are.
type Upsert struct {
	Element ElementSpec `json:"element"`
	Merge   bool        `json:"merge,omitzero"`
}

// Update is the data of [TypeUpdateElement]: change properties of an element
// that must exist (Egeria: mergeUpdate). Merge is the default; Replace removes
// the properties that are not named.
type Update struct {
	Element    ElementRef `json:"element"`
	Properties Properties `json:"properties,omitzero"`
	Zones      []string   `json:"zones,omitzero"`
	Replace    bool       `json:"replace,omitzero"`
}

// Delete is the data of [TypeDeleteElement]: remove the element and its
// relationships. Deleting what is not there changes nothing.
type Delete struct {
	Element ElementRef `json:"element"`
}

// Classify is the data of [TypeClassifyElement]: put the classification on the
// element, or replace the properties of the one it has.
type Classify struct {
	Element        ElementRef     `json:"element"`
	Classification Classification `json:"classification"`
}

// Declassify is the data of [TypeDeclassifyElement].
type Declassify struct {
	Element            ElementRef `json:"element"`
	ClassificationName string     `json:"classificationName"`
}

// Link is the data of [TypeLinkElements]: relate two elements, or make the
// relationship's properties what the spec says.
type Link struct {
	Relationship RelationshipSpec `json:"relationship"`
}

// Unlink is the data of [TypeUnlinkElements]: remove a relationship, named by
// its guid or by its type and ends. Unlinking what is not there changes nothing.
type Unlink struct {
	GUID string     `json:"guid,omitempty"`
	Type string     `json:"type,omitempty"`
	End1 ElementRef `json:"end1,omitzero"`
	End2 ElementRef `json:"end2,omitzero"`
}

// ChangeSet is the data of [TypeApplyChangeSet]: several commands that are
// applied all together or not at all.
type ChangeSet struct {
	Commands []Step `json:"commands"`
}

// Step is one command of a [ChangeSet]: its type and its data.
type Step struct {
	Type string         `json:"type"`
	Data jsontext.Value `json:"data"`
}

// Fence is the data of [TypeFenceConnector]: from here on the repository
// refuses commands of the connector that carry an older generation. As the
// data of [TypeConnectorFenced] it says that this is so.
type Fence struct {
	Connector  string `json:"connector"`
	Generation uint64 `json:"generation"`
}

// Result is the outcome of a command, sent to its [ExtReplyTo] subject.
type Result struct {
	// GUID of the element or relationship that the command was about.
	GUID string `json:"guid,omitempty"`
	// Version of it after the command; 0 when it is gone.
	Version int64 `json:"version,omitzero"`
	// Sequence on the out topic from which a reader sees the outcome.
	Sequence uint64 `json:"sequence"`
	// Changed is false when everything was already as the command wanted it.
	Changed bool `json:"changed,omitzero"`
	// Steps are the outcomes of the commands of a change set.
	Steps []Result `json:"steps,omitempty"`
	// Error says why the command was refused; nothing was changed then.
	Error *Error `json:"error,omitempty"`
}

func validGUID(pointer, guid string) error {
	if guid == "" {
		return nil
	}
	if _, err := uuid.Parse(guid); err != nil || len(guid) != len(uuid.Nil.String()) {
		return Errorf(CodeInvalid, pointer, "%q is not a guid such as 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10", guid)
	}
	return nil
}
