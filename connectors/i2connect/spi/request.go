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
	Entities     []Record       `json:"entities,omitempty"`
	Links        []Record       `json:"links,omitempty"`
	SemanticData jsontext.Value `json:"semanticData,omitempty"`
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
			return under(itemPointer("seeds", i), err)
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

func seedOf(e *dataservice.DataEntity, connector string) (Record, error) {
	seed, err := recordOf(e, "")
	if err != nil {
		return seed, err
	}
	seed.ID, seed.SeedID = "", e.ID
	delete(seed.More, "version") // of a result only
	delete(seed.More, "sourceReference")
	switch {
	case e.ID == "":
		return seed, events.Errorf(events.CodeInvalid, "/id", "missing")
	case e.From == "":
	case isNull(seed.More["fromEndTypeId"]) || isNull(seed.More["toEndTypeId"]):
		return seed, events.Errorf(events.CodeInvalid, "/properties", "missing: @fromEndTypeId and @toEndTypeId, the types of both ends of a link")
	case isNull(seed.More["linkDirection"]):
		seed.More["linkDirection"] = jsontext.Value(`"NONE"`)
	}
	if isNull(seed.More["sourceIds"]) {
		source := SourceID{Type: gatewaySource, Key: []string{connector, seed.TypeID, e.ID}, ItemTypeID: seed.TypeID}
		seed.More["sourceIds"], err = events.Marshal([]SourceID{source})
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
		if in.Fields[c.ID], err = fieldValue(c.Value, field, cmp.Or(d.Zone, "UTC"), "/payload"+itemPointer("conditions", i)+"/value"); err != nil {
			return in, err
		}
	}
	for i := range p.Seeds.Entities {
		if err := addSeed(&in, &p.Seeds.Entities[i], d.Seeds); err != nil {
			return in, under("/payload/seeds"+itemPointer("entities", i), err)
		}
	}
	for i := range p.Seeds.Links {
		if err := addSeed(&in, &p.Seeds.Links[i], d.Seeds); err != nil {
			return in, under("/payload/seeds"+itemPointer("links", i), err)
		}
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

// addSeed adds a seed. Its object has a location where the constraints name one.
func addSeed(in *dataservice.ServiceInput, seed *Record, c *dataservice.SeedConstraints) error {
	e, err := seed.entity()
	allows := func(name string) bool {
		return c != nil && slices.ContainsFunc(c.Objects, func(o dataservice.SeedObject) bool { return o.Object == name })
	}
	if !allows(e.Object) && allows(seed.TypeID) {
		e.Object = seed.TypeID
	}
	in.Seeds = append(in.Seeds, e)
	return err
}
