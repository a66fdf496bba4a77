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

// namesOf returns what asks for the names that a flag or an argument takes, nil if the
// installation knows none.
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

// complete has the shell complete, with what the running installation knows,
// types and names of connectors wherever a command takes them.
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
