package egeria

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/google/uuid"
)

// sequence yields steps that are known already.
func sequence(steps []*Step) iter.Seq2[*Step, error] {
	return func(yield func(*Step, error) bool) {
		for _, s := range steps {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// instances reads the archive again and yields the steps of what is taken, but for
// types, in an order in which they can be applied: elements, classifications,
// relationships, and in the end what is archived. An error ends it. A broken archive
// yields only an error.
func (p *Plan) instances(ctx context.Context) iter.Seq2[*Step, error] {
	return func(yield func(*Step, error) bool) {
		if b := p.Report.Broken; b != nil {
			yield(nil, fmt.Errorf("nothing is taken of an archive that is broken: %s", b))
			return
		}
		w := walk{plan: p, yield: yield}
		if err := w.all(ctx); err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// walk yields the steps of a plan until it is stopped.
type walk struct {
	plan  *Plan
	yield func(*Step, error) bool
	// anchored says that the deferred anchors were yielded.
	anchored bool
	// mementos archive elements, after everything else about them.
	mementos []*Step
}

// errStopped ends a scan that the caller stops.
var errStopped = errors.New("stopped")

func (w *walk) all(ctx context.Context) error {
	passes := w.plan.passes([]section{entities}, []section{classifications}, []section{relationships})
	w.plan.meter.begin(len(passes), w.plan.archive.size)
	for _, pass := range passes {
		if err := w.plan.read(ctx, pass, w.item); err != nil {
			return err
		}
	}
	// Archiving an element archives what is anchored to it and is not archived yet, so
	// the elements farthest from the root come first.
	depths := map[uuid.UUID]int{}
	slices.SortStableFunc(w.mementos, func(a, b *Step) int {
		return cmp.Compare(w.plan.anchorDepth(depths, id(b.GUID)), w.plan.anchorDepth(depths, id(a.GUID)))
	})
	return cmp.Or(w.resolveAnchors(), w.steps(w.mementos))
}

func (w *walk) steps(steps []*Step) error {
	for _, s := range steps {
		if !w.yield(s, nil) {
			return errStopped
		}
	}
	return nil
}

// resolveAnchors anchors the elements that come before their anchors.
func (w *walk) resolveAnchors() error {
	if w.anchored {
		return nil
	}
	w.anchored = true
	return w.steps(w.plan.deferredAnchors)
}

func (w *walk) item(i *item) error {
	steps, f := w.stepsOf(i)
	if f != nil {
		return &DamageError{Where: i.place(f.pointer), Reason: "the archive was changed since it was checked: " + f.reason}
	}
	if i.section != entities {
		if err := w.resolveAnchors(); err != nil {
			return err
		}
	}
	return w.steps(slices.DeleteFunc(steps, func(s *Step) bool {
		if s.Archives() {
			w.mementos = append(w.mementos, s)
		}
		return s.Archives()
	}))
}

// stepsOf returns the steps of an item that is taken.
func (w *walk) stepsOf(i *item) ([]*Step, *fault) {
	switch i.section {
	case entities:
		return w.entity(i)
	case relationships:
		r, f := w.plan.decodeRelationship(i)
		return []*Step{r.step(i.place(""))}, f
	default:
		x, f := w.plan.decodeExtension(i)
		if f != nil {
			return nil, f
		}
		s, f := x.step(i.place(""))
		return []*Step{s}, f
	}
}

func (w *walk) entity(i *item) ([]*Step, *fault) {
	e, f := w.plan.decodeEntity(i)
	if f != nil {
		return nil, f
	}
	for index, m := range e.wire.Classifications {
		if m == nil {
			e.inHeader++
		}
		if m == nil || w.plan.dropped[i.classification(index)] {
			continue
		}
		pointer := itemAt("/classifications", index)
		c, f := w.plan.classification(m)
		if f != nil {
			return nil, f.below(pointer)
		}
		s, f := classificationStep(&c, e.stub(), i.place(pointer))
		if f != nil {
			return nil, f.below(pointer)
		}
		if s.Anchor == "" || !w.plan.deferred[i.classification(index)] {
			e.add(s)
		}
	}
	return e.steps(i.place(""), w.plan.settings.UnknownProperties), nil
}
