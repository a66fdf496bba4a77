package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/events/suggest"
)

// defaultGroup is the integration group of connectors that name none.
const defaultGroup = "default"

// connectorResource is an integration connector. Its metadata source is the
// connector itself unless the file says otherwise.
type connectorResource struct{ registration.Connector }

func (r *reader) connector(d *document, n *yaml.Node) (string, resource, error) {
	c := &connectorResource{registration.Connector{Group: defaultGroup}}
	err := d.mapping(n, fields{
		"kind": skip, "name": d.text(&c.Name), "group": d.text(&c.Group), "connector": d.text(&c.Kind),
		"configuration": d.properties(&c.Configuration), "refresh": d.schedule(&c.Refresh), "timeZone": d.zone(&c.TimeZone),
		"usesBlockingCalls": d.flag(&c.UsesBlockingCalls), "metadataSource": d.text(&c.MetadataSource),
		"permittedSynchronization": oneOf(d, &c.Permitted, events.SyncBoth, events.SyncTo, events.SyncFrom),
		"user":                     d.text(&c.User), "startDate": d.date(&c.Start), "stopDate": d.date(&c.Stop),
	})
	if err == nil {
		err = d.require(n, kindConnector, "name", "connector")
	}
	if err != nil {
		return c.Name, c, err
	}
	if c.Group == "" {
		c.Group = defaultGroup
	}
	if fieldOf(n, "metadataSource") == nil {
		c.MetadataSource = registration.ConnectorName(c.Name)
	}
	if !c.Stop.IsZero() && !c.Start.Before(c.Stop) {
		return c.Name, c, d.errorAt(n, "stopDate is not after startDate: the connector would never run")
	}
	return c.Name, c, r.check(d, n, c)
}

// check lets the connector look at its configuration; a kind that this binary
// does not have is left to the nodes that may have it.
func (r *reader) check(d *document, n *yaml.Node, c *connectorResource) error {
	kind := fieldOf(n, "connector")
	factory, ok := r.offered.Factory(c.Kind)
	if !ok {
		r.warnings = append(r.warnings, fmt.Sprintf("%s:%d: this binary has no connector %q%s; %s waits for a node that has",
			d.file, kind.Line, c.Kind, suggest.Nearest(c.Kind, r.offered.Kinds()), c.Name))
		return nil
	}
	if _, err := factory.New(c.Configuration); err != nil {
		at := fieldOf(n, "configuration")
		if at == nil {
			at = kind
		}
		return d.errorAt(d.offender(at, err), "%s: %w", c.Name, err)
	}
	return nil
}

// offender returns the node below at that an error points at, as near as there
// is one.
func (*document) offender(at *yaml.Node, err error) *yaml.Node {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return at
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(e.Pointer, "/"), "/") {
		at = follow(at)
		if i, err := strconv.Atoi(name); err == nil && at.Kind == yaml.SequenceNode && i >= 0 && i < len(at.Content) {
			at = at.Content[i]
			continue
		}
		for i := 0; at.Kind == yaml.MappingNode && i+1 < len(at.Content); i += 2 {
			if at.Content[i].Value == name {
				at = at.Content[i+1]
				break
			}
		}
	}
	return at
}

// schedule reads "10m", "@every 10s", "@daily" or a cron expression of six
// fields, or five without seconds.
func (d *document) schedule(to *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s, err := registration.ReadSchedule(n.Value, "")
		if err != nil {
			return d.errorAt(n, "%w", err)
		}
		*to = s.String()
		return nil
	}
}

func (d *document) zone(to *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if _, err := registration.ReadZone(n.Value); err != nil {
			return d.errorAt(n, "%w", err)
		}
		*to = n.Value
		return nil
	}
}

func (c *connectorResource) commands() []events.Command { return c.Commands() }

func (*connectorResource) main() int { return 1 }

func (c *connectorResource) removal() []events.Command { return c.Removal() }

// obsolete are the registrations with other groups and the connector types that
// an earlier version named: the connector would run twice, or as the wrong kind.
func (c *connectorResource) obsolete() []leftover {
	return []leftover{
		{events.ByName(registration.ConnectorName(c.Name)), registration.Registered, 2, registration.GroupName(c.Group)},
		{events.ByName(registration.ConnectionName(c.Name)), registration.ConnectionConnector, 1, registration.ConnectorTypeName(c.Kind)},
		{events.ByName(registration.ConnectorName(c.Name)), registration.AssetConnection, 1, registration.ConnectionName(c.Name)},
	}
}
