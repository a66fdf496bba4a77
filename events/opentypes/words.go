package opentypes

import (
	"strconv"
	"strings"
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

// Article returns the name of a type, or of a kind of types, after its article.
func Article(name string) string {
	if name != "" && strings.ContainsRune("AEIOaeio", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// enumerate lists names, cut to the first dozen.
func enumerate(names []string) string {
	const enough = 12
	if len(names) > enough {
		return strings.Join(names[:enough], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
