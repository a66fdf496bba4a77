package opentypes

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/camena-io/camena/events"
)

// longest is how long a name in an error may be; what is longer is no name.
const longest = 64

// quoted quotes what may be long.
func quoted(text string) string {
	if len(text) <= longest {
		return strconv.Quote(text)
	}
	return strconv.Quote(strings.ToValidUTF8(text[:longest], "")) + "…"
}

// indefinite returns the kind with its article.
func indefinite(kind events.TypeKind) string {
	if kind == events.KindElement || kind == events.KindEnum {
		return "an " + string(kind)
	}
	return "a " + string(kind)
}

// enumerate lists some names for people.
func enumerate(names []string) string {
	const enough = 12
	if len(names) > enough {
		return strings.Join(names[:enough], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// near returns "; did you mean …?" with the candidates that are nearest to what
// was written, "" when none is near.
func near(written string, candidates []string) string {
	const atMost = 3
	if len(written) > longest {
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
