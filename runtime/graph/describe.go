package graph

import (
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
)

const (
	// namesBytes bounds how much of an answer names take: it has to fit into a
	// message.
	namesBytes = 256 << 10
	// maxDropped bounds of how much that was left behind an answer tells.
	maxDropped = 100
	// maxReason bounds, in bytes, why a command was refused, where an answer has to
	// be short.
	maxReason = 16 << 10

	arrow = " → "
)

// description completes results by what people want to know of them.
type description struct {
	view    view
	changed map[guid]*record
	room    int // for names
}

// describe tells of what the outcome is, and how much of it there is. view is what
// there was before.
func (o *Outcome) describe(v view) {
	d := description{view: v, changed: make(map[guid]*record, len(o.changes)), room: namesBytes}
	for i := range o.changes {
		if r := o.changes[i].record; r != nil {
			d.changed[r.guid] = r
		}
	}
	o.Result.Elements, o.Result.Relationships = counted(o.changes)
	d.name(&o.Result)
	for i := range o.Result.Steps {
		d.name(&o.Result.Steps[i])
	}
}

// Shorten leaves out of the answer what makes it too large for a message, and
// tells how much that is.
func (o *Outcome) Shorten() {
	r := &o.Result
	if r.More += len(r.Preview); r.More == 0 {
		r.More = len(r.Steps)
	}
	r.Preview, r.Steps, r.Dropped = nil, nil, nil
	if r.Error != nil && len(r.Error.Message) > maxReason {
		reason := *r.Error
		reason.Message = strings.ToValidUTF8(reason.Message[:maxReason], "") + "…"
		r.Error = &reason
	}
}

// counted returns how many changes there are of elements and of relationships.
func counted(changes []change) (elements, relationships int) {
	for i := range changes {
		switch c := &changes[i]; {
		case c.record == nil, c.moved: // the latter goes on under another type
		case c.record.relationship:
			relationships++
		default:
			elements++
		}
	}
	return elements, relationships
}

func (d *description) name(result *events.Result) {
	r := d.find(result.GUID)
	if r == nil {
		return
	}
	result.Type = r.typ.Name
	name := r.qualifiedName()
	if r.relationship {
		name = d.nameOf(r.end1) + arrow + d.nameOf(r.end2)
	}
	if d.room -= len(name); d.room >= 0 {
		result.Name = name
	}
}

func (d *description) find(id string) *record {
	if id == "" {
		return nil
	}
	parsed := guidOf(events.ByGUID(id))
	if r := d.changed[parsed]; r != nil {
		return r
	}
	return d.view.get(parsed)
}

func (d *description) nameOf(id guid) string {
	if r := d.find(id.String()); r != nil {
		return r.name
	}
	return id.String()
}

func nameOfStub(s events.ElementStub) string {
	if s.QualifiedName != "" {
		return s.QualifiedName
	}
	return s.GUID
}

// drop notes what was left behind.
func addDropped(result *events.Result, what string) {
	const and, more = "and ", " more"
	list := result.Dropped
	if len(list) < maxDropped {
		result.Dropped = append(result.Dropped, what)
		return
	}
	last := list[len(list)-1]
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(last, and), more))
	if err != nil {
		n = 1 // it gives its place away
	}
	list[len(list)-1] = and + strconv.Itoa(n+1) + more
}

// article returns the name of a type with the article before it.
func article(typeName string) string {
	if typeName != "" && strings.ContainsRune("AEIO", rune(typeName[0])) {
		return "an " + typeName
	}
	return "a " + typeName
}
