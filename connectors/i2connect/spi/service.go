package spi

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// client returns the client configuration of an id, nil if there is none.
func (c *Config) client(id string) *ClientConfig {
	if i := slices.IndexFunc(c.ClientConfigs, func(c ClientConfig) bool { return c.ID == id }); i >= 0 {
		return &c.ClientConfigs[i]
	}
	return nil
}

// defaults are those that are given, and none otherwise.
func (c *Config) defaults() Defaults {
	if c.Defaults == nil {
		return Defaults{}
	}
	return *c.Defaults
}

// Persistent reports whether the ids of the results of a service mean the same
// record every time.
func (c *Config) Persistent(s *Service) bool {
	if s.ResultIDsPersistent != nil {
		return *s.ResultIDsPersistent
	}
	d := c.defaults().ResultIDsPersistent
	return d != nil && *d
}

// clientType returns the type of the client configuration of a service.
func (c *Config) clientType(s *Service) string {
	client := c.client(s.ClientConfigID)
	if v, err := c.Negotiate(); err == nil && v.Minor < 2 && s.ClientConfigType != "" {
		return s.ClientConfigType
	}
	if client == nil {
		return clientNone
	}
	return client.Type
}

// Form returns the form of a service, nil if it has none.
func (c *Config) Form(s *Service) *Form {
	client := c.client(s.ClientConfigID)
	if c.clientType(s) != clientForm || client == nil {
		return nil
	}
	form, err := Decode[Form](client.Config)
	if err != nil {
		return nil // a finding of Check
	}
	return &form
}

// Definitions converts the services, after a check that found what it found: a
// service with an error, and one that needs what is not supported, is unavailable.
func (c *Config) Definitions(found []Finding) []dataservice.ServiceDefinition {
	all := make([]dataservice.ServiceDefinition, len(c.Services))
	for i := range c.Services {
		s, d := &c.Services[i], &all[i]
		*d = dataservice.ServiceDefinition{
			ID: s.ID, Name: s.Name, Description: s.Description, Persistent: c.Persistent(s), Login: s.AuthConfigID, Zone: c.defaults().TimeZoneID,
			Seeds: s.SeedConstraints.constraints(), Unavailable: c.unavailable(i, found),
		}
		if form := c.Form(s); form != nil {
			converted, _ := form.form()
			d.Form = &converted
		}
		for _, where := range append(locations(), "") {
			for _, id := range s.ResultItemTypeIDs[where] {
				d.Results = append(d.Results, object(where, id))
			}
		}
	}
	return all
}

// unavailable says why a service cannot be asked.
func (c *Config) unavailable(i int, found []Finding) string {
	s := &c.Services[i]
	places := []string{"/services/" + strconv.Itoa(i)}
	if j := slices.IndexFunc(c.ClientConfigs, func(c ClientConfig) bool { return c.ID == s.ClientConfigID }); j >= 0 {
		places = append(places, "/clientConfigs/"+strconv.Itoa(j))
	}
	for _, f := range found {
		for _, place := range places {
			if f.Severity == dataservice.SeverityError && strings.HasPrefix(f.Pointer+"/", place+"/") {
				return f.Pointer + ": " + f.Message
			}
		}
	}
	var unsupported string
	switch kind := c.clientType(s); {
	case s.Async != nil:
		unsupported = "/async: asynchronous queries"
	case s.AuthConfigID != "":
		unsupported = "/authConfigId: logins"
	case kind == clientCustom || kind == clientVisualQuery:
		unsupported = "/clientConfigId: clients of the type " + kind
	case kind == clientForm && c.Form(s) == nil:
		unsupported = "/clientConfigId: forms that cannot be read"
	case s.SeedConstraints != nil && len(s.SeedConstraints.ConnectorIDs) > 0:
		unsupported = "/seedConstraints/connectorIds: seeds of certain connectors"
	case s.SeedConstraints != nil && s.SeedConstraints.SeedTypes != nil && len(s.SeedConstraints.SeedTypes.SemanticPropertyTypes) > 0:
		unsupported = "/seedConstraints/seedTypes/semanticPropertyTypes: semantic seeds"
	default:
		return ""
	}
	return places[0] + unsupported + " are not supported"
}

// object is the name of a type in the model.
func object(where, id string) string {
	if where == "" {
		return id
	}
	return where + "/" + id
}

// typeOf returns the location and the id of a type; the location may be missing.
func typeOf(object string) (where, id string) {
	if where, id, ok := strings.Cut(object, "/"); ok && slices.Contains(append(locations(), locationOther), where) {
		return where, id
	}
	return "", object
}

func (c *SeedConstraints) constraints() *dataservice.SeedConstraints {
	if c == nil || c.Max != nil && *c.Max == 0 {
		return nil
	}
	seeds := &dataservice.SeedConstraints{Min: orZero(c.Min), Max: orZero(c.Max)}
	if c.SeedTypes == nil {
		return seeds
	}
	seeds.Links = c.SeedTypes.AllowedTypes == seedsLink
	for _, t := range c.SeedTypes.ItemTypes {
		seeds.Objects = append(seeds.Objects, dataservice.SeedObject{Object: object(t.TypeLocation, t.ID), Min: orZero(t.Min), Max: orZero(t.Max)})
	}
	return seeds
}

func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func orNil(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func constraintsOf(seeds *dataservice.SeedConstraints) *SeedConstraints {
	if seeds == nil {
		return nil
	}
	c := &SeedConstraints{Min: orNil(seeds.Min), Max: orNil(seeds.Max)}
	if !seeds.Links && len(seeds.Objects) == 0 {
		return c
	}
	c.SeedTypes = &SeedTypes{AllowedTypes: map[bool]string{true: seedsLink, false: seedsEntity}[seeds.Links]}
	for _, o := range seeds.Objects {
		where, id := typeOf(o.Object)
		c.SeedTypes.ItemTypes = append(c.SeedTypes.ItemTypes, SeedItemType{ID: id, TypeLocation: where, Min: orNil(o.Min), Max: orNil(o.Max)})
	}
	return c
}

// Paths returns where a service is acquired and validated, below the connector.
func Paths(d *dataservice.ServiceDefinition) (acquire, validate string) {
	base := "services/" + url.PathEscape(d.ID)
	return "/" + strings.TrimLeft(cmp.Or(d.Path, base+"/acquire"), "/"), "/" + base + "/validate"
}

// ConfigOf returns the configuration that offers services. It requires no version
// above 1.0, and says what all services share once.
func ConfigOf(all []dataservice.ServiceDefinition) (*Config, error) {
	c := &Config{}
	if len(all) == 0 {
		return nil, events.Errorf(events.CodeUnsupported, "/services", "a connector of i2 has at least one service; this one has none")
	}
	differs := func(value func(*dataservice.ServiceDefinition) any) bool {
		return slices.ContainsFunc(all, func(d dataservice.ServiceDefinition) bool { return value(&d) != value(&all[0]) })
	}
	mixed := differs(func(d *dataservice.ServiceDefinition) any { return d.Persistent })
	shared := Defaults{}
	if !mixed && all[0].Persistent {
		shared.ResultIDsPersistent = new(true)
	}
	if !differs(func(d *dataservice.ServiceDefinition) any { return d.Zone }) {
		shared.TimeZoneID = all[0].Zone
	}
	if shared != (Defaults{}) {
		c.Defaults = &shared
	}
	for i := range all {
		if err := c.add(&all[i], mixed); err != nil {
			return nil, under("/services/"+strconv.Itoa(i), err)
		}
	}
	return c, nil
}

func (c *Config) add(d *dataservice.ServiceDefinition, mixed bool) error {
	s := Service{ID: d.ID, Name: d.Name, Description: d.Description, ClientConfigType: clientNone, SeedConstraints: constraintsOf(d.Seeds)}
	switch {
	case d.Login != "":
		return events.Errorf(events.CodeUnsupported, "/login", "logins are not supported")
	case d.Unavailable != "":
		return events.Errorf(events.CodeUnsupported, "/unavailable", "the service %q cannot be asked: %s", d.ID, d.Unavailable)
	}
	if mixed {
		s.ResultIDsPersistent = &d.Persistent
	}
	for _, name := range d.Results {
		where, id := typeOf(name)
		where = cmp.Or(where, LocationConnector)
		if s.ResultItemTypeIDs == nil {
			s.ResultItemTypeIDs = ResultTypes{}
		}
		s.ResultItemTypeIDs[where] = append(s.ResultItemTypeIDs[where], id)
	}
	acquire, validate := Paths(d)
	s.AcquireURL = acquire
	if d.Form != nil || d.Seeds != nil {
		s.ValidateURL = validate
	}
	if d.Form != nil {
		form, err := formOf(d.Form, d.Zone)
		if err != nil {
			return under("/form", err)
		}
		config, err := events.Marshal(form)
		if err != nil {
			return err
		}
		s.ClientConfigType, s.ClientConfigID = clientForm, d.ID
		c.ClientConfigs = append(c.ClientConfigs, ClientConfig{ID: d.ID, Type: clientForm, Config: config})
	}
	c.Services = append(c.Services, s)
	return nil
}
