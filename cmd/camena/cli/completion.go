package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// completionTime is how long the shell waits for an installation to answer.
const completionTime = 2 * time.Second

// completeFlag has the shell complete a flag with one of some values.
func completeFlag(cmd *cobra.Command, name string, values ...string) {
	// It fails only where there is no such flag, or where it is complete already.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// complete has the shell complete, with what the running installation knows,
// types and names of connectors wherever a command takes them.
func (p *program) complete(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if words, ok := f.Value.(*flagValue); ok && words.of != nil {
			completeFlag(cmd, f.Name, words.of...)
		}
	})
	for flag, kinds := range map[string][]events.TypeKind{
		"type":           {events.KindElement, events.KindRelationship},
		"relationship":   {events.KindRelationship},
		"classification": {events.KindClassification},
		"below":          {},
	} {
		if cmd.Flags().Lookup(flag) != nil {
			_ = cmd.RegisterFlagCompletionFunc(flag, p.completions(p.typeNames(kinds...)))
		}
	}
	for i, word := range strings.Fields(cmd.Use)[1:] {
		var names func(context.Context, *client.Client) ([]string, error)
		switch {
		case word == "TYPE":
			names = p.typeNames()
		case word == "CLASSIFICATION":
			names = p.typeNames(events.KindClassification)
		case word == "NAME" && cmd.Parent().Name() == "connectors":
			names = connectorNames
		default:
			continue
		}
		completed := p.completions(names)
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) != i {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completed(cmd, args, begun)
		}
	}
}

// completions asks the running installation. An error has nothing completed.
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

// typeNames returns what asks for the names of the types of some kinds, or of all.
func (*program) typeNames(kinds ...events.TypeKind) func(context.Context, *client.Client) ([]string, error) {
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
