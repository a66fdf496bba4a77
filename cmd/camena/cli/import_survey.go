package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
)

// surveyed is how many steps are compared with the repository at once.
const surveyed = 500

// look finds out what the archive would change about elements that are archived.
func (d *dormitory) look(ctx context.Context) error {
	wanted := func(s *archive.Step) bool { return s.Subject().GUID != "" && !d.isAwake(s) }
	if err := d.inLots(ctx, wanted, d.compare); err != nil {
		return err
	}
	if err := d.findAnchors(ctx); err != nil {
		return err
	}
	for _, n := range d.inTurn {
		n.stays()
		n.changed = n.changed || d.anchors[n.GUID]
	}
	for _, n := range d.inTurn {
		d.moor(n)
	}
	return nil
}

// inLots hands over the steps that are wanted, many at once. All elements are handed
// over before it is asked whether what refers to them is wanted.
func (d *dormitory) inLots(ctx context.Context, wanted func(*archive.Step) bool, do func(context.Context, []*archive.Step) error) error {
	var lot []*archive.Step
	for s, err := range d.plan.Steps(ctx) {
		if err != nil {
			return err
		}
		if len(lot) == surveyed || len(lot) > 0 && lot[0].Element != nil && s.Element == nil {
			if err := do(ctx, lot); err != nil {
				return err
			}
			lot = nil
		}
		if wanted(s) {
			lot = append(lot, s)
		}
	}
	return do(ctx, lot)
}

// moor finds out whether the archive anchors an element to another one than it is
// anchored to.
func (d *dormitory) moor(n *dormant) {
	if n.wanted == "" || n.wanted == n.anchorGUID {
		return
	}
	if d.refused[n.wanted] {
		d.reasons[n.wantedAt] = isRefused(n.wanted)
		return
	}
	for up := d.byGUID[n.wanted]; up != nil; up = up.anchor {
		if up == n {
			d.reasons[n.wantedAt] = up.GUID + " is anchored to this element; anchors cannot go round in a circle"
			return
		}
	}
	n.changed = true
	if anchor := d.byGUID[n.wanted]; anchor != nil {
		anchor.changed = true
	}
}

// isAwake reports whether a step anchors an element that is known not to be archived,
// to another one.
func (d *dormitory) isAwake(s *archive.Step) bool {
	return s.Anchoring != nil && d.at(s.Anchoring.Element.GUID) == nil && d.at(s.Anchoring.Anchor) == nil
}

// compare compares steps with what there is.
func (d *dormitory) compare(ctx context.Context, steps []*archive.Step) error {
	var guids []string
	for _, s := range steps {
		guids = append(guids, strings.ToLower(s.Subject().GUID))
	}
	slices.Sort(guids)
	found, err := d.find(ctx, slices.Compact(guids))
	if err != nil {
		return err
	}
	for _, s := range steps {
		guid := strings.ToLower(s.Subject().GUID)
		switch e := found[guid]; {
		case e == nil:
			d.expect(s)
		case !d.isMeant(s, e):
		case e.Archived():
			d.note(s, e)
		default:
			d.expectAnchor(s, e)
		}
	}
	return nil
}

// expect notes an element that is not there yet if it will not be there either, or
// what it needs.
func (d *dormitory) expect(s *archive.Step) {
	guid := strings.ToLower(s.Subject().GUID)
	for part := range single(slices.Values([]*archive.Step{s})) {
		if _, err := part.Changes(&events.Element{}, d.types.registry); err != nil && part.Element != nil {
			d.refused[guid] = true
		}
	}
	if !d.refused[guid] {
		d.expectAnchor(s, &events.Element{})
	}
}

// expectAnchor notes an anchor that an element, which is not archived, is to get:
// that must not be archived then.
func (d *dormitory) expectAnchor(s *archive.Step, e *events.Element) {
	if anchor := strings.ToLower(s.Anchor()); anchor != "" && anchor != e.Header.AnchorGUID {
		d.anchors[anchor] = true
	}
}

// find returns those of the elements that are there.
func (d *dormitory) find(ctx context.Context, guids []string) (map[string]*events.Element, error) {
	answers, err := d.lookUp(ctx, guids, d.sequence)
	found := map[string]*events.Element{}
	for n, a := range answers {
		if a.Element != nil {
			found[guids[n]] = a.Element
		}
	}
	return found, err
}

// isMeant reports whether the archive may change an element, and means that one.
// If not, the repository refuses what the archive says of it.
func (d *dormitory) isMeant(s *archive.Step, e *events.Element) bool {
	if owner := e.Header.Origin.Source; owner != "" && owner != d.one.Source {
		return false
	}
	if s.Element == nil {
		return true
	}
	typ, known := d.types.registry.Type(s.Element.Type)
	return known && typ.Name() == e.Header.Type.Name && s.Element.QualifiedName == e.Header.QualifiedName
}

// note notes what a step says of an element that is archived.
func (d *dormitory) note(s *archive.Step, e *events.Element) {
	n := d.add(e)
	n.taken = n.taken || s.Element != nil
	n.memento = n.memento || s.Archives()
	for part := range single(slices.Values([]*archive.Step{s})) {
		if anchor := part.Anchor(); anchor != "" {
			n.wanted, n.wantedAt = strings.ToLower(anchor), part.Where
		}
		changes, err := part.Changes(e, d.types.registry)
		if err != nil {
			d.reasons[part.Where] = refusal(err)
		}
		n.changed = n.changed || changes
	}
}

// refusal says why a command would be refused.
func refusal(err error) string {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return reasonOf(e)
	}
	return err.Error()
}

func (d *dormitory) add(e *events.Element) *dormant {
	h := &e.Header
	n := d.byGUID[h.GUID]
	if n == nil {
		n = &dormant{anchorGUID: h.AnchorGUID, Stub: archive.Stub{GUID: h.GUID, Type: h.Type.Name, QualifiedName: h.QualifiedName}}
		d.byGUID[h.GUID] = n
		d.inTurn = append(d.inTurn, n)
	}
	return n
}

// findAnchors finds what archived elements are anchored to, and that in turn, where
// the archive does not bring it.
func (d *dormitory) findAnchors(ctx context.Context) error {
	for done := 0; done < len(d.inTurn); {
		lot := d.inTurn[done:min(done+surveyed, len(d.inTurn))]
		done += len(lot)
		if err := d.anchorsOf(ctx, lot); err != nil {
			return err
		}
	}
	return nil
}

func (d *dormitory) anchorsOf(ctx context.Context, lot []*dormant) error {
	var unknown []string
	for _, n := range lot {
		if n.anchorGUID != "" && d.byGUID[n.anchorGUID] == nil {
			unknown = append(unknown, n.anchorGUID)
		}
	}
	slices.Sort(unknown)
	unknown = slices.Compact(unknown)
	found, err := d.find(ctx, unknown)
	for _, guid := range unknown {
		if e := found[guid]; e != nil && e.Archived() {
			d.add(e)
		}
	}
	for _, n := range lot {
		n.anchor = d.byGUID[n.anchorGUID]
	}
	return err
}

// lookAtRelationships finds out which relationships of archived elements are not
// there yet, and whether these have to be restored for them. The others need nobody
// to be restored.
func (d *dormitory) lookAtRelationships(ctx context.Context) error {
	return d.inLots(ctx, func(s *archive.Step) bool { return s.Relationship != nil && d.isOpen(s.Relationship) }, d.tryRelationships)
}

// tryRelationships tries those that are not there: the repository has to tell what
// becomes of them.
func (d *dormitory) tryRelationships(ctx context.Context, steps []*archive.Step) error {
	guids := make([]string, len(steps))
	for n, s := range steps {
		guids[n] = s.Relationship.GUID
	}
	answers, err := d.lookUp(ctx, guids, d.sequence)
	if err != nil {
		return err
	}
	var tried []*archive.Step
	var failure error
	err = d.metadata.RequestAll(ctx, func(yield func(events.Event) bool) {
		for n, s := range steps {
			if answers[n].Relationship != nil {
				d.there[s.Where] = true
				continue
			}
			e, err := d.rehearsed(append(d.wake(s.Relationship.End1.GUID, s.Relationship.End2.GUID), s.Commands[0])...)
			if failure = err; err != nil {
				return
			}
			if tried = append(tried, s); !yield(e) {
				return
			}
		}
	}, func(n int, r events.Result) { d.tell(tried[n], r) })
	return cmp.Or(failure, err)
}

// isOpen reports whether a relationship has an end that is archived, and may stay so.
func (d *dormitory) isOpen(r *archive.Relationship) bool {
	for _, end := range []*dormant{d.at(r.End1.GUID), d.at(r.End2.GUID)} {
		if end != nil && (d.check || !end.wakes()) {
			return true
		}
	}
	return false
}

// tell takes the outcome of a relationship that was tried.
func (d *dormitory) tell(s *archive.Step, r events.Result) {
	ends := [2]string{s.Relationship.End1.GUID, s.Relationship.End2.GUID}
	before := len(d.wake(ends[:]...))
	changes := r.Error == nil && r.Changed && (len(r.Steps) != before+1 || r.Steps[before].Changed)
	if r.Error != nil {
		failed, _, ok := itemOf(r.Error.Pointer, "/commands")
		// What is missing comes with the archive, unless it is refused.
		isMissing := r.Error.Code == events.CodeNotFound && !slices.ContainsFunc(ends[:], d.isRefused)
		if changes = isMissing || ok && failed < before; !changes {
			d.reasons[s.Where] = reasonOf(r.Error)
		}
	}
	for _, end := range ends {
		if n := d.at(end); n != nil && changes {
			n.changed = true
		}
	}
}

func (d *dormitory) isRefused(guid string) bool { return d.refused[strings.ToLower(guid)] }
