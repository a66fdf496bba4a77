package opentypes

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/camena-io/camena/events"
)

// maxQuoted bounds the length of a name in an error.
const maxQuoted = 64

// quoted quotes a text, cut to maxQuoted bytes.
func quoted(text string) string {
	if len(text) <= maxQuoted {
		return strconv.Quote(text)
	}
	return strconv.Quote(strings.ToValidUTF8(text[:maxQuoted], "")) + "…"
}

// withArticle returns the kind with its indefinite article.
func withArticle(kind events.TypeKind) string {
	if kind == events.KindElement || kind == events.KindEnum {
		return "an " + string(kind)
	}
	return "a " + string(kind)
}

// enumerate lists names, cut to the first dozen.
func enumerate(names []string) string {
	const enough = 12
	if len(names) > enough {
		return strings.Join(names[:enough], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// suggest returns "; did you mean …?" with the candidates nearest to written, ""
// if none is near.
func suggest(written string, candidates []string) string {
	const atMost = 3
	if len(written) > maxQuoted {
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
