package egeria

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
)

// target takes the commands of archives: the repository, or a copy of its state.
type target interface {
	// types returns the types that are defined now.
	types(ctx context.Context) (*opentypes.Registry, error)
	// element returns the element with a guid, nil if there is none.
	element(ctx context.Context, guid string) (*events.Element, error)
	// apply applies commands in their order, and calls done with the place and the
	// result of each.
	apply(ctx context.Context, commands iter.Seq[events.Event], done func(n int, r events.Result)) error
}

// remote is the repository on a bus.
type remote struct{ *client.Client }

func (r remote) types(ctx context.Context) (*opentypes.Registry, error) { return r.Registry(ctx) }

// existing returns those of the guids that are elements of a target.
func existing(ctx context.Context, t target, guids []string) (list []string, err error) {
	const atOnce = 32
	found := make([]*events.Element, len(guids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n, guid := range guids {
		group.Go(func() (err error) {
			found[n], err = t.element(ctx, guid)
			return err
		})
	}
	err = group.Wait()
	for n, guid := range guids {
		if found[n] != nil {
			list = append(list, guid)
		}
	}
	return list, err
}

func (r remote) element(ctx context.Context, guid string) (*events.Element, error) {
	a, err := events.Ask(ctx, r, &events.Get{ElementRef: events.ByGUID(guid)})
	return a.Element, unlessNotFound(err)
}

func unlessNotFound(err error) error {
	if events.CodeOf(err) == events.CodeNotFound {
		return nil
	}
	return err
}

func (r remote) apply(ctx context.Context, commands iter.Seq[events.Event], done func(int, events.Result)) error {
	return r.RequestAll(ctx, commands, done)
}

// hasArchived reports whether the repository has archived elements.
func (r remote) hasArchived(ctx context.Context) (bool, error) {
	last, err := r.LastChange(ctx)
	if err != nil {
		return false, err
	}
	q := events.Find{Page: events.Page{MinSequence: last}}
	present, err := events.Ask(ctx, r, &events.Count{Find: q})
	if err != nil {
		return false, err
	}
	q.IncludeArchived = true
	all, err := events.Ask(ctx, r, &events.Count{Find: q})
	return sum(all.Elements) > sum(present.Elements), err
}

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// rehearsal is a copy of the state of a repository. It applies commands as the
// repository does, and nobody else sees that.
type rehearsal struct {
	index   *index.Index
	pending *graph.Pending
	rules   graph.Rules
	// transient leaves the index as it is: only pending has what is applied.
	transient bool
}

// trial returns a rehearsal that begins with the state of this one and leaves it as
// it is.
func (r *rehearsal) trial() *rehearsal {
	return &rehearsal{index: r.index, pending: graph.NewPending(r.index, r.rules), transient: true}
}

func (r *rehearsal) types(context.Context) (*opentypes.Registry, error) { return r.index.Types(), nil }

func (r *rehearsal) element(ctx context.Context, guid string) (*events.Element, error) {
	a, err := r.index.Get(ctx, nil, &events.Get{ElementRef: events.ByGUID(guid)})
	if err != nil || a.Element == nil {
		return nil, unlessNotFound(err)
	}
	var e events.Element
	err = json.Unmarshal(a.Element, &e)
	return &e, err
}

func (r *rehearsal) apply(ctx context.Context, commands iter.Seq[events.Event], done func(int, events.Result)) error {
	n := 0
	for e := range commands {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		result, err := r.applyOne(&e)
		if err != nil {
			result = events.Result{Error: errorOf(err)}
		}
		done(n, result)
		n++
	}
	return nil
}

func (r *rehearsal) applyOne(e *events.Event) (events.Result, error) {
	command, err := events.DecodeCommand(e)
	if err != nil {
		return events.Result{}, err
	}
	if err := graph.CheckEnvelope(e); err != nil {
		return events.Result{}, err
	}
	sequence, position := r.index.Reached()
	now := time.Now().UTC()
	q, err := graph.RequestOf(e, position+1, now)
	if err != nil {
		return events.Result{}, err
	}
	o, err := r.pending.Apply(q, command)
	switch {
	case err != nil:
		return events.Result{}, err
	case o.Len() == 0:
	case r.transient:
		r.pending.Add(&o)
	default:
		o.Stored(sequence + uint64(o.Len())) //nolint:gosec // a length
		r.index.Commit(o.AppendStateChanges(nil, position+1, now)...)
	}
	return o.Result, nil
}

// errorOf is how a repository tells of a command that it refuses.
func errorOf(err error) *events.Error {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return e
	}
	return events.Errorf(events.CodeInvalid, "", "%s", err)
}
