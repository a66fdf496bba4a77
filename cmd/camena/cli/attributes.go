package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/client"
)

// attributes are the flags that give properties.
type attributes struct {
	p          *program
	of         propertiesOf
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
	a := &attributes{p: p, of: of}
	f := cmd.Flags()
	f.StringArrayVar(&a.set, of.flag, nil, "a property, as name=value; may be given again")
	if of.clears {
		f.StringArrayVar(&a.clear, "clear", nil, "remove this property; may be given again")
	}
	if of.flag == "set" {
		f.StringVar(&a.object, "properties", "", "the properties, as a JSON object; @FILE reads it from a file, @- from the standard input")
		cmd.Long += setHelp
	}
	return a
}

// given reports whether there are any.
func (a *attributes) given() bool { return len(a.set) > 0 || len(a.clear) > 0 || a.object != "" }

// properties reads the flags; the type says how a value of --set is read. Cleared
// properties are null.
func (a *attributes) properties(ctx context.Context, m *client.Client, typeName string) (events.Properties, error) {
	object, err := a.read()
	if err != nil {
		return events.Properties{}, err
	}
	p, err := events.ParseProperties(object)
	if err != nil {
		return p, wrongProperties(err)
	}
	values, err := a.values(ctx, m, typeName)
	if err != nil {
		return p, err
	}
	for _, name := range a.clear {
		if _, set := values[name]; set {
			return p, fmt.Errorf("%s is both set and cleared", name)
		}
		values[name] = nil
	}
	return joined(p, values)
}

// wrongProperties names the flag that an error is about.
func wrongProperties(err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	return withMessage(e, "--properties%s: %s", within(e.Pointer), e.Message)
}

// values returns the properties of --set.
func (a *attributes) values(ctx context.Context, m *client.Client, typeName string) (map[string]any, error) {
	values := map[string]any{}
	if len(a.set) == 0 {
		return values, nil
	}
	types, err := registry(ctx, m)
	if err != nil {
		return nil, err
	}
	typ, _ := types.Type(typeName) // the repository refuses an unknown type
	for i, pair := range a.set {
		name, text, found := strings.Cut(pair, "=")
		if !found || name == "" { // the error does not repeat it: it may be a secret
			return nil, fmt.Errorf("--%s: give name=value, which number %d is not", a.of.flag, i+1)
		}
		if _, again := values[name]; again {
			return nil, fmt.Errorf("--%s %s is given twice", a.of.flag, name)
		}
		values[name] = typedValue(typ, name, text)
	}
	if typ == nil {
		return values, nil
	}
	_, err = typ.Check(events.Props(maps.Clone(values)), opentypes.CheckOptions{Pointer: a.of.pointer, Partial: true, Lenient: true})
	return values, err
}

// joined returns p with the values, nulls included.
func joined(p events.Properties, values map[string]any) (events.Properties, error) {
	for m := p.Members(); m.Next(); {
		if _, replaced := values[m.Name()]; !replaced {
			values[m.Name()] = m.Value()
		}
	}
	all := events.Props(values)
	_, err := all.MarshalJSON()
	return all, err
}

func (a *attributes) read() ([]byte, error) {
	file, isFile := strings.CutPrefix(a.object, "@")
	switch {
	case a.object == "":
		return []byte("{}"), nil
	case file == "-":
		return io.ReadAll(a.p.stdin)
	case isFile:
		content, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			return nil, fmt.Errorf("--properties: %w", err)
		}
		return content, nil
	default:
		return []byte(a.object), nil
	}
}

// pointers returns which flag gave which property.
func (a *attributes) pointers() []flagPointer {
	pointer := a.of.pointer
	pointers := []flagPointer{{pointer: pointer, flag: "--properties", object: true}}
	if a.object == "" {
		pointers[0].flag = "--" + a.of.flag
	}
	at := func(name string) string { return pointer + string(jsontext.Pointer("").AppendToken(name)) }
	for _, pair := range a.set {
		name, _, _ := strings.Cut(pair, "=")
		pointers = append(pointers, flagPointer{pointer: at(name), flag: "--" + a.of.flag + " " + name, object: true})
	}
	for _, name := range a.clear {
		pointers = append(pointers, flagPointer{pointer: at(name), flag: "--clear " + name, object: true})
	}
	return pointers
}
