package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/manifest"
)

// verb describes a command line that sends one command. The table of commands says
// what the command does and whether it removes something.
type verb struct {
	use, long, example string
	short              string // by default what the table says
	command            events.Command
	args               []any // where the arguments go: a *string or an *events.ElementRef
	flags              []flag
	required           []string // flags that must be given
	exclusive          []string // flags of which only one can be given
	properties         []propertiesOf
	// setPeriod sets the effectivity, which is at the pointer; nil if there is none.
	setPeriod func(events.Effectivity)
	period    string
	done      string // past participle, by default that of the table; %s is the second argument
	drops     string // the reason for which something is dropped
	parts     bool   // the version is that of a part of the subject
	check     func(args []string) error
	// target is what the command changes or copies, if its type must be known;
	// relationship returns the command for a target that is one.
	target       *events.ElementRef
	relationship func() (events.Command, error)
	// prepare completes the command from the present state.
	prepare func(ctx context.Context, m *client.Client, o *operation) error
}

// flag is a flag and the part of a command that it sets, with its JSON pointer. The
// value is a [pflag.Value], or points to a value of a basic type.
type flag struct {
	name, pointer string
	value         any
	usage         string
}

func (d *flag) add(f *pflag.FlagSet) {
	switch v := d.value.(type) {
	case *string:
		f.StringVar(v, d.name, "", d.usage)
	case *bool:
		f.BoolVar(v, d.name, false, d.usage)
	case *[]string:
		f.StringSliceVar(v, d.name, nil, d.usage)
	case *map[string]string:
		f.StringToStringVar(v, d.name, nil, d.usage)
	case pflag.Value:
		f.Var(v, d.name, d.usage)
	}
}

// operation is one run of a verb: it completes the command, sends it and prints the
// result.
type operation struct {
	*verb
	p          *program
	cmd        *cobra.Command
	arguments  []string
	output     output
	origin     client.Origin
	mustExist  bool
	expected   *int64 // the version that the command expects; nil if it cannot expect one
	from, to   time.Time
	attributes []*attributes
	locate     func(error) error // names the place in files instead of the flag
}

// verbCommand returns the command line of a verb.
func (p *program) verbCommand(v *verb) *cobra.Command {
	row, _ := events.CommandTypeOf(v.command.EventType())
	short := cmp.Or(v.short, row.Does)
	cmd := &cobra.Command{Use: v.use, Short: short, Long: strings.TrimSpace(short + ". " + v.long), Example: v.example}
	o := &operation{verb: v, p: p, cmd: cmd}
	o.verbFlags(row.Removes)
	o.flags()
	cmd.PreRunE = func(_ *cobra.Command, args []string) error {
		o.arguments = args
		for i, argument := range args {
			switch part := v.args[i].(type) {
			case *string:
				*part = argument
			case *events.ElementRef:
				*part = reference(argument)
			}
		}
		if v.check == nil {
			return nil
		}
		return v.check(args)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) }
	return cmd
}

// verbFlags adds the flags of the verb.
func (o *operation) verbFlags(removes bool) {
	f := o.cmd.Flags()
	for i := range o.verb.flags {
		o.verb.flags[i].add(f)
	}
	for _, of := range o.properties {
		o.attributes = append(o.attributes, o.p.attributes(o.cmd, of))
	}
	if o.setPeriod != nil {
		f.Var(timeOf(&o.from, true), "effective-from", `it counts from then; a day begins in UTC; "": from ever`)
		f.Var(timeOf(&o.to, true), "effective-to", `it counts until then, without that day; "": for ever`)
	}
	if version := reflect.ValueOf(o.command).Elem().FieldByName("ExpectedVersion"); version.IsValid() {
		o.expected, _ = reflect.TypeAssert[*int64](version.Addr())
		f.Var(atLeast(0, o.expected), "expect-version", "only if it has this version; 0: any")
	}
	if removes {
		f.BoolVar(&o.mustExist, "must-exist", false, "fail if it does not exist; otherwise nothing changes then")
	}
	if o.exclusive != nil {
		o.cmd.MarkFlagsMutuallyExclusive(o.exclusive...)
	}
	for _, name := range o.required {
		_ = o.cmd.MarkFlagRequired(name) // it has the flag
	}
}

// flags adds the flags of every operation.
func (o *operation) flags() {
	f := o.cmd.Flags()
	f.BoolVar(&o.origin.DryRun, "dry-run", false, "show what would change, and change nothing")
	f.StringVar(&o.origin.Source, "source", "", "qualified name of the metadata source to act for; none: the repository itself")
	f.StringVar(&o.origin.Actor, "actor", "", "the user to record; default: CAMENA_USER")
	o.output.masks = true
	o.output.flag(o.cmd)
}

// complete sets the parts of the command that need the present state.
func (o *operation) complete(ctx context.Context, m *client.Client) error {
	if o.prepare != nil {
		return o.prepare(ctx, m, o)
	}
	var have events.ElementHeader
	var relationship bool
	var err error
	if o.target != nil {
		if have, relationship, err = m.Header(ctx, *o.target); err != nil {
			return err
		}
	}
	for _, a := range o.attributes {
		if err := a.read(ctx, m, have.Type.Name); err != nil {
			return err
		}
	}
	if err := o.setEffectivity(ctx, m, &have); err != nil {
		return err
	}
	if relationship && o.relationship != nil {
		o.command, err = o.relationship()
	}
	return err
}

// setEffectivity sets the effectivity. If one end is given, the other one is that of
// the present state, and the command expects its version.
func (o *operation) setEffectivity(ctx context.Context, m *client.Client, have *events.ElementHeader) error {
	f := o.cmd.Flags()
	from, to := f.Changed("effective-from"), f.Changed("effective-to")
	if !from && !to {
		return nil
	}
	if from != to && o.target == nil {
		found, err := m.PresentState(ctx, o.command)
		if err != nil {
			return err
		}
		have = &found
	}
	given := events.Effectivity{From: o.from, To: o.to}
	if !from {
		given.From = have.Effectivity.From
	}
	if !to {
		given.To = have.Effectivity.To
	}
	if from != to && o.expected != nil {
		*o.expected = cmp.Or(*o.expected, have.Versions.Version)
	}
	o.setPeriod(given)
	return nil
}

// run completes the command, sends it, and shows its outcome.
func (o *operation) run(ctx context.Context) error {
	o.origin.Actor = cmp.Or(o.origin.Actor, o.p.config.User)
	return o.p.withBus(ctx, answerTime, func(ctx context.Context, b *bus.Bus) error {
		m := client.New(b, source)
		if err := o.complete(ctx, m); err != nil {
			return o.explain(err)
		}
		r, err := m.Apply(ctx, o.origin, o.command)
		if err != nil {
			return o.explain(err)
		}
		if o.mustExist && isMissing(o.command, &r) {
			return events.Errorf(events.CodeNotFound, "", "%s is not there", o.subject(&r))
		}
		if o.origin.DryRun && !o.output.json() {
			fmt.Fprintln(o.p.stderr, "dry run: nothing is changed")
		}
		return o.p.show(&o.output, o.view(&r))
	})
}

// explain names the flag that an error is about, or the place in a file.
func (o *operation) explain(err error) error {
	if o.locate != nil {
		err = o.locate(err)
	}
	pointers := []flagPointer{
		{"/" + events.ExtMetadataSource, "--source", false},
		{"/" + events.ExtActor, "--actor", false},
		{"/expectedVersion", "--expect-version", false},
		{o.period + "/effectiveTo", "--effective-to", false},
	}
	for _, d := range o.verb.flags {
		pointers = append(pointers, flagPointer{d.pointer, "--" + d.name, false})
	}
	for _, a := range o.attributes {
		pointers = append(pointers, a.pointers()...)
	}
	return explain(err, pointers...)
}

func (p *program) changeSetCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "changeset", Short: "Apply several commands all together or not at all",
		Example: `  camena changeset apply -f change.yaml --dry-run`,
	}, p.changeSetApplyCommand())
}

func (p *program) changeSetApplyCommand() *cobra.Command {
	return p.filesCommand(&cobra.Command{
		Use: "apply -f FILE...", Short: "Apply the commands of files all together or not at all",
		Long: `Apply the commands of files, in order, all together or not at all. A file is a list, in YAML or JSON, of
commands with their type and their data, as docs/events.md describes them. The type may be given in short:
element.create for io.camena.element.create.v1. A command sees what those before it did. The data of most commands may
have an expectedVersion: if that is not the version there is, nothing is changed.

  - type: element.create
    data: {element: {type: Topic, qualifiedName: "Topic::orders"}}
  - type: element.update
    data: {element: {qualifiedName: "Topic::old"}, properties: {displayName: x}, expectedVersion: 3}`,
		Example: `  camena changeset apply -f change.yaml
  camena changeset apply -f change.yaml --dry-run
  generate | camena changeset apply -f - --source IntegrationConnector::mine -o json`,
	}, "file of commands, or - for the standard input", (*manifest.Reader).ChangeSet)
}

// filesCommand completes a command that sends the command that read makes of files.
func (p *program) filesCommand(cmd *cobra.Command, usage string, read func(*manifest.Reader, ...string) (*manifest.Command, error)) *cobra.Command {
	files := filesFlag(cmd, usage)
	o := &operation{verb: &verb{}, p: p, cmd: cmd}
	o.flags()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := read(p.reader(), *files...)
		if err != nil {
			return err
		}
		o.command, o.locate = c.Command, c.Located
		return o.run(cmd.Context())
	}
	return cmd
}

// filesFlag adds the flag -f, which must be given.
func filesFlag(cmd *cobra.Command, usage string) *[]string {
	files := cmd.Flags().StringSliceP("file", "f", nil, usage)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if len(*files) == 0 {
			return errors.New("name the files with -f")
		}
		return nil
	}
	return files
}

// shortType is the type of a command without what all have in common.
func shortType(eventType string) string {
	return strings.TrimSuffix(strings.TrimPrefix(eventType, "io.camena."), ".v1")
}
