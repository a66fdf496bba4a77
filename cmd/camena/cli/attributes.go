package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/client"
)

// propertiesOf is a part of a command that flags give properties.
type propertiesOf struct {
	flag, pointer string
	properties    *events.Properties
	typeName      *string // the type that they belong to; nil for that of the target
	clears        bool    // null removes a property
}

// attributes are the flags that give properties.
type attributes struct {
	propertiesOf
	stdin      io.Reader
	set, clear []string
	object     string
}

const setHelp = `

A value of --set is read as what the attribute holds: text as it stands, numbers, true and false,
dates such as 2026-05-01, names of enums; a list as JSON or as values with commas between them;
maps and structs as JSON. Where the type does not say, it is JSON if it can be read so, otherwise
text. What --set gives counts instead of what --properties gives.`

// attributes adds the flags.
func (p *program) attributes(cmd *cobra.Command, of propertiesOf) *attributes {
	a := &attributes{propertiesOf: of, stdin: p.stdin}
	f := cmd.Flags()
	f.StringArrayVar(&a.set, a.flag, nil, "a property, as name=value; may be given again")
	if a.clears {
		f.StringArrayVar(&a.clear, "clear", nil, "remove this property; may be given again")
	}
	if a.flag == "set" {
		f.StringVar(&a.object, "properties", "", "the properties, as a JSON object; @FILE reads it from a file, @- from the standard input")
		cmd.Long += setHelp
	}
	return a
}

// read sets the properties that the flags give; the type says how a value of --set is
// read. Cleared properties are null.
func (a *attributes) read(ctx context.Context, m *client.Client, targetType string) error {
	object, err := a.readObject()
	if err != nil {
		return fmt.Errorf("--properties: %w", err)
	}
	given, err := events.ParseProperties(object)
	if e, ok := errors.AsType[*events.Error](err); ok {
		return withMessage(e, "--properties%s: %s", within(e.Pointer), e.Message)
	}
	values, err := a.values(ctx, m, *cmp.Or(a.typeName, &targetType))
	if err != nil {
		return err
	}
	for _, name := range a.clear {
		if _, set := values[name]; set {
			return fmt.Errorf("%s is both set and cleared", name)
		}
		values[name] = nil
	}
	for m := given.Members(); m.Next(); {
		if _, replaced := values[m.Name()]; !replaced {
			values[m.Name()] = m.Value()
		}
	}
	*a.properties = events.Props(values)
	return nil
}

// values returns the properties of --set.
func (a *attributes) values(ctx context.Context, m *client.Client, typeName string) (map[string]any, error) {
	values := map[string]any{}
	if len(a.set) == 0 {
		return values, nil
	}
	types, err := m.RegistryOrBuiltin(ctx)
	if err != nil {
		return nil, err
	}
	typ, known := types.Type(typeName) // the repository refuses an unknown type
	for i, pair := range a.set {
		name, text, found := strings.Cut(pair, "=")
		if !found || name == "" { // the error does not repeat it: it may be a secret
			return nil, fmt.Errorf("--%s: give name=value, which number %d is not", a.flag, i+1)
		}
		if _, again := values[name]; again {
			return nil, fmt.Errorf("--%s %s is given twice", a.flag, name)
		}
		values[name] = typ.ReadText(name, text, parseTime)
	}
	if known {
		_, err = typ.Check(events.Props(values), opentypes.CheckOptions{Pointer: a.pointer, Partial: true, Lenient: true})
	}
	return values, err
}

func (a *attributes) readObject() ([]byte, error) {
	name, isFile := strings.CutPrefix(a.object, "@")
	switch {
	case isFile && name == "-":
		return io.ReadAll(a.stdin)
	case isFile:
		return os.ReadFile(name) //nolint:gosec // the user names the file
	default:
		return []byte(cmp.Or(a.object, "{}")), nil
	}
}

// pointers returns which flag gave which property.
func (a *attributes) pointers() []flagPointer {
	pointers := []flagPointer{{a.pointer, "--properties", true}}
	if a.object == "" {
		pointers[0].flag = "--" + a.flag
	}
	for _, pair := range a.set {
		name, _, _ := strings.Cut(pair, "=")
		pointers = append(pointers, flagPointer{a.at(name), "--" + a.flag + " " + name, true})
	}
	for _, name := range a.clear {
		pointers = append(pointers, flagPointer{a.at(name), "--clear " + name, true})
	}
	return pointers
}

// at is the pointer to a property.
func (a *attributes) at(name string) string {
	return a.pointer + string(jsontext.Pointer("").AppendToken(name))
}
