package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) applyCommand() *cobra.Command {
	return p.resourceCommand(&cobra.Command{
		Use:   "apply -f FILE...",
		Short: "Make the metadata what resource files say",
		Long: `Make the metadata what resource files say: types, integration groups, integration connectors,
elements, relationships. What is as it should be already is left alone. Where there can be only one relationship, the
one that is wanted takes the place of the one that is there. Each document is applied as a whole or not at all. docs/configuration.md describes the files.`,
		Example: `  camena apply -f examples/quickstart.yaml
  camena apply -f connectors/        # every .yaml file of a folder
  generate | camena apply -f -`,
	}, (*applying).apply)
}

func (p *program) deleteCommand() *cobra.Command {
	return p.resourceCommand(&cobra.Command{
		Use:   "delete -f FILE...",
		Short: "Remove what resource files describe",
		Long: `Remove what resource files describe, last kinds first. A connector stops; what it has cataloged stays,
unless --cataloged is given.`,
		Example: `  camena delete -f examples/quickstart.yaml
  camena delete -f examples/quickstart.yaml --cataloged`,
	}, (*applying).remove)
}

func (p *program) resourceCommand(cmd *cobra.Command, do func(*applying, context.Context, []wantedResource) error) *cobra.Command {
	var files []string
	a := &applying{out: p.stdout}
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(files) == 0 {
			return errors.New("name the resource files with -f")
		}
		resources, err := p.readResources(files)
		if err != nil {
			return err
		}
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
			a.metadata = client.New(b, source)
			a.bus, a.actor = b, p.config.User
			return do(a, ctx, resources)
		})
	}
	cmd.Flags().StringSliceVarP(&files, "file", "f", nil, "resource file, folder of such, or - for the standard input")
	if cmd.Name() == "delete" {
		cmd.Flags().BoolVar(&a.cataloged, "cataloged", false, "also what the connectors in the files have cataloged as their own")
	}
	return cmd
}

// readResources reads files and tells what in them looks like a mistake.
func (p *program) readResources(files []string) ([]wantedResource, error) {
	r := &reader{stdin: p.stdin, offered: p.offered}
	resources, err := r.readFiles(files)
	for _, w := range r.warnings {
		fmt.Fprintln(p.stderr, "camena: warning:", w)
	}
	return resources, err
}

// applying sends resources to the repository.
type applying struct {
	bus       *bus.Bus
	metadata  *client.Client
	actor     string
	out       io.Writer
	cataloged bool
	places
}

func (a *applying) apply(ctx context.Context, resources []wantedResource) error {
	for _, w := range resources {
		stale, err := a.leftovers(ctx, w)
		if err == nil {
			var result events.Result
			result, err = a.request(ctx, "", append(stale, w.commands()...))
			if err == nil {
				a.tellRemoved(result.Steps[:min(len(stale), len(result.Steps))])
				fmt.Fprintf(a.out, "%s %s %s\n", w.kind, printable(w.name), applied(result, len(stale)+w.main()))
			}
		}
		if err != nil {
			return w.refused(err)
		}
	}
	return nil
}

// refused tells of a resource why it is refused. Where in its command the mistake
// is says more than where in the change set, which nobody has written.
func (w *wantedResource) refused(err error) error {
	if types, ok := w.resource.(*typesResource); ok {
		return types.types.located(err)
	}
	if e, ok := errors.AsType[*events.Error](err); ok {
		pointer := e.Pointer
		if _, rest, found := itemOf(pointer, "/commands"); found {
			pointer = rest
		}
		for _, outer := range []string{"/data", "/element", "/relationship"} {
			pointer = strings.TrimPrefix(pointer, outer)
		}
		err = events.Errorf(e.Code, strings.TrimPrefix(pointer, "/"), "%s", e.Message)
	}
	return fmt.Errorf("%s: %s %s: %w", w.where, w.kind, w.name, err)
}

// applied says what a change set did: its main step created something, one of
// them changed something, or none.
func applied(r events.Result, main int) string {
	switch {
	case !r.Changed:
		return "unchanged"
	case main < len(r.Steps) && r.Steps[main].Changed && r.Steps[main].Version == 1:
		return "created"
	default:
		return "updated"
	}
}

// leftovers returns the commands that remove what an earlier version of a
// resource left.
func (a *applying) leftovers(ctx context.Context, w wantedResource) ([]events.Command, error) {
	obsolete, err := a.obsolete(ctx, &w)
	if len(obsolete) == 0 || err != nil {
		return nil, err
	}
	sequence, err := a.bus.LastSequence(ctx, a.bus.Topics().OutStream())
	if err != nil || sequence == 0 {
		return nil, err
	}
	var commands []events.Command
	for _, o := range obsolete {
		answer, err := persist(ctx, func() (events.RelatedAnswer, error) {
			return events.Ask(ctx, a.metadata, &events.Related{
				ElementRef: o.from, Relationship: o.relationship, End: o.end, Page: events.Page{MinSequence: sequence},
			})
		})
		if events.CodeOf(err) == events.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, r := range answer.Related {
			if r.Element.Header.QualifiedName != o.keep {
				commands = append(commands, &events.Unlink{GUID: r.Relationship.Header.GUID})
			}
		}
	}
	return commands, nil
}

// persist asks again until a repository answers or ctx is done.
func persist[A any](ctx context.Context, ask func() (A, error)) (A, error) {
	for {
		a, err := ask()
		if events.CodeOf(err) != events.CodeUnavailable {
			return a, err
		}
		if cause := pause(ctx, 20*time.Millisecond); cause != nil {
			return a, fmt.Errorf("%w: %w", err, cause)
		}
	}
}

// request sends commands as one change set, on behalf of a metadata source.
func (a *applying) request(ctx context.Context, owner string, commands []events.Command) (events.Result, error) {
	s := &sender{metadata: a.metadata, actor: a.actor, owner: owner}
	if types, alone := commands[0].(*events.DefineTypes); alone {
		return s.send(ctx, types) // they cannot stand in a change set
	}
	set, err := events.NewChangeSet(commands...)
	if err != nil {
		return events.Result{}, err
	}
	return s.send(ctx, set)
}

func (a *applying) remove(ctx context.Context, resources []wantedResource) error {
	for _, w := range slices.Backward(resources) {
		if len(w.removal()) == 0 {
			fmt.Fprintf(a.out, "%s %s stay\n", w.kind, printable(w.name))
			continue
		}
		result, err := a.request(ctx, "", w.removal())
		if err != nil {
			return w.refused(err)
		}
		said := "was not there"
		if result.Changed {
			said = "deleted"
		}
		fmt.Fprintf(a.out, "%s %s %s\n", w.kind, printable(w.name), said)
		if err := a.removeCataloged(ctx, w.resource); err != nil {
			return err
		}
	}
	return nil
}

// removeCataloged removes what a connector has cataloged as its own, if that is
// wanted, and else tells that it stays.
func (a *applying) removeCataloged(ctx context.Context, r resource) error {
	c, ok := r.(*connectorResource)
	if !ok || c.MetadataSource == "" {
		return nil
	}
	if !a.cataloged {
		a.tellWhatStays(ctx, c)
		return nil
	}
	if err := a.metadata.AwaitRemoved(ctx, c.Name); err != nil {
		return err
	}
	n, err := a.removeOwned(ctx, c.MetadataSource)
	fmt.Fprintf(a.out, "%d elements of %s deleted\n", n, printable(c.MetadataSource))
	return err
}

// tellWhatStays tells of what a connector has cataloged, if it has.
func (a *applying) tellWhatStays(ctx context.Context, c *connectorResource) {
	answer, err := events.Ask(ctx, a.metadata, &events.Find{Source: c.MetadataSource, Page: events.Page{Limit: 1}})
	if err == nil && len(answer.Elements) == 0 {
		return
	}
	fmt.Fprintf(a.out, "what %s cataloged stays; \"camena delete --cataloged\" with the same files removes it\n", printable(c.Name))
}

// removeOwned deletes the elements that belong to a metadata source, in its name.
func (a *applying) removeOwned(ctx context.Context, owner string) (n int, err error) {
	const perSet = 100 // with their relationships they must fit into one batch
	var sequence uint64
	for {
		answer, err := events.Ask(ctx, a.metadata, &events.Find{Source: owner, Page: events.Page{Limit: perSet, MinSequence: sequence}})
		if err != nil || len(answer.Elements) == 0 {
			return n, err
		}
		commands := make([]events.Command, len(answer.Elements))
		for i := range answer.Elements {
			commands[i] = &events.Delete{Element: events.ByGUID(answer.Elements[i].Header.GUID)}
		}
		result, err := a.request(ctx, owner, commands)
		if err != nil {
			return n, err
		}
		if !result.Changed {
			return n, errors.New("the elements stay although they were deleted; is the connector still running?")
		}
		n += len(commands)
		sequence = result.Sequence
	}
}
