package events

// The event types by which open metadata types travel: the command that asks
// for them, and the change event that says what became of one.
const (
	TypeDefineTypes = "io.camena.type.define.v1"
	TypeTypeDefined = "io.camena.type.defined.v1"
)

// TypeKind says what a type describes (Egeria: TypeDefCategory).
type TypeKind string

// The kinds of types.
const (
	KindElement        TypeKind = "element"
	KindRelationship   TypeKind = "relationship"
	KindClassification TypeKind = "classification"
	KindEnum           TypeKind = "enum"
	KindStruct         TypeKind = "struct"
)

// Cardinality says to how many elements at one end of a relationship one
// element at the other end may be related by relationships of that type.
type Cardinality string

// The cardinalities (Egeria: RelationshipEndCardinality).
const (
	// CardinalityOne: at most one (Egeria: AT_MOST_ONE).
	CardinalityOne Cardinality = "one"
	// CardinalityMany: any number, none included (Egeria: ANY_NUMBER).
	CardinalityMany Cardinality = "many"
)

// TypeDef defines one open metadata type (Egeria: TypeDef). A definition is
// whole: what it leaves out, the type has not, but for what it inherits.
type TypeDef struct {
	Kind TypeKind `json:"kind"`
	// Name is unique among the types of all kinds.
	Name string `json:"name"`
	// SuperType is a type of the same kind, whose attributes the type has too.
	// Every element type but OpenMetadataRoot has one; relationships and
	// classifications may; enums and structs have none.
	SuperType   string `json:"superType,omitempty"`
	Description string `json:"description,omitempty"`
	// Deprecated types should no longer be used, but can be.
	Deprecated bool `json:"deprecated,omitzero"`
	// ReplacedBy names the type to use instead of a deprecated one.
	ReplacedBy string `json:"replacedBy,omitempty"`
	// Attributes are those that the type adds to the inherited ones. An enum has
	// none.
	Attributes []AttributeDef `json:"attributes,omitempty"`
	// End1 and End2 are the ends of a relationship; without them it has the ends
	// of its super type.
	End1 *EndDef `json:"end1,omitempty"`
	End2 *EndDef `json:"end2,omitempty"`
	// MultiLink lets several relationships of the type stand between the same two
	// elements (Egeria: multiLink).
	MultiLink bool `json:"multiLink,omitzero"`
	// ValidFor are the element types that a classification may stand on, their
	// subtypes included; without them it has those of its super type (Egeria:
	// validEntityDefs).
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
	// Type is the element type, whose subtypes may stand at the end too.
	Type string `json:"type"`
	// Name is what an element at this end is to the one at the other end.
	Name string `json:"name,omitempty"`
	// Cardinality says to how many elements at this end one element at the other
	// end may be related. So a folder that has many files, each of which is in
	// one folder, is {type: FileFolder, cardinality: one} at the one end and
	// {type: DataFile, cardinality: many} at the other.
	Cardinality Cardinality `json:"cardinality"`
}

// EnumValue is a value of an enum, which metadata names by its name (Egeria:
// EnumElementDef).
type EnumValue struct {
	Ordinal     int    `json:"ordinal"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// DefineTypes is the data of [TypeDefineTypes]: add the types, or change those
// that are there in a way that leaves all metadata valid. All are defined or
// none is; they may refer to each other in any order.
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
