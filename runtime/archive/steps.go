package archive

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Steps reads the archive again and yields what is taken, in an order in which
// it can be applied: types, elements, classifications, relationships. An error
// ends it; so does, before anything is yielded, an archive that is broken.
func (p *Plan) Steps(ctx context.Context) iter.Seq2[*Step, error] {
	return func(yield func(*Step, error) bool) {
		if b := p.Report.Broken; b != nil {
			yield(nil, fmt.Errorf("nothing is taken of an archive that is broken: %s", b))
			return
		}
		w := walk{plan: p, yield: yield, converter: converter{enum: p.nameOf}}
		if err := w.all(ctx); err != nil {
			yield(nil, err)
		}
	}
}

// walk yields the steps of a plan until it is stopped.
type walk struct {
	converter

	plan  *Plan
	yield func(*Step, error) bool
	// moored is set once the elements are anchored that came before their anchors.
	moored bool
	// mementos archive elements, when all is there that is about them.
	mementos []Step
}

// stoppedError ends a scan of which no more is wanted.
type stoppedError struct{}

func (stoppedError) Error() string { return "no more is wanted" }

func (w *walk) all(ctx context.Context) error {
	passes := w.plan.survey.passes([]section{entities}, []section{classifications}, []section{relationships})
	w.plan.meter.begin(len(passes), w.plan.archive.size)
	steps := w.plan.typeSteps()
	for i := range steps {
		if err := w.step(&steps[i]); err != nil {
			return w.end(err)
		}
	}
	for _, pass := range passes {
		if err := w.plan.read(ctx, pass, w.item); err != nil {
			return w.end(err)
		}
	}
	return w.end(cmp.Or(w.moor(), w.archive()))
}

// end returns an error unless it only says that the caller wants no more.
func (*walk) end(err error) error {
	if _, ok := err.(stoppedError); ok { //nolint:errorlint // it is never wrapped
		return nil
	}
	return err
}

func (w *walk) step(s *Step) error {
	if !w.yield(s, nil) {
		return stoppedError{}
	}
	return nil
}

// archive archives the elements that are classified as Memento: what is anchored
// before its anchor, which takes with it what is not archived yet.
func (w *walk) archive() error {
	depths := map[uuid.UUID]int{}
	slices.SortStableFunc(w.mementos, func(a, b Step) int {
		return cmp.Compare(w.plan.below(depths, id(b.Subject().GUID)), w.plan.below(depths, id(a.Subject().GUID)))
	})
	for i := range w.mementos {
		if err := w.step(&w.mementos[i]); err != nil {
			return err
		}
	}
	return nil
}

// moor anchors the elements that came before their anchors.
func (w *walk) moor() error {
	if w.moored {
		return nil
	}
	w.moored = true
	for i := range w.plan.moorings {
		if err := w.step(&w.plan.moorings[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) item(i *item) error {
	if i.section != entities {
		if err := w.moor(); err != nil {
			return err
		}
	}
	s := &Step{Where: i.place("")}
	var f *fault
	switch i.section {
	case entities:
		s.Element, f = w.element(i)
	case relationships:
		s.Relationship, f = w.relationship(i)
	default:
		s.Classification, f = w.classification(i)
	}
	if f != nil {
		return &DamageError{Where: i.place(f.pointer), Reason: "the archive was changed since it was checked: " + f.reason}
	}
	s.setCommands(w.plan.settings.UnknownProperties)
	if s.Archives() {
		w.mementos = append(w.mementos, *s)
		return nil
	}
	return w.step(s)
}

func (s *Step) setCommands(unknown events.UnknownProperties) {
	switch {
	case s.Element != nil:
		s.Commands = elementCommands(s.Element, s.Element.Anchor, unknown)
	case s.Relationship != nil:
		s.Commands = relationshipCommands(s.Relationship)
	default:
		s.Commands = classificationCommands(s.Classification)
	}
}

func (w *walk) element(i *item) (*Element, *fault) {
	var wire wireElement
	if err := json.Unmarshal(i.raw, &wire); err != nil {
		return nil, faultOf(err)
	}
	e, f := w.converter.element(&wire)
	if f != nil {
		return nil, f
	}
	for index, m := range wire.Classifications {
		if m == nil || w.plan.marks[mark{i.index, index}] {
			continue
		}
		out, f := w.converter.classification(m)
		if f != nil {
			return nil, f.below(itemAt("/classifications", index))
		}
		out.Element = Stub{GUID: e.GUID, Type: e.Type, QualifiedName: e.QualifiedName}
		if f := w.mark(i, e, out, index); f != nil {
			return nil, f.below(itemAt("/classifications", index))
		}
	}
	return e, nil
}

// mark puts a classification on an element, unless it comes in a step of its own.
func (w *walk) mark(i *item, e *Element, m *Classification, index int) *fault {
	if m.Type == events.Memento {
		w.mementos = append(w.mementos, Step{
			Where: i.place(itemAt("/classifications", index)), Classification: m, Commands: classificationCommands(m),
		})
		return nil
	}
	anchor, f := e.wear(m)
	if f != nil || anchor != "" && w.plan.deferred[i.key()] {
		return f
	}
	e.Anchor = cmp.Or(anchor, e.Anchor)
	e.marks++
	if len(e.places) < len(e.Classifications) {
		e.places = append(e.places, index)
	}
	return nil
}

func (w *walk) relationship(i *item) (*Relationship, *fault) {
	var wire wireRelationship
	if err := json.Unmarshal(i.raw, &wire); err != nil {
		return nil, faultOf(err)
	}
	return w.converter.relationship(&wire)
}

func (w *walk) classification(i *item) (*Classification, *fault) {
	var wire wireExtension
	if err := json.Unmarshal(i.raw, &wire); err != nil {
		return nil, faultOf(err)
	}
	return w.converter.extension(&wire)
}
