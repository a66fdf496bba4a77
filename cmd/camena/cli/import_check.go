package cli

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
)

// rehearsal sends the steps of an archive as dry runs, to hear what would be
// refused. What refers to an element that is not there yet is sent in a change
// set behind a command that would create it.
type rehearsal struct {
	*loading

	// trials are those under way, by their place.
	trials map[int]*trial
	// changed are the types that the archive would define or change, touched the
	// types that build on them; of those nothing can be tried.
	changed, touched map[string]bool
	// fresh are elements that would be created, lost those that would not,
	// unknown those that could not be tried; all by guid.
	fresh         map[string]archive.Stub
	lost, unknown map[string]bool
	// marks are classifications of elements that are refused.
	marks []*archive.Step
}

// trial is a step and the commands to try it with, the last of which is its own.
type trial struct {
	step     *archive.Step
	commands []events.Command
}

func (l *loading) rehearse(ctx context.Context) error {
	r := &rehearsal{
		loading: l, trials: map[int]*trial{}, changed: map[string]bool{}, touched: map[string]bool{},
		fresh: map[string]archive.Stub{}, lost: map[string]bool{}, unknown: map[string]bool{},
	}
	l.one.Untried = map[archive.Kind]int{}
	l.progress.begin("trying")
	return l.stages(ctx, rehearsalStage, func(stage archive.Kind, steps iter.Seq[*archive.Step]) error {
		if err := l.meetArchived(ctx, stage); err != nil {
			return err
		}
		if err := r.try(ctx, r.trialsOf(steps)); err != nil {
			return err
		}
		return r.tryMarks(ctx)
	})
}

// rehearsalStage tells apart what must be known before the rest is tried.
func rehearsalStage(s *archive.Step) archive.Kind {
	switch {
	case len(s.Types) > 0:
		return archive.KindType
	case s.Element != nil:
		return archive.KindElement
	default:
		return archive.KindRelationship
	}
}

// try sends trials and takes their outcomes.
func (r *rehearsal) try(ctx context.Context, trials iter.Seq[*trial]) error {
	return r.metadata.RequestAll(ctx, func(yield func(events.Event) bool) {
		n := 0
		for t := range trials {
			e, err := r.rehearsed(t.commands...)
			if err != nil {
				r.refuse(t.step, err.Error())
				continue
			}
			r.trials[n] = t
			n++
			if !yield(e) {
				return
			}
		}
	}, r.outcome)
}

// rehearsed is the event that tries commands, the last of which is meant.
func (l *loading) rehearsed(commands ...events.Command) (events.Event, error) {
	command := commands[0]
	if len(commands) > 1 {
		set, err := events.NewChangeSet(commands...)
		if err != nil {
			return events.Event{}, err
		}
		command = set
	}
	e, err := l.event(command)
	e.SetExtension(events.ExtDryRun, "true")
	return e, err
}

// trialsOf are the trials of steps; what cannot be tried is counted.
func (r *rehearsal) trialsOf(steps iter.Seq[*archive.Step]) iter.Seq[*trial] {
	return func(yield func(*trial) bool) {
		for s := range steps {
			for _, t := range r.trialsOfStep(s) {
				if !yield(t) {
					return
				}
			}
		}
	}
}

func (r *rehearsal) trialsOfStep(s *archive.Step) []*trial {
	switch {
	case s.Anchoring != nil && r.lost[strings.ToLower(s.Anchoring.Anchor)]:
		r.refuse(s, isRefused(s.Anchoring.Anchor))
	case len(s.Commands) == 0 || s.Anchoring != nil && len(r.unsettled([]*archive.Step{s})) > 0:
		r.leave(s, false) // it follows from what is tried
	case s.Anchoring != nil:
	case len(s.Types) > 0:
		return []*trial{{s, s.Commands}}
	case s.Element != nil:
		return r.elementTrials(s)
	case s.Classification != nil:
		guids := []string{s.Classification.Element.GUID}
		if anchor := s.Anchor(); anchor != "" {
			guids = append(guids, anchor)
		}
		return r.linkTrial(s, s.Classification.Type, guids...)
	case s.Relationship != nil:
		return r.linkTrial(s, s.Relationship.Type, s.Relationship.End1.GUID, s.Relationship.End2.GUID)
	}
	return nil
}

// elementTrials try an element, and each of its classifications behind it.
func (r *rehearsal) elementTrials(s *archive.Step) []*trial {
	parts := s.Parts()
	if len(parts) == 0 {
		parts = []*archive.Step{s}
	}
	if r.isNew(s.Element.Type) {
		r.unknown[strings.ToLower(s.Element.GUID)] = true
		for _, part := range parts {
			r.leave(part, true)
		}
		return nil
	}
	if parts = r.unsettled(parts); len(parts) == 0 {
		return nil
	}
	element := parts[0].Commands[0]
	if upsert, ok := element.(*events.Upsert); ok {
		bare := *upsert
		bare.Element.Anchor = events.ElementRef{} // it may come later in the archive
		element = &bare
	}
	trials := []*trial{{parts[0], []events.Command{element}}}
	for _, part := range parts[1:] {
		if r.isNew(part.Classification.Type) {
			r.leave(part, true)
			continue
		}
		trials = append(trials, &trial{part, []events.Command{element, part.Commands[0]}})
	}
	return trials
}

// unsettled returns the steps whose outcome is not known yet.
func (r *rehearsal) unsettled(steps []*archive.Step) []*archive.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s *archive.Step) bool {
		reason, settled := r.archived.settled(s)
		switch {
		case !settled:
		case reason != "":
			r.refuse(s, reason)
		default:
			r.leave(s, false)
		}
		return settled
	})
}

// isRefused is why something is refused that refers to an element.
func isRefused(guid string) string { return "it refers to the element " + guid + ", which is refused" }

// linkTrial tries what refers to elements.
func (r *rehearsal) linkTrial(s *archive.Step, typeName string, guids ...string) []*trial {
	if len(r.unsettled([]*archive.Step{s})) == 0 {
		return nil
	}
	untried := r.isNew(typeName)
	t := &trial{step: s}
	for _, guid := range guids {
		key := strings.ToLower(guid)
		if r.lost[key] {
			r.refuse(s, isRefused(guid))
			return nil
		}
		untried = untried || r.unknown[key]
		if stub, ok := r.fresh[key]; ok {
			t.commands = append(t.commands, &events.Upsert{
				Merge: true, Element: events.ElementSpec{GUID: stub.GUID, Type: stub.Type, QualifiedName: stub.QualifiedName},
			})
		}
	}
	if !r.archived.has(s) {
		t.commands = append(t.commands, r.archived.wake(guids...)...)
	}
	if untried {
		r.leave(s, true)
		return nil
	}
	t.commands = append(t.commands, s.Commands[0])
	return []*trial{t}
}

// leave counts what is taken without a trial, in vain or because it needs none.
func (r *rehearsal) leave(s *archive.Step, untried bool) {
	for kind, n := range s.Counts() {
		r.done += int64(n)
		if untried {
			r.one.Untried[kind] += n
		}
	}
}

func (r *rehearsal) outcome(n int, result events.Result) {
	t := r.trials[n]
	delete(r.trials, n)
	switch s := t.step; {
	case len(s.Types) > 0:
		r.define(s, result.Error)
	case result.Error == nil:
		if s.Element != nil && len(result.Preview) > 0 && result.Preview[0].Type == events.TypeElementCreated {
			e := s.Element
			r.fresh[strings.ToLower(e.GUID)] = archive.Stub{GUID: e.GUID, Type: e.Type, QualifiedName: e.QualifiedName}
		}
		r.leave(s, false)
	default:
		r.fail(t, result.Error)
	}
	r.progress.set(r.done, r.total, "items")
}

// fail tells whether it is the step that is refused, or what stands before it.
func (r *rehearsal) fail(t *trial, e *events.Error) {
	s := t.step
	if failed, _, ok := itemOf(e.Pointer, "/commands"); ok && failed < len(t.commands)-1 {
		if s.Classification != nil && rehearsedBehindItsElement(t) {
			r.marks = append(r.marks, s)
			return
		}
		r.leave(s, true)
		return
	}
	if s.Element != nil {
		r.lost[strings.ToLower(s.Element.GUID)] = true
	}
	r.refuse(s, reasonOf(e))
}

// rehearsedBehindItsElement reports whether the element is the archive's own.
func rehearsedBehindItsElement(t *trial) bool {
	upsert, ok := t.commands[len(t.commands)-2].(*events.Upsert)
	return ok && !upsert.Merge
}

// tryMarks tries classifications of elements that are refused: those may be there
// nevertheless.
func (r *rehearsal) tryMarks(ctx context.Context) error {
	there, err := r.existing(ctx, slices.Collect(maps.Keys(r.lost)))
	if err != nil {
		return err
	}
	for _, guid := range there {
		delete(r.lost, strings.ToLower(guid))
	}
	marks := r.marks
	r.marks = nil
	return r.try(ctx, func(yield func(*trial) bool) {
		for _, s := range marks {
			if r.lost[strings.ToLower(s.Classification.Element.GUID)] {
				r.refuse(s, "its element is refused")
				continue
			}
			if !yield(&trial{s, s.Commands}) {
				return
			}
		}
	})
}

// define notes which types would be there. Those that are refused together are
// tried one by one, as long as that gets on.
func (r *rehearsal) define(s *archive.Step, refusal *events.Error) {
	if refusal == nil {
		maps.Copy(r.changed, r.types.define(s.Types))
		r.leave(s, false)
		return
	}
	left := s.Parts()
	if len(left) == 0 {
		r.refuse(s, reasonOf(refusal))
		return
	}
	for before := 0; before != len(left); {
		before = len(left)
		left = slices.DeleteFunc(slices.Clone(left), func(part *archive.Step) bool {
			if _, _, err := r.types.registry.Apply(part.Types...); err != nil {
				return false
			}
			maps.Copy(r.changed, r.types.define(part.Types))
			r.leave(part, false)
			return true
		})
	}
	for _, part := range left {
		reason := reasonOf(refusal)
		if _, _, err := r.types.registry.Apply(part.Types...); err != nil {
			reason = withoutPointer(err).Error()
		}
		r.refuse(part, reason)
	}
}

// isNew reports whether a type is, or builds on, one that the archive would
// define or change.
func (r *rehearsal) isNew(name string) bool {
	if len(r.changed) == 0 {
		return false
	}
	if is, known := r.touched[name]; known {
		return is
	}
	r.touched[name] = r.changed[name]
	t, ok := r.types.registry.Type(name)
	if !ok {
		return r.touched[name]
	}
	for changed := range r.changed {
		r.touched[name] = r.touched[name] || t.Is(changed)
	}
	for _, a := range t.Attributes() {
		for part := range strings.FieldsFuncSeq(a.Type, func(c rune) bool { return strings.ContainsRune("<>, ", c) }) {
			if r.isNew(part) {
				r.touched[name] = true
			}
		}
	}
	return r.touched[name]
}
