package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
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
	w := &watcher{p: p}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print change events as they happen",
		Long: `Print a line per change event as it happens: time, change, type, name, version, actor, and what has changed.
With -o json each line is one CloudEvent in structured mode, with its sequence on the out topic as "` + extSequence + `".

Several flags select what they all select; several values of one flag what any of them does. A change is selected if
the state before it was, too: so you also see what leaves a zone or loses a classification.`,
		Example: `  camena watch
  camena watch --type DataFile        # subtypes included
  camena watch --classification Confidentiality --change classified,declassified
  camena watch --present              # first the present state of everything
  camena watch --from 1 -o json       # everything that is kept, as CloudEvents`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return w.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&w.filter.Types, "type", nil, "only these types of elements and relationships, subtypes included")
	f.StringSliceVar(&w.filter.Relationships, "relationship", nil, "only these types of relationships, subtypes included; beside --type, these as well")
	f.StringSliceVar(&w.filter.Classifications, "classification", nil, "only elements that have one of these classifications")
	f.StringSliceVar(&w.filter.Zones, "zone", nil, "only what is in one of these zones, or in none, as no relationship is")
	f.StringSliceVar(&w.filter.Sources, "source", nil, "only what belongs to these metadata sources")
	f.StringSliceVar(&w.changes, "change", nil, "only these changes, such as created, or with what they are of, as in relationship.created; also element, relationship, type")
	f.Uint64Var(&w.filter.From, "from", 0, "begin at this sequence of the out topic; 0: now")
	f.BoolVar(&w.filter.Present, "present", false, "begin with the present state of everything")
	f.Var(&countFlag{value: &w.count}, "count", "end after so many events; 0: never")
	w.output.flag(cmd)
	w.output.secretFlag(cmd)
	cmd.MarkFlagsMutuallyExclusive("from", "present")
	completeFlag(cmd, "change", append(knownChanges(), "element", "relationship", "type")...)
	return cmd
}

// selectChanges has the filter select what --change names; without it all, and
// types where nothing else is asked for.
func (w *watcher) selectChanges() error {
	f := &w.filter
	if len(w.changes) == 0 && len(f.Types)+len(f.Relationships)+len(f.Classifications)+len(f.Zones)+len(f.Sources) == 0 {
		f.Changes = []string{connectors.AnyElementChange, connectors.AnyRelationshipChange, connectors.AnyTypeChange}
	}
	for _, name := range w.changes {
		n := len(f.Changes)
		if name == "element" || name == "relationship" || name == "type" {
			f.Changes = append(f.Changes, "io.camena."+name+".*")
		}
		for _, t := range changeTypes() {
			if name == what(t) || name == shortType(t) || name == t {
				f.Changes = append(f.Changes, t)
			}
		}
		if len(f.Changes) == n {
			return fmt.Errorf("--change: there is no change %q%s", name, suggest.Nearest(name, knownChanges()))
		}
	}
	return nil
}

// knownChanges are the names that --change takes for single changes.
func knownChanges() []string {
	var known []string
	for _, t := range changeTypes() {
		known = append(known, what(t), shortType(t))
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// changeTypes are the types of the change events that are shown.
func changeTypes() []string {
	return []string{
		events.TypeElementCreated, events.TypeElementUpdated, events.TypeElementDeleted, events.TypeElementRestored,
		events.TypeElementClassified, events.TypeElementReclassified, events.TypeElementDeclassified,
		events.TypeElementRetyped, events.TypeElementRehomed,
		events.TypeRelationshipCreated, events.TypeRelationshipUpdated, events.TypeRelationshipDeleted,
		events.TypeRelationshipRestored, events.TypeRelationshipRehomed, events.TypeTypeDefined,
	}
}

var errEnough = errors.New("enough events")

func (w *watcher) run(ctx context.Context) error {
	if err := cmp.Or(w.selectChanges(), w.filter.Validate()); err != nil {
		return err
	}
	return w.p.withBus(ctx, 0, func(ctx context.Context, b *bus.Bus) error {
		m := client.New(b, source)
		if err := w.checkTypes(ctx, m); err != nil {
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

// warn says that a restore has not ended, or that what is asked for is still to come.
func (w *watcher) warn(ctx context.Context, m *client.Client) {
	if err := m.Whole(ctx); err != nil {
		fmt.Fprintln(w.p.stderr, "not everything is there:", err)
	}
	if w.filter.From == 0 {
		return
	}
	if last, err := m.LastChange(ctx); err == nil && w.filter.From > last+1 {
		fmt.Fprintf(w.p.stderr, "--from %d: the last change so far has the sequence %d\n", w.filter.From, last)
	}
}

// checkTypes refuses types that the repository does not know, or that are of a
// kind that the flag does not take: nobody would ever see that they are
// misspelt. Without an answer watching goes on.
func (w *watcher) checkTypes(ctx context.Context, m *client.Client) error {
	if len(w.filter.Types)+len(w.filter.Relationships)+len(w.filter.Classifications) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	known, err := knownTypes(ctx, m, events.Types{})
	if err != nil {
		return nil
	}
	kinds := []events.TypeKind{events.KindElement, events.KindRelationship}
	if w.filter.SelectsTypes() {
		kinds = nil // --type then names definitions, too
	}
	return cmp.Or(
		namedOf(known, w.filter.Types, kinds...),
		namedOf(known, w.filter.Relationships, events.KindRelationship),
		namedOf(known, w.filter.Classifications, events.KindClassification),
	)
}

// namedOf refuses the first name that no type of these kinds has; of any kind,
// if none is given.
func namedOf(known []events.KnownType, named []string, kinds ...events.TypeKind) error {
	var names []string
	for i := range known {
		if len(kinds) == 0 || slices.Contains(kinds, known[i].Kind) {
			names = append(names, known[i].Name)
		}
	}
	for _, name := range named {
		if !slices.Contains(names, name) {
			return noType(known, name, names, kinds)
		}
	}
	return nil
}

// noType says that there is no such type, or that it is one of another kind.
func noType(known []events.KnownType, name string, names []string, kinds []events.TypeKind) error {
	i := slices.IndexFunc(known, func(t events.KnownType) bool { return t.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no type %q%s", name, suggest.Nearest(name, names))
	}
	wanted := make([]string, len(kinds))
	for i, kind := range kinds {
		wanted[i] = string(kind)
	}
	return fmt.Errorf("%s is a type of kind %s, not %s", name, known[i].Kind, strings.Join(wanted, " or "))
}

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
	return w.printDocument(document)
}

// printDocument prints an event on a line, or as one document of a stream of YAML.
func (w *watcher) printDocument(event jsontext.Value) (err error) {
	if w.output.form == outputYAML {
		fmt.Fprintln(w.p.stdout, "---")
		return w.output.printDocument(w.p.stdout, event)
	}
	if !w.output.secrets {
		if event, err = events.MaskSecrets(event); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w.p.stdout, "%s\n", event)
	return err
}
