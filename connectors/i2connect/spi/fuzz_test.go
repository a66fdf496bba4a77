package spi_test

import (
	"bytes"
	"testing"

	"github.com/camena-io/camena/connectors/i2connect/spi"
	"github.com/camena-io/camena/events"
)

// A configuration that is decoded is checked, and its services converted, without
// a panic; what can be offered again has no errors.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(service(`,"seedConstraints":{"max":1,"seedTypes":{"itemTypes":[{"id":"A"}]}},"resultItemTypeIds":["ET5"]`)))
	f.Add([]byte(form(`{"id":"c","label":"C","logicalType":"SELECTED_FROM","possibleValues":[{"value":"Red"}],"defaultValue":"Red"}`)))
	f.Add([]byte(form(`{"id":"c","label":"C","logicalType":"DATE_AND_TIME","defaultValue":{"localDateAndTime":"2021-07-01T01:30","timeZoneId":"Europe/London"}}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := spi.Decode[spi.Config](data)
		if err != nil {
			return
		}
		found := config.Check("c", "https://h")
		all := config.Definitions(found)
		for _, finding := range found {
			if finding.Severity == "ERROR" {
				return
			}
		}
		offered, err := spi.ConfigOf(all)
		if err != nil {
			return
		}
		for _, finding := range offered.Check("c", "https://h") {
			if finding.Severity == "ERROR" {
				t.Errorf("%s: offered again: %+v", data, finding)
			}
		}
	})
}

// Records are read without a panic, and an id is written as it was read.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"links":[{"id":"l"}],"entities":[{"id":{"sourceId":{"key":["k"],"type":"t"}},"properties":{"p":{"type":"Point","coordinates":["1","2"]}}}]}`))
	f.Add([]byte(`{"entities":[{"id":"e","properties":{"t":{"localDateAndTime":"2021-11-07T01:30:00","timeZoneId":"America/New_York","isDST":true}}}],"errorMessage":"x"}`))
	config, err := spi.Decode[spi.Config]([]byte(service(``)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for item, err := range spi.ReadData(bytes.NewReader(data)) {
			if err != nil {
				return
			}
			id, err := events.Marshal(item.ID)
			again, decodeErr := spi.Decode[spi.ID](id)
			if err != nil || decodeErr != nil || again != item.ID {
				t.Errorf("%q: %q, %v, %v", item.ID, again, err, decodeErr)
			}
			_, _ = config.Entity(&config.Services[0], &item.Record, item.Link)
		}
	})
}

// A request is read without a panic.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"payload":{"conditions":[{"id":"color","logicalType":"SELECTED_FROM","value":"Red"}],"seeds":{"entities":[{"seedId":"1","typeId":"M"}]}}}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		request, err := spi.Decode[spi.Request](data)
		if err != nil {
			return
		}
		d := full()
		if in, err := spi.InputOf(&d, &request); err == nil {
			d.Check(&in)
		}
	})
}
