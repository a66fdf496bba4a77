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

// problems are the reasons of the problems with single paths.
type problems map[problem]string

type problem struct {
	kind problemKind
	rel  string
}

func (t problems) add(kind problemKind, rel, why string) { t[problem{kind, rel}] = why }

// clear removes the problems at rel and below.
func (t problems) clear(rel string) {
	maps.DeleteFunc(t, func(p problem, _ string) bool {
		return p.rel == rel || rel == "" || strings.HasPrefix(p.rel, rel+"/")
	})
}

// show calls report for each kind with a message and a few paths as examples; the
// message is empty if there is no such problem.
func (t problems) show(report func(key, message string)) {
	const examples = 3
	for _, k := range [...]struct {
		kind problemKind
		text string
	}{
		{unreadable, "%d cannot be read; their catalog entries stay as they are"},
		{loop, "%d symbolic links form loops and are not followed"},
		{notUTF8, `%d names are not UTF-8; their other bytes are shown as \xNN`},
		{unwatched, "%d folders are not watched; the next refresh finds their changes. If the limit is reached, raise fs.inotify.max_user_watches"},
	} {
		var rels, named []string
		for p := range t {
			if p.kind == k.kind {
				rels = append(rels, p.rel)
			}
		}
		slices.Sort(rels)
		for _, rel := range rels[:min(examples, len(rels))] {
			named = append(named, fmt.Sprintf("%s (%s)", printable("/"+rel), t[problem{k.kind, rel}]))
		}
		message := ""
		if len(rels) > 0 {
			message = fmt.Sprintf(k.text, len(rels)) + ": " + strings.Join(named, ", ")
		}
		report(string(k.kind), message)
	}
}
