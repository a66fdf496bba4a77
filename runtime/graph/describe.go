package graph

import (
	"strings"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

const (
	// namesBytes bounds the names in an answer, which has to fit into a message.
	namesBytes = 256 << 10
	// previewBytes bounds the changes in an answer.
	previewBytes = 256 << 10
	// maxDropped bounds the list of what was left behind.
	maxDropped = 100
	// maxReason bounds, in bytes, the reason of a refusal in a shortened answer.
	maxReason = 16 << 10

	arrow = " → "
)

// describe adds type, name and counts to the results. The view is the state before
// the command.
func (o *Outcome) describe(before view) {
	changed := make(map[guid]*index.Record, len(o.changes))
	for i := range o.changes {
		if r := o.changes[i].Record; r != nil {
			changed[r.GUID] = r
		}
	}
	find := func(id guid) *index.Record {
		if r := changed[id]; r != nil {
			return r
		}
		return before.ByGUID(id)
	}
	o.Result.Elements, o.Result.Relationships = counted(o.changes)
	room := namesBytes
	describeResult(&o.Result, find, &room)
	for i := range o.Result.Steps {
		describeResult(&o.Result.Steps[i], find, &room)
	}
}

func describeResult(result *events.Result, find func(guid) *index.Record, room *int) {
	nameOf := func(id guid) string {
		if r := find(id); r != nil {
			return r.Name
		}
		return id.String()
	}
	id := index.GUIDOf(events.ByGUID(result.GUID))
	if id == uuid.Nil {
		return
	}
	r := find(id)
	if r == nil {
		return
	}
	result.Type = r.Type.Name
	name := r.QualifiedName()
	if r.Relationship {
		name = nameOf(r.End1) + arrow + nameOf(r.End2)
	}
	if *room -= len(name); *room >= 0 {
		result.Name = name
	}
}

// counted returns the numbers of changed elements and relationships.
func counted(changes []change) (elements, relationships int) {
	for i := range changes {
		switch c := &changes[i]; {
		case c.Record == nil, c.Moved: // the latter continues under another type
		case c.Record.Relationship:
			relationships++
		default:
			elements++
		}
	}
	return elements, relationships
}

// Shorten leaves out the parts of a result that are too large for a message, and
// counts them.
func (o *Outcome) Shorten() {
	r := &o.Result
	if r.More += len(r.Preview); r.More == 0 {
		r.More = len(r.Steps)
	}
	r.MoreDropped += len(r.Dropped)
	r.Preview, r.Steps, r.Dropped = nil, nil, nil
	if r.Error != nil && len(r.Error.Message) > maxReason {
		reason := *r.Error
		reason.Message = strings.ToValidUTF8(reason.Message[:maxReason], "") + "…"
		r.Error = &reason
	}
}

// preview returns the outcome of a dry run: the result shows the changes.
func (o *Outcome) preview() Outcome {
	result := o.Result
	size := 0
	for i := range o.changes {
		c := &o.changes[i]
		size += len(c.data)
		if size > previewBytes && i > 0 {
			result.More = len(o.changes) - i
			break
		}
		p, err := events.DecodeChange(c.eventType, c.data)
		if err != nil { // a fence has nothing to show
			p = events.Preview{Type: c.eventType}
		}
		result.Preview = append(result.Preview, p)
	}
	return Outcome{Result: result}
}

// dropped notes what the command leaves behind.
func (t *transaction) dropped(what string) {
	if len(t.result.Dropped) < maxDropped {
		t.result.Dropped = append(t.result.Dropped, what)
	} else {
		t.result.MoreDropped++
	}
}
