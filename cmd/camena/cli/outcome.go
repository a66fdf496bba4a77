package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// view shows the outcome of the command.
func (o *operation) view(r *events.Result) *view {
	v := &view{document: r}
	set, isSet := o.command.(*events.ChangeSet)
	switch {
	case o.origin.DryRun:
		v.addPreview(r)
	case isSet:
		v.addSteps(set, r)
	default:
		v.addLine("%s", o.outcome(r))
	}
	dropped := cmp.Or(o.drops, "dropped")
	for _, what := range r.Dropped {
		v.addLine("%s: %s", dropped, printable(what))
	}
	if r.MoreDropped > 0 {
		v.addLine("%s: %d more", dropped, r.MoreDropped)
	}
	return v
}

// subject names the subject of the command as the user did, if that is a name.
func (o *operation) subject(r *events.Result) string {
	args := o.arguments
	switch c := o.command.(type) {
	case *events.DefineTypes:
		return plural(len(c.Types), "type")
	case *events.FromTemplate, *events.ChangeSet:
		return r.Type + " " + cmp.Or(r.Name, r.GUID)
	case *events.Classify, *events.Declassify, *events.Retype:
		return args[0]
	case *events.Create:
		if len(args) == 1 { // it has no name
			return args[0] + " " + r.GUID
		}
	case *events.Link, *events.Unlink:
		if len(args) == 3 {
			return fmt.Sprintf("%s %s → %s", args[0], args[1], args[2])
		}
	}
	return strings.Join(args, " ")
}

// outcome returns the result of the command on one line.
func (o *operation) outcome(r *events.Result) string {
	done := o.done
	if strings.Contains(done, "%s") {
		done = fmt.Sprintf(done, o.arguments[1])
	}
	said := wasDone(o.command, r, done)
	switch {
	case r.Version > 0 && o.parts:
		said += fmt.Sprintf(" (version %d of the %s)", r.Version, r.Type)
	case r.Version > 0:
		said += fmt.Sprintf(" (version %d)", r.Version)
	}
	if with := cascaded(o.command, r); with != "" {
		said += ", and with it " + with
	}
	return printable(o.subject(r)) + " " + said
}

// isMissing reports whether a command to remove something found nothing.
func isMissing(c events.Command, r *events.Result) bool {
	row, _ := events.CommandTypeOf(c.EventType())
	return row.Removes && !r.Changed && r.Version == 0
}

// wasDone returns what a command did, in a word; done replaces the word of the table of
// commands.
func wasDone(c events.Command, r *events.Result, done string) string {
	row, _ := events.CommandTypeOf(c.EventType())
	deletion, _ := c.(*events.Delete)
	switch {
	case isMissing(c, r):
		return "was not there"
	case !r.Changed:
		return "unchanged"
	case row.Type == events.TypeUpsertElement && r.Version == 1:
		return "created"
	case row.Type == events.TypeUpsertElement:
		return "updated"
	case deletion != nil && deletion.Method == events.DeleteArchive:
		return "archived"
	case deletion != nil && deletion.Method == events.DeletePurge:
		return "purged"
	default:
		return cmp.Or(done, row.Done)
	}
}

// cascaded counts the elements and relationships that changed with the subject.
func cascaded(c events.Command, r *events.Result) string {
	var parts []string
	if row, _ := events.CommandTypeOf(c.EventType()); !row.Cascades {
		return ""
	}
	if r.Elements > 1 {
		parts = append(parts, plural(r.Elements-1, "element"))
	}
	if r.Relationships > 0 && r.Elements > 0 {
		parts = append(parts, plural(r.Relationships, "relationship"))
	}
	return strings.Join(parts, " and ")
}

// versionOf returns a version, or a dash for 0.
func versionOf(n int64) string {
	if n == 0 {
		return "-"
	}
	return number(n)
}

// addPreview adds the outcome of a dry run.
func (v *view) addPreview(r *events.Result) {
	v.none = "nothing would change"
	t := newTable("WOULD BE", "TYPE", "NAME", "VERSION", "CHANGED")
	for i := range r.Preview {
		p := &r.Preview[i]
		if p.Type == events.TypeElementMoved {
			continue // another change says it
		}
		s := subjectOf(&connectors.Change{Type: p.Type, Element: p.Element, Relationship: p.Relationship, OpenType: p.OpenType})
		t.add(changeName(p.Type), s.typeName, s.name, versionOf(s.header.Versions.Version), orDash(s.detail))
	}
	if r.More == 0 || len(t.rows) > 0 {
		v.tables = []*table{t}
	}
	if r.More > 0 {
		v.addLine("%d more changes do not fit into the answer", r.More)
	}
}

// addSteps adds what each command of a change set did.
func (v *view) addSteps(set *events.ChangeSet, r *events.Result) {
	if r.More > 0 {
		v.addLine("what each of %d commands did does not fit into the answer; out sequence %d", r.More, r.Sequence)
		return
	}
	steps, _ := set.Steps() // they were sent
	t := newTable("#", "DONE", "TYPE", "NAME", "VERSION", "")
	applied := 0
	for i := range min(len(r.Steps), len(steps)) {
		s, c := &r.Steps[i], steps[i]
		if s.Changed {
			applied++
		}
		t.add(strconv.Itoa(i+1), wasDone(c, s, ""), orDash(s.Type), orDash(cmp.Or(s.Name, s.GUID, removed(c))), versionOf(s.Version), notes(c, s))
	}
	v.tables = []*table{t}
	v.addLine("%d applied, %d unchanged, out sequence %d", applied, len(r.Steps)-applied, r.Sequence)
}

func refName(r *events.ElementRef) string { return cmp.Or(r.QualifiedName, r.GUID) }

// removed returns the name that a command gives to the removed thing.
func removed(c events.Command) string {
	switch c := c.(type) {
	case *events.Delete:
		return refName(&c.Element)
	case *events.Unlink:
		if c.GUID != "" {
			return c.GUID
		}
		return refName(&c.End1) + " → " + refName(&c.End2)
	case *events.UnlinkExternalID:
		return c.Identifier
	default:
		return ""
	}
}

// notes returns further results of a command of a change set.
func notes(c events.Command, r *events.Result) string {
	var parts []string
	if with := cascaded(c, r); with != "" {
		parts = append(parts, "with "+with)
	}
	switch c := c.(type) {
	case *events.Classify:
		parts = append(parts, c.Classification.Name)
	case *events.Declassify:
		parts = append(parts, c.ClassificationName)
	}
	if len(r.Dropped) > 0 {
		parts = append(parts, "dropped: "+strings.Join(r.Dropped, ", "))
	}
	if r.MoreDropped > 0 {
		parts = append(parts, "and "+strconv.Itoa(r.MoreDropped)+" more")
	}
	return strings.Join(parts, "; ")
}

// changeName returns the change in a word: the last but one of its type.
func changeName(eventType string) string {
	parts := strings.Split(eventType, ".")
	if len(parts) != 5 {
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
