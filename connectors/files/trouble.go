package files

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// trouble is a kind of problem with single files or folders. It is the key of
// the connector's problem, too.
type trouble string

const (
	unreadable trouble = "unreadable"
	loop       trouble = "loop"
	misnamed   trouble = "name"
	unwatched  trouble = "watch"
)

// text says what the trouble with n paths is.
func (t trouble) text(n int) string {
	switch t {
	case unreadable:
		return fmt.Sprintf("%d cannot be read; what was catalogued there before stays", n)
	case loop:
		return fmt.Sprintf("%d symbolic links lead in circles and are not followed", n)
	case misnamed:
		return fmt.Sprintf(`%d names are not UTF-8; their other bytes are shown as \xNN`, n)
	default:
		return fmt.Sprintf("%d folders are not watched, so changes in them are seen at the next refresh; "+
			"if the limit is reached, raise fs.inotify.max_user_watches", n)
	}
}

// troubles are the problems with single paths, by path. The zero value is none.
type troubles struct {
	paths map[trouble]map[string]string
}

func (t *troubles) add(kind trouble, rel, why string) {
	if t.paths == nil {
		t.paths = map[trouble]map[string]string{}
	}
	if t.paths[kind] == nil {
		t.paths[kind] = map[string]string{}
	}
	t.paths[kind][rel] = why
}

// clear forgets the troubles at rel and below, since it is looked at again.
func (t *troubles) clear(rel string) {
	for _, paths := range t.paths {
		maps.DeleteFunc(paths, func(p, _ string) bool {
			return p == rel || rel == "" || strings.HasPrefix(p, rel+"/")
		})
	}
}

// show hands over a message for each kind, empty if there is no such trouble,
// with the first few paths as examples.
func (t *troubles) show(problem func(key, message string)) {
	const examples = 3
	for _, kind := range [...]trouble{unreadable, loop, misnamed, unwatched} {
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
