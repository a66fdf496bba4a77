package dataservice

// ActionDefinition is something that can be done with objects (Scribe: action).
type ActionDefinition struct {
	// Name identifies the action, whatever its case.
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Known says what a caller may expect of the action; [ActionOther] is none of those.
	Known KnownAction `json:"known,omitempty"`
	// Lookup: it takes conditions that say which entities it changes.
	Lookup bool `json:"lookup,omitzero"`
	// Input: it takes entities.
	Input bool `json:"input,omitzero"`
	// Bulk: it takes more than one entity in a request.
	Bulk bool `json:"bulk,omitzero"`
	// Multiple: one lookup may match several entities, if the caller permits it.
	Multiple bool `json:"multiple,omitzero"`
	// Where, Sort and Related are what a query may ask for.
	Where   bool `json:"where,omitzero"`
	Sort    bool `json:"sort,omitzero"`
	Related bool `json:"related,omitzero"`
}

// KnownAction is a kind of action (Scribe: KnownActions).
type KnownAction string

// The kinds of actions.
const (
	ActionOther        KnownAction = ""
	ActionQuery        KnownAction = "Query"
	ActionNativeQuery  KnownAction = "NativeQuery"
	ActionCreate       KnownAction = "Create"
	ActionUpdate       KnownAction = "Update"
	ActionDelete       KnownAction = "Delete"
	ActionUpdateInsert KnownAction = "UpdateInsert" // update, or else insert: upsert
	ActionInsertUpdate KnownAction = "InsertUpdate" // insert, or else update
	ActionCreateWith   KnownAction = "CreateWith"   // with the children of the entity
	ActionUpdateWith   KnownAction = "UpdateWith"
)

// ObjectDefinition is a kind of entity, such as a table (Scribe: object; Google:
// entity type; i2: item type).
type ObjectDefinition struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Hidden      bool   `json:"hidden,omitzero"`
	// Actions are the names of those that can be done with it. An object that only
	// stands in others has none.
	Actions       []string                 `json:"actions"`
	Properties    []PropertyDefinition     `json:"properties,omitempty"`
	Relationships []RelationshipDefinition `json:"relationships,omitempty"`
}

// PropertyDefinition is a property of an object, such as a column.
type PropertyDefinition struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Type        Type   `json:"type"`
	// MinOccurs and MaxOccurs bound the number of values, or of children; a
	// MaxOccurs of 0 is 1, and -1 means any number.
	MinOccurs int `json:"minOccurs,omitzero"`
	MaxOccurs int `json:"maxOccurs,omitzero"`
	// Size is the largest number of characters or bytes, 0 if it is not limited.
	Size int `json:"size,omitzero"`
	// Precision and Scale are the number of digits, and of those after the point.
	Precision int `json:"precision,omitzero"`
	Scale     int `json:"scale,omitzero"`
	// Presentation tells a user interface how to show it.
	Presentation string `json:"presentation,omitempty"`
	Nullable     bool   `json:"nullable,omitzero"`
	Key          bool   `json:"key,omitzero"`
	// Required: an entity to be created must have it.
	Required bool `json:"required,omitzero"`
	// The uses that it may not be put to; by default it can be selected, compared,
	// sorted by, given, returned and looked up by.
	NoSelect bool `json:"noSelect,omitzero"`
	NoWhere  bool `json:"noWhere,omitzero"`
	NoSort   bool `json:"noSort,omitzero"`
	NoInput  bool `json:"noInput,omitzero"`
	NoOutput bool `json:"noOutput,omitzero"`
	NoLookup bool `json:"noLookup,omitzero"`
}

// RelationshipDefinition relates the entities of two objects by equal values of
// properties, such as a foreign key.
type RelationshipDefinition struct {
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Kind        RelationshipKind `json:"kind"`
	Object      string           `json:"object"` // the related one
	// Properties of this object equal those of the related one, in this order.
	Properties        []string `json:"properties"`
	RelatedProperties []string `json:"relatedProperties"`
}

// RelationshipKind is what the related object is (Scribe: RelationshipType).
type RelationshipKind string

// The kinds of relationships.
const (
	RelatedParent             RelationshipKind = "Parent"
	RelatedChild              RelationshipKind = "Child"
	RelatedProperty           RelationshipKind = "Property"
	RelatedPropertyCollection RelationshipKind = "PropertyCollection"
)

// Property returns the definition of a property, nil if there is none.
func (o *ObjectDefinition) Property(name string) *PropertyDefinition {
	for i := range o.Properties {
		if o.Properties[i].Name == name {
			return &o.Properties[i]
		}
	}
	return nil
}
