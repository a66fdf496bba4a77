package spi

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// ID identifies a record within a result: a text, or the canonical JSON of an
// object with a sourceId or an infoStoreRecordId.
//
//nolint:recvcheck // a value that only decoding changes
type ID string

// objectID is an id that is an object.
type objectID struct {
	SourceID *struct {
		Type string   `json:"type"`
		Key  []string `json:"key"`
	} `json:"sourceId,omitzero"`
	InfoStoreRecordID string `json:"infoStoreRecordId,omitempty"`
}

func canonicalID(raw jsontext.Value) (ID, bool) {
	v, err := Decode[objectID](raw)
	if err != nil || (v.SourceID == nil) == (v.InfoStoreRecordID == "") {
		return "", false
	}
	text, err := events.Marshal(v)
	return ID(text), err == nil
}

// UnmarshalJSONFrom reads one of the three forms of ids.
func (id *ID) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if raw.Kind() == 'n' || raw.Kind() == '"' {
		return json.Unmarshal(raw, (*string)(id))
	}
	if text, ok := canonicalID(raw); ok {
		*id = text
		return nil
	}
	return events.Errorf(events.CodeInvalid, "", "expected a text, or an object with sourceId or infoStoreRecordId")
}

// MarshalJSONTo writes the form that was read.
func (id ID) MarshalJSONTo(enc *jsontext.Encoder) error {
	if strings.HasPrefix(string(id), "{") {
		if text, ok := canonicalID(jsontext.Value(id)); ok && text == id {
			return enc.WriteValue(jsontext.Value(id))
		}
	}
	return json.MarshalEncode(enc, string(id))
}

// Record is an entity or a link of a result. A link has ends.
type Record struct {
	ID              ID                        `json:"id"`
	TypeID          string                    `json:"typeId,omitempty"`
	TypeLocation    string                    `json:"typeLocation,omitempty"`
	FromEndID       ID                        `json:"fromEndId,omitempty"`
	ToEndID         ID                        `json:"toEndId,omitempty"`
	LinkDirection   string                    `json:"linkDirection,omitempty"`
	Version         jsontext.Value            `json:"version,omitempty"`
	Properties      map[string]jsontext.Value `json:"properties,omitempty"`
	SourceReference jsontext.Value            `json:"sourceReference,omitempty"`
}

// properties read those of a record or seed, and add what the model has no field for.
func properties(raw, extras map[string]jsontext.Value) (dataservice.Values, error) {
	values := dataservice.Values{}
	for prefix, all := range map[string]map[string]jsontext.Value{"": raw, "@": extras} {
		for name, encoded := range all {
			if isNull(encoded) {
				continue // not set
			}
			value, err := valueOf(encoded, "/properties/"+prefix+name)
			if err != nil {
				return nil, err
			}
			values[prefix+name] = value
		}
	}
	return values, nil
}

// encodeProperties write values; those whose name begins with @ go into extras.
func encodeProperties(values dataservice.Values, zone string, extras map[string]*jsontext.Value) (map[string]jsontext.Value, error) {
	encoded := map[string]jsontext.Value{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == nil {
			continue
		}
		at := "/properties/" + name
		extra, special := strings.CutPrefix(name, "@")
		if special && extras[extra] == nil {
			return nil, events.Errorf(events.CodeUnsupported, at, "i2 has no such field here")
		}
		if raw, ok := values[name].(jsontext.Value); ok && special {
			*extras[extra] = raw
			continue
		}
		value, err := encode(values[name], zone, at)
		if err != nil {
			return nil, err
		}
		if special {
			*extras[extra] = value
			continue
		}
		encoded[name] = value
	}
	return encoded, nil
}

func quoted(text string) jsontext.Value {
	if text == "" {
		return nil
	}
	raw, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return nil // text that was read from JSON
	}
	return raw
}

func unquoted(raw jsontext.Value) string {
	var text string
	if raw.Kind() != '"' || json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// Entity converts a record of a service, with all defaults that hold for it.
func (c *Config) Entity(s *Service, r *Record, link bool) (dataservice.DataEntity, error) {
	d := c.defaults()
	if link {
		d.EntityTypeID, d.EntityTypeLocation = d.LinkTypeID, d.LinkTypeLocation
		r.LinkDirection = cmp.Or(r.LinkDirection, d.LinkDirection, "NONE")
	}
	id := cmp.Or(r.TypeID, d.EntityTypeID)
	where := r.TypeLocation
	for _, known := range append(locations(), "") {
		if where == "" && slices.Contains(s.ResultItemTypeIDs[known], id) {
			where = known
		}
	}
	e := dataservice.DataEntity{ID: string(r.ID), Object: object(cmp.Or(where, d.EntityTypeLocation), id), From: string(r.FromEndID), To: string(r.ToEndID)}
	switch {
	case r.ID == "":
		return e, events.Errorf(events.CodeInvalid, "/id", "missing")
	case id == "":
		return e, events.Errorf(events.CodeInvalid, "/typeId", "missing, and there is no default")
	case link && e.From == "":
		return e, events.Errorf(events.CodeInvalid, "/fromEndId", "missing")
	case link && e.To == "":
		return e, events.Errorf(events.CodeInvalid, "/toEndId", "missing")
	}
	var err error
	e.Properties, err = properties(r.Properties, map[string]jsontext.Value{
		"version": r.Version, "sourceReference": r.SourceReference, "linkDirection": quoted(r.LinkDirection),
	})
	return e, err
}

// RecordOf converts an entity or link of a service for a result.
func RecordOf(d *dataservice.ServiceDefinition, e *dataservice.DataEntity) (r Record, err error) {
	where, id := typeOf(e.Object)
	r = Record{ID: ID(e.ID), TypeID: id, TypeLocation: where, FromEndID: ID(e.From), ToEndID: ID(e.To)}
	switch {
	case e.ID == "":
		return r, events.Errorf(events.CodeUnsupported, "/id", "a record of i2 needs an id")
	case len(e.Children) > 0:
		return r, events.Errorf(events.CodeUnsupported, "/children", "a record of i2 has no children")
	case (e.From == "") != (e.To == ""):
		return r, events.Errorf(events.CodeUnsupported, "", "a link of i2 has two ends")
	}
	extras := map[string]*jsontext.Value{"version": &r.Version, "sourceReference": &r.SourceReference}
	var direction jsontext.Value
	if e.From != "" {
		extras["linkDirection"] = &direction
	}
	r.Properties, err = encodeProperties(e.Properties, d.Zone, extras)
	r.LinkDirection = unquoted(direction)
	return r, err
}

// at is the pointer of an item of a list.
func at(list string, i int) string { return "/" + list + "/" + strconv.Itoa(i) }
