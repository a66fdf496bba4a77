package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

func (p *program) deadLettersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dlq", Aliases: []string{"deadletters"},
		Short: "Look at messages that could not be handled, replay or drop them",
		Long: `Look at dead letters: messages that could not be handled, each with the reason and where it came from. They are
kept for 30 days. Sequences are those of the dead-letter stream.`,
		Example: `  camena dlq list
  camena dlq show 7
  camena dlq replay 7 8
  camena dlq drop --all`,
	}
	cmd.AddCommand(p.deadLettersListCommand(), p.deadLettersShowCommand(), p.deadLettersReplayCommand(), p.deadLettersDropCommand())
	return cmd
}

// deadLetter is a dead letter as it is shown.
type deadLetter struct {
	Sequence uint64      `json:"sequence"`
	Time     time.Time   `json:"time"`
	Code     string      `json:"code,omitempty"`
	Reason   string      `json:"reason"`
	Pointer  string      `json:"pointer,omitempty"`
	Told     bool        `json:"told,omitempty"`
	Stream   string      `json:"originStream"`
	Subject  string      `json:"originSubject"`
	Origin   uint64      `json:"originSequence"`
	Headers  nats.Header `json:"originHeaders,omitempty"`
	Size     int         `json:"size"`
	Body     string      `json:"body,omitempty"`
	// Base64 is the body where it is no text.
	Base64 string `json:"bodyBase64,omitempty"`
	data   []byte
}

func readLetter(m *bus.Message) (*deadLetter, error) {
	e, err := m.Event()
	if err != nil {
		return nil, fmt.Errorf("dead letter %d: %w", m.Sequence, err)
	}
	l := &deadLetter{
		Sequence: m.Sequence, Time: m.Time, Code: e.Extension(events.ExtReasonCode), Reason: e.Extension(events.ExtReason),
		Pointer: e.Extension(events.ExtReasonPointer), Told: e.Extension(events.ExtTold) != "", Stream: e.Extension(events.ExtOriginStream),
		Subject: e.Extension(events.ExtOriginSubject), Size: len(e.Data), data: e.Data,
	}
	if l.Origin, err = e.Uint(events.ExtOriginSequence); err != nil {
		return nil, err
	}
	if h := e.Extension(events.ExtOriginHeaders); h != "" {
		if l.Headers, err = events.Unmarshal[nats.Header]([]byte(h)); err != nil {
			return nil, fmt.Errorf("dead letter %d: %w", m.Sequence, err)
		}
	}
	return l, nil
}

// why is the reason with the place that it is about.
func (l *deadLetter) why() string {
	if l.Pointer == "" {
		return l.Reason
	}
	return l.Pointer + ": " + l.Reason
}

// letters returns the dead letters, without those of which the sender was told
// unless all are asked for, and how many are left out.
func letters(ctx context.Context, b *bus.Bus, all bool) (list []deadLetter, left int, err error) {
	list = []deadLetter{}
	err = b.Read(ctx, b.Topics().DeadLetterStream(), []string{b.Topics().DeadLetters()}, func(m *bus.Message) error {
		l, err := readLetter(m)
		if err != nil {
			return err
		}
		if l.Told && !all {
			left++
			return nil
		}
		l.data = nil
		list = append(list, *l)
		return nil
	})
	return list, left, err
}

func letter(ctx context.Context, b *bus.Bus, sequence uint64) (*deadLetter, error) {
	stream, err := b.JetStream().Stream(ctx, b.Topics().DeadLetterStream())
	if err != nil {
		return nil, err
	}
	raw, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf(`there is no dead letter %d; "camena dlq list" lists them`, sequence)
	}
	if err != nil {
		return nil, err
	}
	return readLetter(&bus.Message{Subject: raw.Subject, Sequence: raw.Sequence, Time: raw.Time, Header: raw.Header, Data: raw.Data})
}

func (p *program) deadLettersListCommand() *cobra.Command {
	var o output
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters with their reasons",
		Long: `List dead letters with their reasons. Refused commands whose sender waited for the outcome, and so was told, are left
out: --all shows them, too.`,
		Example: "  camena dlq list\n  camena dlq list --all -o json", Args: nothing,
	}
	cmd.Flags().BoolVar(&all, "all", false, "also the refusals of which the sender was told")
	o.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
			list, left, err := letters(ctx, b, all)
			if err != nil {
				return err
			}
			if left > 0 {
				defer fmt.Fprintf(p.stderr, "left out: %d refused commands whose senders were told; --all shows them\n", left)
			}
			if o.json() {
				return o.print(p.stdout, list)
			}
			t := newTable("SEQUENCE", "TIME", "FROM", "CODE", "REASON")
			for i := range list {
				l := &list[i]
				t.add(strconv.FormatUint(l.Sequence, 10), when(l.Time), fmt.Sprintf("%s #%d", l.Subject, l.Origin), orDash(l.Code), l.why())
			}
			return t.print(p.stdout, "there are no dead letters")
		})
	}
	return cmd
}

func (p *program) deadLettersShowCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "show SEQUENCE", Short: "Show a dead letter with the message as it came",
		Example: "  camena dlq show 7\n  camena dlq show 7 -o json", Args: one("the dead letter by its sequence", "camena dlq list"),
	}
	o.flag(cmd)
	o.secretFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		sequence, err := parseSequence(args[0])
		if err != nil {
			return err
		}
		return p.withBus(cmd.Context(), answerTime, func(ctx context.Context, b *bus.Bus) error {
			l, err := letter(ctx, b, sequence)
			if err != nil {
				return err
			}
			l.show(o.secrets)
			if o.json() {
				return o.print(p.stdout, l)
			}
			return p.showLetter(l)
		})
	}
	return cmd
}

// show fills in the body. One that is no JSON is not shown if there may be a
// secret in it, since what of it that is cannot be told.
func (l *deadLetter) show(secrets bool) {
	masked, err := events.MaskSecrets(l.data)
	switch {
	case secrets:
	case err == nil:
		l.data = masked
	case slices.ContainsFunc(events.SecretAttributes(), func(name string) bool { return bytes.Contains(l.data, []byte(name)) }):
		l.data = []byte("(not shown, since it may hold secrets and cannot be read; --show-secrets shows it)")
	}
	if utf8.Valid(l.data) {
		l.Body = string(l.data)
	} else {
		l.Base64 = base64.StdEncoding.EncodeToString(l.data)
	}
}

func (p *program) showLetter(l *deadLetter) error {
	t := newTable()
	t.add("reason", l.why())
	t.add("code", orDash(l.Code))
	if l.Told {
		t.add("told", "its sender waited for the outcome")
	}
	t.add("buried", timestamp(l.Time))
	t.add("from", fmt.Sprintf("%s, message %d of %s", l.Subject, l.Origin, l.Stream))
	names := make([]string, 0, len(l.Headers))
	for name := range l.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.add(name, strings.Join(l.Headers[name], ", "))
	}
	if err := t.print(p.stdout, ""); err != nil {
		return err
	}
	body := printableBody(l)
	_, err := fmt.Fprintf(p.stdout, "\n%s\n", body)
	return err
}

// printableBody shows JSON indented, other text as it is, and bytes in base64.
func printableBody(l *deadLetter) string {
	text := jsontext.Value(bytes.Clone(l.data))
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

func (p *program) deadLettersReplayCommand() *cobra.Command {
	return p.lettersCommand(&cobra.Command{
		Use: "replay SEQUENCE...|--all", Short: "Send dead letters again to where they came from",
		Long: `Send dead letters again to the subject that they came from, as they came, once what was wrong is mended;
then drop them. One that still cannot be handled comes back as another dead letter. --all leaves out those whose
sender waited for the outcome, and so was told: that sender may have sent something else since.`,
		Example: "  camena dlq replay 7 8\n  camena dlq replay --all",
	}, "replayed", false, replay)
}

func (p *program) deadLettersDropCommand() *cobra.Command {
	return p.lettersCommand(&cobra.Command{
		Use: "drop SEQUENCE...|--all", Short: "Remove dead letters for good",
		Example: "  camena dlq drop 7 8\n  camena dlq drop --all",
	}, "dropped", true, func(context.Context, *bus.Bus, *deadLetter) error { return nil })
}

// lettersCommand does something with dead letters and then removes them.
// With --all they are all there are, or those of which no sender was told.
func (p *program) lettersCommand(cmd *cobra.Command, done string, told bool, do func(context.Context, *bus.Bus, *deadLetter) error) *cobra.Command {
	var all bool
	cmd.Flags().BoolVar(&all, "all", false, "every dead letter")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if all == (len(args) > 0) {
			return errors.New("give either sequences or --all")
		}
		return p.withBus(cmd.Context(), 0, func(ctx context.Context, b *bus.Bus) error {
			sequences, err := chosen(ctx, b, args, told)
			for _, sequence := range sequences {
				if err == nil {
					err = settle(ctx, b, sequence, do)
				}
			}
			if err == nil {
				_, err = fmt.Fprintf(p.stdout, "%d dead letters %s\n", len(sequences), done)
			}
			return err
		})
	}
	return cmd
}

// settle does something with a dead letter and then removes it.
func settle(ctx context.Context, b *bus.Bus, sequence uint64, do func(context.Context, *bus.Bus, *deadLetter) error) error {
	l, err := letter(ctx, b, sequence)
	if err != nil {
		return err
	}
	if err := do(ctx, b, l); err != nil {
		return err
	}
	stream, err := b.JetStream().Stream(ctx, b.Topics().DeadLetterStream())
	if err != nil {
		return err
	}
	return stream.DeleteMsg(ctx, sequence)
}

// chosen are the sequences given, or all there are, those included of which the
// sender was told, or not.
func chosen(ctx context.Context, b *bus.Bus, args []string, told bool) ([]uint64, error) {
	var sequences []uint64
	for _, a := range args {
		n, err := parseSequence(a)
		if err != nil {
			return nil, err
		}
		sequences = append(sequences, n)
	}
	if len(args) > 0 {
		return sequences, nil
	}
	list, _, err := letters(ctx, b, told)
	for i := range list {
		sequences = append(sequences, list[i].Sequence)
	}
	return sequences, err
}

// replay publishes the message as it came. Without its id, which the bus would
// take for a repetition; and without what its sender waited for.
func replay(ctx context.Context, b *bus.Bus, l *deadLetter) error {
	if l.Subject == "" {
		return fmt.Errorf("dead letter %d does not say where it came from", l.Sequence)
	}
	m := nats.NewMsg(l.Subject)
	for name, values := range l.Headers {
		if !strings.HasPrefix(strings.ToLower(name), "nats-") {
			m.Header[name] = values
		}
	}
	m.Data = l.data
	if _, err := b.PublishMessage(ctx, m); err != nil {
		return fmt.Errorf("replay %d: %w", l.Sequence, err)
	}
	return nil
}
