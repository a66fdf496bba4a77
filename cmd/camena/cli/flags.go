package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// flagValue is a flag whose text is read by a function.
type flagValue struct {
	kind, text string
	// of are the words that the flag takes, if it takes words only.
	of   []string
	read func(text string) error
}

// String implements [pflag.Value].
func (v *flagValue) String() string { return v.text }

// Type implements [pflag.Value].
func (v *flagValue) Type() string { return v.kind }

// Set implements [pflag.Value].
func (v *flagValue) Set(text string) error {
	v.text = text
	return v.read(text)
}

// oneOf takes one of some words. The values are those of the words; without values a
// word is its own value.
func oneOf[T ~string](value *T, byDefault string, words []string, values ...T) pflag.Value {
	return &flagValue{kind: "word", text: byDefault, of: words, read: func(text string) error {
		i := slices.Index(words, text)
		switch {
		case i < 0:
			return fmt.Errorf("give one of %s", strings.Join(words, ", "))
		case values == nil:
			*value = T(text)
		default:
			*value = values[i]
		}
		return nil
	}}
}

// atLeast takes a whole number with a least value.
func atLeast[N int | int64](least N, value *N) pflag.Value {
	return &flagValue{kind: "int", text: fmt.Sprint(*value), read: func(text string) error {
		n, err := strconv.Atoi(text)
		if *value = N(n); err != nil || *value < least {
			return fmt.Errorf("give a whole number, at least %d", least)
		}
		return nil
	}}
}

// timeOf takes a time, and "" for none if that is open.
func timeOf(value *time.Time, open bool) pflag.Value {
	return &flagValue{kind: "time", read: func(text string) (err error) {
		if *value = (time.Time{}); text != "" || !open {
			*value, err = parseTime(text)
		}
		return err
	}}
}

// pastOf takes a time that has come; otherwise it says what to do instead.
func pastOf(value *time.Time, instead string) pflag.Value {
	return &flagValue{kind: "time", read: func(text string) (err error) {
		if *value, err = parseTime(text); value.After(time.Now()) {
			return fmt.Errorf("that time has not come yet; %s", instead)
		}
		return err
	}}
}

// parseTime reads a day, a point in time, or how long ago it was.
func parseTime(text string) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d < 0 {
		return time.Now().Add(d), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("give a time such as 2006-01-02T15:04:05Z, 2006-01-02 15:04 (here), a day such as 2006-01-02 (from its beginning in UTC), or -1h30m for so long ago")
}

// refOf takes an element.
func refOf(value *events.ElementRef) pflag.Value {
	return &flagValue{kind: "string", read: func(text string) error {
		*value = reference(text)
		return nil
	}}
}

// reference is an element as it is named on the command line.
func reference(argument string) events.ElementRef {
	if _, err := uuid.Parse(argument); err == nil && len(argument) == len(uuid.Nil.String()) {
		return events.ByGUID(argument)
	}
	return events.ByName(argument)
}

// classificationsOf takes names of classifications.
func classificationsOf(value *[]events.Classification) pflag.Value {
	return &flagValue{kind: "strings", read: func(text string) error {
		*value = append([]events.Classification{}, *value...)
		for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' }) {
			*value = append(*value, events.Classification{Name: name})
		}
		return nil
	}}
}

// flagPointer is a flag with the JSON pointer to the part of the command that it sets.
// An object flag sets a whole object: an error names the member after the flag.
type flagPointer struct {
	pointer, flag string
	object        bool
}

// explain replaces the JSON pointer of an error with the flag that sets this part of
// the command: the user did not write JSON. An argument has no flag; then the error is
// the message alone.
func explain(err error, pointers ...flagPointer) error {
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
	if pointer == "" {
		return ""
	}
	return " " + strings.Join(slices.Collect(jsontext.Pointer(pointer).Tokens()), "/")
}

// completionTime is how long the shell waits for an installation to answer.
const completionTime = 2 * time.Second

// completeFlag completes a flag with one of some values.
func completeFlag(cmd *cobra.Command, name string, values ...string) {
	// It fails only where there is no such flag, or where it is complete already.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// namesOf returns a function that asks for the names that a flag or an argument takes;
// nil if an installation does not know them.
func namesOf(word string) func(context.Context, *client.Client) ([]string, error) {
	switch word {
	case "TYPE", "--below":
		return typeNames()
	case "--type":
		return typeNames(events.KindElement, events.KindRelationship)
	case "--relationship":
		return typeNames(events.KindRelationship)
	case "CLASSIFICATION", "--classification":
		return typeNames(events.KindClassification)
	case "NAME":
		return connectorNames
	default:
		return nil
	}
}

// complete adds completion: of words, and of types and names of connectors that the
// running installation knows.
func (p *program) complete(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if words, ok := f.Value.(*flagValue); ok && words.of != nil {
			completeFlag(cmd, f.Name, words.of...)
		} else if names := namesOf("--" + f.Name); names != nil {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, p.completions(names))
		}
	})
	for i, word := range strings.Fields(cmd.Use)[1:] {
		names := namesOf(word)
		if names == nil {
			continue
		}
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) != i {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return p.completions(names)(cmd, args, begun)
		}
	}
}

// completions asks the running installation. After an error it completes nothing.
func (p *program) completions(names func(context.Context, *client.Client) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		err := p.withBus(cmd.Context(), completionTime, func(ctx context.Context, b *bus.Bus) (err error) {
			found, err = names(ctx, client.New(b, source))
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found = slices.DeleteFunc(found, func(name string) bool { return !strings.HasPrefix(name, begun) })
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// typeNames returns a function that asks for the names of the types of some kinds; of
// all types without a kind.
func typeNames(kinds ...events.TypeKind) func(context.Context, *client.Client) ([]string, error) {
	return func(ctx context.Context, c *client.Client) (names []string, err error) {
		known, err := c.Types(ctx, events.Types{})
		for i := range known {
			if len(kinds) == 0 || slices.Contains(kinds, known[i].Kind) {
				names = append(names, known[i].Name)
			}
		}
		return names, err
	}
}

func connectorNames(ctx context.Context, c *client.Client) (names []string, err error) {
	list, err := c.Connectors(ctx)
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names, err
}
