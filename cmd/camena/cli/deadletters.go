package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

func (p *program) deadLettersCommand() *cobra.Command {
	return group(&cobra.Command{
		Use: "dlq", Aliases: []string{"deadletters"},
		Short: "Look at messages that could not be handled, replay or drop them",
		Long: `Look at dead letters: messages that could not be handled, each with the reason and where it came from. They are
kept for 30 days. Sequences are those of the dead-letter stream.`,
		Example: `  camena dlq list
  camena dlq show 7
  camena dlq replay 7 8
  camena dlq drop --all`,
	}, p.deadLettersListCommand(), p.deadLettersShowCommand(), p.deadLettersReplayCommand(), p.deadLettersDropCommand())
}

// reasonOf returns the reason, with the JSON pointer that it is about.
func reasonOf(l *client.DeadLetter) string {
	if l.Pointer == "" {
		return l.Reason
	}
	return l.Pointer + ": " + l.Reason
}

func (p *program) deadLettersListCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters with their reasons",
		Long: `List dead letters with their reasons. Refused commands whose senders waited for the outcome, and so were told, are
left out; --all shows them, too.`,
		Example: "  camena dlq list\n  camena dlq list --all -o json",
	}
	cmd.Flags().BoolVar(&all, "all", false, "also the refusals of which the sender was told")
	return p.shows(0, cmd, &output{list: true}, func(ctx context.Context, c *client.Client, _ []string) (*view, error) {
		letters, left, err := c.DeadLetters(ctx, all)
		t := list(newTable("SEQUENCE", "TIME", "FROM", "CODE", "REASON"), letters, func(l *client.DeadLetter) []string {
			return []string{strconv.FormatUint(l.Sequence, 10), when(l.Time), fmt.Sprintf("%s #%d", l.Subject, l.Origin), orDash(l.Code), reasonOf(l)}
		})
		v := &view{document: letters, tables: []*table{t}, none: "there are no dead letters"}
		if left > 0 {
			v.note = fmt.Sprintf("left out: %s whose senders were told; --all shows them", plural(left, "refused command"))
		}
		return v, err
	})
}

func (p *program) deadLettersShowCommand() *cobra.Command {
	o := output{masks: true}
	return p.shows(answerTime, &cobra.Command{
		Use: "show SEQUENCE", Short: "Show a dead letter with the message as it came",
		Example: "  camena dlq show 7\n  camena dlq show 7 -o json",
	}, &o, func(ctx context.Context, c *client.Client, args []string) (*view, error) {
		sequence, err := parseSequence(args[0])
		if err != nil {
			return nil, err
		}
		l, err := c.DeadLetter(ctx, sequence)
		if err != nil {
			return nil, unknownLetter(err)
		}
		v := &view{document: l, tables: []*table{letterSheet(l)}}
		if l.Show(o.secrets) {
			v.note = "--show-secrets shows the message"
		}
		v.lines = []string{"", printableBody(l)}
		return v, nil
	})
}

func letterSheet(l *client.DeadLetter) *table {
	told := ""
	if l.Told {
		told = "its sender waited for the outcome"
	}
	t := newTable().known("reason", reasonOf(l), "code", orDash(l.Code), "told", told, "stored", timestamp(l.Time),
		"from", fmt.Sprintf("%s, message %d of %s", l.Subject, l.Origin, l.Stream))
	for _, name := range slices.Sorted(maps.Keys(l.Headers)) {
		t.add(name, strings.Join(l.Headers[name], ", "))
	}
	return t
}

// printableBody shows JSON indented, other text as it is, and bytes in base64.
func printableBody(l *client.DeadLetter) string {
	text := jsontext.Value(bytes.Clone(l.Data))
	if len(text) > 0 && text.IsValid() && text.Indent(jsontext.WithIndent("  ")) == nil {
		return string(text)
	}
	lines := strings.Split(cmp.Or(l.Body, l.Base64, "(empty)"), "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

func parseSequence(argument string) (uint64, error) {
	n, err := strconv.ParseUint(argument, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not the sequence of a dead letter", argument)
	}
	return n, nil
}

// unknownLetter adds to a not_found error which command lists the dead letters.
func unknownLetter(err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Code == events.CodeNotFound {
		return withMessage(e, `%s; "camena dlq list" lists them`, e.Message)
	}
	return explain(err)
}

func (p *program) deadLettersReplayCommand() *cobra.Command {
	return p.lettersCommand(&cobra.Command{
		Use: "replay SEQUENCE...|--all", Short: "Send dead letters again to where they came from",
		Long: `Send dead letters again to the subject that they came from, unchanged, after their cause was corrected;
then drop them. One that still cannot be handled becomes another dead letter. --all leaves out those whose sender
waited for the outcome, and so was told: that sender may have sent something else since.`,
		Example: "  camena dlq replay 7 8\n  camena dlq replay --all",
	}, "replayed", false, (*client.Client).Replay)
}

func (p *program) deadLettersDropCommand() *cobra.Command {
	return p.lettersCommand(&cobra.Command{
		Use: "drop SEQUENCE...|--all", Short: "Remove dead letters for good",
		Example: "  camena dlq drop 7 8\n  camena dlq drop --all",
	}, "dropped", true, (*client.Client).Discard)
}

// lettersOf reads the sequences of dead letters.
func lettersOf(args []string) (letters []client.DeadLetter, err error) {
	for i := 0; i < len(args) && err == nil; i++ {
		var l client.DeadLetter
		l.Sequence, err = parseSequence(args[i])
		letters = append(letters, l)
	}
	return letters, err
}

// lettersCommand calls do for each dead letter that is named. --all names all; told
// includes those whose senders know the outcome.
func (p *program) lettersCommand(cmd *cobra.Command, done string, told bool, do func(*client.Client, context.Context, uint64) error) *cobra.Command {
	var all bool
	cmd.Flags().BoolVar(&all, "all", false, "every dead letter")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if all == (len(args) > 0) {
			return errors.New("give either sequences or --all")
		}
		letters, err := lettersOf(args)
		if err != nil {
			return err
		}
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) (err error) {
			c := client.New(b, source)
			if all {
				letters, _, err = c.DeadLetters(ctx, told)
			}
			for i := 0; i < len(letters) && err == nil; i++ {
				err = unknownLetter(do(c, ctx, letters[i].Sequence))
			}
			if err == nil {
				_, err = fmt.Fprintf(p.stdout, "%s %s\n", plural(len(letters), "dead letter"), done)
			}
			return err
		})
	}
	return cmd
}
