package spi

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// Request asks a service (DaodRequest). Lists of conditions and seeds are always
// sent: connectors fail without them.
type Request struct {
	Payload Payload `json:"payload"`
}

// Payload is what a service is asked with.
type Payload struct {
	Conditions  []ConditionValue `json:"conditions"`
	Seeds       Seeds            `json:"seeds"`
	VisualQuery jsontext.Value   `json:"visualQuery,omitempty"`
}

// ConditionValue is what was given for a condition.
type ConditionValue struct {
	ID          string         `json:"id"`
	LogicalType string         `json:"logicalType"`
	Value       jsontext.Value `json:"value"`
}

// Seeds are the records that a service is asked about.
type Seeds struct {
	Entities     []Seed         `json:"entities,omitempty"`
	Links        []Seed         `json:"links,omitempty"`
	SemanticData jsontext.Value `json:"semanticData,omitempty"`
}

// Seed is a record that a service is asked about. A link has ends.
type Seed struct {
	SeedID                string                    `json:"seedId"`
	TypeID                string                    `json:"typeId"`
	TypeLocation          string                    `json:"typeLocation,omitempty"`
	FromEndID             string                    `json:"fromEndId,omitempty"`
	FromEndTypeID         string                    `json:"fromEndTypeId,omitempty"`
	ToEndID               string                    `json:"toEndId,omitempty"`
	ToEndTypeID           string                    `json:"toEndTypeId,omitempty"`
	LinkDirection         string                    `json:"linkDirection,omitempty"`
	SourceIDs             jsontext.Value            `json:"sourceIds,omitempty"`
	Label                 string                    `json:"label,omitempty"`
	Properties            map[string]jsontext.Value `json:"properties,omitempty"`
	AccessDimensionValues jsontext.Value            `json:"accessDimensionValues,omitempty"`
	Extensions            jsontext.Value            `json:"extensions,omitempty"`
}

// SourceID says where a record comes from.
type SourceID struct {
	Type string   `json:"type"`
	Key  []string `json:"key"`
	// ItemTypeID is deprecated, but some connectors drop a source id without it.
	ItemTypeID string `json:"itemTypeId,omitempty"`
}

// gatewaySource is the type of source ids that a gateway makes.
const gatewaySource = "OI.DAOD"

// Request returns the request to a service for an input that was checked against
// its definition. Seeds that do not say where they come from come from connector.
func (c *Config) Request(s *Service, in *dataservice.ServiceInput, connector string) (*Request, error) {
	r := &Request{}
	if form := c.Form(s); form != nil {
		for i := range form.Sections {
			for j := range form.Sections[i].Conditions {
				if err := r.add(&form.Sections[i].Conditions[j], in.Fields); err != nil {
					return nil, err
				}
			}
		}
		if form.Mandatory && len(r.Payload.Conditions) == 0 {
			return nil, events.Errorf(events.CodeInvalid, "/fields", "fill in at least one field")
		}
	}
	err := r.addSeeds(in.Seeds, connector)
	return r, err
}

func (r *Request) addSeeds(seeds []dataservice.DataEntity, connector string) error {
	for i := range seeds {
		seed, err := seedOf(&seeds[i], connector)
		if err != nil {
			return under(at("seeds", i), err)
		}
		list := &r.Payload.Seeds.Entities
		if seeds[i].From != "" {
			list = &r.Payload.Seeds.Links
		}
		*list = append(*list, seed)
	}
	return nil
}

func (r *Request) add(c *Condition, fields dataservice.Values) error {
	value := fields[c.ID]
	if value == nil {
		return nil
	}
	pointer := "/fields/" + c.ID
	if n, ok := value.(int64); ok && n != int64(int32(n)) { //nolint:gosec // that is the question
		return events.Errorf(events.CodeInvalid, pointer, "%d has more than 32 bits", n)
	}
	raw, err := encode(value, "", pointer)
	r.Payload.Conditions = append(r.Payload.Conditions, ConditionValue{ID: c.ID, LogicalType: c.LogicalType, Value: raw})
	return err
}

func seedOf(e *dataservice.DataEntity, connector string) (seed Seed, err error) {
	where, id := typeOf(e.Object)
	seed = Seed{SeedID: e.ID, TypeID: id, TypeLocation: where, FromEndID: e.From, ToEndID: e.To}
	if e.ID == "" {
		return seed, events.Errorf(events.CodeInvalid, "/id", "missing")
	}
	var label, direction, from, to jsontext.Value
	extras := map[string]*jsontext.Value{
		"sourceIds": &seed.SourceIDs, "label": &label, "accessDimensionValues": &seed.AccessDimensionValues, "extensions": &seed.Extensions,
		"linkDirection": &direction, "fromEndTypeId": &from, "toEndTypeId": &to, "version": new(jsontext.Value), "sourceReference": new(jsontext.Value),
	}
	if seed.Properties, err = encodeProperties(e.Properties, "", extras); err != nil {
		return seed, err
	}
	seed.Label, seed.FromEndTypeID, seed.ToEndTypeID = unquoted(label), unquoted(from), unquoted(to)
	if e.From != "" {
		seed.LinkDirection = cmp.Or(unquoted(direction), "NONE")
		if seed.FromEndTypeID == "" || seed.ToEndTypeID == "" {
			return seed, events.Errorf(events.CodeInvalid, "/properties", "missing: @fromEndTypeId and @toEndTypeId, the types of both ends of a link")
		}
	}
	if isNull(seed.SourceIDs) {
		seed.SourceIDs, err = events.Marshal([]SourceID{{Type: gatewaySource, Key: []string{connector, id, e.ID}, ItemTypeID: id}})
	}
	return seed, err
}

// InputOf returns what a request asks of a service.
func InputOf(d *dataservice.ServiceDefinition, r *Request) (in dataservice.ServiceInput, err error) {
	p := &r.Payload
	switch {
	case !isNull(p.VisualQuery) && string(p.VisualQuery) != "[]":
		return in, events.Errorf(events.CodeUnsupported, "/payload/visualQuery", "visual queries are not supported")
	case !isNull(p.Seeds.SemanticData) && string(p.Seeds.SemanticData) != "{}":
		return in, events.Errorf(events.CodeUnsupported, "/payload/seeds/semanticData", "semantic seeds are not supported")
	}
	in = dataservice.ServiceInput{Service: d.ID, Fields: dataservice.Values{}}
	for i := range p.Conditions {
		c := &p.Conditions[i]
		if isNull(c.Value) {
			continue
		}
		field := fieldOf(d.Form, c.ID)
		if in.Fields[c.ID], err = fieldValue(c.Value, field, cmp.Or(d.Zone, "UTC"), "/payload"+at("conditions", i)+"/value"); err != nil {
			return in, err
		}
	}
	for i := range p.Seeds.Entities {
		e, err := p.Seeds.Entities[i].entity(d.Seeds)
		if err != nil {
			return in, under("/payload/seeds"+at("entities", i), err)
		}
		in.Seeds = append(in.Seeds, e)
	}
	for i := range p.Seeds.Links {
		e, err := p.Seeds.Links[i].entity(d.Seeds)
		if err != nil {
			return in, under("/payload/seeds"+at("links", i), err)
		}
		in.Seeds = append(in.Seeds, e)
	}
	return in, nil
}

// fieldOf returns the field of an id; one that is not there takes any text.
func fieldOf(form *dataservice.Form, id string) *dataservice.Field {
	if form != nil {
		for _, s := range form.Sections {
			for j := range s.Fields {
				if s.Fields[j].ID == id {
					return &s.Fields[j]
				}
			}
		}
	}
	return &dataservice.Field{ID: id, Type: dataservice.TypeJSON}
}

// entity converts a seed. Its object has a location where the constraints name one.
func (s *Seed) entity(c *dataservice.SeedConstraints) (dataservice.DataEntity, error) {
	e := dataservice.DataEntity{ID: s.SeedID, Object: object(s.TypeLocation, s.TypeID), From: s.FromEndID, To: s.ToEndID}
	if c != nil && !slices.ContainsFunc(c.Objects, func(o dataservice.SeedObject) bool { return o.Object == e.Object }) {
		if i := slices.IndexFunc(c.Objects, func(o dataservice.SeedObject) bool { return o.Object == s.TypeID }); i >= 0 {
			e.Object = s.TypeID
		}
	}
	var err error
	e.Properties, err = properties(s.Properties, map[string]jsontext.Value{
		"sourceIds": s.SourceIDs, "label": quoted(s.Label), "accessDimensionValues": s.AccessDimensionValues, "extensions": s.Extensions,
		"linkDirection": quoted(s.LinkDirection), "fromEndTypeId": quoted(s.FromEndTypeID), "toEndTypeId": quoted(s.ToEndTypeID),
	})
	return e, err
}
