package connectors

import (
	"context"
	"iter"

	"github.com/camena-io/camena/events"
)

// Element returns one element; [ErrNotFound] if it is not there.
func (c *Context) Element(ctx context.Context, ref events.ElementRef) (*events.Element, error) {
	if c.closed.Load() {
		return nil, ErrDisconnected
	}
	a, err := c.set.Reader.Get(ctx, events.Get{ElementRef: ref, MinSequence: c.wrote.Load()})
	if events.CodeOf(err) == events.CodeNotFound || err == nil && a.Element == nil {
		return nil, ErrNotFound
	}
	return a.Element, err
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
