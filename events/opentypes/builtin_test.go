package opentypes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// TestShippedTypesAreConsistent checks the types against each other, beyond what
// Apply does.
func TestShippedTypesAreConsistent(t *testing.T) {
	t.Parallel()
	r := builtin(t)
	for _, typ := range r.All() {
		d := typ.Def()
		if d.Description == "" {
			t.Errorf("%s has no description", d.Name)
		}
		if d.Kind == events.KindElement && d.Name != "OpenMetadataRoot" {
			if supers := typ.Header().SuperTypes; supers[len(supers)-1] != "OpenMetadataRoot" {
				t.Errorf("%s is below %v", d.Name, supers)
			}
		}
		if typ.RequiresName() != (d.Kind == events.KindElement && slices.Contains(r.Subtypes("Referenceable"), d.Name)) {
			t.Errorf("%s requires a name: %t", d.Name, typ.RequiresName())
		}
		if d.ReplacedBy != "" && !d.Deprecated {
			t.Errorf("%s is replaced but not deprecated", d.Name)
		}
		for _, a := range d.Attributes {
			if a.Description == "" {
				t.Errorf("%s of %s has no description", a.Name, d.Name)
			}
			if super, ok := r.Type(d.SuperType); ok && slices.ContainsFunc(super.Attributes(), func(b events.AttributeDef) bool { return a.Name == b.Name && !b.Deprecated }) {
				t.Errorf("%s of %s is inherited already", a.Name, d.Name)
			}
		}
		for _, v := range d.Values {
			if v.Description == "" {
				t.Errorf("%s of %s has no description", v.Name, d.Name)
			}
		}
		checkEndsExist(t, r, typ)
	}
}

func checkEndsExist(t *testing.T, r *opentypes.Registry, typ *opentypes.Type) {
	t.Helper()
	if isRelationship := typ.Kind() == events.KindRelationship; isRelationship != (typ.End(1) != nil) || isRelationship != (typ.End(2) != nil) {
		t.Fatalf("%s has ends %v and %v", typ.Name(), typ.End(1), typ.End(2))
	}
	if (typ.Kind() == events.KindClassification) != (len(typ.ValidFor()) > 0) {
		t.Errorf("%s may stand on %v", typ.Name(), typ.ValidFor())
	}
	elements := typ.ValidFor()
	for end := 1; end <= 2 && typ.End(end) != nil; end++ {
		elements = append(elements, typ.End(end).Type)
		if typ.End(end).Name == "" {
			t.Errorf("end %d of %s has no name", end, typ.Name())
		}
	}
	for _, name := range elements {
		if _, err := r.Element(name, ""); err != nil {
			t.Errorf("%s: %v", typ.Name(), err)
		}
	}
}

// TestRelationshipsOfTheModel checks that elements can be related as Egeria's
// types relate them.
func TestRelationshipsOfTheModel(t *testing.T) {
	t.Parallel()
	r := builtin(t)
	for _, test := range []struct{ relationship, end1, end2 string }{
		{"DataSetContent", "RelationalDatabase", "DeployedDatabaseSchema"},
		{"Schema", "DeployedDatabaseSchema", "RelationalDBSchemaType"},
		{"Schema", "KafkaTopic", "EventTypeList"},
		{"AttributeForSchema", "RelationalDBSchemaType", "RelationalTable"},
		{"AttributeForSchema", "EventType", "EventSchemaAttribute"},
		{"SchemaTypeOption", "EventTypeList", "EventType"},
		{"SchemaTypeOption", "SchemaTypeChoice", "PrimitiveSchemaType"},
		{"NestedSchemaAttribute", "RelationalTable", "RelationalColumn"},
		{"SchemaAttributeType", "SchemaAttribute", "EnumSchemaType"},
		{"LinkedExternalSchemaType", "SchemaAttribute", "ExternalSchemaType"},
		{"MapFromElementType", "MapSchemaType", "PrimitiveSchemaType"},
		{"MapToElementType", "MapSchemaType", "StructSchemaType"},
		{"ForeignKey", "RelationalColumn", "RelationalColumn"},
		{"APIOperations", "APISchemaType", "APIOperation"},
		{"APIHeader", "APIOperation", "APIParameterList"},
		{"APIRequest", "APIOperation", "APIParameterList"},
		{"APIResponse", "APIOperation", "APIParameterList"},
		{"AttributeForSchema", "APIParameterList", "APIParameter"},
		{"APIEndpoint", "DeployedAPI", "Endpoint"},
		{"FolderHierarchy", "FileFolder", "DataFolder"},
		{"NestedFile", "FileFolder", "CSVFile"},
		{"LinkedFile", "FileFolder", "DataFile"},
		{"ServerAssetUse", "FileSystem", "FileFolder"},
		{"CapabilityAssetUse", "EventBroker", "Topic"},
		{"SupportedSoftwareCapability", "SoftwareServer", "DatabaseManager"},
		{"ProcessHierarchy", "DeployedSoftwareComponent", "TransientEmbeddedProcess"},
		{"DataFlow", "Topic", "Topic"},
		{"ControlFlow", "Process", "Process"},
		{"ProcessCall", "Process", "DeployedAPI"},
		{"LineageMapping", "RelationalColumn", "DataField"},
		{"DataMapping", "RelationalColumn", "TabularFileColumn"},
		{"UltimateSource", "Report", "Database"},
		{"UltimateDestination", "Database", "Report"},
		{"ConnectionConnectorType", "Connection", "ConnectorType"},
		{"ConnectToEndpoint", "Connection", "Endpoint"},
		{"AssetConnection", "IntegrationConnector", "VirtualConnection"},
		{"EmbeddedConnection", "VirtualConnection", "Connection"},
		{"ExternalIdLink", "OpenMetadataRoot", "ExternalId"},
		{"ExternalIdScope", "MetadataCollection", "ExternalId"},
		{"CollectionMembership", "Glossary", "GlossaryTerm"},
		{"TermAnchor", "Glossary", "GlossaryTerm"},
		{"SemanticAssignment", "RelationalColumn", "GlossaryTerm"},
		{"SupplementaryProperties", "Database", "GlossaryTerm"},
		{"RegisteredIntegrationConnector", "IntegrationGroup", "IntegrationConnector"},
		{"CatalogTarget", "IntegrationConnector", "OpenMetadataRoot"},
		{"RelatedIntegrationReport", "Database", "IntegrationReport"},
		{"SourcedFrom", "Database", "Database"},
		{"ResourceList", "Project", "Asset"},
		{"MoreInformation", "Asset", "Asset"},
		{"Certification", "Asset", "CertificationType"},
		{"ProcessPort", "Process", "PortImplementation"},
		{"PortSchema", "PortAlias", "StructSchemaType"},
	} {
		typ, err := r.Relationship(test.relationship, "")
		if err != nil {
			t.Error(err)
			continue
		}
		var ends [2]*opentypes.Type
		for i, name := range []string{test.end1, test.end2} {
			if ends[i], err = r.Element(name, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := typ.CheckEnds(ends[0].Header(), ends[1].Header(), test.relationship); err != nil {
			t.Error(err)
		}
	}
	for name, want := range map[string][2]events.Cardinality{
		"FolderHierarchy": {"one", "many"}, "ConnectionConnectorType": {"many", "one"}, "ConnectToEndpoint": {"many", "one"},
		"NestedSchemaAttribute": {"one", "many"}, "Schema": {"one", "one"}, "NestedFile": {"many", "many"},
		"RegisteredIntegrationConnector": {"many", "many"}, "CatalogTarget": {"many", "many"},
	} {
		typ, _ := r.Relationship(name, "")
		if got := [2]events.Cardinality{typ.End(1).Cardinality, typ.End(2).Cardinality}; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// TestWhatCamenaWrites checks that the types have what connectors and the
// commands of Camena write.
func TestWhatCamenaWrites(t *testing.T) {
	t.Parallel()
	r := builtin(t)
	for name, objects := range map[string][]string{
		"FileFolder":           {`{"displayName":"data","pathName":"/data"}`},
		"CSVFile":              {string(csvFile(t).Raw())},
		"RelationalColumn":     {string(column(t).Raw())},
		"IntegrationGroup":     {`{"description":"d","displayName":"default"}`},
		"IntegrationConnector": {`{"displayName":"files","usesBlockingCalls":true}`},
		"Connection":           {`{"configurationProperties":{"depth":3,"include":["**"],"path":"/data","pollOnly":true},"displayName":"files"}`},
		"ConnectorType":        {`{"connectorProviderClassName":"files","displayName":"files"}`},
		"RegisteredIntegrationConnector": {
			`{"connectorName":"c","connectorUserId":"u","metadataSourceQualifiedName":"s","permittedSynchronization":"TO_THIRD_PARTY","refreshSchedule":"@every 10s","startDate":"2026-01-02T03:04:05+01:00","stopDate":"2027-01-01T00:00:00Z","timeZone":"Europe/Rome"}`,
			`{"generateConnectorActivityReports":true,"refreshTimeInterval":0.5}`,
		},
		"CatalogTarget": {`{"catalogTargetName":"t","configurationProperties":{"a":[1]},"connectionName":"c","deleteMethod":"ARCHIVE","metadataSourceQualifiedName":"s","permittedSynchronization":"BOTH_DIRECTIONS","templates":{"a":"b"}}`},
		"DataFlow":      {`{"description":"d","formula":"f","label":"copies"}`},
		"Ownership":     {`{"owner":"me"}`},
		"Anchors":       {`{"anchorGUID":"g","anchorScopeGUIDs":["h"],"anchorTypeName":"Database","zoneMembership":["z"]}`},
		"Topic":         {`{"displayName":"orders"}`},
	} {
		typ, ok := r.Type(name)
		if !ok {
			t.Errorf("no type %s", name)
			continue
		}
		for _, object := range objects {
			if _, err := typ.Check(properties(t, object), opentypes.CheckOptions{Pointer: "/" + name}); err != nil {
				t.Error(err)
			}
		}
	}
	for _, name := range []string{
		"Anchors", "Memento", "Template", "TemplateSubstitute", "ZoneMembership", "Ownership", "Confidentiality", "Confidence", "Criticality",
		"Impact", "Retention", "PrimaryKey", "TypeEmbeddedAttribute", "CalculatedValue", "DataAssetEncoding", "GovernanceMeasurements",
		"SecurityTags", "Promise", "RequestResponseInterface", "ListenerInterface", "PublisherInterface",
	} {
		if _, err := r.Classification(name, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestEnumsHaveEgeriasOrdinals(t *testing.T) {
	t.Parallel()
	r := builtin(t)
	for name, want := range map[string]string{
		"PermittedSynchronization": "0 BOTH_DIRECTIONS 1 TO_THIRD_PARTY 2 FROM_THIRD_PARTY 99 OTHER",
		"KeyPattern":               "0 LOCAL_KEY 1 RECYCLED_KEY 2 NATURAL_KEY 3 MIRROR_KEY 4 AGGREGATE_KEY 5 CALLERS_KEY 6 STABLE_KEY 99 OTHER",
		"DeleteMethod":             "0 ARCHIVE 1 SOFT_DELETE 99 OTHER",
		"DataItemSortOrder":        "0 UNKNOWN 1 ASCENDING 2 DESCENDING 3 UNSORTED",
		"ContentStatus":            "0 DRAFT 1 PREPARED 2 PROPOSED 3 APPROVED 4 REJECTED 5 ACTIVE 6 DEPRECATED 7 OBSOLETE 99 OTHER",
		"DeploymentStatus":         "0 PROPOSED 1 UNDER_DEVELOPMENT 2 DEVELOPMENT_COMPLETE 3 APPROVED_FOR_DEPLOYMENT 4 REJECTED_FOR_DEPLOYMENT 5 STANDBY 6 ACTIVE 7 DISABLED 8 FAILED 99 OTHER",
		"ActivityStatus":           "0 REQUESTED 1 APPROVED 2 WAITING 3 ACTIVATING 4 IN_PROGRESS 5 PAUSED 7 COMPLETED 8 INVALID 9 IGNORED 10 FAILED 11 CANCELLED 12 ABANDONED 99 OTHER",
	} {
		typ, ok := r.Type(name)
		if !ok {
			t.Errorf("no enum %s", name)
			continue
		}
		var got []string
		for _, v := range typ.Def().Values {
			got = append(got, fmt.Sprint(v.Ordinal, " ", v.Name))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}
