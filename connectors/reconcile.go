package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/camena-io/camena/events"
)

// Reconciled counts what a reconciliation sent.
type Reconciled struct {
	Created, Updated, Deleted, Unchanged int64
}

// Changed reports whether anything was sent.
func (r Reconciled) Changed() bool { return r.Created+r.Updated+r.Deleted > 0 }

// Reconcile makes the metadata of a scope equal to what wanted yields: it compares by
// content and sends only the difference. It deletes what the connector cataloged in that
// scope before and wanted no longer yields. If wanted yields an error, Reconcile sends
// what came before, deletes nothing and returns the error: an incomplete view must not
// look like a disappearance.
//
// A relationship without a guid is the one of its type between its two ends. If the type
// allows several, give each of them a guid of its own for good: two that differ and
// cannot be told apart are also an error. Fields that wanted leaves out (zones,
// classifications, anchor, effectivity) are not compared.
//
// The scope is any text that the connector chooses, except the empty one; scopes never
// affect each other. When Reconcile returns nil, everything is applied, and reads of this
// Context reflect it.
func (c *Context) Reconcile(ctx context.Context, scope string, wanted iter.Seq2[Wanted, error]) (Reconciled, error) {
	var r reconciliation
	if scope == "" {
		return r.Reconciled, Permanent(errors.New("a reconciliation needs a scope: what it covers, such as the root of a tree"))
	}
	if err := c.ready(ctx); err != nil {
		return r.Reconciled, err
	}
	if err := c.flush(ctx, scope); err != nil {
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
	return r.Reconciled, c.flush(ctx, scope)
}

// flush waits until all commands sent before are applied. A reconciliation must know
// their effects, to keep or to delete them.
func (c *Context) flush(ctx context.Context, scope string) error {
	if !c.unflushed.Swap(false) {
		return nil
	}
	err := c.retry(ctx, &events.Flush{}, scope)
	if err != nil {
		c.unflushed.Store(true)
	}
	return err
}

type reconciliation struct {
	Reconciled
	// known has the present instances, and what wanted has yielded, by key; guids has
	// relationships by guid.
	known, guids map[events.Key]*known
	// deferred are links that must follow the deletions of other links.
	deferred []events.Command
	failed   error
}

type known struct {
	events.DigestItem
	seen bool
	// as is the relationship as wanted has yielded it.
	as linkDigest
}

func (r *reconciliation) load(ctx context.Context, c *Context, scope string) error {
	r.known, r.guids = map[events.Key]*known{}, map[events.Key]*known{}
	q := &events.Digests{
		Source: c.set.Definition.MetadataSource, Scope: scope, Page: events.Page{Limit: events.MaxPage},
	}
	for item, err := range events.All(ctx, c, q) {
		if err != nil {
			return err
		}
		r.add(&known{DigestItem: *item})
	}
	return nil
}

// add adds a known item; of several items with the same key the others get their guids
// as keys.
func (r *reconciliation) add(k *known) {
	key := k.Key
	if k.GUID != "" {
		guid := events.ElementKey(events.ByGUID(k.GUID))
		if k.Relationship {
			r.guids[guid] = k
		}
		if r.known[key] != nil {
			key = guid
		}
	}
	r.known[key] = k
}

// difference yields the commands that make the known instances what is wanted.
func (r *reconciliation) difference(wanted iter.Seq2[Wanted, error]) iter.Seq[events.Command] {
	return func(yield func(events.Command) bool) {
		for w, err := range wanted {
			commands, err := r.compare(w, err)
			if err != nil {
				r.failed = err
				yieldAll(r.deferred, yield)
				return
			}
			if !yieldAll(commands, yield) {
				return
			}
		}
		// Relationships first, since deleting an element takes its relationships with it.
		if r.vanished(true, yield) && yieldAll(r.deferred, yield) {
			r.vanished(false, yield)
		}
	}
}

func yieldAll(commands []events.Command, yield func(events.Command) bool) bool {
	for _, c := range commands {
		if !yield(c) {
			return false
		}
	}
	return true
}

// compare returns the commands for one item of wanted.
func (r *reconciliation) compare(w Wanted, err error) ([]events.Command, error) {
	if err == nil {
		err = w.validate()
	}
	if err != nil {
		return nil, err
	}
	if w.Relationship != nil {
		return r.compareLink(w.Relationship)
	}
	key, upsert := events.ElementKey(w.Element.Ref()), &events.Upsert{Element: *w.Element}
	have, ok := r.known[key]
	switch {
	case !ok:
		r.known[key] = &known{seen: true}
		r.Created++
	case have.seen:
		return nil, nil // wanted yields it twice; the first counts
	case isElement(&have.DigestItem, w.Element):
		have.seen = true
		r.Unchanged++
		return nil, nil
	default:
		have.seen = true
		r.Updated++
	}
	return []events.Command{upsert}, nil
}

// compareLink identifies relationships as the repository does: by their guid or, without
// one, by their type and ends.
func (r *reconciliation) compareLink(s *events.RelationshipSpec) ([]events.Command, error) {
	as := digestOf(s)
	key := as.ends
	if s.GUID != "" {
		key = events.ElementKey(events.ByGUID(s.GUID))
	}
	have := r.known[key]
	if have == nil && s.GUID != "" {
		have = r.guids[key]
	}
	switch {
	case have == nil:
		r.known[key] = &known{seen: true, as: as}
		r.Created++
		return r.link(s, as.ends), nil
	case have.seen && have.as == as:
		return nil, nil // the same twice
	case have.seen:
		return nil, ambiguous(s)
	}
	have.seen, have.as = true, as
	switch {
	case cmp.Or(have.Ends, have.Key) != as.ends: // what a relationship connects is never changed
		r.Updated++
		return append([]events.Command{have.removal(key)}, r.link(s, as.ends)...), nil
	case as.is(&have.DigestItem):
		r.Unchanged++
		return nil, nil
	default:
		r.Updated++
		return []events.Command{&events.Link{Relationship: *s}}, nil
	}
}

// link returns the command for a new relationship. If its ends have one with another
// guid, the command follows the deletions: there may be room for only one.
func (r *reconciliation) link(s *events.RelationshipSpec, ends events.Key) []events.Command {
	command := &events.Link{Relationship: *s}
	if other := r.known[ends]; s.GUID != "" && other != nil && !other.seen {
		r.deferred = append(r.deferred, command)
		return nil
	}
	return []events.Command{command}
}

// vanished yields the deletions of relationships, or of elements.
func (r *reconciliation) vanished(relationships bool, yield func(events.Command) bool) bool {
	for key, have := range r.known {
		if have.seen || have.Relationship != relationships {
			continue
		}
		r.Deleted++
		if !yield(have.removal(key)) {
			return false
		}
	}
	return true
}

// removal returns the command that deletes what is known.
func (k *known) removal(key events.Key) events.Command {
	guid := cmp.Or(k.GUID, key.String())
	if k.Relationship {
		return &events.Unlink{GUID: guid}
	}
	return &events.Delete{Element: events.ByGUID(guid)}
}
