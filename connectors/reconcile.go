package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/camena-io/camena/events"
)

// Wanted is one element or one relationship that a connector sees at the third
// party; exactly one of the two is set. Relationships name their ends by
// qualified name, where these have one.
type Wanted struct {
	Element      *events.ElementSpec
	Relationship *events.RelationshipSpec
}

// Reconciled counts what a reconciliation sent.
type Reconciled struct {
	Created, Updated, Deleted, Unchanged int64
}

// Changed reports whether anything was sent.
func (r Reconciled) Changed() bool { return r.Created+r.Updated+r.Deleted > 0 }

// Reconcile makes the metadata of a scope what wanted yields: it compares by
// content and sends only the difference. What the connector catalogued in that
// scope before and wanted no longer yields is deleted. If wanted yields an
// error, nothing is deleted, what came before is sent, and the error is
// returned: half a view must not look like a disappearance.
//
// The scope is any text that the connector chooses, but not empty; different scopes never
// touch each other. When Reconcile returns nil, everything was applied, and
// reads of this Context reflect it.
func (c *Context) Reconcile(ctx context.Context, scope string, wanted iter.Seq2[Wanted, error]) (Reconciled, error) {
	var r reconciliation
	if scope == "" {
		return r.Reconciled, Permanent(errors.New("a reconciliation needs a scope: what it covers, such as the root of a tree"))
	}
	if err := c.ready(ctx); err != nil {
		return r.Reconciled, err
	}
	if err := c.settle(ctx, scope); err != nil {
		return r.Reconciled, err
	}
	if err := r.load(ctx, c, scope); err != nil {
		return r.Reconciled, fmt.Errorf("read scope %s: %w", scope, err)
	}
	sent := c.sendAll(ctx, r.difference(wanted), scope)
	c.Count("created", r.Created)
	c.Count("updated", r.Updated)
	c.Count("deleted", r.Deleted)
	if err := errors.Join(r.failed, sent); err != nil {
		return r.Reconciled, err
	}
	return r.Reconciled, c.settle(ctx, scope)
}

// settle waits until everything sent before has been applied: commands are
// applied in order, so the outcome of one that changes nothing says so. What
// was sent before a reconciliation must count as known in it, or it could
// neither be kept nor be deleted.
func (c *Context) settle(ctx context.Context, scope string) error {
	if !c.unsettled.Swap(false) {
		return nil
	}
	r, err := c.insist(ctx, &events.Unlink{GUID: "00000000-0000-0000-0000-000000000000"}, scope)
	if err == nil && r.Error != nil {
		err = r.Error
	}
	if err != nil {
		c.unsettled.Store(true)
		return err
	}
	c.sawWrite(r.Sequence)
	return nil
}

type reconciliation struct {
	Reconciled
	known  map[events.Key]*known
	failed error
}

type known struct {
	events.DigestItem
	seen bool
}

func (r *reconciliation) load(ctx context.Context, c *Context, scope string) error {
	r.known = map[events.Key]*known{}
	q := events.Digests{
		Source: c.set.Definition.MetadataSource, Scope: scope,
		Page: events.Page{Limit: events.MaxPage, MinSequence: c.wrote.Load()},
	}
	for {
		a, err := c.set.Reader.Digests(ctx, q)
		if err != nil {
			return err
		}
		for _, item := range a.Digests {
			r.known[item.Key] = &known{DigestItem: item}
		}
		if a.Next == "" {
			return nil
		}
		q.After = a.Next
	}
}

// difference yields the commands that turn what is known into what is wanted.
func (r *reconciliation) difference(wanted iter.Seq2[Wanted, error]) iter.Seq[events.Command] {
	return func(yield func(events.Command) bool) {
		for w, err := range wanted {
			if err == nil {
				err = w.validate()
			}
			if err != nil {
				r.failed = err
				return
			}
			if cmd := r.compare(w); cmd != nil && !yield(cmd) {
				return
			}
		}
		r.vanished(yield)
	}
}

func (r *reconciliation) compare(w Wanted) events.Command {
	key, same, cmd := w.plan()
	have, ok := r.known[key]
	switch {
	case !ok:
		r.known[key] = &known{seen: true}
		r.Created++
		return cmd
	case have.seen:
		return nil // wanted yields it twice; the first counts
	}
	have.seen = true
	if same(&have.DigestItem) {
		r.Unchanged++
		return nil
	}
	r.Updated++
	return cmd
}

// validate checks what a comparison needs.
func (w Wanted) validate() error {
	switch {
	case (w.Element == nil) == (w.Relationship == nil):
		return errors.New("wanted: set either Element or Relationship")
	case w.Relationship != nil:
		return wrapWanted("relationship", w.Relationship.Validate(""))
	default:
		err := w.Element.Validate("")
		if err == nil {
			err = w.Element.Ref().Validate("")
		}
		return wrapWanted("element", err)
	}
}

func wrapWanted(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("wanted %s: %w", what, err)
}

// plan returns the key of what is wanted, how to tell that it is there already,
// and the command that puts it there.
func (w Wanted) plan() (events.Key, func(*events.DigestItem) bool, events.Command) {
	if s := w.Element; s != nil {
		return events.ElementKey(s.Ref()), func(have *events.DigestItem) bool {
			return have.Content == events.ContentDigest(s.Type, s.QualifiedName, stored(s.Properties)) &&
				(s.Zones == nil || have.Zones == events.ZonesDigest(s.Zones)) &&
				(s.Classifications == nil || have.Classifications == events.ClassificationsDigest(storedMarks(s.Classifications))) &&
				(s.Anchor == events.ElementRef{} || have.AnchoredTo(s.Anchor)) && counts(have, s.Effectivity)
		}, &events.Upsert{Element: *s}
	}
	s := w.Relationship
	key := events.RelationshipKey(s.Type, events.ElementKey(s.End1), events.ElementKey(s.End2))
	return key, func(have *events.DigestItem) bool {
		return have.Content == events.ContentDigest(s.Type, key.String(), stored(s.Properties)) && counts(have, s.Effectivity)
	}, &events.Link{Relationship: *s}
}

// counts reports whether what is known counts when it shall, if that is said.
func counts(have *events.DigestItem, want *events.Effectivity) bool {
	return want == nil || have.Effectivity == events.EffectivityDigest(*want)
}

// stored returns properties as the repository keeps them: a null is no property.
func stored(p events.Properties) events.Properties {
	kept, err := p.WithoutNulls()
	if err != nil {
		return p // it fails when it is sent
	}
	return kept
}

// storedMarks returns classifications as the repository keeps them.
func storedMarks(marks []events.Classification) []events.Classification {
	kept := slices.Clone(marks)
	for i := range kept {
		kept[i].Properties = stored(kept[i].Properties)
	}
	return kept
}

// vanished yields the deletions: relationships first, since deleting an element
// takes its relationships with it.
func (r *reconciliation) vanished(yield func(events.Command) bool) {
	for _, relationships := range []bool{true, false} {
		for key, have := range r.known {
			if have.seen || have.Relationship != relationships {
				continue
			}
			r.Deleted++
			if !yield(have.removal(key)) {
				return
			}
		}
	}
}

// removal returns the command that deletes what is known.
func (k *known) removal(key events.Key) events.Command {
	guid := cmp.Or(k.GUID, key.String())
	if k.Relationship {
		return &events.Unlink{GUID: guid}
	}
	return &events.Delete{Element: events.ByGUID(guid)}
}
