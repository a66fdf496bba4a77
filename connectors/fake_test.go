package connectors_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// fakeBus is just enough of a repository: it records what is sent, hands out
// what it is given as digests, and follows a channel.
type fakeBus struct {
	mu       sync.Mutex
	commands []events.Command
	sent     []events.Event
	digests  []events.DigestItem
	sequence uint64
	// asked are the smallest sequences that reads were to reflect.
	asked []uint64
	// refuse answers a request instead of the repository.
	refuse func(events.Command) (events.Result, error)
	// pages is how many digests or elements an answer holds; 0 is all.
	pages    int
	elements []events.Element
	changes  chan connectors.Change
	position map[string][]byte
}

func (b *fakeBus) record(e events.Event) events.Command {
	c, err := events.DecodeCommand(&e)
	if err != nil {
		panic(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sequence++
	b.sent = append(b.sent, e)
	b.commands = append(b.commands, c)
	return c
}

func (b *fakeBus) Send(_ context.Context, es iter.Seq[events.Event]) error {
	for e := range es {
		b.record(e)
	}
	return nil
}

func (b *fakeBus) Request(_ context.Context, e events.Event) (events.Result, error) {
	c := b.record(e)
	if b.refuse != nil {
		if r, err := b.refuse(c); err != nil || r.Error != nil {
			return r, err
		}
	}
	return events.Result{Sequence: b.sequence}, nil
}

func (b *fakeBus) Ask(_ context.Context, q events.Question) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, *q.Awaited())
	answer, err := b.answer(q)
	if err != nil {
		return nil, err
	}
	return events.Marshal(answer)
}

func (b *fakeBus) answer(q events.Question) (any, error) {
	switch q := q.(type) {
	case *events.Digests:
		from, to, next := b.page(q.Page, len(b.digests))
		return events.DigestsAnswer{Digests: b.digests[from:to], Next: next}, nil
	case *events.Find:
		from, to, next := b.page(q.Page, len(b.elements))
		return events.ElementsAnswer{Elements: b.elements[from:to], Next: next}, nil
	case *events.Related:
		from, to, next := b.page(q.Page, len(b.elements))
		var related []events.RelatedElement
		for _, e := range b.elements[from:to] {
			related = append(related, events.RelatedElement{Element: e})
		}
		return events.RelatedAnswer{Related: related, Next: next}, nil
	case *events.Get:
		return b.get(q)
	default:
		return struct{}{}, nil
	}
}

func (b *fakeBus) page(p events.Page, total int) (from, to int, next string) {
	from = len(p.After)
	to = min(from+cmp.Or(b.pages, total), total)
	if to < total {
		next = string(make([]byte, to))
	}
	return from, to, next
}

func (b *fakeBus) get(q *events.Get) (events.ElementAnswer, error) {
	for i := range b.elements {
		if b.elements[i].Header.QualifiedName == q.QualifiedName {
			return events.ElementAnswer{Element: &b.elements[i]}, nil
		}
	}
	if q.QualifiedName == "broken" {
		return events.ElementAnswer{}, events.Errorf(events.CodeUnavailable, "", "nobody answers")
	}
	return events.ElementAnswer{}, events.Errorf(events.CodeNotFound, "", "not there")
}

// LastChange implements [connectors.Follower].
func (*fakeBus) LastChange(context.Context) (uint64, error) { return 0, nil }

func (b *fakeBus) Follow(ctx context.Context, f connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case change, open := <-b.changes:
			if !open {
				return errors.New("the stream is gone")
			}
			for handled := !f.Matches(&change); !handled && ctx.Err() == nil; {
				handled = handle(ctx, change) == nil
			}
		}
	}
}

func (b *fakeBus) LoadPosition(_ context.Context, key string, _ uint64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.position[key], nil
}

func (b *fakeBus) SavePosition(_ context.Context, key string, _ uint64, value []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.position[key] = slices.Clone(value)
	return nil
}

// taken returns the commands recorded since the last call.
func (b *fakeBus) taken() []events.Command {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.commands
	b.commands = nil
	return taken
}

func setup(t *testing.T, d events.Definition, generation uint64) (*connectors.Context, *fakeBus) {
	t.Helper()
	b := &fakeBus{changes: make(chan connectors.Change), position: map[string][]byte{}}
	d.ID, d.Name = cmp.Or(d.ID, "id"), cmp.Or(d.Name, "name")
	return connectors.NewContext(connectors.Settings{
		Definition: d, Node: "node", Generation: generation,
		Publisher: b, Asker: b, Follower: b, Positions: b,
	}), b
}
