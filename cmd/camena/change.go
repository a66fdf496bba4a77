package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// what is the change in a word.
func what(eventType string) string {
	switch eventType {
	case events.TypeElementCreated, events.TypeRelationshipCreated:
		return "created"
	case events.TypeElementUpdated, events.TypeRelationshipUpdated:
		return "updated"
	case events.TypeElementDeleted, events.TypeRelationshipDeleted:
		return "deleted"
	case events.TypeElementClassified:
		return "classified"
	case events.TypeElementReclassified:
		return "reclassified"
	case events.TypeElementDeclassified:
		return "declassified"
	default:
		return eventType
	}
}

// subject is what a change is about.
type subject struct {
	header *events.ElementHeader
	name   string
	// detail is what of it has changed.
	detail string
}

func subjectOf(c *connectors.Change) subject {
	switch {
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
	s := subject{header: h, name: h.QualifiedName, detail: c.Classification}
	if s.name == "" {
		s.name = h.GUID
	}
	if c.Element != nil && c.Previous != nil && s.detail == "" {
		s.detail = changedNames(c.Previous.Properties, c.Element.Properties)
	}
	return s
}

func relationshipSubject(c *events.RelationshipChange) subject {
	r := c.State()
	s := subject{header: &r.Header, name: stubName(r.End1) + " → " + stubName(r.End2)}
	if c.Relationship != nil && c.Previous != nil {
		s.detail = changedNames(c.Previous.Properties, c.Relationship.Properties)
	}
	return s
}

func stubName(s events.ElementStub) string {
	if s.QualifiedName != "" {
		return s.QualifiedName
	}
	return s.GUID
}

// changedNames lists the properties that differ.
func changedNames(before, after events.Properties) string {
	was, is := before.Map(), after.Map()
	var changed []string
	for name, v := range is {
		if old, ok := was[name]; !ok || fmt.Sprint(old) != fmt.Sprint(v) {
			changed = append(changed, name)
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return strings.Join(changed, ", ")
}

// line shows a change event on one line.
func line(c *connectors.Change) string {
	s := subjectOf(c)
	text := fmt.Sprintf("%s  %-12s %-20s  %s  v%d  by %s", c.Time.Local().Format("15:04:05.000"), what(c.Type),
		s.header.Type.Name, printable(s.name), s.header.Versions.Version, printable(orDash(actor(c, s.header))))
	if s.detail != "" {
		text += "  (" + printable(s.detail) + ")"
	}
	return text
}

// actor is who made the change. Only deletions name him beside the state.
func actor(c *connectors.Change, h *events.ElementHeader) string {
	return cmp.Or(c.Actor, h.Versions.UpdatedBy, h.Versions.CreatedBy)
}

func timestamp(t time.Time) string { return t.Local().Format(time.DateTime) }
