package spi

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// Finding is something that is wrong with a configuration. An error below a service
// makes the service unavailable; any other one the connector.
type Finding struct {
	Severity dataservice.Severity `json:"severity"`
	Pointer  string               `json:"path"`
	Message  string               `json:"text"`
}

// OfService reports whether it is about services only, and not the whole connector.
func (f Finding) OfService() bool {
	return strings.HasPrefix(f.Pointer, "/services/") || strings.HasPrefix(f.Pointer, "/clientConfigs/") || strings.HasPrefix(f.Pointer, "/authConfigs/")
}

func errorAt(pointer, format string, args ...any) Finding {
	return Finding{dataservice.SeverityError, pointer, fmt.Sprintf(format, args...)}
}

func warningAt(pointer, format string, args ...any) Finding {
	return Finding{dataservice.SeverityWarning, pointer, fmt.Sprintf(format, args...)}
}

// below puts a pointer before those of findings.
func below(pointer string, found []Finding) []Finding {
	for i := range found {
		found[i].Pointer = pointer + found[i].Pointer
	}
	return found
}

// under puts a pointer before that of an error.
func under(pointer string, err error) error {
	if err == nil {
		return nil
	}
	e := events.AsError(err)
	return events.Errorf(e.Code, pointer+e.Pointer, "%s", e.Message)
}

// checker gathers what is wrong.
type checker struct {
	config    *Config
	version   Version
	connector string
	found     []Finding
}

func (k *checker) error(pointer, format string, args ...any) {
	k.found = append(k.found, errorAt(pointer, format, args...))
}

func (k *checker) warn(pointer, format string, args ...any) {
	k.found = append(k.found, warningAt(pointer, format, args...))
}

// oneOf checks a value of which there are only some.
func (k *checker) oneOf(pointer, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		k.error(pointer, "%q is none of %s", value, strings.Join(allowed, ", "))
	}
}

// unique checks ids.
func (k *checker) unique(path string, ids []string) {
	seen := map[string]bool{}
	for i, id := range ids {
		at := path + "/" + strconv.Itoa(i) + "/id"
		switch {
		case id == "":
			k.error(at, "missing")
		case seen[id]:
			k.error(at, "the id %q is there twice", id)
		}
		seen[id] = true
	}
}

func idsOf[T any](all []T, id func(*T) string) []string {
	ids := make([]string, len(all))
	for i := range all {
		ids[i] = id(&all[i])
	}
	return ids
}

// Check returns all that is wrong with the configuration of a connector with an id
// and a base address.
func (c *Config) Check(connector, base string) []Finding {
	version, err := c.Negotiate()
	if err != nil {
		version = Supported()[0]
	}
	k := checker{config: c, version: version, connector: connector}
	if err != nil {
		k.error("/version", "%s", events.AsError(err).Message)
	}
	if c.Version == nil {
		k.warn("/version", "The connector with identifier '%s' did not specify an SPI version. Defaulting to version 1.0", connector)
	}
	if !strings.HasPrefix(base, "https:") {
		k.warn("", "Configuration error for the connector with identifier '%s': "+
			"The application is communicating with the connector through a protocol that is not secure.", connector)
	}
	if c.SchemaURL != "" {
		k.warn("/schemaUrl", "schemas are not read: values whose type only the schema tells are text")
	}
	k.presence()
	k.defaults()
	k.unique("/services", idsOf(c.Services, func(s *Service) string { return s.ID }))
	k.unique("/clientConfigs", idsOf(c.ClientConfigs, func(c *ClientConfig) string { return c.ID }))
	k.unique("/authConfigs", idsOf(c.AuthConfigs, func(c *AuthConfig) string { return c.ID }))
	for i := range c.ClientConfigs {
		k.clientConfig(&c.ClientConfigs[i], "/clientConfigs/"+strconv.Itoa(i))
	}
	for i := range c.Services {
		k.service(&c.Services[i], "/services/"+strconv.Itoa(i))
	}
	return k.found
}

// presence checks that there are services, or the place of those of each user.
func (k *checker) presence() {
	c := k.config
	if c.UserConfigURL == "" {
		if len(c.Services) == 0 {
			k.error("/services", "The connector with identifier '%s' has no defined services.", k.connector)
		}
		return
	}
	given := map[string]bool{
		"/defaultValues": c.Defaults != nil, "/services": len(c.Services) > 0, "/clientConfigs": len(c.ClientConfigs) > 0, "/authConfigs": len(c.AuthConfigs) > 0,
	}
	for _, pointer := range slices.Sorted(maps.Keys(given)) {
		if given[pointer] {
			k.error(pointer, "not allowed beside userConfigUrl")
		}
	}
}

func (k *checker) defaults() {
	d := k.config.Defaults
	if d == nil {
		return
	}
	if d.TimeZoneID != "" {
		if _, err := location(d.TimeZoneID, ""); err != nil {
			k.error("/defaultValues/timeZoneId", "%s", err)
		}
	}
	k.oneOf("/defaultValues/linkDirection", d.LinkDirection, "NONE", "WITH", "AGAINST", "BOTH")
	k.oneOf("/defaultValues/entityTypeLocation", d.EntityTypeLocation, locations()...)
	k.oneOf("/defaultValues/linkTypeLocation", d.LinkTypeLocation, locations()...)
}

func (k *checker) clientConfig(c *ClientConfig, at string) {
	if k.version.Minor >= 2 && c.Type == "" {
		k.error(at+"/type", "missing; SPI 1.2 requires it")
	}
	k.oneOf(at+"/type", c.Type, clientNone, clientForm, clientCustom, clientVisualQuery)
	if c.Type == clientVisualQuery && k.version.Minor < 2 {
		k.error(at+"/type", "%s needs SPI 1.2", clientVisualQuery)
	}
	if !k.config.isForm(c, k.version) {
		return
	}
	form, err := Decode[Form](c.Config)
	if err != nil {
		e := events.AsError(err)
		k.error(at+"/config"+e.Pointer, "%s", e.Message)
		return
	}
	_, found := form.form()
	k.found = append(k.found, below(at+"/config", found)...)
}

// isForm reports whether a client configuration is a form: before SPI 1.2 the
// services say it.
func (c *Config) isForm(client *ClientConfig, v Version) bool {
	if client.Type != "" || v.Minor >= 2 {
		return client.Type == clientForm
	}
	return slices.ContainsFunc(c.Services, func(s Service) bool { return s.ClientConfigID == client.ID && s.ClientConfigType == clientForm })
}

func (k *checker) service(s *Service, at string) {
	if s.Name == "" {
		k.error(at+"/name", "missing")
	}
	async := s.Async != nil && s.Async.QueriesResource != ""
	switch {
	case s.AcquireURL == "" && !async:
		k.error(at, "the service '%s' needs acquireUrl or async.queriesResource", s.ID)
	case s.AcquireURL != "" && s.Async != nil:
		k.error(at, "the service '%s' must have one of acquireUrl and async.queriesResource, not both", s.ID)
	}
	if s.Async != nil && s.Async.PollingIntervalInSeconds != nil && *s.Async.PollingIntervalInSeconds < 1 {
		k.error(at+"/async/pollingIntervalInSeconds", "%d is less than 1", *s.Async.PollingIntervalInSeconds)
	}
	for _, where := range slices.Sorted(maps.Keys(s.ResultItemTypeIDs)) {
		if where == "" {
			k.warn(at+"/resultItemTypeIds", "an array says not where the types are defined; an object by location is expected")
		}
		k.oneOf(at+"/resultItemTypeIds/"+where, where, locations()...)
	}
	k.client(s, at)
	if s.AuthConfigID != "" && !slices.ContainsFunc(k.config.AuthConfigs, func(c AuthConfig) bool { return c.ID == s.AuthConfigID }) {
		k.error(at+"/authConfigId", "there is no authConfig %q", s.AuthConfigID)
	}
	k.seeds(s.SeedConstraints, at+"/seedConstraints")
}

func (k *checker) client(s *Service, at string) {
	old := k.version.Minor < 2
	switch {
	case old && s.ClientConfigType == "":
		k.error(at+"/clientConfigType", "missing; SPI 1.0 and 1.1 require it")
	case old:
		k.oneOf(at+"/clientConfigType", s.ClientConfigType, clientNone, clientForm, clientCustom)
	case s.ClientConfigType != "":
		k.warn(at+"/clientConfigType", "ignored since SPI 1.2")
	}
	switch {
	case s.ClientConfigID == "" && old && (s.ClientConfigType == clientForm || s.ClientConfigType == clientCustom):
		k.error(at+"/clientConfigId", "missing for %s", s.ClientConfigType)
	case s.ClientConfigID != "" && k.config.client(s.ClientConfigID) == nil:
		k.error(at+"/clientConfigId", "there is no clientConfig %q", s.ClientConfigID)
	}
}

func (k *checker) seeds(c *SeedConstraints, at string) {
	if c == nil {
		return
	}
	k.bounds(c.Min, c.Max, at)
	t := c.SeedTypes
	if t == nil {
		return
	}
	if len(t.SemanticPropertyTypes) > 0 {
		if k.version.Minor < 1 {
			k.error(at+"/seedTypes/semanticPropertyTypes", "needs SPI 1.1")
		}
		if len(c.ConnectorIDs) > 0 {
			k.error(at+"/connectorIds", "not allowed beside semanticPropertyTypes")
		}
		if len(t.ItemTypes) > 0 || t.AllowedTypes != "" {
			k.error(at+"/seedTypes", "semanticPropertyTypes and types of items exclude each other")
		}
	}
	k.oneOf(at+"/seedTypes/allowedTypes", t.AllowedTypes, seedsEntity, seedsLink)
	for i, item := range t.ItemTypes {
		at := at + "/seedTypes/itemTypes/" + strconv.Itoa(i)
		if item.ID == "" {
			k.error(at+"/id", "missing")
		}
		k.bounds(item.Min, item.Max, at)
		k.oneOf(at+"/typeLocation", item.TypeLocation, locations()...)
	}
}

func (k *checker) bounds(least, most *int, at string) {
	if least != nil && most != nil && *least > *most {
		k.error(at+"/min", "%d is more than the maximum, %d", *least, *most)
	}
}
