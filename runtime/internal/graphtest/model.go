package graphtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
)

// Model is the metadata graph as one would write it first: maps, and one
// command after the other. What is in the maps never changes; it is replaced.
type Model struct {
	elements map[string]*modelElement // by guid
	links    map[string]*modelLink
	// graves are what went together with an element when it went the last time,
	// by its guid.
	graves map[string][]any
	// pump are the attributes of the type Pump; nil: it is not defined.
	pump map[string]string
	// log are the change events by guid, kept says how many of them must still
	// be there.
	log  map[string][]string
	kept map[string]int

	learned []*Learned
	refused int
	issue   *issue
}

// issue is a command with what its envelope and the bus say about it.
type issue struct {
	id            string
	sequence      uint64
	time          time.Time
	source, scope string
	category      events.OriginCategory
	dry           bool
	wrong         bool // the envelope is
	made          int  // guids
	// gone is what the command deleted so far, in order.
	gone []any
	// before is how everything was before the command.
	before *Model
}

type modelElement struct {
	guid, typ, name  string
	version          int64
	properties       map[string]any
	marks            map[string]modelMark
	zones            []string
	anchor           string
	effective        events.Effectivity
	category         events.OriginCategory
	source, scope    string
	created, updated time.Time
}

type modelMark struct {
	properties map[string]any
	effective  events.Effectivity
}

type modelLink struct {
	guid, typ, end1, end2 string
	version               int64
	properties            map[string]any
	effective             events.Effectivity
	category              events.OriginCategory
	source, scope         string
	created, updated      time.Time
}

// outcome is what the sender of a command is told.
type outcome struct {
	guid    string
	version int64
	changed bool
	steps   []outcome
	refused error
	changes int
}

// NewModel returns a graph in which nothing is but the types of [Types].
func NewModel() *Model {
	return &Model{
		elements: map[string]*modelElement{}, links: map[string]*modelLink{}, graves: map[string][]any{},
		log: map[string][]string{}, kept: map[string]int{},
	}
}

func (m *Model) clone() *Model {
	c := *m
	c.elements, c.links, c.graves = maps.Clone(m.elements), maps.Clone(m.links), maps.Clone(m.graves)
	c.log, c.kept = maps.Clone(m.log), maps.Clone(m.kept)
	return &c
}

// apply applies a command all or not at all.
func (m *Model) apply(i issue, c events.Command) outcome {
	next := m.clone()
	i.before = m.clone()
	next.issue = &i
	r, err := next.doSettled(c)
	if i.wrong {
		err = refusal("the envelope is wrong")
	}
	if err != nil {
		if !i.dry {
			m.refused++
		}
		return outcome{refused: err}
	}
	r.changes = next.toldSince(m)
	r.changed = r.changed || r.changes > 0
	if !i.dry {
		*m = *next
	}
	return r
}

// toldSince counts the events since then. What a command did to what it purged is
// not told.
func (m *Model) toldSince(before *Model) (n int) {
	for key, l := range m.log {
		n += min(len(l)-len(before.log[key]), m.kept[key])
	}
	return n
}

// doSettled does a command, and takes away what has no place any more beside what
// it brought back from the archive.
func (m *Model) doSettled(c events.Command) (outcome, error) {
	archived := map[string]bool{}
	for id, e := range m.elements {
		archived[id] = e.archived()
	}
	r, err := m.do(c)
	for _, id := range slices.Sorted(maps.Keys(m.elements)) {
		if archived[id] && !m.elements[id].archived() {
			m.giveWay(id)
		}
	}
	return r, err
}

func (m *Model) do(c events.Command) (outcome, error) {
	switch c := c.(type) {
	case *events.ChangeSet:
		return m.changeSet(c)
	case *events.DefineTypes:
		return m.defineTypes(c)
	case *events.Create:
		return m.createNew(c)
	case *events.Upsert:
		return m.upsert(c)
	case *events.Update:
		return m.update(c)
	case *events.Delete:
		return m.remove(c)
	case *events.Restore:
		return m.restore(c)
	case *events.Publish:
		return m.rezone(c.Element, "sales", "research")
	case *events.Withdraw:
		return m.rezone(c.Element, "draft")
	case *events.Retype:
		return m.retype(c)
	case *events.Rehome:
		return m.rehome(c)
	default:
		return m.doOther(c)
	}
}

func (m *Model) doOther(c events.Command) (outcome, error) {
	switch c := c.(type) {
	case *events.FromTemplate:
		return m.fromTemplate(c)
	case *events.Classify:
		return m.classify(c)
	case *events.Declassify:
		return m.declassify(c)
	case *events.Link:
		return m.link(c)
	case *events.UpdateRelationship:
		return m.updateLink(c)
	case *events.Unlink:
		return m.unlink(c)
	case *events.LinkExternalID:
		return m.linkExternalID(c)
	case *events.UnlinkExternalID:
		return m.unlinkExternalID(c)
	case *events.ConfirmSynchronization:
		return m.confirm(c)
	default:
		return outcome{}, fmt.Errorf("the model does not know %T", c)
	}
}

func (m *Model) changeSet(set *events.ChangeSet) (outcome, error) {
	var all outcome
	for i := range set.Commands {
		c, err := set.Commands[i].Command(i)
		if err != nil {
			return all, err
		}
		r, err := m.doSettled(c)
		if err != nil {
			return all, err
		}
		all.steps = append(all.steps, r)
	}
	return all, nil
}

// defineTypes adds the type Pump, or attributes to it.
func (m *Model) defineTypes(c *events.DefineTypes) (outcome, error) {
	for i, def := range c.Types {
		if def.SuperType == "Nobody" || i > 0 && def.Name == c.Types[0].Name {
			return outcome{}, refusal("super type")
		}
		next := map[string]string{}
		for _, a := range def.Attributes {
			next[a.Name] = a.Type
		}
		for name, typ := range m.pump {
			if next[name] != typ {
				return outcome{}, refusal("%s was %s", name, typ)
			}
		}
		if m.pump == nil || !maps.Equal(m.pump, next) {
			m.pump = next
			m.note("type", "Pump", events.TypeTypeDefined, 0)
		}
	}
	return outcome{}, nil
}

func (m *Model) note(kind, id, eventType string, version int64) {
	key := kind + " " + id
	m.log[key] = append(slices.Clip(m.log[key]), line(eventType, version))
	m.kept[key]++
}

func line(eventType string, version int64) string { return fmt.Sprintf("%s v%d", eventType, version) }

func refusal(format string, args ...any) error { return fmt.Errorf(format, args...) }

func (m *Model) find(ref events.ElementRef) *modelElement {
	if ref.GUID != "" {
		return m.elements[ref.GUID]
	}
	return m.named(ref.QualifiedName)
}

// isLink reports whether what should be an element is a relationship.
func (m *Model) isLink(ref events.ElementRef) bool { return ref.GUID != "" && m.links[ref.GUID] != nil }

func (m *Model) named(name string) *modelElement {
	for _, e := range m.elements {
		if name != "" && e.name == name {
			return e
		}
	}
	return nil
}

func (m *Model) must(ref events.ElementRef, want events.Expectation) (*modelElement, error) {
	e := m.find(ref)
	switch {
	case e == nil:
		return nil, refusal("there is no %v", ref)
	case !asExpected(want, e.version):
		return nil, refusal("version %d", e.version)
	}
	return e, nil
}

// living is what is there and not archived.
func (m *Model) living(ref events.ElementRef, want events.Expectation) (*modelElement, error) {
	e, err := m.must(ref, want)
	if err == nil && e.archived() {
		err = refusal("%s is archived", e.name)
	}
	return e, err
}

// asExpected takes version 0 for what is not there.
func asExpected(want events.Expectation, version int64) bool {
	return want.ExpectedVersion == 0 || want.ExpectedVersion == version
}

// origin is the category of what the command creates.
func (i *issue) origin() events.OriginCategory {
	switch {
	case i.source == "":
		return events.OriginLocal
	case i.category == "":
		return events.OriginExternal
	default:
		return i.category
	}
}

// mayChange: what belongs to a metadata source is changed by that one only.
func (m *Model) mayChange(source string) error {
	if source != "" && source != m.issue.source {
		return refusal("it belongs to %s", source)
	}
	return nil
}

// attributes are those of a type that is used here; nil for any other.
func (m *Model) attributes(typ string) map[string]string {
	all := map[string]string{"x": "any", "y": "any", "z": "any", "text": "string"}
	if typ != "ContactDetails" {
		all["identifier"], all["additionalProperties"] = "string", "any"
	}
	switch typ {
	case "FileFolder", "Connection", "Endpoint", "InventoryCatalog", "ContactDetails":
	case "ExternalId":
		all["keyPattern"] = "any"
	case "DataFile":
		all["fileName"] = "string"
	case "CSVFile":
		all["fileName"], all["delimiterCharacter"] = "string", "string"
	case "Pump":
		if m.pump == nil {
			return nil
		}
		maps.Copy(all, m.pump)
	case "NestedFile":
		return map[string]string{"x": "any", "y": "any", "z": "any", "text": "string"}
	case "Holds", "HoldsTight":
		return map[string]string{}
	case "DataFlow":
		return map[string]string{"formula": "string"}
	case "Ownership":
		return map[string]string{"x": "any", "y": "any", "z": "any", "free": "any"}
	case "Criticality":
		return map[string]string{"x": "any", "y": "any", "z": "any"}
	case "ExternalIdLink":
		return map[string]string{"usage": "string", "lastSynchronized": "string", "openChanged": "string", "thirdPartyChanged": "string"}
	case "SourcedFrom":
		return map[string]string{"sourceVersionNumber": "any"}
	case "ConnectToEndpoint", "ExternalIdScope", "Template":
		return map[string]string{}
	default:
		return nil
	}
	return all
}

// wanted checks properties and returns those that are to be there: they replace
// what is there, or are merged into it.
func (m *Model) wanted(typ string, have map[string]any, want events.Properties, merge bool, unknown events.UnknownProperties) (map[string]any, error) {
	attributes, more := m.attributes(typ), map[string]any(nil)
	out := map[string]any{}
	for name, v := range want.Map() {
		switch kind, ok := attributes[name]; {
		case !ok && (unknown != events.KeepUnknown || attributes["additionalProperties"] == ""):
			return nil, refusal("%s has no %s", typ, name)
		case !ok && more == nil:
			more = map[string]any{}
			fallthrough
		case !ok:
			more[name] = v
		case !fits(kind, v):
			return nil, refusal("%s cannot be %v", name, v)
		default:
			out[name] = v
		}
	}
	if more != nil {
		all := map[string]any{}
		if stored, ok := have["additionalProperties"].(map[string]any); ok && merge {
			maps.Copy(all, stored)
		}
		for name, v := range more {
			all[name] = fmt.Sprint(v)
			if v == nil {
				delete(all, name)
			}
		}
		out["additionalProperties"] = all
	}
	return overlaid(have, out, merge), nil
}

func fits(kind string, v any) bool {
	switch v.(type) {
	case nil:
		return true
	case string:
		return kind != "int"
	case float64:
		return kind != "string"
	default:
		return kind == "any"
	}
}

// overlaid returns base, or nothing, with the properties of top; null clears.
func overlaid(base, top map[string]any, merge bool) map[string]any {
	out := map[string]any{}
	if merge {
		maps.Copy(out, base)
	}
	maps.Copy(out, top)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

func same(a, b map[string]any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// String tells everything but the version and who changed it when.
func (e *modelElement) String() string {
	zones := strings.Join(slices.Sorted(slices.Values(e.zones)), "+")
	var marks strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.marks)) {
		mark := e.marks[name]
		fmt.Fprintf(&marks, " #%s%v%s", name, mark.properties, when(mark.effective))
	}
	return fmt.Sprintf("%s %s %q %v%s zones %s anchor %s %s source %s scope %s %s",
		e.guid, e.typ, e.name, e.properties, marks.String(), zones, e.anchor, e.category, e.source, e.scope, when(e.effective))
}

func (l *modelLink) String() string {
	return fmt.Sprintf("%s %s %s %s %v %s source %s scope %s %s", l.guid, l.typ, l.end1, l.end2, l.properties, l.category, l.source, l.scope, when(l.effective))
}

func when(e events.Effectivity) string { return stamp(e.From) + "…" + stamp(e.To) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
