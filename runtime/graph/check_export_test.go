package graph

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// Check says where parts of the index contradict each other; nil if they do not.
// Nothing may be committed meanwhile.
func (x *Index) Check() error {
	counts := map[string]int{}
	for id, r := range x.byGUID {
		if err := x.checkState(id, r); err != nil {
			return err
		}
		if !x.isFound(r) {
			return fmt.Errorf("%s is not found by name, anchor or ends", r.text)
		}
		r.countIn(counts)
	}
	for what, n := range map[string]int{
		"names": len(x.byName), "anchors": x.anchors.Len(), "scopes": x.scopes.Len(), "ends": x.ends.Len(), "types": x.types.Len(),
		"aliases": x.aliases.Len(),
	} {
		if n != counts[what] {
			return fmt.Errorf("%d %s, but %d are found", counts[what], what, n)
		}
	}
	return nil
}

func (x *Index) checkState(id guid, r *record) error {
	parsed, err := parseState(x.Types(), r.state(), r.relationship)
	if err != nil {
		return err
	}
	connected := parsed.connected == r.connected || parsed.connected != nil && r.connected != nil && *parsed.connected == *r.connected
	same := parsed.guid == id && parsed.name == r.name && parsed.typ.Name == r.typ.Name && parsed.version == r.version &&
		parsed.home == r.home && parsed.anchor == r.anchor && parsed.archived == r.archived &&
		connected && parsed.derived == r.derived && parsed.from == r.from && parsed.to == r.to
	if !same {
		return fmt.Errorf("the record %+v is not that of its state %s", r, r.text)
	}
	return nil
}

func (x *Index) isFound(r *record) bool {
	found := !r.named() || x.named(r.name) == r
	if r.anchor != uuid.Nil {
		found = found && slices.Contains(x.group(AnchoredTo(r.anchor)), r) && x.get(r.anchor) != nil
	}
	if r.relationship {
		for _, id := range []guid{r.end1, r.end2} {
			found = found && slices.Contains(x.group(LinksOf(id)), r) && x.get(id) != nil
		}
		found = found && (r.derived || slices.Contains(x.group(AliasesOf(r.linkKey())), r))
	}
	return found
}

// countIn counts where the record has to be found.
func (r *record) countIn(counts map[string]int) {
	if r.named() && !r.derived {
		counts["names"]++
	}
	if r.anchor != uuid.Nil {
		counts["anchors"]++
	}
	if r.scope() != "" {
		counts["scopes"]++
	}
	if r.relationship && !r.derived {
		counts["aliases"]++
	}
	switch {
	case !r.relationship:
		counts["types"]++
	case r.end1 == r.end2:
		counts["ends"]++
	default:
		counts["ends"] += 2
	}
}
