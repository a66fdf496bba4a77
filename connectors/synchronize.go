package connectors

import (
	"cmp"
	"time"

	"github.com/camena-io/camena/events"
)

// Presence says whether a side has a thing.
type Presence int

// The presences.
const (
	// Absent things are not there, and the side does not know whether they were.
	Absent Presence = iota
	// Active things are there.
	Active
	// Deleted things were there: the side has kept that they were deleted or
	// archived, and it may know when.
	Deleted
)

// Side is a thing as one side has it.
type Side struct {
	Presence Presence
	// Changed is when the thing was last created, changed or deleted, by the
	// side's own clock; zero if the side does not tell. Only a third party with
	// dates can be synchronized in both directions: a connector may keep the
	// date on which it first saw a content.
	Changed time.Time
}

// SyncLink is what is known of a thing that was synchronized before: its
// external identifier in the scope of the third party (Egeria: ExternalIdLink).
type SyncLink struct {
	// Permitted is the direction of this one thing; empty means that of the
	// target.
	Permitted events.PermittedSynchronization
	// LastSynchronized is when both sides were the same; zero if never.
	LastSynchronized time.Time
	// OpenChanged and ThirdPartyChanged are what [Side.Changed] was then. With
	// them a change is any other date, by the clock that wrote it: clocks that
	// differ, and a restored backup with an older date, do no harm, and a change
	// between reading and recording is not lost. Without them a change is what
	// comes after LastSynchronized.
	OpenChanged, ThirdPartyChanged time.Time
}

// Pair is one thing as open metadata and a third party have it: all that
// [Decide] looks at.
type Pair struct {
	Open, ThirdParty Side
	// Link is nil if the thing has no external identifier in this scope.
	Link *SyncLink
	// Permitted is the direction of the catalog target; empty means both.
	Permitted events.PermittedSynchronization
	// Connector is the direction of the connector, which neither the target nor
	// the link widens; empty means both. [Context.Synchronize] sets it.
	Connector events.PermittedSynchronization
	// Tolerance is how far dates of different clocks may be apart that count as
	// equal: the precision of the coarser one. It does not count between a date and
	// the one that was recorded of the same side, nor for changes on both sides:
	// of these one would be lost.
	Tolerance time.Duration
}

// Action is what is to be done (Egeria: MemberAction).
type Action string

// The actions.
const (
	ActionNone             Action = "NO_ACTION"
	CreateInOpenMetadata   Action = "CREATE_INSTANCE_IN_OPEN_METADATA"
	UpdateInOpenMetadata   Action = "UPDATE_INSTANCE_IN_OPEN_METADATA"
	DeleteFromOpenMetadata Action = "DELETE_INSTANCE_IN_OPEN_METADATA"
	CreateInThirdParty     Action = "CREATE_INSTANCE_IN_THIRD_PARTY"
	UpdateInThirdParty     Action = "UPDATE_INSTANCE_IN_THIRD_PARTY"
	DeleteFromThirdParty   Action = "DELETE_INSTANCE_IN_THIRD_PARTY"
	// ActionConflict means: touch neither side, a person must decide.
	ActionConflict Action = "CONFLICT"
)

// Decision is an action, and why.
type Decision struct {
	Action Action
	Reason string
}

// Decide says what is to be done about one thing that may be on two sides. It
// is pure. The direction is that of the link, else that of the target, else
// both ways, and never beyond that of the connector.
//
// Where one direction only is permitted, the side that may be written follows
// the other one:
//
//   - what only the leading side has is created;
//   - what differs is overwritten, also where the change was on the side that follows;
//   - what the leading side lost is deleted, if it is known to have had it: as
//     deleted, or by the link. What it never had is somebody else's and stays.
//
// The link says that the third party had it, whose identifier it has; of open
// metadata it says so only if it was synchronized.
//
// In both directions the change since the last synchronization goes to the
// other side, be it a deletion. If both sides have changed, that is a conflict,
// unless both bear the same date: then the one is taken to come from the other.
// Where no synchronization is recorded the newer side wins, a deletion against a
// change of the same age.
//
// A date that is not known may be that of a change: a leading side is then
// copied every time, and both directions are a conflict where the other side
// has, or may have, changed too. With dates known, once the action is done and
// [Pair.Synchronized] is recorded, the next decision is [ActionNone].
//
// It differs from Egeria's MemberElement.getMemberAction in this, and where dates
// are known in nothing else:
//
//   - A conflict is found, where Egeria lets the last writer win, and a deletion
//     win over a change.
//   - TO_THIRD_PARTY never creates in open metadata.
//   - What was synchronized and is absent from open metadata was deleted there, as
//     what is absent from the third party was: Egeria creates it again.
//   - A link that was never synchronized does not keep a newer third party out.
//   - The direction of a link counts for what open metadata has deleted, too.
//   - A thing on neither side is left alone.
//
// What Egeria does not have: that the third party tells what it has deleted; the
// dates that are recorded of both sides, tolerance, and the direction of the
// connector; a date that is not known, which in Egeria makes the thing absent. A
// direction that is none of the three, such as OTHER, permits nothing.
func Decide(p Pair) Decision {
	open, third := p.ends()
	switch {
	case !open.writable && !third.writable:
		return nothing("neither direction is permitted")
	case open.Presence != Active && third.Presence != Active:
		return nothing("neither side has it")
	case open.Presence != Active:
		return p.decideGone(&open, &third)
	case third.Presence != Active:
		return p.decideGone(&third, &open)
	case open.writable && third.writable:
		return p.decideBoth(&open, &third)
	case open.writable:
		return p.decideFollowing(&open, &third)
	default:
		return p.decideFollowing(&third, &open)
	}
}

// Synchronized returns the link to record when the sides of p are the same: p as
// they were read, or as the write returned them, since what is read later may
// have changed again.
func (p *Pair) Synchronized(at time.Time) SyncLink {
	var l SyncLink
	if p.Link != nil {
		l = *p.Link
	}
	l.OpenChanged, l.ThirdPartyChanged = p.Open.Changed, p.ThirdParty.Changed
	l.LastSynchronized = at
	for _, changed := range [...]time.Time{l.OpenChanged, l.ThirdPartyChanged} {
		if changed.After(l.LastSynchronized) {
			l.LastSynchronized = changed
		}
	}
	return l
}

// end is a side, and what can be done to it.
type end struct {
	Side
	name                   string
	writable               bool
	had                    bool // the thing, though it may be absent
	create, update, remove Action
	// mark is what Changed was at the last synchronization, last is when that was.
	mark, last time.Time
}

func (p *Pair) ends() (open, third end) {
	open = end{
		Side: p.Open, name: "open metadata",
		create: CreateInOpenMetadata, update: UpdateInOpenMetadata, remove: DeleteFromOpenMetadata,
	}
	third = end{
		Side: p.ThirdParty, name: "the third party",
		create: CreateInThirdParty, update: UpdateInThirdParty, remove: DeleteFromThirdParty,
	}
	permitted := p.Permitted
	if l := p.Link; l != nil {
		permitted = cmp.Or(l.Permitted, permitted)
		open.mark, third.mark = l.OpenChanged, l.ThirdPartyChanged
		open.last, third.last = l.LastSynchronized, l.LastSynchronized
		third.had = true
		open.had = recorded(&open, &third)
	}
	open.writable = permits(permitted, events.SyncFrom) && permits(p.Connector, events.SyncFrom)
	third.writable = permits(permitted, events.SyncTo) && permits(p.Connector, events.SyncTo)
	return open, third
}

// permits reports whether one direction is among those permitted. What is not
// known, such as Egeria's OTHER, permits none.
func permits(permitted, direction events.PermittedSynchronization) bool {
	return permitted == "" || permitted == events.SyncBoth || permitted == direction
}

// news says whether something has changed since the last synchronization.
type news int

const (
	unchanged news = iota
	changed
	unknown
)

func (p *Pair) news(e *end) news {
	switch {
	case e.Changed.IsZero() && e.Presence != Active:
		return changed // it was there, or there would be no link
	case e.Changed.IsZero():
		return unknown
	case !e.mark.IsZero() && !e.Changed.Equal(e.mark),
		e.mark.IsZero() && e.Changed.Sub(e.last) > p.Tolerance:
		return changed
	default:
		return unchanged
	}
}

// recorded reports whether a synchronization of both sides is.
func recorded(a, b *end) bool {
	known := func(e *end) bool { return !e.mark.IsZero() || !e.last.IsZero() }
	return known(a) && known(b)
}

// decideGone is for what one side has and the other one has not.
func (p *Pair) decideGone(gone, there *end) Decision {
	foreign := gone.Presence == Absent && !gone.had
	switch {
	case !gone.writable && foreign:
		return nothing(gone.name + " is not known to have had it and may not be written")
	case !gone.writable:
		return Decision{there.remove, gone.name + " leads and has it no longer"}
	case !there.writable:
		return Decision{gone.create, there.name + " leads and has it"}
	case foreign:
		return Decision{gone.create, "new in " + there.name}
	case recorded(gone, there):
		return p.decideDeleted(gone, there)
	case gone.Changed.IsZero():
		return Decision{there.remove, deletedIn + gone.name}
	case there.Changed.IsZero():
		return inConflict(deletedIn + gone.name + ", and " + there.name + " does not tell when it changed it")
	case there.Changed.Sub(gone.Changed) > p.Tolerance:
		return Decision{gone.create, changedIn + there.name + " after it was deleted in " + gone.name}
	default:
		return Decision{there.remove, deletedIn + gone.name + " after its last change in " + there.name}
	}
}

const (
	changedIn = "changed in "
	deletedIn = "deleted in "
	since     = " since it was last synchronized"
	alike     = "changed on both sides, to the same date"
)

// decideDeleted is for what was synchronized before, and then one side lost it.
func (p *Pair) decideDeleted(gone, there *end) Decision {
	switch of := p.news(there); {
	case of == unchanged:
		return Decision{there.remove, deletedIn + gone.name + since}
	case p.news(gone) == changed:
		return inConflict(deletedIn + gone.name + " and " + of.in(there) + since)
	case of == unknown:
		return inConflict(deletedIn + gone.name + " before it was last synchronized, and " + of.in(there) + " again")
	default:
		return Decision{gone.create, changedIn + there.name + since}
	}
}

func (n news) in(e *end) string {
	if n == unknown {
		return "perhaps " + changedIn + e.name + ", which does not tell when"
	}
	return changedIn + e.name
}

// decideFollowing is for what both sides have and one of them leads in.
func (p *Pair) decideFollowing(follower, leader *end) Decision {
	update := Decision{follower.update, leader.name + " leads, and they differ"}
	if !recorded(follower, leader) {
		if p.sameAge(follower, leader) {
			return nothing("both are of the same age")
		}
		return update
	}
	switch {
	case p.sameChange(follower, leader):
		return nothing(alike)
	case p.news(leader) == changed:
		return Decision{follower.update, changedIn + leader.name + since}
	case p.news(leader) == unknown:
		return Decision{follower.update, leader.name + " leads and does not tell when it changed it"}
	case p.news(follower) == changed:
		return update
	default:
		return nothing("not changed" + since)
	}
}

// decideBoth is for what both sides have and both may change.
func (p *Pair) decideBoth(open, third *end) Decision {
	if !recorded(open, third) {
		return p.decideNewer(open, third)
	}
	inOpen, inThird := p.news(open), p.news(third)
	switch {
	case inOpen == unchanged && inThird == unchanged:
		return nothing("not changed" + since)
	case p.sameChange(open, third):
		return nothing(alike)
	case inThird == unchanged:
		return Decision{third.update, inOpen.in(open) + since}
	case inOpen == unchanged:
		return Decision{open.update, inThird.in(third) + since}
	default:
		return inConflict(inOpen.in(open) + " and " + inThird.in(third) + since)
	}
}

// decideNewer is for what was never synchronized, as far as is known.
func (p *Pair) decideNewer(open, third *end) Decision {
	switch {
	case open.Changed.IsZero() || third.Changed.IsZero():
		return inConflict("on both sides, never synchronized, and not known which one is newer")
	case p.sameAge(open, third):
		return nothing("both are of the same age")
	case open.Changed.After(third.Changed):
		return Decision{third.update, "newer in " + open.name}
	default:
		return Decision{open.update, "newer in " + third.name}
	}
}

// sameChange reports whether both sides have changed to the very same date.
func (p *Pair) sameChange(a, b *end) bool {
	return p.news(a) == changed && p.news(b) == changed && a.Changed.Equal(b.Changed)
}

func (p *Pair) sameAge(a, b *end) bool {
	return !a.Changed.IsZero() && !b.Changed.IsZero() && a.Changed.Sub(b.Changed).Abs() <= p.Tolerance
}

func nothing(why string) Decision    { return Decision{ActionNone, why} }
func inConflict(why string) Decision { return Decision{ActionConflict, why} }
