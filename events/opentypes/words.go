package opentypes

import (
	"strconv"
	"strings"

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
