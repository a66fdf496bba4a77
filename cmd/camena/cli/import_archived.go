package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
)

// dormant is an element that the archive speaks of and that the repository has
// archived, or what such an element is anchored to.
type dormant struct {
	archive.Stub
	anchor *dormant // nil where it has none, or that is not archived
	// anchorGUID is where the anchor is found.
	anchorGUID string
	// wanted is what the archive anchors it to, and where it says so.
	wanted   string
	wantedAt archive.Place
	// taken says that the archive brings the element itself, memento that it
	// archives it, changed that it changes something else about it.
	taken, memento, changed bool
	// rests says that the archive leaves it archived: itself, or its anchor.
	rests, settled bool
	// woken elements are restored before the others are sent; restored are those
	// that were.
	woken, restored bool
	// stuck is why it cannot be restored.
	stuck string
}

// dormitory has the dormant elements of one archive. What the archive would change
// nothing about stays archived as it is; the others are restored before anything
// else is sent, anchors first, so that it does not matter where in the file they
// stand. What shall be archived is archived again by the last steps.
type dormitory struct {
	*loading
	byGUID map[string]*dormant
	inTurn []*dormant
	// refused are elements that are not there, and that the repository refuses.
	refused map[string]bool
	// anchors are what elements that are not archived are to be anchored to.
	anchors map[string]bool
	// reasons why steps are refused, by the place, if their elements stay archived.
	reasons map[archive.Place]string
	// there are the relationships of archived elements that the repository has.
	there map[archive.Place]bool
	// sequence of the out topic that answers must reflect.
	sequence uint64
	// wake up in this order.
	waking []*dormant
}

// meetArchived finds out, before the elements are sent, which of them are archived
// and what is to be done about them. Where the archive does not mind, what it sends
// restores them; but a check has to know, since it restores nothing.
func (l *loading) meetArchived(ctx context.Context, stage archive.Kind) error {
	if stage == archive.KindType || l.archived != nil || !l.check && !l.plan.MindsArchived() {
		return nil
	}
	d := &dormitory{
		loading: l, byGUID: map[string]*dormant{}, refused: map[string]bool{}, anchors: map[string]bool{},
		reasons: map[archive.Place]string{}, there: map[archive.Place]bool{},
	}
	var err error
	if d.sequence, err = l.metadata.LastChange(ctx); err != nil {
		return err
	}
	if err := d.look(ctx); err != nil {
		return fmt.Errorf("looking up what is archived: %w", err)
	}
	l.archived = d
	if len(d.byGUID) == 0 {
		return nil
	}
	if err := d.lookAtRelationships(ctx); err != nil {
		return err
	}
	for _, n := range d.inTurn {
		if n.wakes() {
			d.rouse(n)
		}
	}
	if l.check {
		return nil
	}
	return d.restore(ctx)
}

// wakes reports whether the element cannot stay as it is: the archive changes it, or
// does not archive it.
func (n *dormant) wakes() bool { return n.rests && n.changed || n.taken && !n.rests }

// mayWake reports whether the import restores the element where that is needed.
func (n *dormant) mayWake() bool { return n != nil && (n.rests || n.taken) }

// rouse notes that an element is to be restored, and before it what it is anchored
// to.
func (d *dormitory) rouse(n *dormant) {
	if n.woken {
		return
	}
	n.woken = true
	switch {
	case n.anchor.mayWake():
		d.rouse(n.anchor)
		n.stuck = n.anchor.stuck
	case n.anchor != nil:
		n.stuck = "its anchor, " + n.anchor.GUID + ", is archived; restore that first"
	}
	d.waking = append(d.waking, n)
}

// stays finds out whether the archive leaves an element archived.
func (n *dormant) stays() bool {
	if !n.settled {
		n.settled = true
		n.rests = n.memento || n.anchor != nil && n.anchor.stays()
	}
	return n.rests
}

// restore restores what is woken. What cannot be restored is not told here: what
// the archive has of it is refused then.
func (d *dormitory) restore(ctx context.Context) error {
	var failure error
	err := d.metadata.RequestAll(ctx, func(yield func(events.Event) bool) {
		for _, n := range d.waking {
			e, err := d.event(&events.Restore{Element: events.ByGUID(n.GUID)})
			if failure = err; err != nil || !yield(e) {
				return
			}
		}
	}, func(n int, r events.Result) { d.waking[n].restored = r.Error == nil })
	if failure != nil {
		return failure
	}
	return err
}

// settled reports whether the outcome of a step is known: it is about what stays
// archived, or is only checked. It is refused for a reason, if there is one.
// Archiving is left to the repository.
func (d *dormitory) settled(s *archive.Step) (reason string, ok bool) {
	if d == nil || s.Archives() {
		return "", false
	}
	reason = d.reasons[s.Where]
	if r := s.Relationship; r != nil {
		return reason, reason != "" && (d.check || !d.at(r.End1.GUID).isWoken() && !d.at(r.End2.GUID).isWoken())
	}
	n := d.at(s.Subject().GUID)
	switch {
	case !n.mayWake() || s.Element != nil && !n.taken:
		return "", false
	case n.woken && d.check:
		return cmp.Or(reason, n.stuck), true
	default:
		return reason, !n.woken
	}
}

func (n *dormant) isWoken() bool { return n != nil && n.woken }

func (d *dormitory) at(guid string) *dormant { return d.byGUID[strings.ToLower(guid)] }

// restoredFor reports whether a step is about an element that was restored for it.
func (d *dormitory) restoredFor(s *archive.Step) bool {
	if d == nil || s.Element == nil {
		return false
	}
	n := d.at(s.Element.GUID)
	return n != nil && n.restored
}

// has reports whether a step is about a relationship that the repository has.
func (d *dormitory) has(s *archive.Step) bool { return d != nil && d.there[s.Where] }

// wake returns commands that stand for the restoration of elements, where that is
// only tried: each brings back no more than one element, however many were archived
// with it.
func (d *dormitory) wake(guids ...string) []events.Command {
	if d == nil {
		return nil
	}
	var commands []events.Command
	awake := map[*dormant]bool{}
	var up func(n *dormant)
	up = func(n *dormant) {
		if !n.mayWake() || awake[n] {
			return
		}
		awake[n] = true
		up(n.anchor)
		commands = append(commands, standIn(n.Stub))
	}
	for _, guid := range guids {
		up(d.at(guid))
	}
	return commands
}

// standIn makes sure that an element is there, and changes nothing else.
func standIn(s archive.Stub) events.Command {
	return &events.Upsert{Merge: true, Element: events.ElementSpec{GUID: s.GUID, Type: s.Type, QualifiedName: s.QualifiedName}}
}
