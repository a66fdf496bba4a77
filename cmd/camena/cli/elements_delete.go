package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// deleteMethods are the words for the methods of deletion.
func deleteMethods() map[string]events.DeleteMethod {
	return map[string]events.DeleteMethod{"soft": events.DeleteSoft, "archive": events.DeleteArchive, "purge": events.DeletePurge}
}

func (p *program) elementsDeleteCommand() *cobra.Command {
	o := p.operation()
	var command events.Delete
	var method string
	cmd := &cobra.Command{
		Use: "delete QUALIFIED_NAME|GUID", Short: "Delete an element and its relationships",
		Long: `Delete an element and its relationships. There are three methods:

  soft     it is gone, but "camena elements restore" brings it back while its history is kept
  archive  it stays, classified as Memento: only who asks for what is archived finds it, and lineage
  purge    it is gone with its history, for good; of relationships that it had before, the history stays

What is anchored to it goes with it, whosever it is, but only with --cascade; without, an element that others are
anchored to stays, unless all these are archived.`,
		Example: `  camena elements delete Topic::orders
  camena elements delete FileFolder::in --cascade --dry-run
  camena elements delete Topic::orders --method archive --archive-process clean-up`,
		Args: one("the element, by its qualified name or guid", "camena elements list"),
	}
	f := cmd.Flags()
	f.StringVar(&method, "method", "soft", "soft, archive or purge")
	f.BoolVar(&command.Cascade, "cascade", false, "also what is anchored to it")
	f.StringVar(&command.ArchiveProcess, "archive-process", "", "what archives it, to be noted")
	o.flags(cmd)
	o.expects(cmd)
	o.removing(cmd)
	o.words = append(o.words, word{pointer: "/archiveProcess", flag: "--archive-process"})
	checkFirst(cmd, func(*cobra.Command) error {
		methods := deleteMethods()
		var ok bool
		if command.Method, ok = methods[method]; !ok {
			return fmt.Errorf("--method: %q is none of soft, archive, purge", method)
		}
		if command.ArchiveProcess != "" && command.Method != events.DeleteArchive {
			return fmt.Errorf("--archive-process is for --method archive; this is %s", method)
		}
		return nil
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about, o.family = args[0], true
		return o.run(cmd.Context(), deletionWord(command.Method), func(context.Context, *client.Client) (events.Command, error) {
			command.Element, command.Expectation = reference(args[0]), o.expectation
			return &command, nil
		})
	}
	return cmd
}

// aboutElement is a command about one element that takes nothing else; alike
// are those that expect a version.
func (o *operation) aboutElement(cmd *cobra.Command, versioned bool, did string, command func(events.ElementRef, events.Expectation) events.Command) *cobra.Command {
	cmd.Use += " QUALIFIED_NAME|GUID"
	cmd.Args = one("the element, by its qualified name or guid", "camena elements list")
	o.flags(cmd)
	if versioned {
		o.expects(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.about = args[0]
		return o.run(cmd.Context(), did, func(context.Context, *client.Client) (events.Command, error) {
			return command(reference(args[0]), o.expectation), nil
		})
	}
	return cmd
}

func (p *program) elementsRestoreCommand() *cobra.Command {
	o := p.operation()
	o.family, o.drops = true, "did not come back, since it finds no place"
	return o.aboutElement(&cobra.Command{
		Use: "restore", Short: "Bring back an element that was deleted or archived",
		Long: `Bring back an element that was deleted by the method soft or archive, and what was deleted together with it:
its relationships, and with --cascade then, what is anchored to it.`,
		Example: `  camena elements restore Topic::orders
  camena elements restore FileFolder::in --dry-run`,
	}, false, "restored", func(e events.ElementRef, _ events.Expectation) events.Command {
		return &events.Restore{Element: e}
	})
}

func (p *program) elementsPublishCommand() *cobra.Command {
	return p.operation().aboutElement(&cobra.Command{
		Use: "publish", Short: "Put an element into the zones in which consumers see it",
		Long: `Put an element into the zones in which consumers see it. Which these are the repository is told by
CAMENA_PUBLISH_ZONES; none are all zones.`,
		Example: `  camena elements publish Topic::orders`,
	}, true, "published", func(e events.ElementRef, x events.Expectation) events.Command {
		return &events.Publish{Element: e, Expectation: x}
	})
}

func (p *program) elementsWithdrawCommand() *cobra.Command {
	return p.operation().aboutElement(&cobra.Command{
		Use: "withdraw", Short: "Take an element back into the zones of what is not published",
		Long: `Take an element back into the zones that new elements are in. Which these are the repository is told by
CAMENA_DEFAULT_ZONES; where that is not set, the element is in no zone, and so stays visible in all.`,
		Example: `  camena elements withdraw Topic::orders`,
	}, true, "withdrawn", func(e events.ElementRef, x events.Expectation) events.Command {
		return &events.Withdraw{Element: e, Expectation: x}
	})
}

// arguments takes at least so many arguments, and at most one for each name.
func arguments(least int, what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s is missing; see %q", what[len(args)], cmd.CommandPath()+" --help")
		case len(args) > len(what):
			return fmt.Errorf("%q is too much: see %q", args[len(what)], cmd.CommandPath()+" --help")
		case slices.Contains(args, ""):
			return fmt.Errorf("%s is empty", what[slices.Index(args, "")])
		}
		return nil
	}
}
