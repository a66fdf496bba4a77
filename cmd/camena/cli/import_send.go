package cli

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
	// refused are types that are tried again one by one.
	refused []*archive.Step
	// archived are the elements of the archive that the repository has archived;
	// nil until it was asked.
	archived *dormitory
	done     int64
	total    int64
}

// run sends types, elements, classifications and relationships, each when all
// before them are applied.
func (l *loading) run(ctx context.Context) error {
	l.progress.begin("importing")
	return l.stages(ctx, stageOf, func(stage archive.Kind, steps iter.Seq[*archive.Step]) error {
		if err := l.meetArchived(ctx, stage); err != nil {
			return err
		}
		if err := l.send(ctx, steps); err != nil {
			return err
		}
		return l.again(ctx)
	})
}

// stages hands over the steps of one stage after the other.
func (l *loading) stages(ctx context.Context, stageOf func(*archive.Step) archive.Kind, do func(archive.Kind, iter.Seq[*archive.Step]) error) error {
	for _, c := range l.plan.Report.Counts {
		l.total += int64(c.Taken)
	}
	next, stop := iter.Pull2(l.plan.Steps(ctx))
	defer stop()
	s, err, ok := next()
	for ok && err == nil {
		stage := stageOf(s)
		doErr := do(stage, func(yield func(*archive.Step) bool) {
			for ok && err == nil && stageOf(s) == stage {
				if !yield(s) {
					return
				}
				s, err, ok = next()
			}
		})
		if doErr != nil {
			return doErr
		}
	}
	return err
}

// stageOf tells apart what must be applied before the rest is sent: types may
// have to be sent again one by one.
func stageOf(s *archive.Step) archive.Kind {
	if len(s.Types) > 0 {
		return archive.KindType
	}
	return archive.KindElement
}

// send sends steps and takes their outcomes.
func (l *loading) send(ctx context.Context, steps iter.Seq[*archive.Step]) error {
	l.underWay = map[int]*archive.Step{}
	return l.metadata.RequestAll(ctx, l.commands(steps), l.outcome)
}

// commands are those of steps. A classification is a command of its own, and not
// of a change set with its element: that is several times faster, and where it
// is refused the element is not.
func (l *loading) commands(steps iter.Seq[*archive.Step]) iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		n := 0
		for s := range single(steps) {
			e, ok := l.command(s)
			if !ok {
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

// single takes elements and their classifications apart.
func single(steps iter.Seq[*archive.Step]) iter.Seq[*archive.Step] {
	return func(yield func(*archive.Step) bool) {
		for whole := range steps {
			parts := whole.Parts()
			if len(parts) == 0 || len(whole.Types) > 0 {
				parts = []*archive.Step{whole}
			}
			for _, s := range parts {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// command returns the command of a step; false if there is nothing to send.
func (l *loading) command(s *archive.Step) (events.Event, bool) {
	if len(s.Commands) == 0 {
		l.count(s, false)
		return events.Event{}, false
	}
	if reason, settled := l.archived.settled(s); settled {
		l.settle(s, reason)
		return events.Event{}, false
	}
	e, err := l.event(s.Commands[0])
	if err != nil {
		l.refuse(s, err.Error())
		return e, false
	}
	return e, true
}

// settle takes the outcome of a step that is known without asking.
func (l *loading) settle(s *archive.Step, reason string) {
	if reason != "" {
		l.refuse(s, reason)
		return
	}
	l.count(s, false)
}

// event is a command on behalf of whom the imported belongs to.
func (l *loading) event(command events.Command) (events.Event, error) {
	e, err := events.NewCommand("/"+source, command)
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
	case r.Error == nil:
		l.count(s, r.Changed || l.archived.restoredFor(s))
	case len(s.Types) > 1:
		l.refused = append(l.refused, s)
	default:
		l.refuse(s, reasonOf(r.Error))
	}
	l.progress.set(l.done, l.total, "items")
}

// reasonOf says why a command was refused. Where in the command that is means
// nothing to who reads the archive, unless it names a property.
func reasonOf(e *events.Error) string {
	property, ok := behindLast(e.Pointer, "/properties/")
	if !ok {
		return e.Message
	}
	return "property " + property + ": " + e.Message
}

// behindLast returns what stands behind the last separator.
func behindLast(text, separator string) (after string, found bool) {
	if n := strings.LastIndex(text, separator); n >= 0 {
		return text[n+len(separator):], true
	}
	return "", false
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

// again sends the types one by one that were refused together, as long as that
// gets on: they refer to each other.
func (l *loading) again(ctx context.Context) error {
	for _, whole := range l.refused {
		for left := whole.Parts(); len(left) > 0; {
			before := len(left)
			var err error
			if left, err = l.typeByType(ctx, left); err != nil {
				return err
			}
			if len(left) == before {
				err = l.send(ctx, slices.Values(left))
				if err != nil {
					return err
				}
				break
			}
		}
	}
	l.refused = nil
	return nil
}

// typeByType returns the types that are refused.
func (l *loading) typeByType(ctx context.Context, types []*archive.Step) (left []*archive.Step, err error) {
	for _, s := range types {
		e, ok := l.command(s)
		if !ok {
			continue
		}
		var result events.Result
		one := func(yield func(events.Event) bool) { yield(e) }
		if err := l.metadata.RequestAll(ctx, one, func(_ int, r events.Result) { result = r }); err != nil {
			return nil, err
		}
		if result.Error != nil {
			left = append(left, s)
			continue
		}
		l.count(s, result.Changed)
	}
	return left, nil
}
