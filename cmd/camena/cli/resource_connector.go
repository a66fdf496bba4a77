package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/camena-io/camena/events"
)

// defaultGroup is the integration group of connectors that name none.
const defaultGroup = "default"

// connectorResource is an integration connector: its element, its connection
// and its registration with a group.
type connectorResource struct {
	name, group, kind string
	configuration     events.Properties
	refresh, timeZone string
	usesBlockingCalls bool
	// metadataSource owns what the connector catalogs. It is the connector
	// itself unless the file says otherwise; "" lets anybody change it.
	metadataSource string
	permitted      events.PermittedSynchronization
	user           string
	start, stop    time.Time
}

func groupName(name string) string         { return "IntegrationGroup::" + name }
func connectorName(name string) string     { return "IntegrationConnector::" + name }
func connectionName(name string) string    { return "Connection::" + name }
func connectorTypeName(kind string) string { return "ConnectorType::" + kind }

func (r *reader) connector(d *document, n *yaml.Node) (string, resource, error) {
	c := &connectorResource{group: defaultGroup}
	err := d.mapping(n, fields{
		"kind": skip, "name": d.text(&c.name), "group": d.text(&c.group), "connector": d.text(&c.kind),
		"configuration": d.properties(&c.configuration), "refresh": d.schedule(&c.refresh), "timeZone": d.zone(&c.timeZone),
		"usesBlockingCalls": d.flag(&c.usesBlockingCalls), "metadataSource": d.text(&c.metadataSource),
		"permittedSynchronization": oneOf(d, &c.permitted, events.SyncBoth, events.SyncTo, events.SyncFrom),
		"user":                     d.text(&c.user), "startDate": d.date(&c.start), "stopDate": d.date(&c.stop),
	})
	if err == nil {
		err = d.require(n, kindConnector, "name", "connector")
	}
	if err != nil {
		return c.name, c, err
	}
	if c.group == "" {
		c.group = defaultGroup
	}
	if fieldOf(n, "metadataSource") == nil {
		c.metadataSource = connectorName(c.name)
	}
	if !c.stop.IsZero() && !c.start.Before(c.stop) {
		return c.name, c, d.errorAt(n, "stopDate is not after startDate: the connector would never run")
	}
	return c.name, c, r.check(d, n, c)
}

// check lets the connector look at its configuration; a kind that this binary
// does not have is left to the nodes that may have it.
func (r *reader) check(d *document, n *yaml.Node, c *connectorResource) error {
	kind := fieldOf(n, "connector")
	factory, ok := r.offered.Factory(c.kind)
	if !ok {
		r.warnings = append(r.warnings, fmt.Sprintf("%s:%d: this binary has no connector %q%s; %s waits for a node that has",
			d.file, kind.Line, c.kind, didYouMean(c.kind, r.offered.Kinds()), c.name))
		return nil
	}
	if _, err := factory.New(c.configuration); err != nil {
		at := fieldOf(n, "configuration")
		if at == nil {
			at = kind
		}
		return d.errorAt(d.offender(at, err), "%s: %w", c.name, err)
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
		pattern, err := normalizeSchedule(n.Value)
		if err != nil {
			return d.errorAt(n, "%w", err)
		}
		*to = pattern
		return nil
	}
}

func normalizeSchedule(text string) (string, error) {
	text = strings.TrimSpace(text)
	interval, every := strings.CutPrefix(text, "@every ")
	parts := strings.Fields(text)
	switch {
	case text == "":
		return "", nil
	case !every && slices.Contains([]string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}, text):
		return text, nil
	case !every && len(parts) == 6:
		return text, nil
	case !every && len(parts) == 5:
		return "0 " + text, nil
	}
	v, err := time.ParseDuration(strings.TrimSpace(interval))
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is no schedule; write an interval such as 30s or 10m, a cron expression such as \"0 */5 * * * *\", or @daily", text)
	case v < time.Second || v%time.Second != 0:
		return "", fmt.Errorf("%q: an interval is a whole number of seconds, at least one", text)
	}
	return "@every " + v.String(), nil
}

func (d *document) zone(to *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if _, err := time.LoadLocation(n.Value); err != nil || n.Value == "Local" {
			return d.errorAt(n, "%q is not a time zone such as Europe/Zurich", n.Value)
		}
		*to = n.Value
		return nil
	}
}

func (c *connectorResource) commands() []events.Command {
	upsert := func(typeName, qualifiedName string, merge bool, values map[string]any) events.Command {
		return &events.Upsert{Merge: merge, Element: events.ElementSpec{
			Type: typeName, QualifiedName: qualifiedName, Properties: given(values),
		}}
	}
	link := func(typeName, end1, end2 string, p events.Properties) events.Command {
		return &events.Link{Relationship: events.RelationshipSpec{
			Type: typeName, End1: events.ByName(end1), End2: events.ByName(end2), Properties: p,
		}}
	}
	// Group and connector type are shared: what others say of them stays.
	return []events.Command{
		upsert("IntegrationGroup", groupName(c.group), true, map[string]any{"displayName": c.group}),
		upsert("IntegrationConnector", connectorName(c.name), false, map[string]any{
			"displayName": c.name, "usesBlockingCalls": c.usesBlockingCalls,
		}),
		upsert("Connection", connectionName(c.name), false, map[string]any{
			"displayName": c.name, "configurationProperties": c.configuration,
		}),
		upsert("ConnectorType", connectorTypeName(c.kind), true, map[string]any{
			"displayName": c.kind, "connectorProviderClassName": c.kind,
		}),
		link("AssetConnection", connectorName(c.name), connectionName(c.name), events.Properties{}),
		link("ConnectionConnectorType", connectionName(c.name), connectorTypeName(c.kind), events.Properties{}),
		// The registration comes last: with it the connector is complete.
		link("RegisteredIntegrationConnector", groupName(c.group), connectorName(c.name), c.registration()),
	}
}

func (*connectorResource) main() int { return 1 }

func (c *connectorResource) registration() events.Properties {
	values := map[string]any{
		"connectorName": c.name, "connectorUserId": c.user, "metadataSourceQualifiedName": c.metadataSource,
		"refreshSchedule": c.refresh, "timeZone": c.timeZone, "permittedSynchronization": string(c.permitted),
	}
	if !c.start.IsZero() {
		values["startDate"] = c.start.UTC().Format(time.RFC3339)
	}
	if !c.stop.IsZero() {
		values["stopDate"] = c.stop.UTC().Format(time.RFC3339)
	}
	return given(values)
}

func (c *connectorResource) removal() []events.Command {
	return []events.Command{
		&events.Delete{Element: events.ByName(connectorName(c.name))},
		&events.Delete{Element: events.ByName(connectionName(c.name))},
	}
}

// obsolete are the registrations with other groups and the connector types that
// an earlier version named: the connector would run twice, or as the wrong kind.
func (c *connectorResource) obsolete() []leftover {
	return []leftover{
		{events.ByName(connectorName(c.name)), "RegisteredIntegrationConnector", 2, groupName(c.group)},
		{events.ByName(connectionName(c.name)), "ConnectionConnectorType", 1, connectorTypeName(c.kind)},
		{events.ByName(connectorName(c.name)), "AssetConnection", 1, connectionName(c.name)},
	}
}
