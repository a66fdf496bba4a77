package main

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
)

// loading sends the steps of one archive.
type loading struct {
	*importing

	plan *archive.Plan
	one  *imported
	// under way are the steps whose outcome is awaited, by their place.
	underWay map[int]*archive.Step
	// refused are those that are tried again in parts.
	refused []refusal
	done    int64
	total   int64
	err     error
}

type refusal struct {
	step   *archive.Step
	reason string
}

// run sends types, elements, classifications and relationships, each when all
// before them are applied.
func (l *loading) run(ctx context.Context) error {
	for _, c := range l.plan.Report.Counts {
		l.total += int64(c.Taken)
	}
	l.progress.begin("importing")
	next, stop := iter.Pull2(l.plan.Steps(ctx))
	defer stop()
	s, err, ok := next()
	for ok && err == nil {
		stage := stageOf(s)
		sendErr := l.send(ctx, func(yield func(*archive.Step) bool) {
			for ok && err == nil && stageOf(s) == stage {
				if !yield(s) {
					return
				}
				s, err, ok = next()
			}
		})
		if sendErr == nil {
			sendErr = l.again(ctx)
		}
		if sendErr != nil {
			return sendErr
		}
	}
	return err
}

// stageOf tells apart what must be applied before the rest is sent: a part of a
// step may have to be sent again.
func stageOf(s *archive.Step) archive.Kind {
	switch {
	case len(s.Types) > 0:
		return archive.KindType
	case s.Element != nil:
		return archive.KindElement
	default:
		return archive.KindRelationship
	}
}

// send sends steps and takes their outcomes.
func (l *loading) send(ctx context.Context, steps iter.Seq[*archive.Step]) error {
	l.underWay = map[int]*archive.Step{}
	l.err = nil
	err := l.metadata.RequestAll(ctx, l.commands(steps), l.outcome)
	if l.err != nil {
		return l.err
	}
	return err
}

// commands are those of steps.
func (l *loading) commands(steps iter.Seq[*archive.Step]) iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		n := 0
		for s := range steps {
			if len(s.Commands) == 0 {
				l.count(s, false)
				continue
			}
			e, err := l.command(s)
			if err != nil {
				l.refuse(s, err.Error())
				continue
			}
			l.underWay[n] = s
			n++
			if !yield(e) {
				return
			}
		}
	}
}

func (l *loading) command(s *archive.Step) (events.Event, error) {
	c := s.Commands[0]
	if len(s.Commands) > 1 {
		set, err := events.NewChangeSet(s.Commands...)
		if err != nil {
			return events.Event{}, err
		}
		c = set
	}
	e, err := events.NewCommand("/"+source, c)
	if err != nil {
		return e, err
	}
	e.SetExtension(events.ExtActor, l.p.config.User)
	if l.one.Source != "" {
		e.SetExtension(events.ExtMetadataSource, l.one.Source)
		e.SetExtension(events.ExtOriginCategory, string(category(&l.plan.Report.Header)))
	}
	return e, nil
}

// outcome takes the outcome of a step.
func (l *loading) outcome(n int, r events.Result) {
	s := l.underWay[n]
	delete(l.underWay, n)
	switch {
	case r.Error == nil && len(s.Commands) > 1:
		l.countSteps(s, r)
	case r.Error == nil:
		l.count(s, r.Changed)
	case len(s.Parts()) > 0:
		l.refused = append(l.refused, refusal{step: s, reason: reasonOf(r.Error)})
	default:
		l.refuse(s, reasonOf(r.Error))
	}
	l.progress.set(l.done, l.total, "items")
}

// reasonOf says why a command was refused. Where in the command that is means
// nothing to who reads the archive, unless it names a property.
func reasonOf(e *events.Error) string {
	_, property, ok := cutLast(e.Pointer, "/properties/")
	if !ok {
		return e.Message
	}
	return "property " + property + ": " + e.Message
}

// cutLast cuts text at the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	if n := strings.LastIndex(text, separator); n >= 0 {
		return text[:n], text[n+len(separator):], true
	}
	return text, "", false
}

func (l *loading) refuse(s *archive.Step, reason string) {
	for _, n := range s.Counts() {
		l.done += int64(n)
	}
	l.plan.Report.Refuse(s, reason)
}

// count notes that a step was applied.
func (l *loading) count(s *archive.Step, changed bool) {
	names := map[string]bool{}
	if len(s.Types) > 0 {
		names = l.types.define(s.Types)
	}
	if len(s.Types) > 1 {
		for _, part := range s.Parts() {
			l.add(part, changed && names[part.Types[0].Name])
		}
		return
	}
	l.add(s, changed)
}

// countSteps is count for an element with classifications: some may be new, and
// others as they were.
func (l *loading) countSteps(s *archive.Step, r events.Result) {
	parts := s.Parts()
	if len(parts) != len(r.Steps) {
		l.add(s, r.Changed)
		return
	}
	for n, part := range parts {
		l.add(part, r.Steps[n].Changed)
	}
}

func (l *loading) add(s *archive.Step, changed bool) {
	for kind, n := range s.Counts() {
		l.done += int64(n)
		d := l.one.Done[kind]
		if d == nil {
			d = &done{}
			l.one.Done[kind] = d
		}
		if changed {
			d.Changed += n
		} else {
			d.Unchanged += n
		}
	}
}

// again sends in parts what was refused as a whole.
func (l *loading) again(ctx context.Context) error {
	refused := l.refused
	l.refused = nil
	for _, r := range refused {
		var err error
		if len(r.step.Types) > 0 {
			err = l.typeByType(ctx, r.step.Parts())
		} else {
			err = l.bareElement(ctx, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// typeByType sends types one by one, as long as that gets on: they refer to each
// other.
func (l *loading) typeByType(ctx context.Context, parts []*archive.Step) error {
	for len(parts) > 0 {
		var left []*archive.Step
		var why []string
		for _, part := range parts {
			r, err := l.request(ctx, part)
			switch {
			case err != nil:
				return err
			case r.Error != nil:
				left, why = append(left, part), append(why, reasonOf(r.Error))
			default:
				l.count(part, r.Changed)
			}
		}
		if len(left) == len(parts) {
			for n, part := range left {
				l.refuse(part, why[n])
			}
			return nil
		}
		parts = left
	}
	return nil
}

// bareElement sends an element, and then its classifications.
func (l *loading) bareElement(ctx context.Context, whole refusal) error {
	parts := whole.step.Parts()
	r, err := l.request(ctx, parts[0])
	if err != nil {
		return err
	}
	if r.Error != nil {
		l.refuse(whole.step, reasonOf(r.Error))
		return nil
	}
	l.add(parts[0], r.Changed)
	return l.send(ctx, slices.Values(parts[1:]))
}

func (l *loading) request(ctx context.Context, s *archive.Step) (events.Result, error) {
	e, err := l.command(s)
	if err != nil {
		return events.Result{Error: events.Errorf(events.CodeInvalid, "", "%s", err)}, nil
	}
	var result events.Result
	err = l.metadata.RequestAll(ctx, func(yield func(events.Event) bool) { yield(e) }, func(_ int, r events.Result) { result = r })
	return result, err
}
