package index

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// Get answers from the index, or as of a time from the log.
func (x *Index) Get(ctx context.Context, log Log, q *events.Get) (ElementAnswer, error) {
	if q.AsOf.IsZero() {
		return x.lookUp(q)
	}
	if err := q.Validate(""); err != nil {
		return ElementAnswer{}, err
	}
	if ahead := time.Until(q.AsOf); ahead > clockSkew {
		return ElementAnswer{}, events.Errorf(events.CodeInvalid, "/asOf", "%s is still to come: what will be stored then is not known", formatTime(q.AsOf))
	}
	sequence, _ := x.Reached()
	s, err := asOf(ctx, log, q, x.candidates(q))
	if err != nil {
		return ElementAnswer{}, err
	}
	return s.answer(q, sequence)
}

// clockSkew is how far the clock of the caller may be ahead.
const clockSkew = 5 * time.Second

// asOf returns the state that one of the elements had at the time. The error is about
// an element with a history, if there is one.
func asOf(ctx context.Context, log Log, q *events.Get, ids []string) (*pastState, error) {
	name := cmp.Or(q.QualifiedName, q.GUID)
	var refusal error = events.Errorf(events.CodeNotFound, "", "there is no history of %s", name)
	for _, id := range ids {
		timeline, err := readTimeline(ctx, log, id)
		if err != nil {
			return nil, err
		}
		timeline.id = name
		s, err := timeline.at(q.AsOf)
		if err == nil && q.GUID == "" && s.header.QualifiedName != name {
			err = events.Errorf(events.CodeNotFound, "/asOf", "what is called %s was called %s at %s", name, s.header.QualifiedName, formatTime(q.AsOf))
		}
		if err == nil {
			return s, nil
		}
		if len(timeline.changes) > 0 {
			refusal = err
		}
	}
	return nil, refusal
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// candidates returns the guids a name may stand for: its present holder, the guid
// derived from it, and a former holder.
func (x *Index) candidates(q *events.Get) []string {
	if q.GUID != "" {
		return []string{q.GUID}
	}
	ids := []string{events.GUIDOf(q.QualifiedName)}
	if e := x.ByName(q.QualifiedName); e != nil && e.GUID.String() != ids[0] {
		ids = []string{e.GUID.String(), ids[0]}
	}
	if id, ok := x.formerHolder(q.QualifiedName, q.AsOf); ok && !slices.Contains(ids, id.String()) {
		ids = append(ids, id.String())
	}
	return ids
}

// timeline is the stored changes of an element or relationship, oldest first.
type timeline struct {
	id      string
	changes []pastChange
	// full means that older events may have been dropped, as the number of stored
	// events is at its limit; cut that some have been.
	full, cut bool
}

// pastChange is a change with the states after and before it.
type pastChange struct {
	at     time.Time
	typ    string
	now    *pastState // nil: it was deleted
	before *pastState // nil: it was not there
	// purged means that everything before it was removed.
	purged bool
}

// pastState is a former state.
type pastState struct {
	state        jsontext.Value
	relationship bool
	header       events.ElementHeader
}

func (p *pastState) since() time.Time { return p.header.Versions.LastChange() }

func (p *pastState) answer(q *events.Get, sequence uint64) (ElementAnswer, error) {
	if s := query.StateOf(p.state); !q.EffectiveAt.IsZero() && !s.EffectiveAt(q.EffectiveAt) {
		return ElementAnswer{}, notEffective(q)
	}
	if p.relationship {
		return ElementAnswer{Sequence: sequence, Relationship: p.state}, nil
	}
	return ElementAnswer{Sequence: sequence, Element: p.state}, nil
}

func readTimeline(ctx context.Context, log Log, id string) (timeline, error) {
	l := timeline{id: id}
	most, err := log.Of(ctx, id, func(e *Event) error {
		step, err := parseChange(e)
		if err == nil && step.typ != events.TypeElementMoved { // it goes on under another subject
			l.add(step)
		}
		return err
	})
	l.full = most > 0 && int64(len(l.changes)) >= most
	return l, err
}

// add adds the next change. If the deletion before a creation is missing, other events
// are missing too, possibly a purge: the changes before it are then dropped.
func (l *timeline) add(next pastChange) {
	if n := len(l.changes); n > 0 && is(next.typ, "created") && l.changes[n-1].now != nil {
		l.changes, l.cut = l.changes[:0], true
	}
	l.changes = append(l.changes, next)
}

// is reports whether a change event says that something was created, deleted or restored.
func is(eventType, verb string) bool { return strings.HasSuffix(eventType, "."+verb+".v1") }

func parseChange(e *Event) (pastChange, error) {
	if e.Damage != nil {
		return pastChange{}, e.Damage
	}
	var c storedChange
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return pastChange{}, err
	}
	s := pastChange{at: e.Time, typ: e.Type}
	var err error
	relationship := len(c.Relationship) > 0 || strings.Contains(e.Type, ".relationship.")
	if s.now, err = parsePast(cmp.Or(string(c.Element), string(c.Relationship)), relationship); err != nil {
		return s, err
	}
	if s.now != nil {
		s.at = s.now.since()
	}
	if s.purged = c.Purged; s.purged {
		return s, nil // its previous state is a stub
	}
	s.before, err = parsePast(string(c.Previous), relationship)
	if s.updatesEnd() {
		s.at = e.Time
	}
	return s, err
}

// updatesEnd reports whether a relationship only names another type of an end: its
// version and update time stay.
func (t *pastChange) updatesEnd() bool {
	return t.now != nil && t.before != nil && t.now.header.Versions.Version == t.before.header.Versions.Version
}

func parsePast(state string, relationship bool) (*pastState, error) {
	if state == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	var s struct {
		Header events.ElementHeader `json:"header"`
	}
	if err := json.Unmarshal([]byte(state), &s); err != nil {
		return nil, err
	}
	return &pastState{state: jsontext.Value(state), relationship: relationship, header: s.Header}, nil
}

// at returns the state at a time.
func (l *timeline) at(t time.Time) (*pastState, error) {
	if len(l.changes) == 0 {
		return nil, events.Errorf(events.CodeNotFound, "", "there is no history of %s", l.id)
	}
	last, err := l.lastBefore(t)
	if err != nil {
		return nil, err
	}
	var next *pastChange
	if last+1 < len(l.changes) {
		next = &l.changes[last+1]
		if last >= 0 && next.undoes(&l.changes[last]) {
			return nil, l.deleted(&l.changes[last])
		}
		if next.before != nil && !next.before.since().After(t) {
			return next.before, nil
		}
	}
	if last < 0 {
		return nil, l.errBefore(next, t)
	}
	change := &l.changes[last]
	switch {
	case next != nil && next.before != nil && (change.now == nil || change.now.header.Versions.Version != next.before.header.Versions.Version):
		return nil, l.errLost(next, t)
	case change.purged:
		return nil, l.purged(change)
	case change.now == nil:
		return nil, l.deleted(change)
	default:
		return change.now, nil
	}
}

// lastBefore returns the last change that is not after a time, -1 if there is none.
func (l *timeline) lastBefore(t time.Time) (last int, err error) {
	last = -1
	for i := range l.changes {
		if !l.changes[i].at.After(t) {
			last = i
		} else if l.changes[i].purged {
			return last, l.purged(&l.changes[i])
		}
	}
	return last, nil
}

// undoes reports whether a change restores what a deletion deleted. Its state before
// is that before the deletion.
func (t *pastChange) undoes(deletion *pastChange) bool {
	return is(t.typ, "restored") && deletion.now == nil && t.before != nil && !t.before.since().After(deletion.at)
}

func (l *timeline) deleted(t *pastChange) error {
	return events.Errorf(events.CodeNotFound, "/asOf", "%s was deleted at that time, since %s", l.id, formatTime(t.at))
}

// errBefore is the error for a time before the first change.
func (l *timeline) errBefore(first *pastChange, t time.Time) error {
	switch {
	case first.before != nil || is(first.typ, "restored"):
		return l.errLost(first, t)
	case l.full || l.cut:
		return events.Errorf(events.CodeNotFound, "/asOf", "whether %s existed at %s is not known any more: its history begins at %s, when it was created",
			l.id, formatTime(t), formatTime(first.at))
	default:
		return events.Errorf(events.CodeNotFound, "/asOf", "%s did not exist yet at %s: it was created at %s", l.id, formatTime(t), formatTime(first.at))
	}
}

// purged is the error for a time before a purge, of which nothing is kept.
func (l *timeline) purged(t *pastChange) error {
	return events.Errorf(events.CodeNotFound, "/asOf", "%s was purged at %s: nothing is kept of what it was before", l.id, formatTime(t.at))
}

// errLost is the error for a state that is no longer stored.
func (l *timeline) errLost(next *pastChange, t time.Time) error {
	from := next.at
	if next.before != nil {
		from = next.before.since()
	}
	return events.Errorf(events.CodeNotFound, "/asOf", "the history of %s does not reach back to %s: it is kept from %s on", l.id, formatTime(t), formatTime(from))
}
