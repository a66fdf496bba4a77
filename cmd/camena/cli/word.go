package cli

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// word is a flag, and the part of the command that it gives, as a JSON pointer. After
// the flag of an object the rest of the pointer names the part of it.
type word struct {
	pointer, flag string
	object        bool
}

// explain names the flag that is wrong instead of the place in the JSON of the
// command, which the user did not write. Without a flag the message must do.
func explain(err error, words []word) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok || e.Pointer == "" || hasMessage(err) {
		return err
	}
	pointer := "/" + strings.TrimPrefix(e.Pointer, "/") // an attribute of the event has none
	best, rest := word{}, ""
	for _, w := range words {
		after, found := strings.CutPrefix(pointer, w.pointer)
		if found && (after == "" || after[0] == '/') && len(w.pointer) >= len(best.pointer) {
			best, rest = w, after
		}
	}
	switch {
	case best.flag == "":
		return withMessage(e, "%s", e.Message)
	case best.object:
		best.flag += within(rest)
	}
	return withMessage(e, "%s: %s", best.flag, e.Message)
}

// within shows the rest of a pointer as a path.
func within(pointer string) string {
	var path []string
	for token := range jsontext.Pointer(pointer).Tokens() {
		path = append(path, token)
	}
	if path == nil {
		return ""
	}
	return " " + strings.Join(path, "/")
}
