// Package suggest finds the names that a misspelled one may stand for.
package suggest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

const (
	// maxWritten bounds the length of a name that is looked for.
	maxWritten = 64
	atMost     = 3
)

// Nearest returns "; did you mean …?" with the candidates nearest to what was
// written, "" if none is near.
func Nearest(written string, candidates []string) string {
	if len(written) > maxWritten {
		return ""
	}
	type candidate struct {
		name  string
		steps int
	}
	var found []candidate
	for _, name := range candidates {
		if steps := levenshtein.ComputeDistance(strings.ToLower(written), strings.ToLower(name)); steps <= max(2, len(written)/3) {
			found = append(found, candidate{name, steps})
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.steps, b.steps) })
	names := make([]string, 0, atMost)
	for _, c := range found[:min(len(found), atMost)] {
		names = append(names, c.name)
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}
