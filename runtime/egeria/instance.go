package egeria

import (
	"cmp"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Stub names an element, as relationships and classifications do (Egeria: EntityProxy).
type Stub struct {
	GUID          string `json:"guid"`
	Type          string `json:"type,omitempty"`
	QualifiedName string `json:"qualifiedName,omitempty"`
}

// wireAudit is what every instance has (Egeria: InstanceAuditHeader).
type wireAudit struct {
	Class         string   `json:"class"`
	HeaderVersion int64    `json:"headerVersion"`
	Type          wireType `json:"type"`
	Provenance    string   `json:"instanceProvenanceType"`
	Collection    string   `json:"metadataCollectionId"`
	Name          string   `json:"metadataCollectionName"`
	ReplicatedBy  string   `json:"replicatedBy"`
	License       string   `json:"instanceLicense"`
	CreatedBy     string   `json:"createdBy"`
	UpdatedBy     string   `json:"updatedBy"`
	MaintainedBy  []string `json:"maintainedBy"`
	CreateTime    instant  `json:"createTime"`
	UpdateTime    instant  `json:"updateTime"`
	Version       int64    `json:"version"`
	Status        string   `json:"status"`
	GUID          string   `json:"guid"`

	Properties *wireProperties `json:"properties"`
}

type wireType struct {
	Category string `json:"typeDefCategory"`
	Name     string `json:"typeDefName"`
}

type wireElement struct {
	wireAudit

	Classifications []*wireClassification `json:"classifications"`
}

type wireClassification struct {
	wireAudit

	Name   string `json:"name"`
	Origin string `json:"classificationOrigin"`
}

type wireRelationship struct {
	wireAudit

	End1 *wireStub `json:"entityOneProxy"`
	End2 *wireStub `json:"entityTwoProxy"`
}

type wireStub struct {
	Type   wireType        `json:"type"`
	GUID   string          `json:"guid"`
	Unique *wireProperties `json:"uniqueProperties"`
}

type wireExtension struct {
	Class          string              `json:"class"`
	HeaderVersion  int64               `json:"headerVersion"`
	Classification *wireClassification `json:"classification"`
	Element        *wireStub           `json:"entityToClassify"`
}

// headerVersion is the newest version of an item's header that can be read.
const headerVersion = 1

func validVersion(version int64) *fault {
	if version > headerVersion {
		return faultf("/headerVersion", "the header is of version %d; only up to version %d can be read", version, headerVersion)
	}
	return nil
}

func validClass(class, want string) *fault {
	if name := simpleName(class); name != "" && name != want {
		return faultf("/class", "this is %q: expected %s", short(class), want)
	}
	return nil
}

func validGUID(pointer, guid string) *fault {
	if guid == "" {
		return faultf(pointer, "the guid is missing")
	}
	if _, err := uuid.Parse(guid); err != nil || len(guid) != len(uuid.Nil.String()) {
		return faultf(pointer, "%q is not a guid such as 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10", short(guid))
	}
	return nil
}

// instance checks what every instance has, and converts its properties.
func (p *Plan) instance(w *wireAudit, class, category string) (map[string]any, events.Effectivity, *fault) {
	values, effectivity := map[string]any{}, events.Effectivity{}
	if f := cmp.Or(validClass(w.Class, class), validVersion(w.HeaderVersion)); f != nil {
		return nil, effectivity, f
	}
	if w.Type.Category != "" && w.Type.Category != category {
		return nil, effectivity, faultf("/type/typeDefCategory", "this is of a type of category %q: expected %s", short(w.Type.Category), category)
	}
	if w.Properties == nil {
		return values, effectivity, nil
	}
	values, f := p.values("/properties", w.Properties, 1)
	if f != nil {
		return nil, effectivity, f
	}
	effectivity = events.Effectivity{From: w.Properties.From.Time, To: w.Properties.To.Time}
	if effectivity.Validate("") != nil {
		return nil, effectivity, faultf("/properties/effectiveToTime", "%s is not after effectiveFromTime", effectivity.To)
	}
	return values, effectivity, nil
}

// propertiesOf returns converted values as properties.
func propertiesOf(values map[string]any) (p events.Properties, f *fault) {
	if len(values) == 0 {
		return p, nil
	}
	p = events.Props(values)
	// Only encoding shows a value that cannot be encoded.
	if _, err := p.MarshalJSON(); err != nil {
		return p, faultf("/properties", "%s", err)
	}
	return p, nil
}

// effectivityOf returns nil, which changes nothing, for no limits.
func effectivityOf(e events.Effectivity) *events.Effectivity {
	if e == (events.Effectivity{}) {
		return nil
	}
	return &e
}

// element converts an entity, but not its classifications.
func (p *Plan) element(w *wireElement) (events.ElementSpec, *fault) {
	e := events.ElementSpec{GUID: w.GUID, Type: w.Type.Name}
	values, effectivity, f := p.instance(&w.wireAudit, "EntityDetail", "ENTITY_DEF")
	if f != nil {
		return e, f
	}
	e.Effectivity = effectivityOf(effectivity)
	if name, ok := values[qualifiedName]; ok {
		if e.QualifiedName, ok = name.(string); !ok {
			return e, faultf("/properties/instanceProperties/qualifiedName", "the qualified name is no string")
		}
		delete(values, qualifiedName)
	}
	if f := validGUID("/guid", e.GUID); f != nil {
		return e, f
	}
	if e.Type == "" {
		return e, faultf("/type", "the entity has no type: typeDefName is missing")
	}
	e.Properties, f = propertiesOf(values)
	return e, f
}

const (
	qualifiedName  = "qualifiedName"
	zoneMembership = "ZoneMembership"
	// assetZones is the older name of ZoneMembership.
	assetZones = "AssetZoneMembership"
)

// classification converts a classification.
func (p *Plan) classification(w *wireClassification) (events.Classification, *fault) {
	out := events.Classification{Name: cmp.Or(w.Name, w.Type.Name)}
	values, effectivity, f := p.instance(&w.wireAudit, "Classification", "CLASSIFICATION_DEF")
	switch {
	case f != nil:
		return out, f
	case out.Name == "":
		return out, faultf("/name", "the classification has no name")
	}
	out.Effectivity = effectivity
	out.Properties, f = propertiesOf(values)
	return out, f
}

// relationship converts a relationship; ends are the elements as it names them.
func (p *Plan) relationship(w *wireRelationship) (r events.RelationshipSpec, ends [2]Stub, f *fault) {
	r = events.RelationshipSpec{GUID: w.GUID, Type: w.Type.Name}
	values, effectivity, f := p.instance(&w.wireAudit, "Relationship", "RELATIONSHIP_DEF")
	if f != nil {
		return r, ends, f
	}
	if f := validGUID("/guid", r.GUID); f != nil {
		return r, ends, f
	}
	if r.Type == "" {
		return r, ends, faultf("/type", "the relationship has no type: typeDefName is missing")
	}
	if ends[0], f = p.stub(w.End1, "/entityOneProxy"); f != nil {
		return r, ends, f
	}
	if ends[1], f = p.stub(w.End2, "/entityTwoProxy"); f != nil {
		return r, ends, f
	}
	r.End1, r.End2, r.Effectivity = events.ByGUID(ends[0].GUID), events.ByGUID(ends[1].GUID), effectivityOf(effectivity)
	r.Properties, f = propertiesOf(values)
	return r, ends, f
}

func (p *Plan) stub(w *wireStub, pointer string) (Stub, *fault) {
	if w == nil {
		return Stub{}, faultf(pointer, "missing: the element that is meant")
	}
	s := Stub{GUID: w.GUID, Type: w.Type.Name}
	if f := validGUID(pointer+"/guid", w.GUID); f != nil {
		return s, f
	}
	// The name in a proxy is only a hint.
	if values, f := p.values("", w.Unique, 1); f == nil {
		s.QualifiedName, _ = values[qualifiedName].(string)
	}
	return s, nil
}

// extension converts a classification that stands by itself, and names its element.
func (p *Plan) extension(w *wireExtension) (out events.Classification, of Stub, f *fault) {
	if f := cmp.Or(validClass(w.Class, "ClassificationEntityExtension"), validVersion(w.HeaderVersion)); f != nil {
		return out, of, f
	}
	if w.Classification == nil {
		return out, of, faultf("/classification", "missing: the classification")
	}
	if out, f = p.classification(w.Classification); f != nil {
		return out, of, f.below("/classification")
	}
	of, f = p.stub(w.Element, "/entityToClassify")
	return out, of, f
}
