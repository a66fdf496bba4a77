package graphtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// Model is the metadata graph in its simplest form: maps, changed by one command at a
// time. Values in the maps never change; they are replaced.
type Model struct {
	instances map[string]*instance // elements and relationships, by guid
	// deletions are the instances deleted together with an element, by its guid.
	deletions map[string][]*instance
	types     *opentypes.Registry
	// log has the change events by kind and guid; kept is how many of them, the last
	// ones, must still be stored.
	log  map[string][]string
	kept map[string]int

	applied []*Applied
	refused int
	request *request
}

// request is a command with its envelope.
type request struct {
	id            string
	sequence      uint64
	time          time.Time
	source, scope string
	category      events.OriginCategory
	dry           bool
	invalid       bool // the envelope
	guids         int  // guids
	// deleted are the instances that the command has deleted so far, in order.
	deleted []*instance
	// before is the graph before the command.
	before *Model
}

// instance is an element or, with ends, a relationship.
type instance struct {
	guid, typ, name  string
	ends, endTypes   [2]string
	version          int64
	properties       map[string]any
	classifications  map[string]classification
	zones            []string
	anchor           string
	effectivity      events.Effectivity
	category         events.OriginCategory
	source, scope    string
	created, updated time.Time
}

type classification struct {
	properties  map[string]any
	effectivity events.Effectivity
}

// outcome is what the sender of a command receives.
type outcome struct {
	guid    string
	version int64
	changed bool
	steps   []outcome
}

// refusal is the panic that ends a refused command.
type refusal struct{ error }

func refuseIf(condition bool, format string, args ...any) {
	if condition {
		panic(refusal{fmt.Errorf(format, args...)})
	}
}

// try returns the refusal that do ends with, nil if there is none.
func try(do func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case refusal:
			err = p.error
		default:
			panic(p)
		}
	}()
	do()
	return nil
}

// NewModel returns an empty graph with these types.
func NewModel(types *opentypes.Registry) *Model {
	return &Model{
		types:     types,
		instances: map[string]*instance{}, deletions: map[string][]*instance{}, log: map[string][]string{}, kept: map[string]int{},
	}
}

func (m *Model) clone() *Model {
	c := *m
	c.instances, c.deletions, c.log, c.kept = maps.Clone(m.instances), maps.Clone(m.deletions), maps.Clone(m.log), maps.Clone(m.kept)
	return &c
}

// changesSince counts the events since then. A command causes no events for its changes
// of an instance before it purges it.
func (m *Model) changesSince(before *Model) (n int) {
	for key, l := range m.log {
		n += min(len(l)-len(before.log[key]), m.kept[key])
	}
	return n
}

// apply applies a command, and deletes the relationships of elements taken from the
// archive that others have replaced meanwhile.
func (m *Model) apply(c events.Command) outcome {
	archived := m.all((*instance).archived)
	r := m.applyOne(c)
	for _, before := range archived {
		if e := m.element(before.guid); e != nil && !e.archived() {
			m.replaceEnds(e.guid)
		}
	}
	return r
}

func (m *Model) applyOne(c events.Command) outcome {
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
		return m.applyRarer(c)
	}
}

func (m *Model) applyRarer(c events.Command) outcome {
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
		panic(fmt.Sprintf("the model does not know %T", c))
	}
}

func (m *Model) changeSet(set *events.ChangeSet) (all outcome) {
	for i := range set.Commands {
		c, err := set.Commands[i].Command(i)
		refuseIf(err != nil, "step %d: %v", i, err)
		all.steps = append(all.steps, m.apply(c))
	}
	return all
}

func (m *Model) defineTypes(c *events.DefineTypes) outcome {
	types, changed, err := m.types.Apply(c.Types...)
	refuseIf(err != nil, "%v", err)
	m.types = types
	for _, def := range changed {
		m.addEvent("type "+def.Name, events.TypeTypeDefined, 0)
	}
	return outcome{}
}

func (m *Model) addEvent(key, eventType string, version int64) {
	m.log[key] = append(slices.Clip(m.log[key]), line(eventType, version))
	m.kept[key]++
}

func line(eventType string, version int64) string { return fmt.Sprintf("%s v%d", eventType, version) }

// put stores an instance and adds its event.
func (m *Model) put(e *instance, event string) outcome {
	for i := range e.ends {
		if e.isLink() {
			e.endTypes[i] = m.element(e.ends[i]).typ
		}
	}
	m.instances[e.guid] = e
	m.addEvent(e.key(), event, e.version)
	return outcome{guid: e.guid, version: e.version, changed: true}
}

// touch stores the next version of an instance.
func (m *Model) touch(e *instance, event string) outcome {
	e.version++
	e.updated = m.request.time
	return m.put(e, event)
}

// delete deletes an instance, together with what the command has deleted before.
func (m *Model) delete(e *instance, purge bool) {
	event := events.TypeElementDeleted
	if e.isLink() {
		event = events.TypeRelationshipDeleted
	}
	delete(m.instances, e.guid)
	delete(m.deletions, e.guid)
	m.addEvent(e.key(), event, 0)
	if !purge {
		m.request.deleted = append(m.request.deleted, e)
		if !e.isLink() {
			m.deletions[e.guid] = slices.Clone(m.request.deleted)
		}
		return
	}
	m.kept[e.key()] = 1 // it cannot be restored
	for root, with := range m.deletions {
		m.deletions[root] = slices.DeleteFunc(slices.Clone(with), func(g *instance) bool { return g.key() == e.key() })
	}
}

// all returns the instances that match, by guid.
func (m *Model) all(match func(*instance) bool) (some []*instance) {
	for _, id := range slices.Sorted(maps.Keys(m.instances)) {
		if i := m.instances[id]; match(i) {
			some = append(some, i)
		}
	}
	return some
}

// element returns the element with a guid; nil if there is none.
func (m *Model) element(guid string) *instance {
	if e := m.instances[guid]; e != nil && !e.isLink() {
		return e
	}
	return nil
}

func (e *instance) isLink() bool { return e.ends[0] != "" }

func (e *instance) key() string {
	if e.isLink() {
		return "relationship " + e.guid
	}
	return "element " + e.guid
}

func (e *instance) outcome() outcome { return outcome{guid: e.guid, version: e.version} }

func (e *instance) clone() *instance {
	c := *e
	c.classifications = maps.Clone(e.classifications)
	return &c
}

func (m *Model) find(ref events.ElementRef) *instance {
	if ref.GUID != "" {
		return m.element(ref.GUID)
	}
	return m.named(ref.QualifiedName)
}

// isLink reports whether a reference to an element names a relationship.
func (m *Model) isLink(ref events.ElementRef) bool {
	i := m.instances[ref.GUID]
	return i != nil && i.isLink()
}

func (m *Model) named(name string) *instance {
	for _, e := range m.instances {
		if name != "" && e.name == name {
			return e
		}
	}
	return nil
}

// live returns an element that must exist and not be archived.
func (m *Model) live(ref events.ElementRef, want events.Expectation) *instance {
	e := m.find(ref)
	refuseIf(e == nil, "there is no %v", ref)
	expect(want, e.version)
	refuseIf(e.archived(), "%s is archived", e.name)
	return e
}

// expect refuses any other version; a missing instance has version 0.
func expect(want events.Expectation, version int64) {
	refuseIf(want.ExpectedVersion != 0 && want.ExpectedVersion != version, "version %d", version)
}

// created returns a new instance.
func (i *request) created(guid, typ string) *instance {
	category := cmp.Or(i.category, events.OriginExternal)
	if i.source == "" {
		category = events.OriginLocal
	}
	return &instance{
		guid: guid, typ: typ, version: 1, created: i.time, classifications: map[string]classification{},
		category: category, source: i.source, scope: i.scope,
	}
}

// owns reports whether the command may change an instance: only its metadata source, if
// it has one, may.
func (m *Model) owns(e *instance) bool { return e.source == "" || e.source == m.request.source }

func (m *Model) mustOwn(e *instance) { refuseIf(!m.owns(e), "it belongs to %s", e.source) }

// typ returns a type, which must exist.
func (m *Model) typ(name string) *opentypes.Type {
	t, ok := m.types.Type(name)
	refuseIf(!ok, "no type %s", name)
	return t
}

func (m *Model) isA(typ, super string) bool { return m.typ(typ).Is(super) }

// attributes returns the value types of a type's attributes.
func (m *Model) attributes(typ string) map[string]string {
	all := map[string]string{}
	for _, a := range m.typ(typ).Attributes() {
		all[a.Name] = a.Type
	}
	return all
}

// wanted checks properties and returns those to store: they replace the present ones, or
// are merged into them.
func (m *Model) wanted(typ string, have map[string]any, want events.Properties, merge bool, unknown events.UnknownProperties) map[string]any {
	attributes, more, out := m.attributes(typ), map[string]any{}, map[string]any{}
	for name, v := range want.Map() {
		switch kind, ok := attributes[name]; {
		case !ok:
			refuseIf(unknown != events.KeepUnknown || attributes["additionalProperties"] == "", "%s has no %s", typ, name)
			if more[name] = v; v != nil {
				more[name] = fmt.Sprint(v)
			}
		default:
			refuseIf(!fits(kind, v), "%s cannot be %v", name, v)
			out[name] = v
		}
	}
	if len(more) > 0 {
		stored, _ := have["additionalProperties"].(map[string]any)
		out["additionalProperties"] = overlaid(stored, more, merge)
	}
	return overlaid(have, out, merge)
}

func fits(kind string, v any) bool {
	switch v.(type) {
	case nil:
		return true
	case string:
		return kind != "int"
	default:
		return kind != "string"
	}
}

// overlaid returns top, merged into base or alone; null clears.
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

// String describes an instance without its version and times.
func (e *instance) String() string {
	zones := slices.Sorted(slices.Values(e.zones))
	return fmt.Sprintf("%s %s %q %s %v %v zones %q anchor %s %s source %s scope %s %s",
		e.guid, e.typ, e.name, e.ends, e.properties, e.classifications, zones, e.anchor, e.category, e.source, e.scope, when(e.effectivity))
}

func (k classification) String() string { return fmt.Sprint(k.properties, when(k.effectivity)) }

func when(e events.Effectivity) string { return stamp(e.From) + "…" + stamp(e.To) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
