package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// maxName is the length of the longest name.
const maxName = 64

// isReserved reports whether a name is that of an action on entities.
func isReserved(name string) bool {
	return slices.Contains([]string{"create", "update", "delete", "query"}, strings.ToLower(name))
}

// nameAll names operations: each by the last literal segment of its path if that
// is unique in the document, else by its operationId if that is, else by its method
// and path. A name of the latter kinds that is taken gets a suffix.
func nameAll(all []*rawOperation) {
	bases, ids := map[string]int{}, map[string]int{}
	for _, o := range all {
		bases[strings.ToLower(base(o.path))]++
		ids[strings.ToLower(sanitize(o.id))]++
	}
	usable := func(name string, times map[string]int) bool {
		return name != "" && times[strings.ToLower(name)] == 1 && !isReserved(name)
	}
	names, weak := map[string]int{}, map[*rawOperation]bool{}
	for _, o := range all {
		if o.name = base(o.path); !usable(o.name, bases) {
			weak[o], o.name = true, sanitize(o.id)
			if !usable(o.name, ids) {
				o.name = made(o.method, o.path)
			}
		}
		names[strings.ToLower(o.name)]++
	}
	for _, o := range all {
		if len(o.name) > maxName || weak[o] && names[strings.ToLower(o.name)] > 1 {
			o.name = withSuffix(o.name, o.method+o.path)
		}
	}
}

func withSuffix(name, of string) string {
	sum := sha256.Sum256([]byte(of))
	suffix := "_" + hex.EncodeToString(sum[:3])
	return name[:min(len(name), maxName-len(suffix))] + suffix
}

// literals returns the segments of a path without templates.
func literals(path string) (segments []string) {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment != "" && !strings.Contains(segment, "{") {
			segments = append(segments, segment)
		}
	}
	return segments
}

// base returns the last literal segment of a path, as a name.
func base(path string) string {
	segments := literals(path)
	if len(segments) == 0 {
		return ""
	}
	return sanitize(segments[len(segments)-1])
}

// sanitize leaves what a name may consist of.
func sanitize(name string) string {
	return strings.Trim(regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(name, "_"), "_")
}

// made returns a name made of a method and a path, such as getPetByPetId.
func made(method, path string) string {
	name := strings.ToLower(method) + pascal(literals(path))
	if parameters := templates(path); len(parameters) > 0 {
		name += "By" + pascal(parameters)
	}
	return name
}

// pascal joins the words of all parts, each with a capital letter.
func pascal(parts []string) string {
	between := func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	words := strings.FieldsFunc(strings.Join(parts, " "), between)
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// templates returns the names in braces of a path, in their order.
func templates(path string) (names []string) {
	for _, match := range regexp.MustCompile(`\{([^{}/]+)\}`).FindAllStringSubmatch(path, -1) {
		if !slices.Contains(names, match[1]) {
			names = append(names, match[1])
		}
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
