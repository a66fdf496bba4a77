// Package suggest finds the names that a misspelled one may stand for.
package suggest

import (
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
	var names []string
	nearest := max(2, len(written)/3)
	for _, name := range candidates {
		steps := levenshtein.ComputeDistance(strings.ToLower(written), strings.ToLower(name))
		if steps < nearest {
			nearest, names = steps, nil
		}
		if steps == nearest {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names[:min(len(names), atMost)], " or ") + "?"
}
