package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// operation is what the commands have in common that change metadata: how the
// change is asked for, and how its outcome is shown.
type operation struct {
	p             *program
	output        output
	source, actor string
	dryRun        bool
	expectation   events.Expectation
	// versioned says that the command can expect a version.
	versioned bool
	// about is what the command is about, to be shown with what was done to it.
	about string
	// nameless says that the guid tells which it is.
	nameless bool
	// removes says that the command removes something, which may not be there;
	// mustExist, that it then fails.
	removes, mustExist bool
	// family says that other elements and relationships may go or come with it.
	family bool
	// parts says that the version is one of something that belongs to it.
	parts bool
	// drops tells why something was left behind.
	drops string
	// steps are the commands of a change set.
	steps []events.Command
	// words tell where on the command line the parts of the command stand.
	words []word
	// locate, if set, tells instead where in files they stand.
	locate func(error) error
}

func (p *program) operation() *operation { return &operation{p: p} }

// flags adds the flags of every operation.
func (o *operation) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "tell what would change, and change nothing")
	f.StringVar(&o.source, "source", "", "qualified name of the metadata source on whose behalf; none: the repository itself")
	f.StringVar(&o.actor, "actor", "", "who is recorded to have done it; default: CAMENA_USER")
	o.output.flag(cmd)
	o.output.secretFlag(cmd)
	o.words = append(o.words, word{pointer: "/" + events.ExtMetadataSource, flag: "--source"}, word{pointer: "/" + events.ExtActor, flag: "--actor"})
}

// expects adds the flag for the version that is expected.
func (o *operation) expects(cmd *cobra.Command) {
	o.versioned = true
	cmd.Flags().Int64Var(&o.expectation.ExpectedVersion, "expect-version", 0, "only if it has this version; 0: whatever it has")
	o.words = append(o.words, word{pointer: "/expectedVersion", flag: "--expect-version"})
	checkFirst(cmd, func(*cobra.Command) error { return atLeast("expect-version", int(o.expectation.ExpectedVersion), 0) })
}

// removing adds the flag for what removes something.
func (o *operation) removing(cmd *cobra.Command) {
	o.removes = true
	cmd.Flags().BoolVar(&o.mustExist, "must-exist", false, "fail if it is not there; without, that is no error, and nothing changes")
}

// run sends the command that build makes, and shows what became of it; did is
// what happened if something changed.
func (o *operation) run(ctx context.Context, did string, build func(context.Context, *client.Client) (events.Command, error)) error {
	return o.p.withMetadata(ctx, func(ctx context.Context, m *client.Client) error {
		command, err := build(ctx, m)
		if err != nil {
			return o.explain(err)
		}
		s := &sender{metadata: m, actor: cmp.Or(o.actor, o.p.config.User), owner: o.source, dryRun: o.dryRun}
		r, err := s.send(ctx, command)
		if err != nil {
			return o.explain(err)
		}
		return o.show(&r, did)
	})
}

func (o *operation) explain(err error) error {
	if o.locate != nil {
		err = o.locate(err)
	}
	return explain(err, o.words)
}

func (o *operation) show(r *events.Result, did string) error {
	if o.mustExist && o.isMissing(r) {
		return events.Errorf(events.CodeNotFound, "", "%s is not there", o.about)
	}
	switch {
	case o.output.json():
		return o.output.print(o.p.stdout, r)
	case o.dryRun:
		if err := o.p.showPreview(r); err != nil {
			return err
		}
	case o.steps != nil:
		return o.showSteps(r)
	default:
		if _, err := fmt.Fprintln(o.p.stdout, o.outcome(r, did)); err != nil {
			return err
		}
	}
	o.tellDropped(r)
	return nil
}

// versionOf is the version, of what has some.
func versionOf(h *events.ElementHeader) string {
	if h.Versions.Version == 0 {
		return "-"
	}
	return number(h.Versions.Version)
}

// showPreview shows what a dry run tells.
func (p *program) showPreview(r *events.Result) error {
	fmt.Fprintln(p.stderr, "dry run: nothing is changed")
	if len(r.Preview) == 0 && r.More > 0 {
		_, err := fmt.Fprintf(p.stdout, "%d changes, which do not fit into the answer\n", r.More)
		return err
	}
	t := newTable("WOULD BE", "TYPE", "NAME", "VERSION", "CHANGED")
	for i := range r.Preview {
		v := &r.Preview[i]
		if v.Type == events.TypeElementMoved {
			continue // with another change, which says all
		}
		s := subjectOf(&connectors.Change{Type: v.Type, Element: v.Element, Relationship: v.Relationship, OpenType: v.OpenType})
		t.add(what(v.Type), s.typeName, s.name, versionOf(s.header), orDash(s.detail))
	}
	if err := t.print(p.stdout, "nothing would change"); err != nil || r.More == 0 {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "and %d more changes\n", r.More)
	return err
}
