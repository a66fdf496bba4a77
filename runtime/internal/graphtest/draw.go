package graphtest

import (
	"cmp"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

const (
	guid1 = "aaaaaaaa-0000-4000-8000-000000000001"
	guid2 = "aaaaaaaa-0000-4000-8000-000000000002"
	flow1 = "bbbbbbbb-0000-4000-8000-000000000001"
	flow2 = "bbbbbbbb-0000-4000-8000-000000000002"
)

// Requests draws commands with their envelopes, about a few elements, so that they
// interact often.
func Requests() *rapid.Generator[events.Event] {
	return rapid.Custom(func(t *rapid.T) events.Event {
		d := draws{t}
		c := Commands().Draw(t, "command")
		e := newRequest(c)
		source := pick(d, "source", "", "", "", "", "", "", "", "", "s1", "s2")
		if c, ok := c.(*events.Rehome); ok { // by its home, by nobody, or by others
			source = pick(d, "source", c.From, "", "s1", "s2")
		}
		e.SetExtension(events.ExtMetadataSource, source)
		e.SetExtension(events.ExtScope, pick(d, "scope", "", "", "", "", "", "", "p", "q"))
		e.SetExtension(events.ExtDryRun, pick(d, "dry run", "", "", "", "", "", "", "", "", "", "", "", "", "", "false", "true", "perhaps"))
		var category events.OriginCategory
		if source != "" {
			category = pick(d, "category", "", "", events.OriginContentPack, events.OriginExternal)
		}
		if d.sometimes(30, "wrong category") {
			category = pick(d, "category", events.OriginLocal, events.OriginExportArchive)
		}
		e.SetExtension(events.ExtOriginCategory, string(category))
		return e
	})
}

// newRequest returns a command as it is sent.
func newRequest(c events.Command) events.Event { return must(events.NewCommand("/test", c)) }

// Fixtures returns commands that create what many drawn commands are about.
func Fixtures() []events.Event {
	template := upsert("FileFolder", "t", map[string]any{"text": "for ~{p}~"})
	period := events.Effectivity{From: time.Unix(1e9, 0), To: time.Unix(2e9, 0)}
	template.Element.Classifications = []events.Classification{{Name: events.Template}, {Name: "Ownership", Effectivity: period}}
	leaf := upsert("DataFile", "t/1", map[string]any{"x": 1})
	leaf.Element.Anchor = events.ByName("t")
	nameless := &events.Upsert{Element: events.ElementSpec{Type: "ContactDetails", Anchor: events.ByName("t")}}
	var all []events.Event
	for _, c := range []events.Command{
		template, leaf, nameless, upsert("FileFolder", "a", nil), upsert("DataFile", "b", map[string]any{"x": 1}),
		upsert("InventoryCatalog", "sc", nil), upsert("Connection", "conn", nil), upsert("Endpoint", "e1", nil), upsert("Endpoint", "e2", nil),
		link("NestedFile", "t", "t/1", map[string]any{"text": "~{p}~"}), link("ConnectToEndpoint", "conn", "e1", nil),
		link("NestedFile", "a", "b", nil), link("Holds", "a", "b", nil), link("DataFlow", "b", "t", nil), link("DataFlow", "t", "b", map[string]any{"formula": "f"}),
		&events.LinkExternalID{ExternalID: events.ExternalID{Element: events.ByName("b"), Scope: events.ByName("sc"), Identifier: "1"}},
	} {
		all = append(all, newRequest(c))
	}
	return all
}

// Commands draws commands without an envelope.
func Commands() *rapid.Generator[events.Command] {
	return rapid.Custom(func(t *rapid.T) events.Command {
		d := draws{t}
		switch n := rapid.IntRange(0, 19).Draw(t, "change set"); {
		case n > 3:
			return single().Draw(t, "command")
		case n == 3:
			c := &events.DefineTypes{Types: []events.TypeDef{d.definition()}}
			if d.sometimes(2, "another") {
				c.Types = append(c.Types, d.definition())
			}
			return c
		}
		return must(events.NewChangeSet(rapid.SliceOfN(single(), 1, 3).Draw(t, "steps")...))
	})
}

// draws has a method for each part of a command.
type draws struct{ *rapid.T }

// definition draws the type Pump, wider or narrower, or one that cannot be.
func (d draws) definition() events.TypeDef {
	def := events.TypeDef{Kind: events.KindElement, Name: "Pump", SuperType: "Asset", Description: "A pump.", Attributes: []events.AttributeDef{
		{Name: "litres", Type: pick(d, "litres", "int", "int", "int", "string"), Description: "What it does."},
	}}
	if d.sometimes(2, "maker") {
		def.Attributes = append(def.Attributes, events.AttributeDef{Name: "maker", Type: "string", Description: "Who made it."})
	}
	if d.sometimes(6, "orphan") {
		def.Name, def.SuperType = "Orphan", "Nobody"
	}
	return def
}

func pick[T any](d draws, what string, from ...T) T { return rapid.SampledFrom(from).Draw(d.T, what) }

// sometimes returns true about once in n times.
func (d draws) sometimes(n int, what string) bool { return rapid.IntRange(1, n).Draw(d.T, what) == n }

func (d draws) name() string {
	return pick(d, "name", "a", "b", "c", "a", "b", "c", "t/1", "t", "m~{p}~")
}

// typ draws a type, mostly the one that elements of that name have.
func (d draws) typ(name string) string {
	fixed := map[string]string{"sc": "InventoryCatalog", "conn": "Connection", "e1": "Endpoint", "e2": "Endpoint"}
	switch {
	case fixed[name] != "":
		return fixed[name]
	case name == "a" || name == "t":
		return pick(d, "type", "FileFolder", "FileFolder", "FileFolder", "FileFolder", "CSVFile", "Pump")
	default:
		return pick(d, "type", "DataFile", "DataFile", "DataFile", "DataFile", "DataFile", "DataFile", "CSVFile", "Pump", "FileFolder", "ContactDetails", "NoSuchType")
	}
}

func (d draws) ref(what string) events.ElementRef {
	if d.sometimes(7, "by guid") {
		return events.ByGUID(pick(d, what, guid1, guid2, events.GUIDOf("a"), events.GUIDOf("c")))
	}
	return events.ByName(pick(d, what, "a", "b", "c", "a", "b", "c", "a", "b", "t", "t/1", "t", "t/1", // the ends are drawn most
		"m~{p}~", "sc", "conn", "e1", "a/1", "ExternalId::sc::1", "a", "b", "c", "c"))
}

// props draws properties; a few are unknown or of the wrong type.
func (d draws) props(names ...string) events.Properties {
	m := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(d.T, "properties") {
		switch name := pick(d, "property", append(names, "x", "y", "z")...); name {
		case "x", "y", "z":
			m[name] = pick[any](d, "value", 1, 2, "text", nil, true)
		case "litres":
			m[name] = pick[any](d, "value", 3, nil)
		default:
			m[name] = pick[any](d, "value", "text", "of ~{p}~", nil)
		}
	}
	if d.sometimes(15, "wrong") {
		m[pick(d, "property", append(names, "x", "colour")...)] = 7
	}
	return events.Props(m)
}

// elementProps draws properties that elements of the type have, and some that they may
// not have.
func (d draws) elementProps(typ string, unknown events.UnknownProperties) events.Properties {
	own := map[string][]string{"CSVFile": {"fileName", "delimiterCharacter"}, "DataFile": {"fileName"}, "Pump": {"litres"}}
	names := append([]string{"text"}, own[typ]...)
	if unknown == events.KeepUnknown {
		names = append(names, "colour", "fileName")
	}
	return d.props(names...)
}

func (d draws) unknown() events.UnknownProperties {
	return pick(d, "unknown properties", events.RefuseUnknown, events.RefuseUnknown, events.KeepUnknown)
}

func (d draws) expect() events.Expectation {
	if !d.sometimes(8, "expect") {
		return events.Expectation{}
	}
	return events.Expectation{ExpectedVersion: rapid.Int64Range(1, 3).Draw(d.T, "version")}
}

func (d draws) effectivity() *events.Effectivity {
	from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return pick(d, "effectivity", nil, nil, nil, &events.Effectivity{}, &events.Effectivity{From: from}, &events.Effectivity{From: from, To: from.Add(time.Hour)})
}

func (d draws) zones() []string {
	return pick(d, "zones", nil, nil, nil, []string{}, []string{"z1"}, []string{"z1", "z2"}, []string{"z2", "z1", "z2"})
}

func (d draws) classification() events.Classification {
	c := events.Classification{Name: pick(d, "mark", "Ownership", "Criticality", "Ownership", "Criticality", events.Template)}
	if c.Name != events.Template || d.sometimes(9, "wrong property") {
		c.Properties = d.props()
	}
	if c.Name == "Ownership" && d.sometimes(5, "free properties") {
		// The content of a map must never be taken for a part of the state.
		c.Properties = events.Props(map[string]any{"free": pick(d, "free", lookalike(), map[string]any{"k": []any{lookalike()}}, map[string]any{})})
	}
	c.Effectivity = *cmp.Or(d.effectivity(), &events.Effectivity{})
	return c
}

// lookalike returns a value that looks like a classification and contains the end of
// one.
func lookalike() map[string]any {
	return map[string]any{"classificationName": events.Memento, "x": `"classificationName":"` + events.Memento + `"}]}`}
}

func (d draws) classifications() []events.Classification {
	if !d.sometimes(4, "marks") {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) events.Classification { return draws{t}.classification() }), 0, 2,
		func(c events.Classification) string { return c.Name }).Draw(d.T, "marks")
}

func (d draws) spec(unknown events.UnknownProperties) events.ElementSpec {
	s := events.ElementSpec{
		QualifiedName: pick(d, "which", d.name(), d.name(), d.name(), "sc", "conn", "e1", "e2", ""),
		Zones:         d.zones(), Classifications: d.classifications(), Effectivity: d.effectivity(),
	}
	s.Type = d.typ(s.QualifiedName)
	s.Properties = d.elementProps(s.Type, unknown)
	switch {
	case s.QualifiedName == "" && !d.sometimes(9, "wrong type"):
		s.Type = "ContactDetails"
		s.GUID = pick(d, "guid", "", guid1, guid2)
	case d.sometimes(10, "guid"):
		s.GUID = pick(d, "guid", guid1, guid2, events.GUIDOf("c"), events.GUIDOf(cmp.Or(s.QualifiedName, "a")))
	}
	if d.sometimes(4, "anchored") {
		s.Anchor = d.ref("anchor")
	}
	return s
}

func upsert(typ, name string, properties map[string]any) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: typ, QualifiedName: name, Properties: events.Props(properties)}}
}

func link(typ, end1, end2 string, properties map[string]any) *events.Link {
	return &events.Link{Relationship: events.RelationshipSpec{
		Type: typ, End1: events.ByName(end1), End2: events.ByName(end2), Properties: events.Props(properties),
	}}
}
