package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// Action is what was done with a resource.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
	// Removed is of a relationship that made way for a resource.
	Removed Action = "removed"
	Deleted Action = "deleted"
	// Missing was not there to be deleted; Kept is not deleted, such as types.
	Missing Action = "missing"
	Kept    Action = "kept"
	// CatalogKept and CatalogDeleted are of what a deleted connector cataloged.
	CatalogKept    Action = "catalog kept"
	CatalogDeleted Action = "catalog deleted"
)

// Outcome is what was done with a resource.
type Outcome struct {
	Action     Action
	Kind, Name string
	// Elements is how many cataloged elements were deleted.
	Elements int
}

// Applier makes the metadata what resources say.
type Applier struct {
	Client *client.Client
	// Actor is recorded with every change.
	Actor string
	// Report is called for every outcome, at once.
	Report func(Outcome)
	// Cataloged deletes also what the deleted connectors cataloged as their own.
	Cataloged bool

	types *opentypes.Registry // nil until it is needed
	taken map[slot]*Resource  // without the other end
}

// Apply applies resources in order, each as a whole or not at all. An error names
// file and line of the resource that is refused; those before it are applied. Those
// after it are only checked, so that their mistakes are named, too.
func (a *Applier) Apply(ctx context.Context, resources []Resource) error {
	a.taken = map[slot]*Resource{}
	var errs []error
	for i := range resources {
		w := &resources[i]
		var err error
		if len(errs) == 0 {
			err = a.apply(ctx, w)
		} else if _, err = a.send(ctx, client.Origin{DryRun: true}, w.commands); events.CodeOf(err) == events.CodeNotFound {
			err = nil // it may refer to what was refused
		}
		if err != nil {
			errs = append(errs, w.refused(err))
		}
		if code := events.CodeOf(err); err != nil && (code == "" || code == events.CodeUnavailable) {
			break // it is not about the resource
		}
	}
	return errors.Join(errs...)
}

func (a *Applier) apply(ctx context.Context, w *Resource) error {
	stale, err := a.stale(ctx, w)
	if err != nil {
		return err
	}
	r, err := a.send(ctx, client.Origin{}, append(stale, w.commands...))
	if err != nil {
		return err
	}
	for _, s := range r.Steps[:min(len(stale), len(r.Steps))] {
		if s.Changed {
			a.Report(Outcome{Action: Removed, Kind: KindRelationship, Name: s.Type + " " + s.Name})
		}
	}
	o := Outcome{Action: Updated, Kind: w.Kind, Name: w.Name}
	if !r.Changed {
		o.Action = Unchanged
	} else if main := len(stale) + w.main; main < len(r.Steps) && r.Steps[main].Changed && r.Steps[main].Version == 1 {
		o.Action = Created
	}
	a.Report(o)
	return nil
}

// refused names the place of a resource. A pointer into its commands is reduced
// to the part that its fields give.
func (w *Resource) refused(err error) error {
	if w.types != nil {
		return w.types.Located(err)
	}
	pointer := pointerOf(err)
	if rest, ok := strings.CutPrefix(pointer, "/commands/"); ok {
		_, pointer, _ = strings.Cut(rest, "/")
		pointer = "/" + pointer
	}
	for _, outer := range []string{"/data", "/element", "/relationship"} {
		pointer = strings.TrimPrefix(pointer, outer)
	}
	return w.located(pointer, err)
}

// send sends commands as one change set.
func (a *Applier) send(ctx context.Context, origin client.Origin, commands []events.Command) (events.Result, error) {
	origin.Actor = a.Actor
	if types, ok := commands[0].(*events.DefineTypes); ok {
		return a.Client.Apply(ctx, origin, types) // they cannot stand in a change set
	}
	set, err := events.NewChangeSet(commands...)
	if err != nil {
		return events.Result{}, err
	}
	return a.Client.Apply(ctx, origin, set)
}

// stale returns the commands that remove the relationships in the slots that a
// resource needs.
func (a *Applier) stale(ctx context.Context, w *Resource) ([]events.Command, error) {
	slots := w.replaces
	if w.link == nil && len(slots) == 0 {
		return nil, nil
	}
	sequence, err := a.Client.LastChange(ctx)
	if err != nil {
		return nil, err
	}
	if w.link != nil {
		if slots, err = a.slots(ctx, w, sequence); err != nil {
			return nil, err
		}
	}
	var commands []events.Command
	for i := range slots {
		if sequence == 0 {
			break
		}
		others, err := a.others(ctx, &slots[i], sequence)
		if err != nil {
			return nil, err
		}
		commands = append(commands, others...)
	}
	return commands, nil
}

// others returns the commands that remove the relationships in a slot, except the
// wanted one.
func (a *Applier) others(ctx context.Context, s *slot, sequence uint64) (commands []events.Command, err error) {
	q := events.Related{ElementRef: events.ByName(s.element), Relationship: s.relationship, End: s.end, Page: events.Page{MinSequence: sequence}}
	answer, err := await(ctx, func() (events.RelatedAnswer, error) { return events.Ask(ctx, a.Client, &q) })
	if err != nil && events.CodeOf(err) != events.CodeNotFound {
		return nil, err
	}
	for i := range answer.Related {
		if r := &answer.Related[i]; r.Element.Header.QualifiedName != s.other {
			commands = append(commands, &events.Unlink{GUID: r.Relationship.Header.GUID})
		}
	}
	return commands, nil
}

// slots returns the slots that a relationship takes, if its type limits them. Two
// resources cannot take the same one.
func (a *Applier) slots(ctx context.Context, w *Resource, sequence uint64) ([]slot, error) {
	if err := a.loadTypes(ctx, sequence); err != nil {
		return nil, err
	}
	typ, err := a.types.Relationship(w.link.Type, "")
	if err != nil {
		return nil, nil //nolint:nilerr // the repository refuses it, with the place
	}
	var all []slot
	end1, end2 := w.link.End1.QualifiedName, w.link.End2.QualifiedName
	for _, s := range []slot{{end1, typ.Limit(2), 1, end2}, {end2, typ.Limit(1), 2, end1}} {
		if s.relationship == "" {
			continue
		}
		key := s
		key.other = ""
		if other, ok := a.taken[key]; ok && other != w {
			return nil, events.Errorf(events.CodeConflict, "", "%s can have only one %s there, and %s:%d gives it one",
				s.element, s.relationship, other.file, other.line(""))
		}
		a.taken[key] = w
		all = append(all, s)
	}
	return all, nil
}

// loadTypes asks for the types, once.
func (a *Applier) loadTypes(ctx context.Context, sequence uint64) error {
	if a.types != nil {
		return nil
	}
	defs, err := await(ctx, func() (defs []events.TypeDef, err error) {
		for t, err := range events.All(ctx, a.Client, &events.Types{Page: events.Page{MinSequence: sequence}}) {
			if err != nil {
				return nil, err
			}
			defs = append(defs, t.TypeDef)
		}
		return defs, nil
	})
	if err == nil {
		a.types, _, err = new(opentypes.Registry).Apply(defs...)
	}
	return err
}

// await asks until a repository answers or ctx is done.
func await[A any](ctx context.Context, ask func() (A, error)) (A, error) {
	wait := bus.NewBackoff(20*time.Millisecond, 100*time.Millisecond)
	for {
		a, err := ask()
		if events.CodeOf(err) != events.CodeUnavailable {
			return a, err
		}
		if cause := wait.Wait(ctx); cause != nil {
			return a, fmt.Errorf("%w: %w", err, cause)
		}
	}
}

// Delete deletes what resources describe, the last one first. Types stay, because
// there may be metadata of them.
func (a *Applier) Delete(ctx context.Context, resources []Resource) error {
	for i := range slices.Backward(resources) {
		w := &resources[i]
		o := Outcome{Action: Kept, Kind: w.Kind, Name: w.Name}
		if len(w.removal) > 0 {
			r, err := a.send(ctx, client.Origin{}, w.removal)
			if err != nil {
				return w.refused(err)
			}
			if o.Action = Missing; r.Changed {
				o.Action = Deleted
			}
		}
		a.Report(o)
		if w.source != "" {
			if err := a.deleteCatalog(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteCatalog deletes what a connector cataloged, once it has stopped, or
// reports that it is kept.
func (a *Applier) deleteCatalog(ctx context.Context, w *Resource) error {
	if !a.Cataloged {
		answer, err := events.Ask(ctx, a.Client, &events.Find{Source: w.source, Page: events.Page{Limit: 1}})
		if err != nil || len(answer.Elements) > 0 {
			a.Report(Outcome{Action: CatalogKept, Kind: w.Kind, Name: w.Name})
		}
		return nil
	}
	if err := a.Client.AwaitRemoved(ctx, w.Name); err != nil {
		return err
	}
	n, err := a.deleteOwned(ctx, w.source)
	a.Report(Outcome{Action: CatalogDeleted, Kind: w.Kind, Name: w.source, Elements: n})
	return err
}

// deleteOwned deletes the elements that belong to a metadata source, in its name.
func (a *Applier) deleteOwned(ctx context.Context, source string) (n int, err error) {
	const perSet = 100 // with their relationships they must fit into one batch
	var sequence uint64
	for {
		answer, err := events.Ask(ctx, a.Client, &events.Find{Source: source, Page: events.Page{Limit: perSet, MinSequence: sequence}})
		if err != nil || len(answer.Elements) == 0 {
			return n, err
		}
		commands := make([]events.Command, len(answer.Elements))
		for i := range answer.Elements {
			commands[i] = &events.Delete{Element: events.ByGUID(answer.Elements[i].Header.GUID)}
		}
		r, err := a.send(ctx, client.Origin{Source: source}, commands)
		if err != nil {
			return n, err
		}
		if !r.Changed {
			return n, events.Errorf(events.CodeConflict, "", "elements of %s come back after they were deleted; is the connector still running?", source)
		}
		n += len(commands)
		sequence = r.Sequence
	}
}
