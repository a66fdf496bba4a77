package archive

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Instance is what elements, relationships and classifications have in common
// (Egeria: InstanceAuditHeader).
type Instance struct {
	GUID        string
	Type        string
	Properties  events.Properties
	Effectivity events.Effectivity
	Provenance  Provenance
	Versions    events.Versions
	// Status is ACTIVE, or where in its life the instance is, such as DRAFT.
	Status string
	// MaintainedBy are the users who look after it, beside who created it.
	MaintainedBy []string
	License      string
}

// Provenance is where an instance is at home (Egeria: InstanceProvenanceType).
type Provenance struct {
	// Category is LOCAL_COHORT, EXPORT_ARCHIVE, CONTENT_PACK,
	// DEREGISTERED_REPOSITORY, CONFIGURATION or EXTERNAL_SOURCE.
	Category events.OriginCategory
	// CollectionID and CollectionName name the metadata collection.
	CollectionID   string
	CollectionName string
	ReplicatedBy   string
}

// Element is an entity of an archive (Egeria: EntityDetail).
type Element struct {
	Instance

	QualifiedName string
	// Zones are those of the classification ZoneMembership; nil if there is none.
	Zones           []string
	Classifications []Classification
	// Anchor is the guid of the element that this one belongs to, by the
	// classification Anchors.
	Anchor string

	// marks is how many classifications are taken, those included that stand in
	// the header of an element.
	marks int
	// places says which of the entity's classifications those above are.
	places []int
}

// Classification is a classification of an archive (Egeria: Classification,
// ClassificationEntityExtension). Its GUID is empty.
type Classification struct {
	Instance

	// Element is what the classification stands on.
	Element Stub
	// Assigned is false if the classification came along a relationship.
	Assigned bool
}

// Relationship is a relationship of an archive.
type Relationship struct {
	Instance

	End1, End2 Stub
}

// Stub is an element as a relationship or classification names it (Egeria:
// EntityProxy).
type Stub struct {
	GUID          string `json:"guid"`
	Type          string `json:"type,omitempty"`
	QualifiedName string `json:"qualifiedName,omitempty"`
}

// wireAudit is what every instance has.
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

// instance checks and converts what every instance has. The properties are
// returned as they are.
func (c *converter) instance(w *wireAudit, class, category string) (Instance, map[string]any, *fault) {
	values := map[string]any{}
	if f := cmp.Or(validClass(w.Class, class), validVersion(w.HeaderVersion)); f != nil {
		return Instance{}, nil, f
	}
	if w.Type.Category != "" && w.Type.Category != category {
		return Instance{}, nil, faultf("/type/typeDefCategory", "this is of a type of category %q: expected %s", short(w.Type.Category), category)
	}
	i := Instance{
		GUID: w.GUID, Type: w.Type.Name, Status: w.Status, MaintainedBy: w.MaintainedBy, License: w.License,
		Provenance: Provenance{
			Category: events.OriginCategory(w.Provenance), CollectionID: w.Collection,
			CollectionName: w.Name, ReplicatedBy: w.ReplicatedBy,
		},
		Versions: events.Versions{
			CreatedBy: w.CreatedBy, CreateTime: w.CreateTime.Time, UpdatedBy: w.UpdatedBy,
			UpdateTime: w.UpdateTime.Time, Version: w.Version,
		},
	}
	if w.Properties == nil {
		return i, values, nil
	}
	values, f := c.values(w.Properties, 1)
	if f != nil {
		return i, nil, f.below("/properties")
	}
	i.Effectivity = events.Effectivity{From: w.Properties.From.Time, To: w.Properties.To.Time}
	if i.Effectivity.Validate("") != nil {
		return i, nil, faultf("/properties/effectiveToTime", "%s is not after effectiveFromTime", i.Effectivity.To)
	}
	return i, values, nil
}

// setProperties sets the properties of an instance from those that were converted.
func (i *Instance) setProperties(values map[string]any) *fault {
	if len(values) == 0 {
		return nil
	}
	i.Properties = events.Props(values)
	// What cannot be encoded says so only when it is.
	if _, err := i.Properties.MarshalJSON(); err != nil {
		return faultf("/properties", "%s", err)
	}
	return nil
}

// element converts an entity, but not its classifications.
func (c *converter) element(w *wireElement) (*Element, *fault) {
	i, values, f := c.instance(&w.wireAudit, "EntityDetail", "ENTITY_DEF")
	e := &Element{Instance: i}
	if f != nil {
		return e, f
	}
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
	f = e.setProperties(values)
	return e, f
}

const (
	qualifiedName  = "qualifiedName"
	zoneMembership = "ZoneMembership"
	// assetZones is what ZoneMembership was called once.
	assetZones = "AssetZoneMembership"
)

// classification converts a classification.
func (c *converter) classification(w *wireClassification) (*Classification, *fault) {
	i, values, f := c.instance(&w.wireAudit, "Classification", "CLASSIFICATION_DEF")
	i.Type = cmp.Or(w.Name, i.Type)
	out := &Classification{Instance: i, Assigned: w.Origin != "PROPAGATED"}
	switch {
	case f != nil:
		return out, f
	case i.Type == "":
		return out, faultf("/name", "the classification has no name")
	}
	f = out.setProperties(values)
	return out, f
}

// isZones reports whether the classification says in which zones its element is.
func (c *Classification) isZones() bool { return c.Type == zoneMembership || c.Type == assetZones }

// zones returns the zones that the classification names; none, if it names none.
func (c *Classification) zones() ([]string, *fault) {
	zones, err := events.Property[[]string](c.Properties, "zoneMembership")
	if err != nil {
		return nil, faultf("/properties/instanceProperties/zoneMembership", "expected an array of strings")
	}
	if zones == nil {
		zones = []string{}
	}
	if i := slices.Index(zones, ""); i >= 0 {
		return nil, faultf("/properties/instanceProperties/zoneMembership", "the name of a zone is empty")
	}
	return zones, nil
}

func (c *converter) relationship(w *wireRelationship) (*Relationship, *fault) {
	i, values, f := c.instance(&w.wireAudit, "Relationship", "RELATIONSHIP_DEF")
	r := &Relationship{Instance: i}
	if f != nil {
		return r, f
	}
	if f := validGUID("/guid", r.GUID); f != nil {
		return r, f
	}
	if r.Type == "" {
		return r, faultf("/type", "the relationship has no type: typeDefName is missing")
	}
	if r.End1, f = c.stub(w.End1, "/entityOneProxy"); f != nil {
		return r, f
	}
	if r.End2, f = c.stub(w.End2, "/entityTwoProxy"); f != nil {
		return r, f
	}
	f = r.setProperties(values)
	return r, f
}

func (c *converter) stub(w *wireStub, pointer string) (Stub, *fault) {
	if w == nil {
		return Stub{}, faultf(pointer, "missing: the element that is meant")
	}
	s := Stub{GUID: w.GUID, Type: w.Type.Name}
	if f := validGUID(pointer+"/guid", w.GUID); f != nil {
		return s, f
	}
	// What the proxy says about the element is no more than a hint.
	if values, f := c.values(w.Unique, 1); f == nil {
		s.QualifiedName, _ = values[qualifiedName].(string)
	}
	return s, nil
}

func (c *converter) extension(w *wireExtension) (*Classification, *fault) {
	if f := cmp.Or(validClass(w.Class, "ClassificationEntityExtension"), validVersion(w.HeaderVersion)); f != nil {
		return &Classification{}, f
	}
	if w.Classification == nil {
		return &Classification{}, faultf("/classification", "missing: the classification")
	}
	out, f := c.classification(w.Classification)
	if f != nil {
		return out, f.below("/classification")
	}
	out.Element, f = c.stub(w.Element, "/entityToClassify")
	return out, f
}
