package cli

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// didYouMean returns "; did you mean ...?" for the candidate that is nearest to
// what was written, "" when none is near.
func didYouMean(written string, candidates []string) string {
	best, nearest := "", max(2, len(written)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(strings.ToLower(written), strings.ToLower(c)); d < nearest {
			best, nearest = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
