package index

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
		"names": len(x.byName), "anchors": x.groups[anchored].Len(), "scopes": x.scopes.Len(), "ends": x.groups[links].Len(), "types": x.types.Len(),
		"aliases": x.groups[aliases].Len(),
	} {
		if n != counts[what] {
			return fmt.Errorf("%d %s, but %d are found", counts[what], what, n)
		}
	}
	return nil
}

func (x *Index) checkState(id guid, r *Record) error {
	parsed, err := parseState(x.Types(), r.State(), r.Relationship)
	if err != nil {
		return err
	}
	connected := parsed.Ends == r.Ends || parsed.Ends != nil && r.Ends != nil && *parsed.Ends == *r.Ends
	same := parsed.GUID == id && parsed.Name == r.Name && parsed.Type.Name == r.Type.Name && parsed.Version == r.Version &&
		parsed.home == r.home && parsed.Anchor == r.Anchor && parsed.Archived == r.Archived &&
		connected && parsed.Derived == r.Derived && parsed.from == r.from && parsed.to == r.to
	if !same {
		return fmt.Errorf("the record %+v is not that of its state %s", r, r.text)
	}
	return nil
}

func (x *Index) isFound(r *Record) bool {
	found := !r.HasName() || x.ByName(r.Name) == r
	if r.Anchor != uuid.Nil {
		found = found && slices.Contains(x.Group(AnchoredTo(r.Anchor)), r) && x.ByGUID(r.Anchor) != nil
	}
	if r.Relationship {
		for _, id := range []guid{r.End1, r.End2} {
			found = found && slices.Contains(x.Group(LinksOf(id)), r) && x.ByGUID(id) != nil
		}
		found = found && (r.Derived || slices.Contains(x.Group(AliasesOf(r.LinkKey())), r))
	}
	return found
}

// countIn counts where the record has to be found.
func (r *Record) countIn(counts map[string]int) {
	if r.HasName() && !r.Derived {
		counts["names"]++
	}
	if r.Anchor != uuid.Nil {
		counts["anchors"]++
	}
	if r.Scope() != "" {
		counts["scopes"]++
	}
	if r.Relationship && !r.Derived {
		counts["aliases"]++
	}
	switch {
	case !r.Relationship:
		counts["types"]++
	case r.End1 == r.End2:
		counts["ends"]++
	default:
		counts["ends"] += 2
	}
}

// Lose removes a record as if its event could not be read.
func (x *Index) Lose(r *Record) { delete(x.byGUID, r.GUID) }

// FormerNames returns how many names of deleted elements are kept.
func (x *Index) FormerNames() int { return x.tombstoneSet.names.Len() }
