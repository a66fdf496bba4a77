package graph

import (
	"maps"
	"slices"
)

// aliases are the relationships that were given a guid of their own, by the one
// that belongs to their type and ends. As a rule that is one; what there is beside
// it stands apart, which takes less memory.
type aliases struct {
	one  map[guid]*record
	more map[guid]map[guid]*record
}

func newAliases() aliases {
	return aliases{one: map[guid]*record{}, more: map[guid]map[guid]*record{}}
}

func (a *aliases) add(r *record) {
	key := r.linkKey()
	if have, ok := a.one[key]; ok && have.guid != r.guid {
		put(a.more, key, r)
		return
	}
	a.one[key] = r
}

func (a *aliases) remove(r *record) {
	key := r.linkKey()
	if a.one[key] != r {
		unput(a.more, key, r)
		return
	}
	delete(a.one, key)
	for _, next := range a.more[key] {
		unput(a.more, key, next)
		a.one[key] = next
		return
	}
}

// of returns those of a key, sorted by guid.
func (a *aliases) of(key guid) []*record {
	one, ok := a.one[key]
	if !ok {
		return nil
	}
	all := slices.AppendSeq([]*record{one}, maps.Values(a.more[key]))
	slices.SortFunc(all, byGUID)
	return all
}

func (a *aliases) len() int {
	n := len(a.one)
	for _, more := range a.more {
		n += len(more)
	}
	return n
}
