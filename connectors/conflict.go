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
	// keptConflicts is how many conflicts are kept: a thing that is gone from both
	// sides may never be asked about again.
	keptConflicts = 10_000
)

// conflict is a thing whose synchronization is stopped.
type conflict struct {
	reason string
	// asked is when it was last asked about, counted in questions about conflicts.
	asked uint64
}

// Synchronize decides, as [Decide] does, what is to be done about one thing,
// and reports a conflict: it stops the synchronization of that thing only. The key
// names the thing to a person, such as its qualified name. The status of the
// connector shows the problem "conflict KEY", and the statistic "conflicts" counts
// them.
//
// A steward resolves a conflict by letting one side win: permittedSynchronization of
// the thing's ExternalIdLink is set to TO_THIRD_PARTY or FROM_THIRD_PARTY until it is
// synchronized again. The connector's metadata source owns that link; for any other
// source the change is refused. Or the steward undoes the change on one side, if that
// side restores its date. The problem is cleared when Synchronize finds no conflict:
// a connector that reads both sides at every refresh need do no more; one that
// follows changes calls it when either side changes.
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
	c.conflicts[key] = conflict{reason: reason, asked: c.asked}
	if before.reason == reason {
		return false
	}
	if !known {
		c.statistics["conflicts"]++
		c.boundConflicts()
	}
	c.set.Logger.Warn("a conflict stops the synchronization of a thing", slog.String("key", key), slog.String("reason", reason))
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
