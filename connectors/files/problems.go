package files

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// problemKind is a kind of problem with single paths, and its key among the
// connector's problems.
type problemKind string

const (
	unreadable problemKind = "unreadable"
	loop       problemKind = "loop"
	notUTF8    problemKind = "name"
	unwatched  problemKind = "watch"
)

// text describes the problem of n paths.
func (t problemKind) text(n int) string {
	switch t {
	case unreadable:
		return fmt.Sprintf("%d cannot be read; their catalog entries stay as they are", n)
	case loop:
		return fmt.Sprintf("%d symbolic links form loops and are not followed", n)
	case notUTF8:
		return fmt.Sprintf(`%d names are not UTF-8; their other bytes are shown as \xNN`, n)
	default:
		return fmt.Sprintf("%d folders are not watched; the next refresh finds their changes. "+
			"If the limit is reached, raise fs.inotify.max_user_watches", n)
	}
}

// problems are the problems with single paths. The zero value is empty.
type problems struct {
	paths map[problemKind]map[string]string
}

func (t *problems) add(kind problemKind, rel, why string) {
	if t.paths == nil {
		t.paths = map[problemKind]map[string]string{}
	}
	if t.paths[kind] == nil {
		t.paths[kind] = map[string]string{}
	}
	t.paths[kind][rel] = why
}

// clear removes the problems at rel and below.
func (t *problems) clear(rel string) {
	for _, paths := range t.paths {
		maps.DeleteFunc(paths, func(p, _ string) bool {
			return p == rel || rel == "" || strings.HasPrefix(p, rel+"/")
		})
	}
}

// show calls problem for each kind with a message and a few paths as examples;
// the message is empty if there is no such problem.
func (t *problems) show(problem func(key, message string)) {
	const examples = 3
	for _, kind := range [...]problemKind{unreadable, loop, notUTF8, unwatched} {
		paths := t.paths[kind]
		if len(paths) == 0 {
			problem(string(kind), "")
			continue
		}
		var named []string
		for _, rel := range slices.Sorted(maps.Keys(paths))[:min(examples, len(paths))] {
			named = append(named, fmt.Sprintf("%s (%s)", printable("/"+rel), paths[rel]))
		}
		problem(string(kind), kind.text(len(paths))+": "+strings.Join(named, ", "))
	}
}
