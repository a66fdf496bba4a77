package cli

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// word is a flag, and the part of the command that it is for, as a JSON pointer.
// Behind the flag of a whole object the rest of the pointer says what of it is
// meant.
type word struct {
	pointer, flag string
	object        bool
}

// explain names the flag that is wrong instead of the place in the JSON of the
// command, which the user has not written. Where the nearest word is none, the
// message has to do.
func explain(err error, words []word) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok || e.Pointer == "" || isExplained(err) {
		return err
	}
	pointer := e.Pointer
	if !strings.HasPrefix(pointer, "/") {
		pointer = "/" + pointer // the name of an attribute of the event
	}
	best := word{}
	rest := ""
	for _, w := range words {
		after, found := strings.CutPrefix(pointer, w.pointer)
		if found && (after == "" || after[0] == '/') && len(w.pointer) >= len(best.pointer) {
			best, rest = w, after
		}
	}
	if best.flag == "" {
		return explainedAs(e, "%s", e.Message)
	}
	if !best.object {
		rest = ""
	}
	return explainedAs(e, "%s: %s", best.flag+within(rest), e.Message)
}

// within shows the rest of a pointer as a path.
func within(pointer string) string {
	if pointer == "" {
		return ""
	}
	var path []string
	for token := range jsontext.Pointer(pointer).Tokens() {
		path = append(path, token)
	}
	return " " + strings.Join(path, "/")
}
