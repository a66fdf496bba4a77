package connectors

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/camena-io/camena/events"
)

// Get returns one element, or one relationship by its guid; [ErrNotFound] if it is
// not there, or was not at the time that is asked for: the error says which.
func (c *Context) Get(ctx context.Context, q events.Get) (events.ElementAnswer, error) {
	if c.closed.Load() {
		return events.ElementAnswer{}, ErrDisconnected
	}
	q.MinSequence = max(q.MinSequence, c.wrote.Load())
	a, err := c.set.Reader.Get(ctx, q)
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		return a, fmt.Errorf("%w: %w", ErrNotFound, err)
	case err == nil && a.Element == nil && a.Relationship == nil:
		return a, ErrNotFound
	default:
		return a, err
	}
}

// Element returns one element; [ErrNotFound] if it is not there.
func (c *Context) Element(ctx context.Context, ref events.ElementRef) (*events.Element, error) {
	return c.element(ctx, events.Get{ElementRef: ref})
}

// ElementAsOf returns one element as it was stored at a time, though it may be
// deleted since then. The error is [ErrNotFound], and says whether it was not
// there, or history does not reach back so far.
func (c *Context) ElementAsOf(ctx context.Context, ref events.ElementRef, at time.Time) (*events.Element, error) {
	return c.element(ctx, events.Get{ElementRef: ref, AsOf: at})
}

func (c *Context) element(ctx context.Context, q events.Get) (*events.Element, error) {
	a, err := c.Get(ctx, q)
	if err == nil && a.Element == nil {
		return nil, fmt.Errorf("%w: %s is a relationship", ErrNotFound, q.GUID)
	}
	return a.Element, err
}

// Relationship returns one relationship; [ErrNotFound] if it is not there.
func (c *Context) Relationship(ctx context.Context, guid string) (*events.Relationship, error) {
	a, err := c.Get(ctx, events.Get{ElementRef: events.ByGUID(guid)})
	if err == nil && a.Relationship == nil {
		return nil, fmt.Errorf("%w: %s is an element", ErrNotFound, guid)
	}
	return a.Relationship, err
}

// Graph returns what is around an element.
func (c *Context) Graph(ctx context.Context, q events.Graph) (events.GraphAnswer, error) {
	q.MinSequence = max(q.MinSequence, c.wrote.Load())
	return explore(c, func(e Explorer) (events.GraphAnswer, error) { return e.Graph(ctx, q) })
}

// Lineage returns what an element comes from and what comes from it.
func (c *Context) Lineage(ctx context.Context, q events.Lineage) (events.GraphAnswer, error) {
	q.MinSequence = max(q.MinSequence, c.wrote.Load())
	return explore(c, func(e Explorer) (events.GraphAnswer, error) { return e.Lineage(ctx, q) })
}

// History returns the changes of an element or relationship, oldest first, as
// far back as they are kept.
func (c *Context) History(ctx context.Context, q events.History) (events.HistoryAnswer, error) {
	q.MinSequence = max(q.MinSequence, c.wrote.Load())
	return explore(c, func(e Explorer) (events.HistoryAnswer, error) { return e.History(ctx, q) })
}

// CountElements says how many elements match q, by type.
func (c *Context) CountElements(ctx context.Context, q events.Find) (events.CountAnswer, error) {
	q.MinSequence = max(q.MinSequence, c.wrote.Load())
	return explore(c, func(e Explorer) (events.CountAnswer, error) { return e.Count(ctx, q) })
}

// explore asks the Reader what not every one answers.
func explore[E, A any](c *Context, ask func(E) (A, error)) (A, error) {
	var none A
	if c.closed.Load() {
		return none, ErrDisconnected
	}
	e, ok := c.set.Reader.(E)
	if !ok {
		return none, errors.ErrUnsupported
	}
	return ask(e)
}

// Find yields the elements that match q, page by page.
func (c *Context) Find(ctx context.Context, q events.Find) iter.Seq2[*events.Element, error] {
	return func(yield func(*events.Element, error) bool) {
		q := q // the sequence may be ranged over again, from its first page
		c.pages(&q.Page, func() (string, bool, error) {
			a, err := c.set.Reader.Find(ctx, q)
			for i := range a.Elements {
				if !yield(&a.Elements[i], nil) {
					return "", true, nil
				}
			}
			return a.Next, false, err
		}, func(err error) { yield(nil, err) })
	}
}

// Related yields the elements related to one element, page by page.
func (c *Context) Related(ctx context.Context, q events.Related) iter.Seq2[*events.RelatedElement, error] {
	return func(yield func(*events.RelatedElement, error) bool) {
		q := q
		c.pages(&q.Page, func() (string, bool, error) {
			a, err := c.set.Reader.Related(ctx, q)
			for i := range a.Related {
				if !yield(&a.Related[i], nil) {
					return "", true, nil
				}
			}
			return a.Next, false, err
		}, func(err error) { yield(nil, err) })
	}
}

// Types yields the definitions of types, in the order of their names.
func (c *Context) Types(ctx context.Context, q events.Types) iter.Seq2[*events.KnownType, error] {
	return func(yield func(*events.KnownType, error) bool) {
		q := q
		c.pages(&q.Page, func() (string, bool, error) {
			a, err := explore(c, func(t TypeReader) (events.TypesAnswer, error) { return t.Types(ctx, q) })
			for i := range a.Types {
				if !yield(&a.Types[i], nil) {
					return "", true, nil
				}
			}
			return a.Next, false, err
		}, func(err error) { yield(nil, err) })
	}
}

// pages calls fetch until it says that there is no next page, or stop.
func (c *Context) pages(p *events.Page, fetch func() (next string, stop bool, err error), fail func(error)) {
	p.MinSequence = max(p.MinSequence, c.wrote.Load())
	for {
		if c.closed.Load() {
			fail(ErrDisconnected)
			return
		}
		next, stop, err := fetch()
		if stop {
			return
		}
		if err != nil {
			fail(err)
			return
		}
		if next == "" {
			return
		}
		p.After = next
	}
}
