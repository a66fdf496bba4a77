package repository

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// NewGUID is the guid that a command gives to the n-th, from 0, that has no name.
func NewGUID(id string, sequence uint64, at time.Time, n int) string {
	q := request{id: id, sequence: sequence, time: at, made: n}
	return q.newGUID().String()
}

// States returns the JSON of all elements and relationships in the index.
func (r *Repository) States() (elements, links []string) {
	x := r.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, r := range x.byGUID {
		if r.relationship {
			links = append(links, r.text)
		} else {
			elements = append(elements, r.text)
		}
	}
	slices.Sort(elements)
	slices.Sort(links)
	return elements, links
}

// Inconsistent says where parts of the index contradict each other; nil if they
// do not.
func (r *Repository) Inconsistent() error {
	x := r.index
	counts := map[string]int{}
	for id, r := range x.byGUID {
		parsed, err := parseState(x.registry(), r.state(), r.relationship)
		if err != nil {
			return err
		}
		same := parsed.guid == id && parsed.name == r.name && parsed.typ.Name == r.typ.Name && parsed.version == r.version &&
			parsed.home == r.home && parsed.anchor == r.anchor && parsed.archived == r.archived &&
			cmp.Equal(parsed.connected, r.connected, cmp.AllowUnexported(connected{})) && parsed.derived == r.derived && parsed.from == r.from && parsed.to == r.to
		if !same {
			return fmt.Errorf("the record %+v is not that of its state %s", r, r.text)
		}
		if r.named() {
			if !r.derived {
				counts["names"]++
			}
			same = x.named(r.name) == r
		}
		if r.anchor != uuid.Nil {
			counts["anchors"]++
			same = same && slices.Contains(x.anchored(r.anchor), r) && x.get(r.anchor) != nil
		}
		if r.scope() != "" {
			counts["scopes"]++
		}
		if r.relationship {
			counts["ends"] += 2
			if r.end1 == r.end2 {
				counts["ends"]--
			}
			same = same && slices.Contains(x.linked(r.end1), r) && slices.Contains(x.linked(r.end2), r) && x.get(r.end1) != nil && x.get(r.end2) != nil
		} else {
			counts["types"]++
		}
		if !same {
			return fmt.Errorf("%s is not found by name, anchor or ends", r.text)
		}
	}
	for what, n := range map[string]int{
		"names": len(x.byName), "anchors": x.anchors.Len(), "scopes": x.scopes.Len(), "ends": x.ends.Len(), "types": x.types.Len(),
	} {
		if n != counts[what] {
			return fmt.Errorf("%d %s, but %d are found", counts[what], what, n)
		}
	}
	return nil
}
