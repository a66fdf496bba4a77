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
		s := subject{&events.ElementHeader{}, string(c.OpenType.Type.Kind), c.OpenType.Type.Name, "new"}
		if c.OpenType.Previous != nil {
			s.detail = "changed"
		}
		return s
	case c.Element != nil && c.Element.State() != nil:
		h := &c.Element.State().Header
		return subject{h, h.Type.Name, nameOf(h), changedElement(c.Element)}
	case c.Relationship != nil && c.Relationship.State() != nil:
		r := c.Relationship.State()
		s := subject{&r.Header, r.Header.Type.Name, stubName(r.End1) + " → " + stubName(r.End2), ""}
		if is, was := c.Relationship.Relationship, c.Relationship.Previous; is != nil && was != nil {
			s.detail = cmp.Or(changedNames(was.Properties, is.Properties), changedHome(&was.Header, &is.Header))
		}
		return s
	default:
		return subject{header: &events.ElementHeader{}}
	}
}

// changedElement lists the changed parts of an element.
func changedElement(c *events.ElementChange) string {
	switch {
	case c.Purged:
		return "purged"
	case c.Classification != "" || c.Element == nil || c.Previous == nil:
		return c.Classification
	}
	was, is := &c.Previous.Header, &c.Element.Header
	parts := []string{changedNames(c.Previous.Properties, c.Element.Properties)}
	add := func(changed bool, part string) {
		if changed {
			parts = append(parts, part)
		}
	}
	add(was.Type.Name != is.Type.Name, "was "+was.Type.Name)
	add(true, changedHome(was, is))
	add(!slices.Equal(was.Zones, is.Zones), "zones")
	add(was.AnchorGUID != is.AnchorGUID, "anchor")
	add(!was.Effectivity.Equal(is.Effectivity), "effectivity")
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// changedHome names the previous and the new metadata source, if they differ.
func changedHome(was, is *events.ElementHeader) string {
	if was.Origin.Source == is.Origin.Source {
		return ""
	}
	return "source " + orDash(was.Origin.Source) + " → " + orDash(is.Origin.Source)
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
