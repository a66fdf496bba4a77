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
	for _, kind := range [...]problemKind{unreadable, loop, notUTF8, unwatched} {
		var named []string
		for p, why := range t {
			if p.kind == kind {
				named = append(named, fmt.Sprintf("%s (%s)", printable("/"+p.rel), why))
			}
		}
		message := ""
		if len(named) > 0 {
			slices.Sort(named)
			message = kind.text(len(named)) + ": " + strings.Join(named[:min(examples, len(named))], ", ")
		}
		report(string(kind), message)
	}
}
