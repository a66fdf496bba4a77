package connectors

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

const (
	// problemConflict is the prefix of the problem keys of conflicts.
	problemConflict = "conflict"
	// maxConflicts is the number of conflicts that a status names; it only counts the
	// others, since it must fit into a message.
	maxConflicts = 20
	// keptConflicts limits the conflicts that are kept: nobody may ask again about a
	// thing that both sides have deleted.
	keptConflicts = 10_000
)

// conflict is a thing whose synchronization is stopped.
type conflict struct {
	reason string
	// asked is the number of the last question about it.
	asked uint64
}

// Synchronize decides, as [Decide] does, what to do about one thing, and reports a
// conflict, which stops the synchronization of that thing only. The key names the thing
// to a person, for example its qualified name. The status of the connector shows the
// problem "conflict KEY", and the statistic "conflicts" counts them.
//
// A steward resolves a conflict by letting one side win: they set
// permittedSynchronization of the thing's ExternalIdLink to TO_THIRD_PARTY or
// FROM_THIRD_PARTY until the thing is synchronized again. The connector's metadata source
// owns that link; any other source is refused. Or the steward undoes the change on one
// side, if that restores its date. Synchronize clears the problem when it finds no
// conflict any more: a connector that reads both sides at every refresh needs to do
// nothing else; one that follows changes calls it when either side changes.
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

// setConflict records a conflict, or its end, and reports whether the status changes.
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

// boundConflicts drops the least recently asked conflicts, many at a time, if there are
// too many. The next question about one brings it back.
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
