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
	s, err := asOf(ctx, log, q, x.whoIsNamed(q))
	if err != nil {
		return ElementAnswer{}, err
	}
	return s.answer(q, sequence)
}

// clockSkew is by how much the clock of who asks may be ahead.
const clockSkew = 5 * time.Second

// asOf returns what one of the elements was at the time; the refusal is about
// one that there is a history of, if there is such.
func asOf(ctx context.Context, log Log, q *events.Get, ids []string) (*past, error) {
	name := cmp.Or(q.QualifiedName, q.GUID)
	var refusal error = events.Errorf(events.CodeNotFound, "", "there is no history of %s", name)
	for _, id := range ids {
		life, err := lifeOf(ctx, log, id)
		if err != nil {
			return nil, err
		}
		life.id = name
		s, err := life.at(q.AsOf)
		if err == nil && q.GUID == "" && s.header.QualifiedName != name {
			err = events.Errorf(events.CodeNotFound, "/asOf", "what is called %s was called %s at %s", name, s.header.QualifiedName, formatTime(q.AsOf))
		}
		if err == nil {
			return s, nil
		}
		if len(life.turns) > 0 {
			refusal = err
		}
	}
	return nil, refusal
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// whoIsNamed returns the guids that the question may be about: who has the name
// now, who would have it from its creation on, and who had it then and does not
// have it any more.
func (x *Index) whoIsNamed(q *events.Get) []string {
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

// life is what the out topic keeps of an element or relationship, oldest first.
type life struct {
	id    string
	turns []turn
	// full says that as many events are kept as may be, so that older ones may
	// have been dropped; cut, that some have been.
	full, cut bool
}

// turn is a change: from then on it was so, and before that it was otherwise.
type turn struct {
	at     time.Time
	typ    string
	now    *past // nil: it was deleted
	before *past // nil: it was not there
	// purged says that all before it was removed.
	purged bool
}

// past is a former state.
type past struct {
	state        jsontext.Value
	relationship bool
	header       events.ElementHeader
}

func (p *past) since() time.Time {
	if p.header.Versions.UpdateTime.IsZero() {
		return p.header.Versions.CreateTime
	}
	return p.header.Versions.UpdateTime
}

func (p *past) answer(q *events.Get, sequence uint64) (ElementAnswer, error) {
	if s := query.StateOf(p.state); !q.EffectiveAt.IsZero() && !s.EffectiveAt(q.EffectiveAt) {
		return ElementAnswer{}, notEffective(q)
	}
	if p.relationship {
		return ElementAnswer{Sequence: sequence, Relationship: p.state}, nil
	}
	return ElementAnswer{Sequence: sequence, Element: p.state}, nil
}

func lifeOf(ctx context.Context, log Log, id string) (life, error) {
	l := life{id: id}
	most, err := log.Of(ctx, id, func(e *Event) error {
		step, err := turnOf(e)
		if err == nil && step.typ != events.TypeElementMoved { // it goes on under another subject
			l.add(step)
		}
		return err
	})
	l.full = most > 0 && int64(len(l.turns)) >= most
	return l, err
}

// add adds the next turn. What was there before a creation was deleted; where that
// is missing, so is what else lies between, and it may have been a purge: then
// nothing is told of what was before.
func (l *life) add(next turn) {
	if n := len(l.turns); n > 0 && next.isCreation() && l.turns[n-1].now != nil {
		l.turns, l.cut = l.turns[:0], true
	}
	l.turns = append(l.turns, next)
}

func (t *turn) isCreation() bool {
	return t.typ == events.TypeElementCreated || t.typ == events.TypeRelationshipCreated
}

func turnOf(e *Event) (turn, error) {
	if e.Damage != nil {
		return turn{}, e.Damage
	}
	var c storedChange
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return turn{}, err
	}
	s := turn{at: e.Time, typ: e.Type}
	var err error
	relationship := len(c.Relationship) > 0 || strings.Contains(e.Type, ".relationship.")
	if s.now, err = pastOf(cmp.Or(string(c.Element), string(c.Relationship)), relationship); err != nil {
		return s, err
	}
	if s.now != nil {
		s.at = s.now.since()
	}
	if s.purged = c.Purged; s.purged {
		return s, nil // what it tells of the state before is no state
	}
	s.before, err = pastOf(string(c.Previous), relationship)
	if s.isRestub() {
		s.at = e.Time
	}
	return s, err
}

// isRestub reports whether a relationship only tells another type of an end from
// then on; its version stays, and so does the time of that.
func (t *turn) isRestub() bool {
	return t.now != nil && t.before != nil && t.now.header.Versions.Version == t.before.header.Versions.Version
}

func pastOf(state string, relationship bool) (*past, error) {
	if state == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	var s struct {
		Header events.ElementHeader `json:"header"`
	}
	if err := json.Unmarshal([]byte(state), &s); err != nil {
		return nil, err
	}
	return &past{state: jsontext.Value(state), relationship: relationship, header: s.Header}, nil
}

// at returns what was there at a time.
func (l *life) at(t time.Time) (*past, error) {
	if len(l.turns) == 0 {
		return nil, events.Errorf(events.CodeNotFound, "", "there is no history of %s", l.id)
	}
	last, err := l.lastBefore(t)
	if err != nil {
		return nil, err
	}
	var next *turn
	if last+1 < len(l.turns) {
		next = &l.turns[last+1]
		if last >= 0 && next.bringsBack(&l.turns[last]) {
			return nil, l.deleted(&l.turns[last])
		}
		if next.before != nil && !next.before.since().After(t) {
			return next.before, nil
		}
	}
	if last < 0 {
		return nil, l.notYet(next, t)
	}
	turn := &l.turns[last]
	switch {
	case next != nil && next.before != nil && (turn.now == nil || turn.now.header.Versions.Version != next.before.header.Versions.Version):
		return nil, l.lost(next, t)
	case turn.purged:
		return nil, l.purged(turn)
	case turn.now == nil:
		return nil, l.deleted(turn)
	default:
		return turn.now, nil
	}
}

// lastBefore returns the last turn that is not after a time, -1 if there is none.
func (l *life) lastBefore(t time.Time) (last int, err error) {
	last = -1
	for i := range l.turns {
		if !l.turns[i].at.After(t) {
			last = i
		} else if l.turns[i].purged {
			return last, l.purged(&l.turns[i])
		}
	}
	return last, nil
}

func (t *turn) restores() bool {
	return t.typ == events.TypeElementRestored || t.typ == events.TypeRelationshipRestored
}

// bringsBack reports whether a turn undoes a deletion. What it tells of the state
// before is of before that.
func (t *turn) bringsBack(deletion *turn) bool {
	return t.restores() && deletion.now == nil && t.before != nil && !t.before.since().After(deletion.at)
}

func (l *life) deleted(t *turn) error {
	return events.Errorf(events.CodeNotFound, "/asOf", "%s was deleted at that time: it was at %s", l.id, formatTime(t.at))
}

// notYet says why nothing is known of a time before the first turn.
func (l *life) notYet(first *turn, t time.Time) error {
	switch {
	case first.before != nil || first.restores():
		return l.lost(first, t)
	case l.full || l.cut:
		return events.Errorf(events.CodeNotFound, "/asOf", "whether %s existed at %s is not known any more: its history begins at %s, when it was created",
			l.id, formatTime(t), formatTime(first.at))
	default:
		return events.Errorf(events.CodeNotFound, "/asOf", "%s did not exist yet at %s: it was created at %s", l.id, formatTime(t), formatTime(first.at))
	}
}

// purged says that nothing is kept of what was before, and so nothing is known
// of it at any time before it came again.
func (l *life) purged(t *turn) error {
	return events.Errorf(events.CodeNotFound, "/asOf", "%s was purged at %s: nothing is kept of what it was before", l.id, formatTime(t.at))
}

// lost says that what was there is not kept any more.
func (l *life) lost(next *turn, t time.Time) error {
	from := next.at
	if next.before != nil {
		from = next.before.since()
	}
	return events.Errorf(events.CodeNotFound, "/asOf", "the history of %s does not reach back to %s: it is kept from %s on", l.id, formatTime(t), formatTime(from))
}
