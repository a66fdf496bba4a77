package connectors

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

const (
	// problemConflict begins the keys of the problems that conflicts are.
	problemConflict = "conflict"
	// maxConflicts is how many conflicts a status names; of the others it tells
	// the number, since a status must fit into a message.
	maxConflicts = 20
	// keptConflicts is how many conflicts are kept: nobody may ever ask again about
	// what is gone from both sides.
	keptConflicts = 10_000
)

// halted is a thing that a conflict halts.
type halted struct {
	reason string
	// asked is when it was last asked about, counted in questions about conflicts.
	asked uint64
}

// Synchronize decides, as [Decide] does, what is to be done about one thing,
// and reports it if that is a conflict: the thing is halted, nothing else is.
// The key names the thing to a person, such as its qualified name. The status
// of the connector then shows the problem "conflict KEY" and, in the statistic
// "conflicts", how many there are.
//
// A steward resolves it by letting one side win, with "camena elements external-id
// resolve": permittedSynchronization of the thing's ExternalIdLink is set to
// TO_THIRD_PARTY or FROM_THIRD_PARTY until it is synchronized again. That link
// belongs to the metadata source of the connector, on whose behalf it has to be
// changed; of anybody else that is refused. Or the steward undoes the change on
// one side, where that side dates it back. The problem goes when the thing is
// asked about and there is no conflict: a connector that reads both sides at every
// refresh needs to do no more, and one that follows changes asks when either side
// has one.
func (c *Context) Synchronize(key string, p Pair) Decision {
	p.Connector = c.set.Definition.PermittedSynchronization
	d := Decide(p)
	reason := ""
	if d.Action == ActionConflict {
		reason = d.Reason
	}
	if c.setConflict(key, reason) {
		c.notify()
	}
	return d
}

// setConflict reports whether the status shows something else from now on.
func (c *Context) setConflict(key, reason string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, known := c.conflicts[key]
	switch {
	case reason == "" && !known:
		return false
	case reason == "":
		delete(c.conflicts, key)
		c.statistics["conflicts"]--
		return len(c.conflicts) <= maxConflicts
	}
	c.asked++
	c.conflicts[key] = halted{reason: reason, asked: c.asked}
	if before.reason == reason {
		return false
	}
	if !known {
		c.statistics["conflicts"]++
		c.boundConflicts()
	}
	c.set.Logger.Warn("a conflict halts a thing", slog.String("key", key), slog.String("reason", reason))
	return len(c.conflicts) <= maxConflicts
}

// boundConflicts drops those that were not asked about for longest, many at a
// time, when there are too many. One that is asked about again comes back.
func (c *Context) boundConflicts() {
	if len(c.conflicts) <= keptConflicts {
		return
	}
	keys := slices.SortedFunc(maps.Keys(c.conflicts), func(a, b string) int {
		return cmp.Compare(c.conflicts[a].asked, c.conflicts[b].asked)
	})
	for _, key := range keys[:keptConflicts/10] {
		delete(c.conflicts, key)
		c.statistics["conflicts"]--
	}
}

// Conflicts returns the reasons of the conflicts by the keys of what they halt: of
// the last ten thousand or so that were asked about.
func (c *Context) Conflicts() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	reasons := make(map[string]string, len(c.conflicts))
	for key, h := range c.conflicts {
		reasons[key] = h.reason
	}
	return reasons
}

// showConflicts adds the first conflicts to problems.
func (c *Context) showConflicts(problems map[string]string) {
	keys := slices.Sorted(maps.Keys(c.conflicts))
	shown := min(len(keys), maxConflicts)
	for _, key := range keys[:shown] {
		problems[problemConflict+" "+key] = c.conflicts[key].reason
	}
	if more := len(keys) - shown; more > 0 {
		problems[problemConflict+"s"] = fmt.Sprintf("%d more", more)
	}
}
