package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// extSequence is the extension attribute that watch adds to events: the
// sequence on the out topic, from which --from goes on.
const extSequence = "outsequence"

// watching is what to print of the out topic.
type watching struct {
	p      *program
	filter connectors.Filter
	count  int
	output output
	// present is the sequence up to which events show the present state.
	present uint64
}

func (p *program) watchCommand() *cobra.Command {
	w := &watching{p: p}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print change events as they happen",
		Long: `Print a line per change event as it happens: time, change, type, name, version, actor, and what has changed.
With -o json each line is one CloudEvent in structured mode, with its sequence on the out topic as "` + extSequence + `".`,
		Example: `  camena watch
  camena watch --type DataFile        # subtypes included
  camena watch --present              # first the present state of everything
  camena watch --from 1 -o json       # everything that is kept, as CloudEvents`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return w.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&w.filter.Types, "type", nil, "only these types of elements and relationships, subtypes included")
	f.StringSliceVar(&w.filter.Sources, "source", nil, "only what belongs to these metadata sources")
	f.Uint64Var(&w.filter.From, "from", 0, "begin at this sequence of the out topic; 0: now")
	f.BoolVar(&w.filter.Present, "present", false, "begin with the present state of everything")
	f.IntVar(&w.count, "count", 0, "end after so many events; 0: never")
	w.output.flag(cmd)
	checkFirst(cmd, func(cmd *cobra.Command) error {
		return errors.Join(exclusive(cmd, "from", "present"), atLeast("count", w.count, 0))
	})
	return cmd
}

var errEnough = errors.New("enough events")

func (w *watching) run(ctx context.Context) error {
	return w.p.withBus(ctx, 0, func(ctx context.Context, b *bus.Bus) error {
		if err := w.checkTypes(ctx, b); err != nil {
			return err
		}
		f, err := w.following(ctx, b)
		if err == nil {
			err = b.Follow(ctx, f, w.show)
		}
		if errors.Is(err, errEnough) || errors.Is(err, context.Canceled) {
			return nil // an interrupt is how watching ends
		}
		return err
	})
}

// checkTypes refuses types that the repository does not know: nobody would ever
// see that they are misspelt. Without an answer watching goes on.
func (w *watching) checkTypes(ctx context.Context, b *bus.Bus) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	m, err := b.Metadata(ctx, source)
	if err != nil {
		return err
	}
	for _, name := range w.filter.Types {
		_, err := m.Find(ctx, events.Find{Type: name, Page: events.Page{Limit: 1}})
		if events.CodeOf(err) != events.CodeUnknownType || strings.Contains(err.Error(), "is the type of a relationship") {
			continue
		}
		return fmt.Errorf("there is no type %q%s", name, likeType(ctx, m, name))
	}
	return nil
}

func (w *watching) following(ctx context.Context, b *bus.Bus) (bus.Following, error) {
	f := bus.Following{
		Stream: b.Topics().OutStream(), Start: bus.FromNow,
		Subjects: []string{b.Topics().ElementsOf("*"), b.Topics().RelationshipsOf("*")},
		Ready:    func() { fmt.Fprintln(w.p.stderr, "watching", b.Conn().ConnectedUrlRedacted()) },
	}
	switch {
	case w.filter.Present:
		state, err := b.StreamState(ctx, f.Stream)
		if err != nil {
			return f, err
		}
		f.Start, w.present = bus.FromLatest, state.LastSeq
	case w.filter.From > 0:
		f.Start, f.Sequence = bus.FromSequence, w.filter.From
	}
	return f, nil
}

func (w *watching) show(m *bus.Message) error {
	c, err := bus.ChangeOf(m)
	if err != nil {
		fmt.Fprintf(w.p.stderr, "camena: warning: event %d cannot be read: %s\n", m.Sequence, err)
		return nil
	}
	gone := c.Type == events.TypeElementDeleted || c.Type == events.TypeRelationshipDeleted
	if !w.filter.Matches(&c) || m.Sequence <= w.present && gone {
		return nil
	}
	if err := w.print(m, &c); err != nil {
		return err
	}
	w.count--
	if w.count == 0 {
		return errEnough
	}
	return nil
}

func (w *watching) print(m *bus.Message, c *connectors.Change) error {
	if !w.output.json() {
		_, err := fmt.Fprintln(w.p.stdout, line(c))
		return err
	}
	e, err := m.Event()
	if err != nil {
		return err
	}
	e.SetExtension(extSequence, strconv.FormatUint(m.Sequence, 10))
	document, err := events.EncodeStructured(&e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.p.stdout, "%s\n", document)
	return err
}
