package egeria

import (
	"context"
	"fmt"
	"strings"

	"github.com/camena-io/camena/events"
)

// archivedElement is an element that the archive speaks of and the repository has
// archived, or the anchor of one.
type archivedElement struct {
	guid string
	// process is what archived it.
	process string
	// anchor is nil where it has none, or that is not archived.
	anchor *archivedElement
	// imported says that the archive brings the element itself, memento that it
	// archives it, changed that it changes something else about it.
	imported, memento, changed bool
	// restored says that the import restores it before everything else.
	restored, wasRestored bool
}

// staysArchived reports whether the archive leaves the element archived.
func (e *archivedElement) staysArchived() bool {
	return e.memento || e.anchor != nil && e.anchor.staysArchived()
}

// mayBeRestored reports whether the import restores the element where that is needed.
func (e *archivedElement) mayBeRestored() bool { return e != nil && (e.imported || e.staysArchived()) }

// hasToBeRestored reports whether the archive changes the element, or does not archive it.
func (e *archivedElement) hasToBeRestored() bool {
	stays := e.staysArchived()
	return stays && e.changed || e.imported && !stays
}

// archivedElements are those of one archive. An element about which the archive
// changes nothing stays archived as it is. The others are restored before anything
// else is sent, anchors first, so that their order in the file does not matter; the
// last steps archive them again.
type archivedElements struct {
	byGUID map[string]*archivedElement
	all    []*archivedElement
	// reasons has, by place, why steps were refused on trial.
	reasons map[Place]string
}

// findArchived finds the archived elements of the archive, and which of them the
// archive changes: it tries the whole archive on a copy of the state.
func (l *loader) findArchived(ctx context.Context) error {
	r, err := l.state(ctx)
	if r == nil || err != nil {
		return err
	}
	a := &archivedElements{byGUID: map[string]*archivedElement{}, reasons: map[Place]string{}}
	for s, err := range l.plan.instances(ctx) {
		if err == nil {
			err = a.note(ctx, r, s, l.result.Source)
		}
		if err != nil {
			return err
		}
	}
	if len(a.all) == 0 {
		return nil
	}
	l.archived = a
	trial := r.trial()
	if err := l.restoreAll(ctx, trial, a.restorable(func(*archivedElement) bool { return true })); err != nil {
		return err
	}
	if err := l.send(ctx, trial, l.plan.instances(ctx), a.tried); err != nil {
		return err
	}
	restore := a.restorable((*archivedElement).hasToBeRestored)
	for _, e := range restore {
		e.restored = true
	}
	return l.restoreAll(ctx, l.target, restore)
}

// state returns a copy of the state to try the archive on; nil if no archived element
// can make a difference.
func (l *loader) state(ctx context.Context) (*rehearsal, error) {
	switch r, ok := l.target.(*rehearsal); {
	case !l.plan.MindsArchived():
		return nil, nil //nolint:nilnil // no copy is needed
	case ok:
		return r, nil
	}
	if has, err := l.remote.hasArchived(ctx); err != nil || !has {
		return nil, err
	}
	return l.copyState(ctx)
}

// note notes the element that a step is about, if it is archived.
func (a *archivedElements) note(ctx context.Context, r *rehearsal, s *Step, source string) error {
	guid := strings.ToLower(s.subject())
	if guid == "" {
		return nil
	}
	e, err := a.find(ctx, r, guid, func(is *events.Element) bool {
		owner := is.Header.Origin.Source
		return (owner == "" || owner == source) &&
			(s.Kind != KindElement || is.Header.Type.Name == s.Type && is.Header.QualifiedName == s.QualifiedName)
	})
	if e != nil {
		e.imported = e.imported || s.Kind == KindElement
		e.memento = e.memento || s.Archives()
	}
	return err
}

// find returns an element with its anchors if it is archived and meant.
func (a *archivedElements) find(ctx context.Context, r *rehearsal, guid string, isMeant func(*events.Element) bool) (*archivedElement, error) {
	if e := a.byGUID[guid]; e != nil || guid == "" {
		return e, nil
	}
	is, err := r.element(ctx, guid)
	if err != nil || is == nil || !is.Archived() || !isMeant(is) {
		return nil, err
	}
	e := &archivedElement{guid: guid, process: is.Classification(events.Memento).Properties.String("archiveProcess")}
	a.byGUID[guid], a.all = e, append(a.all, e)
	e.anchor, err = a.find(ctx, r, is.Header.AnchorGUID, func(*events.Element) bool { return true })
	return e, err
}

// restorable returns the wanted elements that the import may restore, each after its
// anchor.
func (a *archivedElements) restorable(wanted func(*archivedElement) bool) (list []*archivedElement) {
	seen := map[*archivedElement]bool{}
	var add func(e *archivedElement)
	add = func(e *archivedElement) {
		if !e.mayBeRestored() || seen[e] {
			return
		}
		seen[e] = true
		add(e.anchor)
		list = append(list, e)
	}
	for _, e := range a.all {
		if wanted(e) {
			add(e)
		}
	}
	return list
}

// tried takes the result of a step that was tried with all candidates restored.
func (a *archivedElements) tried(s *Step, r events.Result) {
	e := a.at(s.subject())
	switch {
	case r.Error != nil:
		a.reasons[s.Where] = reasonOf(r.Error)
	case s.Archives():
		// An archive that names no process leaves the one that archived it.
		if c, ok := s.Command.(*events.Delete); ok && e != nil && c.ArchiveProcess != "" && c.ArchiveProcess != e.process {
			e.changed = true
		}
	case r.Changed:
		for _, guid := range append(s.ends(), s.subject(), s.Anchor) {
			if e := a.at(guid); e != nil {
				e.changed = true
			}
		}
	}
}

// settled reports whether the result of a step is known: it is about an element that
// stays archived. Reason is why it is refused, if so. Archiving is left to the
// repository.
func (a *archivedElements) settled(s *Step) (reason string, ok bool) {
	if a == nil || s.Archives() {
		return "", false
	}
	reason = a.reasons[s.Where]
	if s.Kind == KindRelationship {
		archived, restored := false, false
		for _, guid := range s.ends() {
			e := a.at(guid)
			archived, restored = archived || e != nil, restored || e != nil && e.restored
		}
		return reason, reason != "" && archived && !restored
	}
	e := a.at(s.subject())
	if !e.mayBeRestored() || s.Kind == KindElement && !e.imported {
		return "", false
	}
	return reason, !e.restored
}

func (a *archivedElements) at(guid string) *archivedElement { return a.byGUID[strings.ToLower(guid)] }

// wasRestored reports whether a step is about an element that was restored for it.
func (a *archivedElements) wasRestored(s *Step) bool {
	if a == nil || s.Kind != KindElement {
		return false
	}
	e := a.at(s.GUID)
	return e != nil && e.wasRestored
}

// restoreAll restores elements. A refusal is not told here: the repository refuses
// what the archive has of the element.
func (l *loader) restoreAll(ctx context.Context, t target, list []*archivedElement) error {
	steps := make([]*Step, len(list))
	for i, e := range list {
		steps[i] = newStep(Finding{GUID: e.guid}, &events.Restore{Element: events.ByGUID(e.guid)})
	}
	err := l.send(ctx, t, sequence(steps), func(s *Step, r events.Result) {
		l.archived.at(s.GUID).wasRestored = t == l.target && r.Error == nil
	})
	if err != nil {
		return fmt.Errorf("restoring what is archived: %w", err)
	}
	return nil
}
