// Package manifest reads resource files, which say what the metadata should be,
// and makes it so. Files of types and of change sets are read here, too.
//
// Files are YAML or JSON. Unknown fields, fields that are given twice and values
// of another kind are mistakes; each is an [*Error] with file and line, and all
// mistakes are told at once. Numbers keep their digits.
package manifest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/events/suggest"
)

// The kinds of resources, in the order in which they are applied.
const (
	KindTypes        = "Types"
	KindGroup        = "IntegrationGroup"
	KindConnector    = "IntegrationConnector"
	KindElement      = "Element"
	KindRelationship = "Relationship"
)

func kinds() []string {
	return []string{KindTypes, KindGroup, KindConnector, KindElement, KindRelationship}
}

// Resource is one document of a resource file.
type Resource struct {
	Kind, Name string

	place
	// commands make the metadata what the resource says; main is the index of the
	// command for the resource itself. removal undoes them.
	commands, removal []events.Command
	main              int
	// replaces are relationships of which there can be one only.
	replaces []slot
	link     *events.RelationshipSpec // of a relationship
	source   string                   // the metadata source of a connector
	types    *Command
}

// slot is a place for one relationship: an element at an end of a type.
type slot struct {
	element, relationship string
	end                   int
	other                 string // the qualified name of the element at the other end
}

// Reader reads files.
type Reader struct {
	// Stdin is read for the name "-".
	Stdin io.Reader
	// Connectors check the configurations of connectors.
	Connectors connectors.Set
	// Warnings are about what looks like a mistake in the resources that were read.
	Warnings []string
}

// Resources reads the resources of files, and of the .yaml files in folders, in
// the order in which they are to be applied.
func (r *Reader) Resources(paths ...string) ([]Resource, error) {
	docs, err := r.documents(paths, false)
	errs := []error{err}
	var all []Resource
	first := map[string]Resource{}
	for _, d := range docs {
		w, err := r.resource(d)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		id := w.Kind + " " + w.Name
		if other, ok := first[id]; ok {
			errs = append(errs, place{document: d}.invalid("", "%s is given in %s:%d already", id, other.file, other.line("")))
		}
		first[id] = w
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(a, b Resource) int {
		return slices.Index(kinds(), a.Kind) - slices.Index(kinds(), b.Kind)
	})
	return all, errors.Join(errs...)
}

// documents parses files and the files in folders. Each has one document only, if
// single is set.
func (r *Reader) documents(paths []string, single bool) (all []*document, err error) {
	for _, path := range paths {
		files, expandErr := expand(path)
		err = errors.Join(err, expandErr)
		for _, file := range files {
			docs, parseErr := r.parseFile(file)
			if parseErr == nil && single && len(docs) != 1 {
				parseErr = fmt.Errorf("%s: expected one document in it, found %d", file, len(docs))
			}
			all, err = append(all, docs...), errors.Join(err, parseErr)
		}
	}
	return all, err
}

// expand returns the resource files in a folder, or the path itself.
func expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	if path == "-" || err == nil && !info.IsDir() {
		return []string{path}, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: the folder holds no .yaml file", path)
	}
	slices.Sort(files)
	return files, nil
}

func (r *Reader) parseFile(file string) ([]*document, error) {
	if file == "-" {
		content, err := io.ReadAll(r.Stdin)
		if err != nil {
			return nil, err
		}
		return parse("standard input", content)
	}
	content, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	return parse(file, content)
}

func (r *Reader) resource(d *document) (Resource, error) {
	w := Resource{place: place{document: d}}
	kind, ok := d.nodes["/kind"]
	if !ok {
		return w, w.invalid("", "there is no kind; give one of %s", strings.Join(kinds(), ", "))
	}
	w.Kind = kind.text
	read := map[string]func(*Resource) error{
		KindTypes: readTypesResource, KindGroup: readGroup, KindConnector: r.readConnector, KindElement: readElement, KindRelationship: readRelationship,
	}[w.Kind]
	if read == nil {
		return w, w.invalid("/kind", "unknown kind %q%s; the kinds are %s", w.Kind, suggest.Nearest(w.Kind, kinds()), strings.Join(kinds(), ", "))
	}
	if err := read(&w); err != nil {
		return w, err
	}
	w.about = w.Kind + " " + w.Name
	return w, nil
}

// require refuses a resource in which a field is missing; given has the names
// and values of fields.
func (w *Resource) require(given ...string) error {
	for field := range slices.Chunk(given, 2) {
		if field[1] == "" {
			return w.invalid("", "the %s needs %q", w.Kind, field[0])
		}
	}
	return nil
}

func readGroup(w *Resource) error {
	f, err := decode[struct {
		Kind        string `json:"kind"`
		Name        string `json:"name"`
		Description string `json:"description"`
	}](w.place, w.json)
	if err == nil {
		err = w.require("name", f.Name)
	}
	g := registration.Group{Name: f.Name, Description: f.Description}
	w.Name, w.commands, w.removal = f.Name, g.Commands(), g.Removal()
	return err
}

func readElement(w *Resource) error {
	f, err := decode[struct {
		Kind          string            `json:"kind"`
		Type          string            `json:"type"`
		QualifiedName string            `json:"qualifiedName"`
		Properties    events.Properties `json:"properties"`
	}](w.place, w.json)
	if err == nil {
		err = w.require("type", f.Type, "qualifiedName", f.QualifiedName)
	}
	spec := events.ElementSpec{Type: f.Type, QualifiedName: f.QualifiedName, Properties: f.Properties}
	w.Name = f.QualifiedName
	w.commands = []events.Command{&events.Upsert{Element: spec}}
	w.removal = []events.Command{&events.Delete{Element: spec.Ref()}}
	return err
}

func readRelationship(w *Resource) error {
	f, err := decode[struct {
		Kind       string            `json:"kind"`
		Type       string            `json:"type"`
		End1       string            `json:"end1"`
		End2       string            `json:"end2"`
		Properties events.Properties `json:"properties"`
	}](w.place, w.json)
	if err == nil {
		err = w.require("type", f.Type, "end1", f.End1, "end2", f.End2)
	}
	w.link = &events.RelationshipSpec{Type: f.Type, End1: events.ByName(f.End1), End2: events.ByName(f.End2), Properties: f.Properties}
	w.Name = fmt.Sprintf("%s %s → %s", f.Type, f.End1, f.End2)
	w.commands = []events.Command{&events.Link{Relationship: *w.link}}
	w.removal = []events.Command{&events.Unlink{Type: f.Type, End1: w.link.End1, End2: w.link.End2}}
	return err
}

// defaultGroup is the integration group of connectors that name none.
const defaultGroup = "default"

type connectorFields struct {
	Kind          string            `json:"kind"`
	Name          string            `json:"name"`
	Group         string            `json:"group"`
	Connector     string            `json:"connector"`
	Configuration events.Properties `json:"configuration"`
	Endpoint      string            `json:"endpoint"`
	Refresh       schedule          `json:"refresh"`
	TimeZone      zone              `json:"timeZone"`
	Blocking      bool              `json:"usesBlockingCalls"`
	// Source is the connector itself if it is not given.
	Source    *string   `json:"metadataSource"`
	Permitted direction `json:"permittedSynchronization"`
	User      string    `json:"user"`
	Start     date      `json:"startDate"`
	Stop      date      `json:"stopDate"`
}

func (r *Reader) readConnector(w *Resource) error {
	f, err := decode[connectorFields](w.place, w.json)
	if err == nil {
		err = w.require("name", f.Name, "connector", f.Connector)
	}
	if err != nil {
		return err
	}
	c := registration.Connector{
		Name: f.Name, Group: f.Group, Kind: f.Connector, Configuration: f.Configuration, Endpoint: f.Endpoint, Refresh: string(f.Refresh), TimeZone: string(f.TimeZone),
		UsesBlockingCalls: f.Blocking, MetadataSource: registration.ConnectorName(f.Name), Permitted: events.PermittedSynchronization(f.Permitted),
		User: f.User, Start: time.Time(f.Start), Stop: time.Time(f.Stop),
	}
	if c.Group == "" {
		c.Group = defaultGroup
	}
	if f.Source != nil {
		c.MetadataSource = *f.Source
	}
	if !c.Stop.IsZero() && !c.Start.Before(c.Stop) {
		return w.invalid("", "stopDate is not after startDate: the connector would never run")
	}
	w.Name, w.commands, w.removal, w.main, w.source = c.Name, c.Commands(), c.Removal(), 1, c.MetadataSource
	// With another group the connector would run twice, with another connector type
	// as the wrong kind.
	w.replaces = []slot{
		{registration.ConnectorName(c.Name), registration.Registered, 2, registration.GroupName(c.Group)},
		{registration.ConnectionName(c.Name), registration.ConnectionConnector, 1, registration.ConnectorTypeName(c.Kind)},
		{registration.ConnectorName(c.Name), registration.AssetConnection, 1, registration.ConnectionName(c.Name)},
		{registration.ConnectionName(c.Name), registration.ConnectToEndpoint, 1, ""},
	}
	if c.Endpoint != "" {
		w.replaces[3].other = registration.EndpointName(c.Name)
	}
	return r.checkConfiguration(w, &c)
}

// checkConfiguration lets the connector check its configuration. A kind that
// this binary does not have is a warning: other nodes may have it.
func (r *Reader) checkConfiguration(w *Resource, c *registration.Connector) error {
	factory, ok := r.Connectors.Factory(c.Kind)
	if !ok {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s:%d: this binary has no connector %q%s; %s waits for a node that has",
			w.file, w.line("/connector"), c.Kind, suggest.Nearest(c.Kind, r.Connectors.Kinds()), c.Name))
		return nil
	}
	_, err := factory.New(c.Configuration)
	if err == nil {
		return nil
	}
	w.about = c.Name
	mistake := w.located("/configuration"+pointerOf(err), err)
	if _, given := w.nodes["/configuration"]; !given {
		mistake.Line = w.line("/connector")
	}
	return mistake
}

// The types of fields that read text in their own way.
type (
	schedule  string
	zone      string
	direction string
	date      time.Time
)

// UnmarshalText reads what [registration.ReadSchedule] reads.
func (s *schedule) UnmarshalText(text []byte) error {
	read, err := registration.ReadSchedule(string(text), "")
	*s = schedule(read.String())
	return err
}

// UnmarshalText reads the name of a time zone.
func (z *zone) UnmarshalText(text []byte) error {
	_, err := registration.ReadZone(string(text))
	*z = zone(text)
	return err
}

// UnmarshalText reads a permitted direction of synchronization.
func (d *direction) UnmarshalText(text []byte) error {
	*d = direction(text)
	known := []string{string(events.SyncBoth), string(events.SyncTo), string(events.SyncFrom)}
	if !slices.Contains(known, string(text)) {
		return events.Errorf(events.CodeInvalid, "", "expected one of %s, found %q", strings.Join(known, ", "), text)
	}
	return nil
}

// UnmarshalText reads a day or a point in time.
func (d *date) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			*d = date(t)
			return nil
		}
	}
	return events.Errorf(events.CodeInvalid, "", "expected a time such as 2026-05-01 or 2026-05-01T08:00:00Z, found %q", text)
}
