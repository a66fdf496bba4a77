package repository

import (
	"slices"
	"strconv"

	"github.com/camena-io/camena/events"
)

// Types are the open metadata types that the repository accepts (Egeria: open
// metadata types, areas 0 to 5). Make it with [NewTypes].
type Types struct {
	elements        map[string]*events.ElementType
	relationships   map[string]relationshipType
	classifications map[string]bool
}

type relationshipType struct {
	typ        *events.ElementType
	end1, end2 string
}

// NewTypes returns the types that Camena ships.
func NewTypes() *Types {
	t := &Types{
		elements:        map[string]*events.ElementType{},
		relationships:   map[string]relationshipType{},
		classifications: map[string]bool{},
	}
	for _, family := range elementTypes() {
		t.addElements(family.super, family.names)
	}
	for _, r := range relationshipTypes() {
		t.relationships[r.name] = relationshipType{typ: &events.ElementType{Name: r.name}, end1: r.end1, end2: r.end2}
	}
	for _, c := range classificationTypes() {
		t.classifications[c] = true
	}
	return t
}

func (t *Types) addElements(super string, names []string) {
	var supers []string
	if s, ok := t.elements[super]; ok {
		supers = slices.Concat([]string{super}, s.SuperTypes)
	}
	for _, name := range names {
		t.elements[name] = &events.ElementType{Name: name, SuperTypes: supers}
	}
}

// element returns the named element type, or an error for the given pointer.
func (t *Types) element(name, pointer string) (*events.ElementType, error) {
	if e, ok := t.elements[name]; ok {
		return e, nil
	}
	if _, ok := t.relationships[name]; ok {
		return nil, events.Errorf(events.CodeUnknownType, pointer, "%q is a relationship type; an element type is needed", name)
	}
	return nil, events.Errorf(events.CodeUnknownType, pointer, "there is no element type %q", name)
}

func (t *Types) relationship(name, pointer string) (relationshipType, error) {
	if r, ok := t.relationships[name]; ok {
		return r, nil
	}
	return relationshipType{}, events.Errorf(events.CodeUnknownType, pointer, "there is no relationship type %q", name)
}

func (t *Types) classification(name, pointer string) error {
	if !t.classifications[name] {
		return events.Errorf(events.CodeUnknownType, pointer, "there is no classification %q", name)
	}
	return nil
}

func (t *Types) classified(marks []events.Classification, pointer string) error {
	for i := range marks {
		if name := marks[i].Name; !t.classifications[name] {
			return t.classification(name, pointer+"/"+strconv.Itoa(i)+"/classificationName")
		}
	}
	return nil
}

// subtypes returns name and all types below it.
func (t *Types) subtypes(name string) []string {
	var names []string
	for _, e := range t.elements {
		if e.Is(name) {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return names
}

type family struct {
	super string
	names []string
}

// elementTypes lists the types, super types first.
func elementTypes() []family {
	return []family{
		{"", []string{"OpenMetadataRoot"}},
		{"OpenMetadataRoot", []string{"Referenceable"}},
		{"Referenceable", []string{
			"Asset", "SoftwareCapability", "Connection", "ConnectorType", "Endpoint", "Collection",
			"SchemaElement", "ExternalId", "IntegrationReport", "GlossaryTerm", "Location",
		}},
		{"Asset", []string{"Infrastructure", "Process", "DataAsset", "DeployedAPI"}},
		{"Infrastructure", []string{"ITInfrastructure"}},
		{"ITInfrastructure", []string{"Host", "SoftwareServerPlatform", "SoftwareServer"}},
		{"Process", []string{"DeployedSoftwareComponent"}},
		{"DeployedSoftwareComponent", []string{"DeployedConnector"}},
		{"DeployedConnector", []string{"IntegrationConnector"}},
		{"DataAsset", []string{"DataStore", "DataFeed", "DataSet"}},
		{"DataStore", []string{"FileFolder", "DataFile", "Database"}},
		{"FileFolder", []string{"DataFolder"}},
		{"DataFile", []string{
			"CSVFile", "JSONFile", "XMLFile", "YAMLFile", "ParquetFile", "AvroDataFile", "PropertiesFile",
			"SpreadsheetFile", "DocumentFile", "MediaFile", "SourceCodeFile", "ScriptFile",
			"BuildInstructionFile", "ExecutableFile", "LogFile", "ArchiveFile", "KeystoreFile",
		}},
		{"MediaFile", []string{"RasterFile", "AudioFile", "VideoFile"}},
		{"Database", []string{"RelationalDatabase"}},
		{"DataFeed", []string{"Topic"}},
		{"DataSet", []string{"DeployedDatabaseSchema"}},
		{"SoftwareCapability", []string{"IntegrationGroup", "InventoryCatalog", "EventBroker", "FileSystem", "DatabaseManager"}},
		{"Collection", []string{"Glossary"}},
		{"Connection", []string{"VirtualConnection"}},
		{"SchemaElement", []string{"SchemaType", "SchemaAttribute"}},
		{"SchemaType", []string{"ComplexSchemaType"}},
		{"ComplexSchemaType", []string{"RelationalDBSchemaType"}},
		{"SchemaAttribute", []string{"RelationalTable", "RelationalColumn"}},
	}
}

func relationshipTypes() []struct{ name, end1, end2 string } {
	return []struct{ name, end1, end2 string }{
		{"FolderHierarchy", "FileFolder", "FileFolder"},
		{"NestedFile", "FileFolder", "DataFile"},
		{"LinkedFile", "FileFolder", "DataFile"},
		{"RegisteredIntegrationConnector", "IntegrationGroup", "IntegrationConnector"},
		{"CatalogTarget", "IntegrationConnector", "OpenMetadataRoot"},
		{"RelatedIntegrationReport", "OpenMetadataRoot", "IntegrationReport"},
		{"AssetConnection", "Asset", "Connection"},
		{"ConnectionConnectorType", "Connection", "ConnectorType"},
		{"ConnectToEndpoint", "Connection", "Endpoint"},
		{"EmbeddedConnection", "VirtualConnection", "Connection"},
		{"SupportedSoftwareCapability", "Asset", "SoftwareCapability"},
		{"CapabilityAssetUse", "SoftwareCapability", "Asset"},
		{"DataSetContent", "Asset", "DataSet"},
		{"Schema", "Asset", "SchemaType"},
		{"AttributeForSchema", "SchemaType", "SchemaAttribute"},
		{"NestedSchemaAttribute", "SchemaAttribute", "SchemaAttribute"},
		{"ForeignKey", "SchemaAttribute", "SchemaAttribute"},
		{"DataFlow", "Referenceable", "Referenceable"},
		{"LineageMapping", "Referenceable", "Referenceable"},
		{"SemanticAssignment", "Referenceable", "GlossaryTerm"},
		{"CollectionMembership", "Collection", "Referenceable"},
		{"ExternalIdLink", "OpenMetadataRoot", "ExternalId"},
		{"ExternalIdScope", "Referenceable", "ExternalId"},
	}
}

func classificationTypes() []string {
	return []string{
		"Anchors", "Memento", "Template", "Ownership", "Confidentiality", "Confidence", "Criticality",
		"Impact", "Retention", "PrimaryKey", "TypeEmbeddedAttribute", "CalculatedValue", "DataAssetEncoding",
	}
}
