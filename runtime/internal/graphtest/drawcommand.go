package graphtest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// single draws one command of any kind that may stand in a change set.
func single() *rapid.Generator[events.Command] {
	return rapid.Custom(func(t *rapid.T) events.Command {
		d := draws{t}
		switch kind := rapid.IntRange(0, 24).Draw(t, "kind"); kind {
		case 0, 1, 2, 3:
			unknown := d.unknown()
			return &events.Upsert{Element: d.spec(unknown), Merge: d.sometimes(2, "merge"), UnknownProperties: unknown, Expectation: d.expect()}
		case 4:
			unknown := d.unknown()
			return &events.Create{Element: d.spec(unknown), UnknownProperties: unknown}
		case 5, 6:
			return &events.Update{
				Element: d.ref("element"), Properties: d.elementProps("", events.KeepUnknown), Zones: d.zones(), Effectivity: d.effectivity(),
				Replace: d.sometimes(2, "replace"), UnknownProperties: pick(d, "unknown properties", "", events.KeepUnknown, events.KeepUnknown), Expectation: d.expect(),
			}
		case 7, 8:
			return &events.Delete{
				Element: d.ref("element"), Cascade: !d.sometimes(4, "alone"), Expectation: d.expect(),
				Method:         pick(d, "method", "", events.DeleteSoft, events.DeleteArchive, events.DeletePurge),
				ArchiveProcess: pick(d, "process", "", "cleaning"),
			}
		case 9, 10:
			return &events.Restore{Element: d.ref("element")}
		case 11, 23, 24:
			return d.rarer()
		default:
			return d.other(kind)
		}
	})
}

func (d draws) rarer() events.Command {
	switch rapid.IntRange(0, 5).Draw(d.T, "rarer") {
	case 0:
		return &events.Publish{Element: d.ref("element")}
	case 1:
		return &events.Withdraw{Element: d.ref("element")}
	default:
		c := &events.Rehome{From: pick(d, "from", "", "", "s1", "s2"), To: pick(d, "to", "", "s1", "s2", "s1", "s2"), Expectation: d.expect()}
		if d.sometimes(3, "relationship") {
			c.Relationship = d.relation()
		} else {
			c.Element = d.ref("element")
		}
		return c
	}
}

func (d draws) other(kind int) events.Command {
	switch kind {
	case 12, 13:
		return &events.Retype{
			Element: d.ref("element"), Properties: d.props("text"), Expectation: d.expect(),
			Type: pick(d, "type", "DataFile", "DataFile", "CSVFile", "CSVFile", "FileFolder", "Pump", "ContactDetails", "NoSuchType"),
		}
	case 14, 21:
		return d.fromTemplate()
	case 15:
		return &events.Classify{Element: d.ref("element"), Classification: d.classification(), Merge: d.sometimes(2, "merge"), Expectation: d.expect()}
	case 16:
		return &events.Declassify{
			Element: d.ref("element"), Expectation: d.expect(),
			ClassificationName: pick(d, "mark", "Ownership", "Criticality", events.Template),
		}
	case 17, 18:
		r := d.relation()
		spec := events.RelationshipSpec{Type: r.Type, End1: r.End1, End2: r.End2, Properties: d.linkProps(r.Type), Effectivity: d.effectivity()}
		if d.sometimes(3, "guid") {
			spec.GUID = pick(d, "guid", flow1, flow2, guid1)
		}
		return &events.Link{Relationship: spec, Merge: d.sometimes(2, "merge"), Expectation: d.expect()}
	case 19:
		r := d.relation()
		return &events.UpdateRelationship{Relationship: r, Properties: d.linkProps(r.Type), Effectivity: d.effectivity(), Replace: d.sometimes(2, "replace"), Expectation: d.expect()}
	case 20:
		r := d.relation()
		return &events.Unlink{GUID: r.GUID, Type: r.Type, End1: r.End1, End2: r.End2, Expectation: d.expect()}
	default:
		return d.external()
	}
}

// relation draws a relationship, mostly between elements that may have one.
func (d draws) relation() events.RelationshipRef {
	r := events.RelationshipRef{Type: pick(d, "type", "NestedFile", "NestedFile", "DataFlow", "DataFlow",
		"ConnectToEndpoint", "ConnectToEndpoint", "Holds", "HoldsTight", pick(d, "wrong", "NestedFile", "DataFlow", "NoSuchType"))}
	from, to := []string{"a", "t"}, []string{"b", "c", "t/1"}
	switch r.Type {
	case "ConnectToEndpoint":
		from, to = []string{"conn"}, []string{"e1", "e2"}
	case "DataFlow":
		from, to = []string{"b", "t"}, []string{"b", "t"}
	}
	r.End1, r.End2 = events.ByName(pick(d, "end1", from...)), events.ByName(pick(d, "end2", to...))
	if d.sometimes(4, "any") {
		r.End1, r.End2 = d.ref("end1"), d.ref("end2")
	}
	if d.sometimes(6, "by guid") {
		r.GUID = pick(d, "guid", flow1, flow2, guid1)
	}
	return r
}

func (d draws) linkProps(typ string) events.Properties {
	if typ == "NestedFile" {
		return d.props("text")
	}
	if typ == "DataFlow" && d.sometimes(2, "formula") {
		return events.Props(map[string]any{"formula": pick[any](d, "formula", "f", "of ~{p}~", nil)})
	}
	return events.Properties{}
}

func (d draws) fromTemplate() events.Command {
	c := &events.FromTemplate{
		Template:      events.ByName(pick(d, "template", "t", "t", "t", "t", "t", "t", "a", "b")),
		QualifiedName: pick(d, "name", "a", "c", "u", "u~{p}~", "v", "w~{p}~", ""), Retrieve: d.sometimes(2, "retrieve"),
		Properties: d.props("text"),
	}
	if !d.sometimes(7, "no placeholder") {
		c.Placeholders = map[string]string{"p": pick(d, "placeholder", "1", "2")}
	}
	if d.sometimes(9, "misspelt placeholder") {
		c.Placeholders = map[string]string{"p": "1", "q": "2"}
	}
	c.Zones = d.zones()
	if d.sometimes(9, "guid") {
		c.GUID = guid2
	}
	if d.sometimes(4, "anchor") {
		c.Anchor = d.ref("anchor")
	}
	return c
}

func (d draws) external() events.Command {
	x := events.ExternalID{
		Element: pick(d, "element", events.ByName("b"), events.ByName("c"), d.ref("element")), Scope: events.ByName(pick(d, "scope", "sc", "sc", "sc", "b")),
		Identifier: pick(d, "identifier", "1", "1", "2"),
	}
	switch rapid.IntRange(0, 4).Draw(d.T, "external") {
	case 0:
		return &events.UnlinkExternalID{ExternalID: x}
	case 1:
		when := func(name string) time.Time {
			return pick(d, name, time.Time{}, time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC))
		}
		return &events.ConfirmSynchronization{
			ExternalID: x, Time: when("time"), OpenChanged: when("open changed"), ThirdPartyChanged: when("third party changed"),
		}
	default:
		c := &events.LinkExternalID{ExternalID: x}
		if d.sometimes(2, "properties") {
			c.Properties = events.Props(map[string]any{"keyPattern": pick[any](d, "pattern", "STABLE_KEY", "RECYCLED_KEY", nil)})
			c.Link = events.Props(map[string]any{"usage": pick[any](d, "usage", "u", "v", nil, 7)})
		}
		return c
	}
}
