package events

import (
	"strings"
	"unicode"

	"github.com/google/uuid"
)

// MaxName is how many bytes a qualified name may have: enough for the longest path
// of a file, with what stands before it.
const MaxName = 8 << 10

// validQualifiedName refuses names by which an element could not be asked for: one that
// looks like a guid is read as such, and one of blanks is seen by nobody.
func validQualifiedName(pointer, name string) error {
	switch {
	case name != "" && strings.TrimSpace(name) == "":
		return Errorf(CodeInvalid, pointer, "it is only white space; give it a name that can be seen, or none")
	case len(name) > MaxName:
		return Errorf(CodeInvalid, pointer, "the qualified name is %d bytes long; at most %d are allowed", len(name), MaxName)
	case len(name) == len(uuid.Nil.String()) && uuid.Validate(name) == nil:
		return Errorf(CodeInvalid, pointer, "the qualified name looks like a guid, and would be read as one; put something before it, such as the type and ::")
	}
	return nil
}

// CheckTypedName refuses, beyond what every command does, names that people hardly
// mean: with blanks at an end, or with characters that cannot be seen. Connectors
// may give them, by [Upsert]: what is cataloged, such as a file, may be named so.
func CheckTypedName(pointer, name string) error {
	switch {
	case strings.TrimSpace(name) != name:
		return Errorf(CodeInvalid, pointer, "the qualified name has blanks before or behind it")
	case strings.ContainsFunc(name, unicode.IsControl):
		return Errorf(CodeInvalid, pointer, "the qualified name has control characters in it")
	}
	return nil
}
