package events

// The event types of open metadata types: the command, and the change event.
const (
	TypeDefineTypes = "io.camena.type.define.v1"
	TypeTypeDefined = "io.camena.type.defined.v1"
)

// TypeKind is the category of a type (Egeria: TypeDefCategory).
type TypeKind string

// The kinds of types.
const (
	KindElement        TypeKind = "element"
	KindRelationship   TypeKind = "relationship"
	KindClassification TypeKind = "classification"
	KindEnum           TypeKind = "enum"
	KindStruct         TypeKind = "struct"
)

// Cardinality is the number of elements at one end of a relationship type that
// one element at the other end may be related to.
type Cardinality string

// The cardinalities (Egeria: RelationshipEndCardinality).
const (
	// CardinalityOne: at most one (Egeria: AT_MOST_ONE).
	CardinalityOne Cardinality = "one"
	// CardinalityMany: any number, none included (Egeria: ANY_NUMBER).
	CardinalityMany Cardinality = "many"
)

// TypeDef defines one open metadata type (Egeria: TypeDef). A definition is
// complete, except for what the type inherits.
type TypeDef struct {
	Kind TypeKind `json:"kind"`
	// Name is unique among all types.
	Name string `json:"name"`
	// SuperType is a type of the same kind, whose attributes are inherited. It is
	// required for element types except OpenMetadataRoot, optional for
	// relationships and classifications, and not allowed for enums and structs.
	SuperType   string `json:"superType,omitempty"`
	Description string `json:"description,omitempty"`
	// Deprecated types can be used but should not.
	Deprecated bool `json:"deprecated,omitzero"`
	// ReplacedBy names the type to use instead of a deprecated one.
	ReplacedBy string `json:"replacedBy,omitempty"`
	// Attributes are added to the inherited ones. An enum has none.
	Attributes []AttributeDef `json:"attributes,omitempty"`
	// End1 and End2 are the ends of a relationship; without them it has the ends
	// of its super type.
	End1 *EndDef `json:"end1,omitempty"`
	End2 *EndDef `json:"end2,omitempty"`
	// MultiLink allows several relationships of the type between two elements
	// (Egeria: multiLink).
	MultiLink bool `json:"multiLink,omitzero"`
	// ValidFor are the element types, subtypes included, that a classification may
	// classify; without them, those of its super type (Egeria: validEntityDefs).
	ValidFor []string `json:"validFor,omitempty"`
	// Values are those of an enum.
	Values []EnumValue `json:"values,omitempty"`
}

// AttributeDef defines an attribute (Egeria: TypeDefAttribute).
type AttributeDef struct {
	Name string `json:"name"`
	// Type is an expression, see [ParseValueType].
	Type string `json:"type"`
	// Required attributes must have a value.
	Required    bool   `json:"required,omitzero"`
	Deprecated  bool   `json:"deprecated,omitzero"`
	Description string `json:"description,omitempty"`
}

// EndDef defines an end of a relationship (Egeria: RelationshipEndDef).
type EndDef struct {
	// Type is the element type at this end; subtypes are allowed.
	Type string `json:"type"`
	// Name is the role of this end, as seen from the other end.
	Name string `json:"name,omitempty"`
	// Cardinality is the number of elements at this end for one element at the
	// other end. For folders with many files, each file in one folder, it is one at
	// the end of the folder and many at the end of the file.
	Cardinality Cardinality `json:"cardinality"`
}

// EnumValue is a value of an enum; metadata refers to it by name (Egeria:
// EnumElementDef).
type EnumValue struct {
	Ordinal     int    `json:"ordinal"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// DefineTypes is the data of [TypeDefineTypes]: add types, or change types in a
// way that keeps all metadata valid. All are defined or none; they may refer to
// each other in any order.
type DefineTypes struct {
	Types []TypeDef `json:"types"`
}

// TypeChange is the data of [TypeTypeDefined]: the new and the previous
// definition of a type. Previous is nil when the type was added.
type TypeChange struct {
	Type     *TypeDef `json:"type"`
	Previous *TypeDef `json:"previous,omitempty"`
}

// EventType returns [TypeDefineTypes].
func (*DefineTypes) EventType() string { return TypeDefineTypes }

// Validate checks what can be checked without the other types.
func (c *DefineTypes) Validate() error {
	if len(c.Types) == 0 {
		return Errorf(CodeInvalid, "/types", "missing: define at least one type")
	}
	for i := range c.Types {
		if err := c.Types[i].Validate(itemAt("/types", i)); err != nil {
			return err
		}
	}
	return nil
}

var _ Command = (*DefineTypes)(nil)
