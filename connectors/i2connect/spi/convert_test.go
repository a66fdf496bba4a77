package spi_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect/spi"
	"github.com/camena-io/camena/events"
)

func marshal(t *testing.T, v any) string {
	t.Helper()
	data, err := events.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// full is a service with all that i2 can express.
func full() dataservice.ServiceDefinition {
	return dataservice.ServiceDefinition{
		ID: "s 1", Name: "S", Description: "D", Persistent: true, Zone: "Europe/London", Results: []string{"CONNECTOR/A", "INFOSTORE/ET1", "INFOSTORE/LT1"},
		Seeds: &dataservice.SeedConstraints{Min: 1, Max: 3, Links: true, Objects: []dataservice.SeedObject{{Object: "GATEWAY/L", Min: 1, Max: 2}, {Object: "M"}}},
		Form: &dataservice.Form{Sections: []dataservice.FormSection{{Title: "T", Fields: []dataservice.Field{
			{ID: "color", Label: "C", Type: dataservice.TypeString, Required: true, Options: []dataservice.Option{{Value: "Red", Label: "red"}, {Value: "Blue"}}, Default: dataservice.Values{"value": "Red"}},
			{ID: "shade", Label: "S", Type: dataservice.TypeString, Open: true, Options: []dataservice.Option{{Value: "dark"}}},
			{ID: "name", Label: "N", Type: dataservice.TypeString, MaxLength: 5, Pattern: "^a", Message: "begin with a"},
			{ID: "text", Label: "X", Type: dataservice.TypeString, Lines: true, Description: "long"},
			{ID: "n", Label: "I", Type: dataservice.TypeInteger, Min: new(0.0), Max: new(60.0), Default: dataservice.Values{"value": int64(7)}},
			{ID: "f", Label: "F", Type: dataservice.TypeDouble, Default: dataservice.Values{"value": 0.5}},
			{ID: "d", Label: "D", Type: dataservice.TypeDecimal, Default: dataservice.Values{"value": dataservice.Decimal("12.50")}},
			{ID: "day", Label: "Y", Type: dataservice.TypeDate, Default: dataservice.Values{"value": dataservice.Date("2021-12-30")}},
			{ID: "at", Label: "A", Type: dataservice.TypeClock, Default: dataservice.Values{"value": dataservice.Clock("12:30:00")}},
			{ID: "when", Label: "W", Type: dataservice.TypeLocalTime},
			{ID: "b", Label: "B", Type: dataservice.TypeBoolean, Default: dataservice.Values{"value": false}},
		}}}},
	}
}

func TestDefinitionsThereAndBack(t *testing.T) {
	t.Parallel()
	none := dataservice.ServiceDefinition{ID: "none", Name: "N", Zone: "Europe/London"}
	want := []dataservice.ServiceDefinition{full(), none}
	offered, err := spi.ConfigOf(want)
	if err != nil {
		t.Fatal(err)
	}
	config := decode[spi.Config](t, marshal(t, offered))
	found := config.Check("c", "https://h")
	if len(found) != 1 || found[0].Pointer != "/version" {
		t.Errorf("%+v", found)
	}
	if diff := cmp.Diff(want, config.Definitions(found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeOffered(t *testing.T) {
	t.Parallel()
	field := func(f dataservice.Field) dataservice.ServiceDefinition {
		return dataservice.ServiceDefinition{ID: "s", Form: &dataservice.Form{Sections: []dataservice.FormSection{{Fields: []dataservice.Field{f}}}}}
	}
	for pointer, d := range map[string]dataservice.ServiceDefinition{
		"/services/0/login":                           {ID: "s", Login: "l"},
		"/services/0/unavailable":                     {ID: "s", Unavailable: "async"},
		"/services/0/form/authorize":                  {ID: "s", Form: &dataservice.Form{Authorize: "https://example.com"}},
		"/services/0/form/sections/0/fields/0/type":   field(dataservice.Field{ID: "x", Type: dataservice.TypeBytes}),
		"/services/0/form/sections/0/fields/0/secret": field(dataservice.Field{ID: "x", Type: dataservice.TypeString, Secret: true}),
	} {
		_, err := spi.ConfigOf([]dataservice.ServiceDefinition{d})
		if e := events.AsError(err); err == nil || e.Code != events.CodeUnsupported || e.Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	if _, err := spi.ConfigOf(nil); events.CodeOf(err) != events.CodeUnsupported {
		t.Error(err)
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	t.Parallel()
	old := decode[spi.Config](t, `{"services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigType":"FORM","clientConfigId":"c"}],
		"clientConfigs":[{"id":"c","type":"CUSTOM","config":7}]}`)
	if got := old.Definitions(old.Check("c", "https://h"))[0]; !strings.HasPrefix(got.Unavailable, "/services/0/clientConfigId") {
		t.Errorf("%+v", got)
	}
	const shared = `"authConfigs":[{"id":"l"}],"clientConfigs":[{"id":"v","type":"VISUAL_QUERY","config":{}},{"id":"bad","type":"FORM","config":7}]`
	for fields, names := range map[string]string{
		`"acquireUrl":"/a"`: "", `"async":{"queriesResource":"/q"}`: "/services/0/async", `"acquireUrl":"/a","authConfigId":"l"`: "/services/0/authConfigId",
		`"acquireUrl":"/a","clientConfigId":"v"`:                                                  "/services/0/clientConfigId",
		`"acquireUrl":"/a","clientConfigId":"bad"`:                                                "/clientConfigs/1/config",
		`"acquireUrl":"/a","seedConstraints":{"seedTypes":{"semanticPropertyTypes":{"l":["g"]}}}`: "/services/0/seedConstraints/seedTypes/semanticPropertyTypes",
		`"acquireUrl":"/a","seedConstraints":{"connectorIds":["c"]}`:                              "/services/0/seedConstraints/connectorIds",
		`"description":"no address"`:                                                              "/services/0",
	} {
		config := decode[spi.Config](t, `{"version":"1.4","services":[{"id":"a","name":"A",`+fields+`}],`+shared+`}`)
		got := config.Definitions(config.Check("c", "https://h"))[0].Unavailable
		if (names == "") != (got == "") || !strings.HasPrefix(got, names) {
			t.Errorf("%s: %q", fields, got)
		}
	}
}

// The defaults of records, of services and of the connector.
func TestDefaults(t *testing.T) {
	t.Parallel()
	config := decode[spi.Config](t, `{"version":"1.4","defaultValues":{"resultIdsPersistent":true,"timeZoneId":"America/New_York","linkDirection":"WITH",
		"entityTypeId":"ET9","linkTypeId":"LT9","entityTypeLocation":"GATEWAY"},"services":[
		{"id":"a","name":"A","acquireUrl":"/a","resultIdsPersistent":false,"resultItemTypeIds":{"CONNECTOR":["ET1"]}},{"id":"b","name":"B","acquireUrl":"/b"}]}`)
	if all := config.Definitions(nil); all[0].Persistent || !all[1].Persistent || all[1].Zone != "America/New_York" {
		t.Errorf("%+v", all)
	}
	for _, test := range []struct {
		record, object, direction string
		link                      bool
	}{
		{`{"id":"e1","typeId":"ET1","typeLocation":null}`, "CONNECTOR/ET1", "", false},
		{`{"id":"e2"}`, "GATEWAY/ET9", "", false},
		{`{"id":"e3","typeId":"ET1","typeLocation":"INFOSTORE"}`, "INFOSTORE/ET1", "", false},
		{`{"id":"l1","fromEndId":"e1","toEndId":"e2"}`, "LT9", "WITH", true},
		{`{"id":"l2","fromEndId":"e1","toEndId":"e2","linkDirection":"NONE"}`, "LT9", "NONE", true},
	} {
		r := decode[spi.Record](t, test.record)
		e, err := config.Entity(&config.Services[0], &r, test.link)
		direction, _ := e.Properties["@linkDirection"].(string)
		if err != nil || e.Object != test.object || direction != test.direction {
			t.Errorf("%s: %v, %v", test.record, e, err)
		}
	}
	empty := decode[spi.Config](t, service(``))
	for record, pointer := range map[string]string{
		`{"typeId":"E"}`: "/id", `{"id":"e"}`: "/typeId", `{"id":"e","typeId":"E","toEndId":"x"}`: "/fromEndId", `{"id":"e","typeId":"E","fromEndId":"x"}`: "/toEndId",
	} {
		r := decode[spi.Record](t, record)
		_, err := empty.Entity(&empty.Services[0], &r, strings.Contains(record, "End"))
		if e := events.AsError(err); err == nil || e.Pointer != pointer {
			t.Errorf("%s: %v", record, err)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	config := decode[spi.Config](t, service(``))
	at := time.Date(2021, 11, 7, 5, 30, 0, 0, time.UTC)
	for _, test := range []struct {
		json string
		want any
	}{
		{`"x"`, "x"},
		{`true`, true},
		{`7`, int64(7)},
		{`9007199254740993`, int64(9007199254740993)},
		{`0.5`, 0.5},
		{`null`, nil},
		{`{"localDateAndTime":"2021-11-07T01:30:00","timeZoneId":"America/New_York","isDST":true}`, at},
		{`{"localDateAndTime":"2021-11-07T01:30:00","timeZoneId":"America/New_York","isDST":false}`, at.Add(time.Hour)},
		{`{"localDateAndTime":"2021-07-01T01:30","timeZoneId":"America/New_York","isDST":true}`, time.Date(2021, 7, 1, 5, 30, 0, 0, time.UTC)},
		{`{"localDateAndTime":"2021-07-01T01:30","timeZoneId":"America/New_York","isDST":false}`, time.Date(2021, 7, 1, 5, 30, 0, 0, time.UTC)},
		{`{"type":"Point","coordinates":["-73.9935","40.7536"]}`, jsontext.Value(`{"coordinates":[-73.9935,40.7536],"type":"Point"}`)},
		{`{"type":"Point","coordinates":[1,2]}`, jsontext.Value(`{"type":"Point","coordinates":[1,2]}`)},
	} {
		r := decode[spi.Record](t, `{"id":"e","typeId":"E","properties":{"p":`+test.json+`}}`)
		e, err := config.Entity(&config.Services[0], &r, false)
		if diff := cmp.Diff(test.want, e.Properties["p"]); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.json, err, diff)
		}
	}
	for _, text := range []string{
		`{"localDateAndTime":"2021-11-07T01:30:00","timeZoneId":"Mars/Base","isDST":true}`, `{"localDateAndTime":"soon","timeZoneId":"UTC"}`,
		`{"localDateAndTime":7}`, `{"type":"Point","coordinates":["x","y"]}`, `1e999`,
	} {
		r := decode[spi.Record](t, `{"id":"e","typeId":"E","properties":{"p":`+text+`}}`)
		if _, err := config.Entity(&config.Services[0], &r, false); !strings.HasPrefix(events.AsError(err).Pointer, "/properties/p") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	d := dataservice.ServiceDefinition{ID: "s", Zone: "Europe/London"}
	e := dataservice.DataEntity{ID: "l", Object: "INFOSTORE/LT1", From: "a", To: `{"infoStoreRecordId":"r"}`, Properties: dataservice.Values{
		"text": "x", "n": int64(7), "d": dataservice.Decimal("12.50"), "day": dataservice.Date("2021-12-30"), "at": dataservice.Clock("12:30:00.5"), "none": nil,
		"when": time.Date(2021, 7, 1, 5, 30, 0, 1_999_999, time.UTC), "summer": dataservice.LocalTime("2021-07-01T01:30:00"),
		"id": uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "place": jsontext.Value(`{"type":"Point","coordinates":[1,2]}`),
		"@linkDirection": "BOTH", "@version": int64(3), "@sourceReference": jsontext.Value(`{"source":{"name":"n"}}`),
	}}
	r, err := spi.RecordOf(&d, &e)
	want := `{"id":"l","typeId":"LT1","typeLocation":"INFOSTORE","fromEndId":"a","toEndId":{"infoStoreRecordId":"r"},"properties":{` +
		`"at":"12:30:00","d":"12.50","day":"2021-12-30","id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","n":7,"place":{"type":"Point","coordinates":[1,2]},` +
		`"summer":{"localDateAndTime":"2021-07-01T01:30:00","timeZoneId":"Europe/London","isDST":true},"text":"x",` +
		`"when":{"localDateAndTime":"2021-07-01T05:30:00.001","timeZoneId":"UTC","isDST":false}},"linkDirection":"BOTH","sourceReference":{"source":{"name":"n"}},"version":3}`
	if diff := cmp.Diff(want, marshal(t, r)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for pointer, e := range map[string]dataservice.DataEntity{
		"/id": {Object: "O"}, "/children": {ID: "e", Children: map[string][]dataservice.DataEntity{"c": {{}}}}, "": {ID: "l", From: "a"},
		"/properties/p": {ID: "e", Properties: dataservice.Values{"p": []any{}}},
		"/properties/q": {ID: "e", Properties: dataservice.Values{"q": dataservice.Decimal("1e400")}},
		"/properties/j": {ID: "e", Properties: dataservice.Values{"j": jsontext.Value("[]")}},
	} {
		_, err := spi.RecordOf(&d, &e)
		if e := events.AsError(err); err == nil || e.Code != events.CodeUnsupported || e.Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
}

func TestRequestsThereAndBack(t *testing.T) {
	t.Parallel()
	d := full()
	d.Zone, d.Seeds.Links, d.Seeds.Objects = "", false, d.Seeds.Objects[1:]
	offered, err := spi.ConfigOf([]dataservice.ServiceDefinition{d})
	if err != nil {
		t.Fatal(err)
	}
	in := dataservice.ServiceInput{Service: d.ID, Fields: dataservice.Values{
		"color": "Red", "n": int64(7), "f": 0.5, "d": dataservice.Decimal("12.50"), "day": dataservice.Date("2021-12-30"), "at": dataservice.Clock("12:30:00"),
		"when": dataservice.LocalTime("2021-12-30T23:59:59.999"), "b": true, "text": "two\nlines",
	}, Seeds: []dataservice.DataEntity{{ID: "7", Object: "M", Properties: dataservice.Values{"p": int64(1), "@label": "seven"}}}}
	r, err := offered.Request(&offered.Services[0], &in, "c1")
	if err != nil {
		t.Fatal(err)
	}
	text := marshal(t, r)
	for _, part := range []string{
		`{"id":"color","logicalType":"SELECTED_FROM","value":"Red"}`, `{"id":"d","logicalType":"DECIMAL","value":"12.50"}`,
		`"sourceIds":[{"type":"OI.DAOD","key":["c1","M","7"],"itemTypeId":"M"}]`, `"label":"seven"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
	request := decode[spi.Request](t, text)
	got, err := spi.InputOf(&d, &request)
	delete(got.Seeds[0].Properties, "@sourceIds")
	if diff := cmp.Diff(in, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if mistakes := d.Check(&got); len(mistakes) > 0 {
		t.Error(mistakes)
	}
}

func TestRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	config := decode[spi.Config](t, `{"version":"1.2","services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigId":"f","seedConstraints":{}}],
		"clientConfigs":[{"id":"f","type":"FORM","config":{"mandatory":true,"sections":[{"conditions":[{"id":"n","label":"N","logicalType":"INTEGER"}]}]}}]}`)
	one := dataservice.Values{"n": int64(1)}
	for pointer, in := range map[string]dataservice.ServiceInput{
		"/fields": {}, "/fields/n": {Fields: dataservice.Values{"n": int64(1) << 40}},
		"/seeds/0/id":         {Fields: one, Seeds: []dataservice.DataEntity{{Object: "M"}}},
		"/seeds/0/properties": {Fields: one, Seeds: []dataservice.DataEntity{{ID: "l", From: "a", To: "b", Properties: dataservice.Values{"@toEndTypeId": "T"}}}},
	} {
		_, err := config.Request(&config.Services[0], &in, "c")
		if e := events.AsError(err); err == nil || e.Code != events.CodeInvalid || e.Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	d := full()
	for text, want := range map[string]events.Error{
		`{"payload":{"visualQuery":[{}]}}`:                                                           {Code: events.CodeUnsupported, Pointer: "/payload/visualQuery"},
		`{"payload":{"seeds":{"semanticData":{"l":[]}}}}`:                                            {Code: events.CodeUnsupported, Pointer: "/payload/seeds/semanticData"},
		`{"payload":{"conditions":[{"id":"when","value":"soon"}]}}`:                                  {Code: events.CodeInvalid, Pointer: "/payload/conditions/0/value"},
		`{"payload":{"seeds":{"links":[{"seedId":"l","properties":{"p":{"localDateAndTime":0}}}]}}}`: {Code: events.CodeInvalid, Pointer: "/payload/seeds/links/0/properties/p"},
	} {
		request := decode[spi.Request](t, text)
		_, err := spi.InputOf(&d, &request)
		if e := events.AsError(err); err == nil || e.Code != want.Code || e.Pointer != want.Pointer {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// read reads a result: the ids of its records, and its error.
func read(text string) (ids []string, err error) {
	for item, err := range spi.ReadData(strings.NewReader(text)) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, item.Pointer+"="+string(item.ID))
	}
	return ids, nil
}

func TestResults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: "", `{"entities":null,"links":null,"errorMessage":null,"more":[1]}`: "",
		`{"links":[{"id":"l"}],"entities":[{"id":"e"},{"id":{"sourceId":{"key":["k"],"type":"t"}}}]}`: `/entities/0=e /entities/1={"sourceId":{"type":"t","key":["k"]}} /links/0=l`,
		`{"entities":[{"id":"e"}],"links":[{"id":"l"}]}`:                                              "/entities/0=e /links/0=l", `{"links":[{"id":"l"}]}`: "/links/0=l",
	} {
		if got, err := read(text); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, pointer := range map[string]string{
		``: "", `null`: "", `[]`: "", `{"entities":{}}`: "/entities", `{"entities":[{"id":7}]}`: "/entities/0/id", `{"entities":[{}`: "", `{} {}`: "",
		`{"links":[{"id":{"sourceId":{},"infoStoreRecordId":"x"}}]}`: "/links/0/id",
	} {
		_, err := read(text)
		if e := events.AsError(err); err == nil || e.Code != events.CodeInvalid || !strings.HasPrefix(e.Pointer, pointer) {
			t.Errorf("%s: %v", text, err)
		}
	}
	got, err := read(`{"entities":[{"id":"e"}],"errorMessage":"no"}`)
	if failure, ok := errors.AsType[spi.MessageError](err); !ok || failure != "no" || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}
