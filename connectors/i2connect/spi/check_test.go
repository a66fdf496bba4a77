package spi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect/spi"
	"github.com/camena-io/camena/events"
)

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	v, err := spi.Decode[T]([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// service is a configuration of SPI 1.4 with one service that has the fields.
func service(fields string) string {
	return `{"version":"1.4","services":[{"id":"a","name":"A","acquireUrl":"/a"` + fields + `}]}`
}

// form is a configuration with a form that has the conditions.
func form(conditions string) string {
	return `{"version":"1.2","services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigId":"f"}],
		"clientConfigs":[{"id":"f","type":"FORM","config":{"sections":[{"conditions":[` + conditions + `]}]}}]}`
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const condition = "/clientConfigs/0/config/sections/0/conditions/"
	for _, test := range []struct {
		config string
		want   string // E or W and the pointer of each finding
	}{
		{service(``), ""},
		{`{"services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigType":"NONE"}]}`, "W/version"},
		{`{"version":null,"services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigType":"NONE","async":null,"seedConstraints":null}]}`, "W/version"},
		{`{"version":"1.10","services":[{"id":"a","name":"A","acquireUrl":"/a"}]}`, "E/version"},
		{`{"version":"2.0","services":[{"id":"a","name":"A","acquireUrl":"/a"}]}`, "E/version"},
		{`{"version":"","services":[{"id":"a","name":"A","acquireUrl":"/a"}]}`, "E/version"},
		{`{"version":"one","services":[{"id":"a","name":"A","acquireUrl":"/a"}]}`, "E/version"},
		{`{"version":"1.4"}`, "E/services"},
		{`{"version":"1.4","userConfigUrl":"/u"}`, ""},
		{`{"version":"1.4","userConfigUrl":"/u","defaultValues":{},"services":[{"id":"a","name":"A","acquireUrl":"/a"}],
			"clientConfigs":[{"id":"f","type":"NONE"}],"authConfigs":[{"id":"l"}]}`, "E/authConfigs E/clientConfigs E/defaultValues E/services"},
		{`{"version":"1.4","services":[{"acquireUrl":"/a"},null]}`, "E/services/0/id E/services/1/id E/services/0/name E/services/1/name E/services/1"},
		{`{"version":"1.4","services":[{"id":"a","name":"A","acquireUrl":"/a"},{"id":"a","name":"A","acquireUrl":"/a"}]}`, "E/services/1/id"},
		{`{"version":"1.4","services":[{"id":"a","name":"A"}]}`, "E/services/0"},
		{service(`,"async":{"queriesResource":"/q"}`), "E/services/0"},
		{`{"version":"1.4","services":[{"id":"a","name":"A","async":{"queriesResource":"/q"}}]}`, ""},
		{`{"version":"1.4","services":[{"id":"a","name":"A","async":{"queriesResource":"/q","pollingIntervalInSeconds":0}}]}`, "E/services/0/async/pollingIntervalInSeconds"},
		{`{"version":"1.0","services":[{"id":"a","name":"A","acquireUrl":"/a"}]}`, "E/services/0/clientConfigType"},
		{`{"version":"1.1","services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigType":"SOME"}]}`, "E/services/0/clientConfigType"},
		{`{"version":"1.1","services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigType":"FORM"}]}`, "E/services/0/clientConfigId"},
		{service(`,"clientConfigType":"NONE"`), "W/services/0/clientConfigType"},
		{service(`,"clientConfigId":"x","authConfigId":"y"`), "E/services/0/clientConfigId E/services/0/authConfigId"},
		{
			`{"version":"1.2","services":[{"id":"a","name":"A","acquireUrl":"/a"}],"clientConfigs":[{"id":"f"},{"id":"f","type":"X"}],"authConfigs":[{"id":"l"},{"id":"l"}]}`,
			"E/clientConfigs/1/id E/authConfigs/1/id E/clientConfigs/0/type E/clientConfigs/1/type",
		},
		{`{"version":"1.1","services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigType":"NONE"}],"clientConfigs":[{"id":"f","type":"VISUAL_QUERY"}]}`, "E/clientConfigs/0/type"},
		{
			`{"version":"1.4","defaultValues":{"timeZoneId":"Mars/Base","linkDirection":"FORWARD","entityTypeLocation":"OTHER"},
			"services":[{"id":"a","name":"A","acquireUrl":"/a","resultItemTypeIds":{"LOCAL":["A"]}}]}`,
			"E/defaultValues/timeZoneId E/defaultValues/linkDirection E/defaultValues/entityTypeLocation E/services/0/resultItemTypeIds/LOCAL",
		},
		{service(`,"resultItemTypeIds":["ET5"]`), "W/services/0/resultItemTypeIds"},
		{`{"version":"1.4","defaultValues":{"entityTypeLocation":"GATEWAY"},"services":[{"id":"a","name":"A","acquireUrl":"/a"}]}`, ""},
		{
			service(`,"seedConstraints":{"min":2,"max":1,"seedTypes":{"allowedTypes":"ALL","itemTypes":[{"min":3,"max":1,"typeLocation":"OTHER"}]}}`),
			"E/services/0/seedConstraints/min E/services/0/seedConstraints/seedTypes/allowedTypes E/services/0/seedConstraints/seedTypes/itemTypes/0/id " +
				"E/services/0/seedConstraints/seedTypes/itemTypes/0/min E/services/0/seedConstraints/seedTypes/itemTypes/0/typeLocation",
		},
		{
			service(`,"seedConstraints":{"connectorIds":["c"],"seedTypes":{"itemTypes":[{"id":"A"}],"semanticPropertyTypes":{"l":["g"]}}}`),
			"E/services/0/seedConstraints/connectorIds E/services/0/seedConstraints/seedTypes",
		},
		{
			`{"version":"1.0","services":[{"id":"a","name":"A","acquireUrl":"/a","clientConfigType":"NONE","seedConstraints":{"seedTypes":{"semanticPropertyTypes":{"l":["g"]}}}}]}`,
			"E/services/0/seedConstraints/seedTypes/semanticPropertyTypes",
		},
		{`{"version":"1.4","schemaUrl":"/s","services":[{"id":"a","name":"A","acquireUrl":"/a","new":{}}],"newer":1}`, "W/schemaUrl"},
		{form(`{"id":"c","label":"C","logicalType":"SELECTED_FROM","possibleValues":[{"value":"Red"},{"value":"Blue"}],"defaultValue":"Green"}`), "E" + condition + "0/defaultValue"},
		{form(`{"id":"c","label":"C","logicalType":"SUGGESTED_FROM","possibleValues":[{"value":"Red"}],"defaultValue":"Green"}`), "E" + condition + "0/defaultValue"},
		{form(`{"id":"c","label":"C","logicalType":"SELECTED_FROM"}`), "E" + condition + "0/possibleValues"},
		{form(`{"id":"c","label":"C","logicalType":"TEXT"},{"label":"C","logicalType":"DATE"}`), "E" + condition + "0/logicalType E" + condition + "1/id"},
		{
			form(`{"id":"c","label":"C","logicalType":"INTEGER","minValue":2,"maxValue":1},{"id":"c","label":"C","logicalType":"DOUBLE","defaultValue":"x"}`),
			"E" + condition + "0/minValue E" + condition + "1/defaultValue E" + condition + "1/id",
		},
		{
			form(`{"id":"c","label":"C","logicalType":"SINGLE_LINE_STRING","extraStringValidation":{"regex":"(","message":"m"}},
			{"id":"d","label":"D","logicalType":"SINGLE_LINE_STRING","extraStringValidation":{"regex":"(?!a)b","message":"m"}}`),
			"E" + condition + "0/extraStringValidation/regex W" + condition + "1/extraStringValidation/regex",
		},
		{
			`{"version":"1.2","services":[{"id":"a","name":"A","acquireUrl":"/a"}],"clientConfigs":[{"id":"f","type":"FORM","config":{"sections":[{}]}},
			{"id":"g","type":"FORM","config":{"sections":[{"conditions":[{"id":1}]}]}}]}`,
			"E/clientConfigs/0/config/sections/0 E/clientConfigs/1/config/sections/0/conditions/0/id",
		},
	} {
		config := decode[spi.Config](t, test.config)
		var got []string
		for _, f := range config.Check("c1", "https://h") {
			got = append(got, string(f.Severity[:1])+f.Pointer)
		}
		if diff := cmp.Diff(strings.Fields(test.want), got, cmp.Transformer("sort", slices.Sorted[string])); diff != "" && strings.Join(got, " ") != test.want {
			t.Errorf("%s (-want +got):\n%s", test.config, diff)
		}
	}
}

func TestWhatIsNotSecure(t *testing.T) {
	t.Parallel()
	config := decode[spi.Config](t, service(``))
	if found := config.Check("c1", "http://h"); len(found) != 1 || found[0].Severity != dataservice.SeverityWarning || found[0].OfService() {
		t.Errorf("%+v", found)
	}
}

// What has the wrong type is told with its place.
func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for text, pointer := range map[string]string{
		`{"version":1.2}`: "/version", `{"services":{}}`: "/services", ``: "", `[]`: "", `{"services":[{"id":7}]}`: "/services/0/id", `nonsense`: "",
	} {
		_, err := spi.Decode[spi.Config]([]byte(text))
		if e := events.AsError(err); err == nil || e.Code != events.CodeInvalid || e.Pointer != pointer {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	if spi.SupportedHeader() != "1.4" {
		t.Error(spi.SupportedHeader())
	}
	for header, want := range map[string]bool{"1.4": true, "1.0": true, "2.5,1.1": true, "2.5": false, "1.6, 2.5, 3.11": true} {
		all, err := spi.ParseVersions(header)
		if got := (spi.Version{Major: 1}).Within(all); err != nil || got != want {
			t.Errorf("%s: %v, %v", header, got, err)
		}
	}
	for _, text := range []string{"", "1", "1.x", "-1.0", "1.4.2", "1.99999999999"} {
		if v, err := spi.ParseVersion(text); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, given, want string }{
		{"http://h:1/example/", "/config?siteid=z", "http://h:1/example/config?siteid=z"},
		{"http://h:1/example/", "/s/acquire?siteid=z", "http://h:1/example/s/acquire?siteid=z"},
		{"http://h:1", "all", "http://h:1/all"},
		{"http://h:1/example/", "https://other:2/a", "https://other:2/a"},
		{"http://h:1", "ftp://other/a", ""},
		{"h:1", "/a", ""},
		{"http://", "/a", ""},
	} {
		got, err := spi.Address(test.base, test.given)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s %s: %q, %v", test.base, test.given, got, err)
		}
	}
}
