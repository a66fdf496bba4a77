package index

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/camena-io/camena/events"
)

// history reads the change events of an element or relationship; the newest are what
// fits into room bytes. An event that cannot be read is left out: it must not hide the
// others.
func (x *Index) history(ctx context.Context, log Log, q *events.History, room int) (events.HistoryAnswer, error) {
	a := events.HistoryAnswer{Changes: []events.Entry{}}
	a.Sequence, _ = x.Reached()
	id := cmp.Or(q.GUID, events.GUIDOf(q.QualifiedName))
	if r := x.ByName(q.QualifiedName); q.GUID == "" && r != nil {
		id = r.GUID.String()
	}
	sizes, size, last := []int{}, 0, ""
	_, err := log.Of(ctx, id, func(e *Event) error {
		c, err := events.DecodeChange(e.Type, e.Data)
		if err = cmp.Or(e.Damage, err); err != nil {
			x.log.ErrorContext(ctx, "leave an event that cannot be read out of a history", slog.Uint64("sequence", e.Sequence), slog.Any("error", err))
			return nil
		}
		if endsHistory(&c, last) {
			a.Changes, sizes, size, a.Truncated = a.Changes[:0], sizes[:0], 0, false
		}
		last = e.Type
		a.Changes = append(a.Changes, events.Entry{
			Sequence: e.Sequence, Type: e.Type, Time: e.Time, Actor: e.Actor, Element: c.Element, Relationship: c.Relationship,
		})
		sizes, size = append(sizes, len(e.Data)), size+len(e.Data)
		for size > room && len(sizes) > 1 {
			size -= sizes[0]
			a.Changes, sizes, a.Truncated = a.Changes[1:], sizes[1:], true
		}
		return nil
	})
	if err == nil && len(a.Changes) == 0 {
		err = events.Errorf(events.CodeNotFound, "", "there is no history of %s", id)
	}
	return a, err
}

// endsHistory reports whether nothing before a change is shown, which follows one of
// the type last: it is a purge; or it is a creation, and the deletion before it is
// gone, which may have been a purge.
func endsHistory(c *events.Preview, last string) bool {
	switch {
	case is(c.Type, "created"):
		return !is(last, "deleted")
	case !is(c.Type, "deleted"):
		return false
	default:
		return c.Element != nil && c.Element.Purged || c.Relationship != nil && c.Relationship.Purged
	}
}
