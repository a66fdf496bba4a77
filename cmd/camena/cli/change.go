package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// changeName returns the change in a word: the last but one of its type.
func changeName(eventType string) string {
	if eventType == events.TypeTypeDefined {
		return "defined"
	}
	parts := strings.Split(eventType, ".")
	if len(parts) != 5 || parts[2] != "element" && parts[2] != "relationship" {
		return eventType
	}
	return parts[3]
}

// subject is the element, relationship or type that a change is about.
type subject struct {
	header *events.ElementHeader
	// typeName is that of the header; of types it is their kind.
	typeName, name string
	// detail lists the changed parts.
	detail string
}

func subjectOf(c *connectors.Change) subject {
	switch {
	case c.OpenType != nil && c.OpenType.Type != nil:
		return typeSubject(c.OpenType)
	case c.Element != nil && c.Element.State() != nil:
		return elementSubject(c.Element)
	case c.Relationship != nil && c.Relationship.State() != nil:
		return relationshipSubject(c.Relationship)
	default:
		return subject{header: &events.ElementHeader{}}
	}
}

func elementSubject(c *events.ElementChange) subject {
	h := &c.State().Header
	s := subject{header: h, typeName: h.Type.Name, name: nameOf(h), detail: c.Classification}
	if c.Element != nil && c.Previous != nil && s.detail == "" {
		s.detail = changedParts(c)
	}
	if c.Purged {
		s.detail = "purged"
	}
	return s
}

// changedParts lists the changed parts of an element.
func changedParts(c *events.ElementChange) string {
	was, is := &c.Previous.Header, &c.Element.Header
	var parts []string
	if names := changedNames(c.Previous.Properties, c.Element.Properties); names != "" {
		parts = append(parts, names)
	}
	if was.Type.Name != is.Type.Name {
		parts = append(parts, "was "+was.Type.Name)
	}
	if moved := changedHome(was, is); moved != "" {
		parts = append(parts, moved)
	}
	if !slices.Equal(was.Zones, is.Zones) {
		parts = append(parts, "zones")
	}
	if was.AnchorGUID != is.AnchorGUID {
		parts = append(parts, "anchor")
	}
	if !was.Effectivity.Equal(is.Effectivity) {
		parts = append(parts, "effectivity")
	}
	return strings.Join(parts, ", ")
}

// changedHome names the previous and the new metadata source, if they differ.
func changedHome(was, is *events.ElementHeader) string {
	if was.Origin.Source == is.Origin.Source {
		return ""
	}
	return "source " + orDash(was.Origin.Source) + " → " + orDash(is.Origin.Source)
}

// typeSubject describes the definition of a type.
func typeSubject(c *events.TypeChange) subject {
	s := subject{header: &events.ElementHeader{}, typeName: string(c.Type.Kind), name: c.Type.Name, detail: "new"}
	if c.Previous != nil {
		s.detail = "changed"
	}
	return s
}

func relationshipSubject(c *events.RelationshipChange) subject {
	r := c.State()
	s := subject{header: &r.Header, typeName: r.Header.Type.Name, name: stubName(r.End1) + " → " + stubName(r.End2)}
	if c.Relationship != nil && c.Previous != nil {
		s.detail = cmp.Or(changedNames(c.Previous.Properties, c.Relationship.Properties), changedHome(&c.Previous.Header, &c.Relationship.Header))
	}
	return s
}

func stubName(s events.ElementStub) string { return cmp.Or(s.QualifiedName, s.GUID) }

// changedNames lists the properties that differ.
func changedNames(before, after events.Properties) string {
	was, is := before.Map(), after.Map()
	names := slices.AppendSeq(slices.Collect(maps.Keys(is)), maps.Keys(was))
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		old, had := was[name]
		v, has := is[name]
		return had == has && fmt.Sprint(old) == fmt.Sprint(v)
	})
	return strings.Join(names, ", ")
}

// line shows a change event on one line.
func line(c *connectors.Change) string {
	s := subjectOf(c)
	text := fmt.Sprintf("%s  %-12s %-20s  %s", c.Time.Local().Format("15:04:05.000"), changeName(c.Type), s.typeName, printable(s.name))
	if c.OpenType == nil {
		text += fmt.Sprintf("  v%d", s.header.Versions.Version)
	}
	if who := actor(c, s.header); who != "" || c.OpenType == nil {
		text += "  by " + printable(orDash(who))
	}
	if s.detail != "" {
		text += "  (" + printable(s.detail) + ")"
	}
	return text
}

// actor returns the user who made the change; the change or the state names the user.
func actor(c *connectors.Change, h *events.ElementHeader) string {
	return cmp.Or(c.Actor, h.Versions.UpdatedBy, h.Versions.CreatedBy)
}

// timestamp shows a time, "" if there is none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
