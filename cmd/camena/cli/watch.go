package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// extSequence is the extension attribute that watch adds to events: the
// sequence on the out topic, from which --from goes on.
const extSequence = "outsequence"

// watcher prints changes from the out topic.
type watcher struct {
	p       *program
	filter  connectors.Filter
	changes []string
	count   int
	output  output
}

func (p *program) watchCommand() *cobra.Command {
	w := &watcher{p: p, output: output{masks: true, stream: true}}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print change events as they happen",
		Long: `Print a line for each change event: time, change, type, name, version, actor, and what changed. With
-o json each line is one CloudEvent in structured mode, with its sequence on the out topic as
"` + extSequence + `".

A change must match all flags, and one of the values of each flag. It also matches if the state
before it does: so you also see what leaves a zone or loses a classification.`,
		Example: `  camena watch
  camena watch --type DataFile        # subtypes included
  camena watch --classification Confidentiality --change classified,declassified
  camena watch --present              # first the present state of everything
  camena watch --from 1 -o json       # everything that is kept, as CloudEvents`,
		RunE: func(cmd *cobra.Command, _ []string) error { return w.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&w.filter.Types, "type", nil, "only these types of elements and relationships, subtypes included")
	f.StringSliceVar(&w.filter.Relationships, "relationship", nil, "only these types of relationships, subtypes included; with --type, in addition to those")
	f.StringSliceVar(&w.filter.Classifications, "classification", nil, "only elements that have one of these classifications")
	f.StringSliceVar(&w.filter.Zones, "zone", nil, "only elements in one of these zones; elements without zones always match")
	f.StringSliceVar(&w.filter.Sources, "source", nil, "only elements and relationships of these metadata sources")
	f.StringSliceVar(&w.changes, "change", nil, "only these changes, such as created or relationship.created; or all of element, relationship, type")
	f.Uint64Var(&w.filter.From, "from", 0, "begin at this sequence of the out topic; 0: with the next change")
	f.BoolVar(&w.filter.Present, "present", false, "begin with the present state of everything")
	f.Var(atLeast(0, &w.count), "count", "end after this many events; 0: never")
	w.output.flag(cmd)
	cmd.MarkFlagsMutuallyExclusive("from", "present")
	completeFlag(cmd, "change", slices.Sorted(maps.Keys(changesByName()))...)
	return cmd
}

// selectChanges sets the changes of the filter from --change. Without --change the
// filter selects all changes; those of types only if no other flag is given.
func (w *watcher) selectChanges() error {
	f := &w.filter
	if len(w.changes) == 0 && len(f.Types)+len(f.Relationships)+len(f.Classifications)+len(f.Zones)+len(f.Sources) == 0 {
		f.Changes = []string{connectors.AnyElementChange, connectors.AnyRelationshipChange, connectors.AnyTypeChange}
	}
	known := changesByName()
	for _, name := range w.changes {
		types, ok := known[shortType(name)]
		if !ok {
			return fmt.Errorf("--change: there is no change %q%s", name, suggest.Nearest(name, slices.Sorted(maps.Keys(known))))
		}
		f.Changes = append(f.Changes, types...)
	}
	return nil
}

// changesByName are the types of change events that each name selects.
func changesByName() map[string][]string {
	byName := map[string][]string{
		"element": {connectors.AnyElementChange}, "relationship": {connectors.AnyRelationshipChange}, "type": {connectors.AnyTypeChange},
	}
	for _, t := range events.ChangeTypes() {
		for _, name := range []string{changeName(t), shortType(t)} {
			byName[name] = append(byName[name], t)
		}
	}
	return byName
}

var errEnough = errors.New("enough events")

func (w *watcher) run(ctx context.Context) error {
	if err := cmp.Or(w.selectChanges(), w.filter.Validate()); err != nil {
		return err
	}
	return w.p.withBus(ctx, 0, func(ctx context.Context, b *bus.Bus) error {
		m := client.New(b, source)
		if err := m.CheckTypes(ctx, &w.filter); err != nil {
			return err
		}
		w.warn(ctx, m)
		err := m.Watch(ctx, w.filter, func() { fmt.Fprintln(w.p.stderr, "watching", b.Conn().ConnectedUrlRedacted()) }, w.show)
		if errors.Is(err, errEnough) || errors.Is(err, context.Canceled) {
			return nil // an interrupt is how watching ends
		}
		return err
	})
}

// warn prints a warning if a restore has not ended, or if --from is in the future.
func (w *watcher) warn(ctx context.Context, m *client.Client) {
	if err := m.Whole(ctx); err != nil {
		fmt.Fprintln(w.p.stderr, "the metadata is not complete:", err)
	}
	if w.filter.From == 0 {
		return
	}
	if last, err := m.LastChange(ctx); err == nil && w.filter.From > last+1 {
		fmt.Fprintf(w.p.stderr, "--from %d: the last change so far has the sequence %d\n", w.filter.From, last)
	}
}

// show prints a change, and ends after the last that is wanted.
func (w *watcher) show(m *bus.Message, c *connectors.Change) error {
	if err := w.print(m, c); err != nil {
		return err
	}
	w.count--
	if w.count == 0 {
		return errEnough
	}
	return nil
}

func (w *watcher) print(m *bus.Message, c *connectors.Change) error {
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
	return w.output.printDocument(w.p.stdout, document)
}
