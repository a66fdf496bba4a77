package egeria

import (
	"cmp"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
)

// wireTypeDef is a definition of any class (Egeria: TypeDef, AttributeTypeDef and their
// subclasses).
type wireTypeDef struct {
	wireDef

	Class      string           `json:"class"`
	Category   string           `json:"category"`
	Name       string           `json:"name"`
	Version    int64            `json:"version"`
	Status     string           `json:"status"`
	Attributes []*wireAttribute `json:"propertiesDefinition"`
	MultiLink  bool             `json:"multiLink"`
	Values     []*wireSymbol    `json:"elementDefs"`

	Primitive  string   `json:"primitiveDefCategory"`
	Collection string   `json:"collectionDefCategory"`
	Arguments  []string `json:"argumentTypes"`
}

// wireDef is what a definition and a patch have in common.
type wireDef struct {
	HeaderVersion int64       `json:"headerVersion"`
	Description   string      `json:"description"`
	Super         *wireLink   `json:"superType"`
	End1          *wireEnd    `json:"endDef1"`
	End2          *wireEnd    `json:"endDef2"`
	ValidFor      []*wireLink `json:"validEntityDefs"`
}

type wireLink struct {
	Name string `json:"name"`
}

type wireAttribute struct {
	Name        string       `json:"attributeName"`
	Type        *wireTypeDef `json:"attributeType"`
	Status      string       `json:"attributeStatus"`
	Description string       `json:"attributeDescription"`
	Cardinality string       `json:"attributeCardinality"`
	Least       int64        `json:"valuesMinCount"`
}

type wireEnd struct {
	Type        *wireLink `json:"entityType"`
	Name        string    `json:"attributeName"`
	Cardinality string    `json:"attributeCardinality"`
}

type wireSymbol struct {
	Ordinal     int    `json:"ordinal"`
	Name        string `json:"value"`
	Description string `json:"description"`
}

// wirePatch changes a type (Egeria: TypeDefPatch). Older patches use other names.
type wirePatch struct {
	wireDef

	Name          string           `json:"typeDefName"`
	OldName       string           `json:"typeName"`
	Status        string           `json:"typeDefStatus"`
	From          int64            `json:"applyToVersion"`
	To            int64            `json:"updateToVersion"`
	Attributes    []*wireAttribute `json:"propertyDefinitions"`
	OldAttributes []*wireAttribute `json:"typeDefAttributes"`
}

// The classes of definitions. Those of primitives and collections are built in.
const (
	classEntityDef         = "EntityDef"
	classRelationshipDef   = "RelationshipDef"
	classClassificationDef = "ClassificationDef"
	classEnumDef           = "EnumDef"
	classPrimitiveDef      = "PrimitiveDef"
	classCollectionDef     = "CollectionDef"
)

// class returns the class of the definition, which has a class, a category or both.
func (w *wireTypeDef) class() string {
	byCategory := map[string]string{
		"ENTITY_DEF": classEntityDef, "RELATIONSHIP_DEF": classRelationshipDef, "CLASSIFICATION_DEF": classClassificationDef,
		"ENUM_DEF": classEnumDef, "PRIMITIVE": classPrimitiveDef, "COLLECTION": classCollectionDef,
	}
	return cmp.Or(simpleName(w.Class), byCategory[w.Category], w.Category)
}

// isBuiltIn reports whether the definition is of a primitive or a collection.
func (w *wireTypeDef) isBuiltIn() bool {
	class := w.class()
	return class == classPrimitiveDef || class == classCollectionDef
}

// typeReader converts definitions, and collects what else they define or need.
type typeReader struct {
	// enums are those that attributes define in place.
	enums []events.TypeDef
	needs []need
}

// need is a type that a definition refers to.
type need struct {
	name    string
	kind    events.TypeKind
	pointer string
	where   Place
}

// definition converts a definition (Egeria: EntityDef, RelationshipDef,
// ClassificationDef, EnumDef).
func (t *typeReader) definition(w *wireTypeDef) (events.TypeDef, *fault) {
	def := events.TypeDef{Name: w.Name, Description: w.Description, Deprecated: isDeprecated(w.Status)}
	if f := validVersion(w.HeaderVersion); f != nil {
		return def, f
	}
	switch class := w.class(); class {
	case classEntityDef:
		def.Kind = events.KindElement
	case classRelationshipDef:
		def.Kind, def.MultiLink = events.KindRelationship, w.MultiLink
	case classClassificationDef:
		def.Kind = events.KindClassification
	case classEnumDef:
		return enumDef(def, w.Values)
	case "":
		return def, faultf("", "the definition has neither class nor category")
	default:
		return def, faultf("/class", "unknown class of definition %q: expected one such as %s", short(class), classEntityDef)
	}
	if f := t.relations(&def, &w.wireDef); f != nil {
		return def, f
	}
	var f *fault
	def.Attributes, f = t.attributes(nil, w.Attributes, "/propertiesDefinition")
	return def, f
}

func isDeprecated(status string) bool {
	return strings.HasPrefix(status, "DEPRECATED_") || strings.HasPrefix(status, "RENAMED_")
}

func enumDef(def events.TypeDef, symbols []*wireSymbol) (events.TypeDef, *fault) {
	def.Kind = events.KindEnum
	for i, s := range symbols {
		if s == nil {
			return def, faultf(itemAt("/elementDefs", i), "expected an object, found null")
		}
		def.Values = append(def.Values, events.EnumValue{Ordinal: s.Ordinal, Name: symbolName(s.Name), Description: s.Description})
	}
	return def, nil
}

// relations sets the other types that a definition names. It keeps those that it does
// not name.
func (t *typeReader) relations(def *events.TypeDef, w *wireDef) *fault {
	if w.Super != nil && w.Super.Name != "" {
		def.SuperType = w.Super.Name
		t.need(w.Super.Name, def.Kind, "/superType/name")
	}
	for _, end := range []struct {
		field string
		from  *wireEnd
		to    **events.EndDef
	}{{"/endDef1", w.End1, &def.End1}, {"/endDef2", w.End2, &def.End2}} {
		if end.from == nil {
			continue
		}
		if end.from.Type == nil {
			return faultf(end.field+"/entityType", "missing: the type of the elements at this end")
		}
		*end.to = &events.EndDef{Type: end.from.Type.Name, Name: end.from.Name, Cardinality: cardinality(end.from.Cardinality)}
		t.need(end.from.Type.Name, events.KindElement, end.field+"/entityType/name")
	}
	for i, link := range w.ValidFor {
		if link == nil || slices.Contains(def.ValidFor, link.Name) {
			continue
		}
		def.ValidFor = append(def.ValidFor, link.Name)
		t.need(link.Name, events.KindElement, itemAt("/validEntityDefs", i)+"/name")
	}
	return nil
}

func (t *typeReader) need(name string, kind events.TypeKind, pointer string) {
	t.needs = append(t.needs, need{name: name, kind: kind, pointer: pointer})
}

// cardinality converts a cardinality; the default is many.
func cardinality(text string) events.Cardinality {
	if text == "AT_MOST_ONE" || text == "ONE_ONLY" {
		return events.CardinalityOne
	}
	return events.CardinalityMany
}

// attributes adds or replaces attributes. The qualified name is no attribute: it is part
// of the header of an element.
func (t *typeReader) attributes(have []events.AttributeDef, wire []*wireAttribute, pointer string) ([]events.AttributeDef, *fault) {
	out := slices.Clone(have)
	for i, w := range wire {
		if w == nil || w.Name == qualifiedName {
			continue
		}
		a := events.AttributeDef{
			Name: w.Name, Description: w.Description, Deprecated: isDeprecated(w.Status),
			Required: w.Least > 0 || w.Cardinality == "ONE_ONLY" || strings.HasPrefix(w.Cardinality, "AT_LEAST_ONE"),
		}
		var f *fault
		if a.Type, f = t.valueType(w.Type, itemAt(pointer, i)+"/attributeType"); f != nil {
			return nil, f.below(itemAt(pointer, i) + "/attributeType")
		}
		if at := slices.IndexFunc(out, func(b events.AttributeDef) bool { return b.Name == a.Name }); at >= 0 {
			out[at] = a
		} else {
			out = append(out, a)
		}
	}
	return out, nil
}

// valueType converts the type of an attribute.
func (t *typeReader) valueType(w *wireTypeDef, pointer string) (string, *fault) {
	if w == nil {
		return "", faultf("", "missing: the type of the attribute")
	}
	switch class := w.class(); class {
	case classPrimitiveDef:
		return primitiveName(cmp.Or(w.Primitive, w.Name)), nil
	case classCollectionDef:
		return collectionName(w), nil
	case classEnumDef:
		t.need(w.Name, events.KindEnum, pointer+"/name")
		if len(w.Values) > 0 {
			def, f := enumDef(events.TypeDef{Name: w.Name, Description: w.Description}, w.Values)
			if f != nil {
				return "", f
			}
			t.enums = append(t.enums, def)
		}
		return w.Name, nil
	default:
		return "", faultf("/class", "unknown class of attribute type %q: expected one such as %s", short(class), classPrimitiveDef)
	}
}

// primitiveName returns "int" for "int" and OM_PRIMITIVE_TYPE_INT.
func primitiveName(name string) string {
	name = strings.TrimPrefix(strings.ToLower(name), "om_primitive_type_")
	if name == "object" || name == "unknown" || name == "" {
		return events.ValueAny
	}
	return name
}

func collectionName(w *wireTypeDef) string {
	argument := func(i int) string {
		if i < len(w.Arguments) {
			return primitiveName(w.Arguments[i])
		}
		return events.ValueAny
	}
	switch w.Collection {
	case "OM_COLLECTION_MAP":
		return "map<string," + argument(1) + ">" // names in JSON are strings
	case "OM_COLLECTION_ARRAY":
		return "array<" + argument(0) + ">"
	default:
		if _, err := events.ParseValueType(w.Name); err == nil {
			return w.Name
		}
		return events.ValueAny
	}
}

// patch changes what a patch names in a definition.
func (t *typeReader) patch(def *events.TypeDef, w *wirePatch) *fault {
	if w.Description != "" {
		def.Description = w.Description
	}
	if w.Status != "" {
		def.Deprecated = isDeprecated(w.Status)
	}
	if w.ValidFor != nil {
		def.ValidFor = nil
	}
	if f := t.relations(def, &w.wireDef); f != nil {
		return f
	}
	attributes, pointer := w.Attributes, "/propertyDefinitions"
	if attributes == nil {
		attributes, pointer = w.OldAttributes, "/typeDefAttributes"
	}
	var f *fault
	def.Attributes, f = t.attributes(def.Attributes, attributes, pointer)
	return f
}
