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

// Record is an entity or a link of a result, or a seed of a request. A link has ends.
type Record struct {
	ID           ID                        `json:"id,omitempty"`
	SeedID       string                    `json:"seedId,omitempty"` // of a seed, instead of ID
	TypeID       string                    `json:"typeId,omitempty"`
	TypeLocation string                    `json:"typeLocation,omitempty"`
	FromEndID    ID                        `json:"fromEndId,omitempty"`
	ToEndID      ID                        `json:"toEndId,omitempty"`
	Properties   map[string]jsontext.Value `json:"properties,omitempty"`
	// More is what the model has no field for, such as linkDirection, version,
	// sourceReference, label and sourceIds.
	More map[string]jsontext.Value `json:",embed"`
}

// entity converts a record as it is.
func (r *Record) entity() (dataservice.DataEntity, error) {
	e := dataservice.DataEntity{
		ID: cmp.Or(string(r.ID), r.SeedID), Object: object(r.TypeLocation, r.TypeID), From: string(r.FromEndID), To: string(r.ToEndID),
		Properties: dataservice.Values{},
	}
	for prefix, all := range map[string]map[string]jsontext.Value{"": r.Properties, "@": r.More} {
		for name, raw := range all {
			if isNull(raw) {
				continue // not set
			}
			value, err := valueOf(raw, "/properties/"+prefix+name)
			if err != nil {
				return e, err
			}
			e.Properties[prefix+name] = value
		}
	}
	return e, nil
}

// recordOf converts an entity as it is.
func recordOf(e *dataservice.DataEntity, zone string) (Record, error) {
	where, id := typeOf(e.Object)
	r := Record{
		ID: ID(e.ID), TypeID: id, TypeLocation: where, FromEndID: ID(e.From), ToEndID: ID(e.To),
		Properties: map[string]jsontext.Value{}, More: map[string]jsontext.Value{},
	}
	for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
		member, special := strings.CutPrefix(name, "@")
		raw, isRaw := e.Properties[name].(jsontext.Value)
		if !special || !isRaw {
			var err error
			if raw, err = encode(e.Properties[name], zone, "/properties/"+name); err != nil {
				return r, err
			}
		}
		switch {
		case isNull(raw):
		case special:
			r.More[member] = raw
		default:
			r.Properties[name] = raw
		}
	}
	return r, nil
}

// Entity converts a record of a service, with all defaults that hold for it.
func (c *Config) Entity(s *Service, r *Record, link bool) (dataservice.DataEntity, error) {
	d := c.defaults()
	if link {
		d.EntityTypeID, d.EntityTypeLocation = d.LinkTypeID, d.LinkTypeLocation
	}
	r.TypeID = cmp.Or(r.TypeID, d.EntityTypeID)
	for _, known := range locations() {
		if r.TypeLocation == "" && slices.Contains(s.ResultItemTypeIDs[known], r.TypeID) {
			r.TypeLocation = known
		}
	}
	r.TypeLocation = cmp.Or(r.TypeLocation, d.EntityTypeLocation)
	e, err := r.entity()
	switch {
	case r.ID == "":
		err = events.Errorf(events.CodeInvalid, "/id", "missing")
	case r.TypeID == "":
		err = events.Errorf(events.CodeInvalid, "/typeId", "missing, and there is no default")
	case link && e.From == "":
		err = events.Errorf(events.CodeInvalid, "/fromEndId", "missing")
	case link && e.To == "":
		err = events.Errorf(events.CodeInvalid, "/toEndId", "missing")
	case link && e.Properties["@linkDirection"] == nil:
		e.Properties["@linkDirection"] = cmp.Or(d.LinkDirection, "NONE")
	}
	return e, err
}

// RecordOf converts an entity or link of a service for a result.
func RecordOf(d *dataservice.ServiceDefinition, e *dataservice.DataEntity) (Record, error) {
	switch {
	case e.ID == "":
		return Record{}, events.Errorf(events.CodeUnsupported, "/id", "a record of i2 needs an id")
	case len(e.Children) > 0:
		return Record{}, events.Errorf(events.CodeUnsupported, "/children", "a record of i2 has no children")
	case (e.From == "") != (e.To == ""):
		return Record{}, events.Errorf(events.CodeUnsupported, "", "a link of i2 has two ends")
	}
	return recordOf(e, d.Zone)
}

// itemPointer is the pointer of an item of a list.
func itemPointer(list string, i int) string { return "/" + list + "/" + strconv.Itoa(i) }
