package cli

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// flagPointer is a flag with the JSON pointer to the part of the command that it sets.
// An object flag sets a whole object: an error names the member after the flag.
type flagPointer struct {
	pointer, flag string
	object        bool
}

// explain replaces the JSON pointer of an error with the flag that sets this part of
// the command: the user did not write JSON. An argument has no flag; then the error is
// the message alone.
func explain(err error, pointers []flagPointer) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok || e.Pointer == "" || hasMessage(err) {
		return err
	}
	pointer := "/" + strings.TrimPrefix(e.Pointer, "/") // the pointer of an event attribute has no slash
	best, rest := flagPointer{}, ""
	for _, w := range pointers {
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

// within formats the rest of a pointer as a path.
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
