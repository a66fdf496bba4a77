package connectors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

const (
	both = events.SyncBoth
	to   = events.SyncTo
	from = events.SyncFrom
)

// at is a time; at(0) is none.
func at(second int) time.Time {
	if second == 0 {
		return time.Time{}
	}
	return time.Unix(int64(second), 0).UTC()
}

func active(second int) connectors.Side {
	return connectors.Side{Presence: connectors.Active, Changed: at(second)}
}

func deleted(second int) connectors.Side {
	return connectors.Side{Presence: connectors.Deleted, Changed: at(second)}
}

func synced(second int) *connectors.SyncLink {
	return &connectors.SyncLink{LastSynchronized: at(second)}
}

func only(p events.PermittedSynchronization) *connectors.SyncLink {
	return &connectors.SyncLink{Permitted: p}
}

type decision struct {
	name        string
	open, third connectors.Side
	link        *connectors.SyncLink
	// What is decided for each direction of the target.
	both, to, from connectors.Action
}

const (
	none       = connectors.ActionNone
	conflict   = connectors.ActionConflict
	createOpen = connectors.CreateInOpenMetadata
	updateOpen = connectors.UpdateInOpenMetadata
	deleteOpen = connectors.DeleteFromOpenMetadata
	createTo   = connectors.CreateInThirdParty
	updateTo   = connectors.UpdateInThirdParty
	deleteTo   = connectors.DeleteFromThirdParty
)

// The rows of Egeria's MemberElement.getMemberAction, and what it leaves open.
func decisions() []decision {
	var absent connectors.Side
	marks := func(open, third int) *connectors.SyncLink {
		return &connectors.SyncLink{OpenChanged: at(open), ThirdPartyChanged: at(third)}
	}
	return []decision{
		{"nowhere", absent, absent, nil, none, none, none},
		{"nowhere, linked", absent, absent, synced(5), none, none, none},
		{"deleted here, never there", deleted(5), absent, nil, none, none, none},
		{"deleted here, gone there", deleted(5), absent, synced(5), none, none, none},
		{"deleted on both sides", deleted(5), deleted(6), synced(4), none, none, none},

		{"new there", absent, active(5), nil, createOpen, none, createOpen},
		{"new there, no date", absent, active(0), nil, createOpen, none, createOpen},
		{"new here", active(5), absent, nil, createTo, createTo, none},

		{"vanished there", active(5), absent, synced(5), deleteOpen, createTo, deleteOpen},
		{"vanished there, never synchronized", active(5), absent, only(""), deleteOpen, createTo, deleteOpen},
		{"vanished there, changed here", active(6), absent, synced(5), conflict, createTo, deleteOpen},
		{"vanished there, no date here", active(0), absent, synced(5), conflict, createTo, deleteOpen},
		{"vanished here", absent, active(5), synced(5), deleteTo, deleteTo, createOpen},
		{"linked, never synchronized, not here", absent, active(5), only(""), createOpen, none, createOpen},
		{"linked, never synchronized, no date", absent, active(0), only(""), createOpen, none, createOpen},
		{"vanished here, changed there", absent, active(6), synced(5), conflict, deleteTo, createOpen},

		{"same age", active(5), active(5), nil, none, none, none},
		{"same age, linked", active(5), active(5), only(""), none, none, none},
		{"newer here", active(6), active(5), nil, updateTo, updateTo, updateOpen},
		{"newer there", active(5), active(6), nil, updateOpen, updateTo, updateOpen},
		{"newer there, never synchronized", active(5), active(6), only(""), updateOpen, updateTo, updateOpen},

		{"in sync, newer here", active(4), active(3), synced(5), none, none, none},
		{"in sync, newer there", active(3), active(4), synced(5), none, none, none},
		{"in sync, of that moment", active(5), active(5), synced(5), none, none, none},
		{"changed here", active(6), active(4), synced(5), updateTo, updateTo, updateOpen},
		{"changed there", active(4), active(6), synced(5), updateOpen, updateTo, updateOpen},
		{"changed here, then there", active(6), active(7), synced(5), conflict, updateTo, updateOpen},
		{"changed there, then here", active(7), active(6), synced(5), conflict, updateTo, updateOpen},
		{"changed on both sides, to the same date", active(6), active(6), synced(5), none, none, none},

		{"marks: in sync, clocks differ", active(100), active(5), marks(100, 5), none, none, none},
		{"marks: changed by a slow clock", active(100), active(6), marks(100, 5), updateOpen, updateTo, updateOpen},
		{"marks: restored from a backup", active(100), active(4), marks(100, 5), updateOpen, updateTo, updateOpen},
		{"marks: changed here", active(101), active(5), marks(100, 5), updateTo, updateTo, updateOpen},
		{"marks: changed on both sides", active(101), active(6), marks(100, 5), conflict, updateTo, updateOpen},
		{"marks: changed to the same date", active(101), active(101), marks(100, 5), none, none, none},
		{"marks: changed to the other's date", active(100), active(100), marks(100, 5), updateOpen, updateTo, updateOpen},
		{"one mark only", active(5), active(6), marks(5, 0), updateOpen, updateTo, updateOpen},

		{"deleted here", deleted(6), active(5), nil, deleteTo, deleteTo, createOpen},
		{"deleted here at the same time", deleted(5), active(5), nil, deleteTo, deleteTo, createOpen},
		{"deleted here, then changed there", deleted(5), active(6), nil, createOpen, deleteTo, createOpen},
		{"deleted here, in sync before", deleted(6), active(4), synced(5), deleteTo, deleteTo, createOpen},
		{"deleted here, changed there", deleted(6), active(7), synced(5), conflict, deleteTo, createOpen},
		{"deleted here, made again there", deleted(4), active(6), synced(5), createOpen, deleteTo, createOpen},
		{"deleted here, no date", deleted(0), active(5), nil, deleteTo, deleteTo, createOpen},
		{"deleted here, no date there", deleted(5), active(0), nil, conflict, deleteTo, createOpen},
		{"deleted here, long ago, no date there", deleted(4), active(0), synced(5), conflict, deleteTo, createOpen},
		{"archived there", active(5), deleted(6), nil, deleteOpen, createTo, deleteOpen},
		{"archived there, then changed here", active(6), deleted(5), nil, createTo, createTo, deleteOpen},
		{"archived there, changed here", active(6), deleted(7), synced(5), conflict, createTo, deleteOpen},

		{"no date there", active(5), active(0), nil, conflict, updateTo, updateOpen},
		{"no date there, in sync before", active(5), active(0), synced(5), updateOpen, none, updateOpen},
		{"no date there, changed here", active(6), active(0), synced(5), conflict, updateTo, updateOpen},
		{"no dates", active(0), active(0), synced(5), conflict, updateTo, updateOpen},
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for _, d := range decisions() {
		for direction, want := range map[events.PermittedSynchronization]connectors.Action{
			both: d.both, "": d.both, to: d.to, from: d.from, "OTHER": none,
		} {
			p := connectors.Pair{Open: d.open, ThirdParty: d.third, Link: d.link, Permitted: direction}
			if got := connectors.Decide(p); got.Action != want || got.Reason == "" {
				t.Errorf("%s, %q: got %q, want %s", d.name, direction, got, want)
			}
		}
	}
}

// The nearest direction counts, and none goes beyond the connector's.
func TestTheDirectionThatCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		link, target, connector events.PermittedSynchronization
		want                    connectors.Action
	}{
		{"", "", "", conflict},
		{"", both, both, conflict},
		{to, both, both, updateTo},
		{from, both, both, updateOpen},
		{both, to, "", conflict},
		{from, to, "", updateOpen},
		{"", both, to, updateTo},
		{both, both, from, updateOpen},
		{from, both, to, none},
		{"", to, from, none},
		{"OTHER", both, both, none},
	} {
		l := synced(5)
		l.Permitted = c.link
		p := connectors.Pair{Open: active(6), ThirdParty: active(7), Link: l, Permitted: c.target, Connector: c.connector}
		if got := connectors.Decide(p); got.Action != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func TestDatesWithinTheToleranceAreEqual(t *testing.T) {
	t.Parallel()
	second := time.Second
	for name, c := range map[string]struct {
		pair connectors.Pair
		want connectors.Action
	}{
		"within":           {connectors.Pair{Open: active(5), ThirdParty: active(6), Tolerance: second}, none},
		"beyond":           {connectors.Pair{Open: active(5), ThirdParty: active(7), Tolerance: second}, updateOpen},
		"after it, within": {connectors.Pair{Open: active(5), ThirdParty: active(6), Link: synced(5), Tolerance: second}, none},
		"after it, beyond": {connectors.Pair{Open: active(5), ThirdParty: active(7), Link: synced(5), Tolerance: second}, updateOpen},
		"deleted, within":  {connectors.Pair{Open: deleted(5), ThirdParty: active(6), Tolerance: second}, deleteTo},
		"deleted, beyond":  {connectors.Pair{Open: deleted(5), ThirdParty: active(7), Tolerance: second}, createOpen},
		"both, within":     {connectors.Pair{Open: active(6), ThirdParty: active(7), Link: synced(4), Tolerance: second}, conflict},
		"after a mark": {connectors.Pair{
			Open: connectors.Side{Presence: connectors.Active, Changed: at(5).Add(1)}, ThirdParty: active(5), Tolerance: second,
			Link: &connectors.SyncLink{OpenChanged: at(5), ThirdPartyChanged: at(5), LastSynchronized: at(5)},
		}, updateTo},
		"precise to a part": {connectors.Pair{Open: connectors.Side{Presence: connectors.Active, Changed: at(5).Add(1)}, ThirdParty: active(5)}, updateTo},
	} {
		if got := connectors.Decide(c.pair); got.Action != c.want {
			t.Errorf("%s: got %q, want %s", name, got, c.want)
		}
	}
}

func drawPair(dates int) *rapid.Generator[connectors.Pair] {
	return rapid.Custom(func(t *rapid.T) connectors.Pair {
		direction := rapid.SampledFrom([]events.PermittedSynchronization{"", both, to, from, "OTHER"})
		date := func(name string) time.Time { return at(rapid.IntRange(dates, 4).Draw(t, name)) }
		side := func(name string) connectors.Side {
			s := connectors.Side{Presence: connectors.Presence(rapid.IntRange(0, 2).Draw(t, name))}
			if s.Presence != connectors.Absent {
				s.Changed = date(name + " changed")
			}
			return s
		}
		p := connectors.Pair{
			Open: side("open"), ThirdParty: side("third party"),
			Permitted: direction.Draw(t, "target"), Connector: direction.Draw(t, "connector"),
			Tolerance: time.Duration(rapid.IntRange(0, 1).Draw(t, "tolerance")) * time.Second,
		}
		if !rapid.Bool().Draw(t, "linked") {
			return p
		}
		p.Link = &connectors.SyncLink{Permitted: direction.Draw(t, "link")}
		if rapid.Bool().Draw(t, "synchronized") {
			p.Link.LastSynchronized = date("last synchronized")
		}
		if rapid.Bool().Draw(t, "marked") {
			p.Link.OpenChanged, p.Link.ThirdPartyChanged = date("open mark"), date("third party mark")
		}
		return p
	})
}

// mirrored turns what is said of one side into what is said of the other.
func mirrored[T comparable](v T, pairs ...[2]T) T {
	for _, p := range pairs {
		switch v {
		case p[0]:
			return p[1]
		case p[1]:
			return p[0]
		}
	}
	return v
}

func mirrorDirection(p events.PermittedSynchronization) events.PermittedSynchronization {
	return mirrored(p, [2]events.PermittedSynchronization{to, from})
}

func mirrorAction(a connectors.Action) connectors.Action {
	return mirrored(a, [2]connectors.Action{createOpen, createTo}, [2]connectors.Action{updateOpen, updateTo}, [2]connectors.Action{deleteOpen, deleteTo})
}

func mirrorPair(p connectors.Pair) connectors.Pair {
	p.Open, p.ThirdParty = p.ThirdParty, p.Open
	p.Permitted, p.Connector = mirrorDirection(p.Permitted), mirrorDirection(p.Connector)
	if p.Link != nil {
		l := *p.Link
		l.Permitted, l.OpenChanged, l.ThirdPartyChanged = mirrorDirection(l.Permitted), l.ThirdPartyChanged, l.OpenChanged
		p.Link = &l
	}
	return p
}

// But for one thing: an identifier is the third party's, and so says that the
// third party had the thing, while only a synchronization says so of open metadata.
func TestDecideIsTheSameForBothSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(0).Draw(t, "pair")
		if l := p.Link; l != nil && l.LastSynchronized.IsZero() && (p.Open.Presence == connectors.Absent || p.ThirdParty.Presence == connectors.Absent) {
			t.Skip("identified, and never synchronized")
		}
		got, want := connectors.Decide(mirrorPair(p)).Action, mirrorAction(connectors.Decide(p).Action)
		if got != want {
			t.Fatalf("%+v: the other way round it is %s, want %s", p, got, want)
		}
	})
}

// Every pair has one action that can be done, in a direction that is permitted.
func TestDecideWritesOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(0).Draw(t, "pair")
		effective := p.Permitted
		if p.Link != nil && p.Link.Permitted != "" {
			effective = p.Link.Permitted
		}
		may := func(direction events.PermittedSynchronization) bool {
			for _, permitted := range [...]events.PermittedSynchronization{effective, p.Connector} {
				if permitted != "" && permitted != both && permitted != direction {
					return false
				}
			}
			return true
		}
		here, there := p.Open.Presence == connectors.Active, p.ThirdParty.Presence == connectors.Active
		possible := map[connectors.Action]bool{
			none: true, conflict: may(to) && may(from) && (here || there),
			createOpen: may(from) && !here && there, updateOpen: may(from) && here && there, deleteOpen: may(from) && here && !there,
			createTo: may(to) && here && !there, updateTo: may(to) && here && there, deleteTo: may(to) && !here && there,
		}
		if d := connectors.Decide(p); !possible[d.Action] || d != connectors.Decide(p) {
			t.Fatalf("%+v: %q", p, d)
		}
	})
}

// perform does what was decided at a time, and records it as connectors do.
func perform(p connectors.Pair, a connectors.Action, now time.Time, marks bool) connectors.Pair {
	switch a {
	case createOpen, updateOpen:
		p.Open = connectors.Side{Presence: connectors.Active, Changed: now}
	case createTo, updateTo:
		p.ThirdParty = connectors.Side{Presence: connectors.Active, Changed: now}
	case deleteOpen:
		p.Open = connectors.Side{Presence: connectors.Deleted, Changed: now}
	case deleteTo:
		p.ThirdParty = connectors.Side{}
	default:
	}
	l := p.Synchronized(now)
	if !marks {
		l.OpenChanged, l.ThirdPartyChanged = time.Time{}, time.Time{}
	}
	p.Link = &l
	return p
}

// What was done is done, and the next change, on whatever side, is not lost.
func TestDecideComesToRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(1).Draw(t, "pair")
		d := connectors.Decide(p)
		if d.Action == none || d.Action == conflict {
			t.Skip("nothing is done")
		}
		now := at(rapid.IntRange(1, 6).Draw(t, "the writing side's clock"))
		marks := rapid.Bool().Draw(t, "keeps marks")
		done := perform(p, d.Action, now, marks)
		if again := connectors.Decide(done); again.Action != none {
			t.Fatalf("%+v: after %s comes %q", done, d.Action, again)
		}
		if done.Open.Presence != connectors.Active || done.ThirdParty.Presence != connectors.Active {
			return
		}
		later := 2 * time.Second
		if !marks { // then a clock that is behind hides the change
			later += done.Link.LastSynchronized.Sub(at(1))
		}
		changed := done
		changed.ThirdParty.Changed = changed.ThirdParty.Changed.Add(later)
		if next := connectors.Decide(changed).Action; next != updateOpen && next != updateTo {
			t.Fatalf("%+v: a change is not seen: %s", changed, next)
		}
		changed.Open.Changed = changed.Open.Changed.Add(later)
		next := connectors.Decide(changed).Action
		same := changed.Open.Changed.Equal(changed.ThirdParty.Changed)
		if next != updateOpen && next != updateTo && next != conflict && (!same || next != none) {
			t.Fatalf("%+v: two changes are not seen: %s", changed, next)
		}
	})
}

// What a third party has is deleted only where open metadata is known to have had
// it, and to have it no longer.
func TestNothingIsDeletedThereWithoutEvidence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(0).Draw(t, "pair")
		known := p.Open.Presence == connectors.Deleted ||
			p.Link != nil && (!p.Link.LastSynchronized.IsZero() || !p.Link.OpenChanged.IsZero() && !p.Link.ThirdPartyChanged.IsZero())
		if d := connectors.Decide(p); d.Action == deleteTo && !known {
			t.Fatalf("%+v: %q", p, d)
		}
	})
}

// A steward resolves a conflict by the direction of the link, for one pass.
func TestAConflictIsResolvedByTheLink(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := connectors.Pair{
			Open: active(rapid.IntRange(3, 5).Draw(t, "open")), Link: synced(2),
			ThirdParty: rapid.SampledFrom([]connectors.Side{active(6), active(7), deleted(4), deleted(6), {}}).Draw(t, "third party"),
		}
		if rapid.Bool().Draw(t, "mirrored") {
			p = mirrorPair(p)
		}
		if d := connectors.Decide(p); d.Action != conflict {
			t.Fatalf("%+v: no conflict: %q", p, d)
		}
		for _, wins := range []events.PermittedSynchronization{to, from} {
			l := *p.Link
			l.Permitted = wins
			resolved := p
			resolved.Link = &l
			d := connectors.Decide(resolved)
			done := perform(resolved, d.Action, at(9), true)
			done.Link.Permitted = both
			if after := connectors.Decide(done).Action; d.Action == conflict || d.Action == none || after != none {
				t.Fatalf("%+v: with %s comes %s, then %s", p, wins, d.Action, after)
			}
		}
	})
}

func TestSynchronized(t *testing.T) {
	t.Parallel()
	p := connectors.Pair{Open: active(7), ThirdParty: active(3), Link: &connectors.SyncLink{Permitted: to, LastSynchronized: at(2)}}
	want := connectors.SyncLink{Permitted: to, LastSynchronized: at(7), OpenChanged: at(7), ThirdPartyChanged: at(3)}
	if got := p.Synchronized(at(5)); got != want {
		t.Errorf("got %+v", got)
	}
	p.Link, want.Permitted, want.LastSynchronized = nil, "", at(8)
	if got := p.Synchronized(at(8)); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestConflictsAreShown(t *testing.T) {
	t.Parallel()
	clash := connectors.Pair{Open: active(6), ThirdParty: active(7), Link: synced(5)}
	shown := 0
	c := connectors.NewContext(connectors.Settings{Notify: func() { shown++ }})
	defer closeContext(t, c)
	for range 2 {
		if d := c.Synchronize("Table::a", clash); d.Action != conflict {
			t.Errorf("got %q", d)
		}
	}
	if got := c.Problems()["conflict Table::a"]; !strings.Contains(got, "changed in the third party") || shown != 1 || c.Statistics()["conflicts"] != 1 {
		t.Errorf("got %q, shown %d times, %v", got, shown, c.Statistics())
	}
	for i := range 24 {
		c.Synchronize(fmt.Sprintf("Table::b%02d", i), clash)
	}
	if got := c.Problems(); len(got) != 21 || got["conflicts"] != "5 more" || len(c.Conflicts()) != 25 || shown != 20 {
		t.Errorf("shown are %d times %q", shown, got)
	}
	for key := range c.Conflicts() {
		if d := c.Synchronize(key, connectors.Pair{}); d.Action != none {
			t.Errorf("got %q", d)
		}
	}
	if len(c.Problems()) != 0 || c.Statistics()["conflicts"] != 0 || shown != 41 {
		t.Errorf("left are %v, %v, shown %d times", c.Problems(), c.Statistics(), shown)
	}
}

// What the connector may not write, is never decided.
func TestTheConnectorsDirectionCounts(t *testing.T) {
	t.Parallel()
	c := connectors.NewContext(connectors.Settings{Definition: events.Definition{PermittedSynchronization: to}})
	defer closeContext(t, c)
	if d := c.Synchronize("a", connectors.Pair{ThirdParty: active(5), Permitted: both}); d.Action != none {
		t.Errorf("got %q", d)
	}
}
