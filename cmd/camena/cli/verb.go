package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// verb describes a command line that sends one command. The table of commands says
// what the command does and whether it removes something.
type verb struct {
	use, long, example string
	short              string // by default what the table says
	command            string // its type
	args, flags        []field
	least              int // arguments that must be given; without args it is one, the element
	properties         []propertiesOf
	// period is the part of the command that has an effectivity, "-" if none has.
	period string
	// about names the subject of the command, by default its arguments. done is the
	// past participle, by default that of the table; %s is the second argument.
	about func(args []string) string
	done  string
	drops string // the reason for which something is dropped
	parts bool   // the version is that of a part of the subject
	// look returns the present state of the subject, nil if there is none. It is called
	// if the flags give only a part of something, or if always is set: then it may
	// also complete the command.
	look   func(ctx context.Context, m *client.Client, o *operation) (*events.ElementHeader, error)
	always bool
	check  func(o *operation) error
	// required flags must be given; of exclusive ones only one can be.
	required  []string
	exclusive [][]string
}

// propertiesOf are the flags for properties of a part of the command.
type propertiesOf struct {
	flag, pointer string
	// typeName is the type that they belong to; "" is that of what is there.
	typeName func(args []string) string
	clears   bool
}

// field is an argument or a flag, and the part of a command that it gives, as a JSON
// pointer.
type field struct {
	name, pointer string
	kind          kind
	usage         string
}

// kind registers a flag, and returns a function that reads its value; nil is no value.
type kind func(f *pflag.FlagSet, name, usage string) func() any

// read returns a function that reads and converts the value of a flag.
func read[T any](v *T, convert func(T) any) func() any { return func() any { return convert(*v) } }

func unchanged[T any](v T) any { return v }

func text(f *pflag.FlagSet, name, usage string) func() any {
	return read(f.String(name, "", usage), textValue)
}

func textValue(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func ref(f *pflag.FlagSet, name, usage string) func() any {
	return read(f.String(name, "", usage), refValue)
}

func refValue(text string) any {
	if text == "" {
		return nil
	}
	return reference(text)
}

// reference is an element as it is named on the command line.
func reference(argument string) events.ElementRef {
	if _, err := uuid.Parse(argument); err == nil && len(argument) == len(uuid.Nil.String()) {
		return events.ByGUID(argument)
	}
	return events.ByName(argument)
}

func truth(f *pflag.FlagSet, name, usage string) func() any {
	return read(f.Bool(name, false, usage), unchanged)
}

func texts(f *pflag.FlagSet, name, usage string) func() any {
	return read(f.StringSlice(name, nil, usage), func(v []string) any { return append([]string{}, v...) })
}

func pairs(f *pflag.FlagSet, name, usage string) func() any {
	return read(f.StringToString(name, nil, usage), unchanged)
}

func classifications(f *pflag.FlagSet, name, usage string) func() any {
	return read(f.StringSlice(name, nil, usage), func(names []string) any {
		all := make([]events.Classification, len(names))
		for i, name := range names {
			all[i].Name = name
		}
		return all
	})
}

func moment(f *pflag.FlagSet, name, usage string) func() any {
	var v timeFlag
	f.Var(&v, name, usage)
	return func() any { return v.Time }
}

func oneWord(byDefault string, values map[string]any) kind {
	return func(f *pflag.FlagSet, name, usage string) func() any {
		word := byDefault
		f.Var(&choice{value: &word, of: slices.Sorted(maps.Keys(values))}, name, usage)
		return func() any { return values[word] }
	}
}

// operation is one run of a verb: it builds the command, sends it and prints the result.
type operation struct {
	*verb
	p                 *program
	cmd               *cobra.Command
	arguments         []string
	output            output
	source, actor     string
	dryRun, mustExist bool
	expected          int64
	from, to          timeFlag
	given             []func() any
	attributes        []*attributes
	data              map[string]any
	pointers          []flagPointer
	locate            func(error) error // names the place in files instead of the flag
}

// verbCommand returns the command line of a verb.
func (p *program) verbCommand(v *verb) *cobra.Command {
	row, _ := events.CommandTypeOf(v.command)
	if v.args == nil {
		v.args, v.least = []field{element()}, 1
	}
	names := make([]string, len(v.args))
	for i := range v.args {
		names[i] = v.args[i].name
	}
	short := cmp.Or(v.short, row.Does)
	cmd := &cobra.Command{
		Use: v.use, Short: short, Long: strings.TrimSpace(short + ". " + v.long), Example: v.example,
		Args: arguments(v.least, names...),
	}
	o := &operation{verb: v, p: p, cmd: cmd}
	o.verbFlags(&row)
	o.flags()
	for _, together := range v.exclusive {
		cmd.MarkFlagsMutuallyExclusive(together...)
	}
	for _, name := range v.required {
		_ = cmd.MarkFlagRequired(name) // it has the flag
	}
	cmd.PreRunE = func(_ *cobra.Command, args []string) error {
		o.arguments = args
		return o.complete()
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), o.build) }
	return cmd
}

// verbFlags adds the flags of the verb, and records which part of the command each flag
// and argument sets.
func (o *operation) verbFlags(row *events.CommandType) {
	v, f := o.verb, o.cmd.Flags()
	for _, arg := range v.args {
		o.pointers = append(o.pointers, flagPointer{pointer: arg.pointer})
	}
	for _, flag := range v.flags {
		o.given = append(o.given, flag.kind(f, flag.name, flag.usage))
		o.pointers = append(o.pointers, flagPointer{pointer: flag.pointer, flag: "--" + flag.name})
	}
	for _, of := range v.properties {
		o.attributes = append(o.attributes, o.p.attributes(o.cmd, of))
	}
	if v.period != "-" {
		o.from.open, o.to.open = true, true
		f.Var(&o.from, "effective-from", `it counts from then; a day begins in UTC; "": from ever`)
		f.Var(&o.to, "effective-to", `it counts until then, without that day; "": for ever`)
		o.pointers = append(o.pointers, flagPointer{pointer: v.period + "/effectivity", flag: "--effective-to"}, flagPointer{pointer: v.period + "/effectiveTo", flag: "--effective-to"})
	}
	if _, versioned := reflect.TypeOf(row.New()).Elem().FieldByName("Expectation"); versioned {
		f.Int64Var(&o.expected, "expect-version", 0, "only if it has this version; 0: any")
		o.pointers = append(o.pointers, flagPointer{pointer: "/expectedVersion", flag: "--expect-version"})
	}
	if row.Removes {
		f.BoolVar(&o.mustExist, "must-exist", false, "fail if it does not exist; otherwise nothing changes then")
	}
}

// arguments takes at least so many arguments, and at most one for each name.
func arguments(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s is missing; see %q", names[len(args)], cmd.CommandPath()+" --help")
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many; see %q", args[len(names)], cmd.CommandPath()+" --help")
		case slices.Contains(args, ""):
			return fmt.Errorf("%s is empty", names[slices.Index(args, "")])
		}
		return nil
	}
}

// flags adds the flags of every operation.
func (o *operation) flags() {
	f := o.cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.StringVar(&o.source, "source", "", "qualified name of the metadata source to act for; none: the repository itself")
	f.StringVar(&o.actor, "actor", "", "the user to record; default: CAMENA_USER")
	o.output.masks = true
	o.output.flag(o.cmd)
	o.pointers = append(o.pointers, flagPointer{pointer: "/" + events.ExtMetadataSource, flag: "--source"}, flagPointer{pointer: "/" + events.ExtActor, flag: "--actor"})
}

// complete puts the arguments and flags into the command's data.
func (o *operation) complete() error {
	if o.expected < 0 {
		return fmt.Errorf("--expect-version %d: give at least 0", o.expected)
	}
	o.data = map[string]any{}
	for i, argument := range o.arguments {
		value := any(argument)
		if o.args[i].kind == nil {
			value = reference(argument)
		}
		o.set(o.args[i].pointer, value)
	}
	for i, flag := range o.verb.flags {
		if o.cmd.Flags().Changed(flag.name) {
			o.set(flag.pointer, o.given[i]())
		}
	}
	if o.check != nil {
		return o.check(o)
	}
	return nil
}

// set sets a part of the command's data.
func (o *operation) set(pointer string, value any) {
	if value == nil || pointer == "" {
		return
	}
	path := strings.Split(pointer[1:], "/")
	at := o.data
	for _, token := range path[:len(path)-1] {
		next, ok := at[token].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[token] = next
		}
		at = next
	}
	at[path[len(path)-1]] = value
}

// half reports whether one end of an effectivity is given, so that the other one
// stays.
func (o *operation) half() bool {
	f := o.cmd.Flags()
	return f.Changed("effective-from") != f.Changed("effective-to")
}

// untyped reports whether properties are given whose type is that of the present state.
func (o *operation) untyped() bool {
	return slices.ContainsFunc(o.attributes, func(a *attributes) bool { return a.of.typeName == nil && a.given() })
}

// build returns the command.
func (o *operation) build(ctx context.Context, m *client.Client) (events.Command, error) {
	var have *events.ElementHeader
	var err error
	if o.look != nil && (o.always || o.half() || o.untyped()) {
		if have, err = o.look(ctx, m, o); err != nil {
			return nil, err
		}
	}
	for _, a := range o.attributes {
		o.pointers = append(o.pointers, a.pointers()...)
		if !a.given() {
			continue
		}
		typeName := ""
		if a.of.typeName != nil {
			typeName = a.of.typeName(o.arguments)
		} else if have != nil {
			typeName = have.Type.Name
		}
		properties, err := a.properties(ctx, m, typeName)
		if err != nil {
			return nil, err
		}
		o.set(a.of.pointer, properties)
	}
	o.setPeriod(have)
	if o.expected > 0 {
		o.set("/expectedVersion", o.expected)
	}
	data, err := events.Marshal(o.data)
	if err != nil {
		return nil, err
	}
	return events.DecodeCommand(&events.Event{Type: o.command, Data: data})
}

// setPeriod sets the effectivity. If one end is given, the other one is that of the
// present state, and the command expects its version.
func (o *operation) setPeriod(have *events.ElementHeader) {
	f := o.cmd.Flags()
	from, to := f.Changed("effective-from"), f.Changed("effective-to")
	if !from && !to {
		return
	}
	given := events.Effectivity{From: o.from.Time, To: o.to.Time}
	if have != nil && from != to {
		if !from {
			given.From = have.Effectivity.From
		} else {
			given.To = have.Effectivity.To
		}
		o.expected = cmp.Or(o.expected, have.Versions.Version)
	}
	if o.command != events.TypeClassifyElement {
		o.set(o.period+"/effectivity", given)
		return
	}
	for name, t := range map[string]time.Time{"/effectiveFrom": given.From, "/effectiveTo": given.To} {
		if !t.IsZero() {
			o.set(o.period+name, t)
		}
	}
}

// run sends the command that build returns, and shows its outcome.
func (o *operation) run(ctx context.Context, build func(context.Context, *client.Client) (events.Command, error)) error {
	return o.p.withBus(ctx, answerTime, func(ctx context.Context, b *bus.Bus) error {
		m := client.New(b, source)
		command, err := build(ctx, m)
		if err != nil {
			return o.explain(err)
		}
		r, err := m.Apply(ctx, client.Origin{Actor: cmp.Or(o.actor, o.p.config.User), Source: o.source, DryRun: o.dryRun}, command)
		if err != nil {
			return o.explain(err)
		}
		return o.show(command, &r)
	})
}

func (o *operation) explain(err error) error {
	if o.locate != nil {
		err = o.locate(err)
	}
	return explain(err, o.pointers)
}
