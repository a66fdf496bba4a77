package archive

import "github.com/google/uuid"

// moor finds out which elements come before what they are anchored to.
func (c *checker) moor() {
	for _, m := range c.moored {
		if c.elements[id(m.anchor.guid)].taken {
			c.anchors[id(m.element.GUID)] = id(m.anchor.guid)
		}
	}
	round := c.circles()
	for _, m := range c.moored {
		anchor := c.elements[id(m.anchor.guid)]
		switch {
		case !anchor.taken:
			m.item.references = []reference{m.anchor}
			c.waiting = append(c.waiting, m.item)
			continue
		case round[id(m.element.GUID)]:
			c.unmoor(m)
			continue
		case anchor.index > m.item.key.index:
			c.scattered = true
			c.deferred[m.item.key] = true
			a := &Anchoring{Element: m.element, Anchor: m.anchor.guid}
			c.moorings = append(c.moorings, Step{Where: m.item.finding.Where, Anchoring: a, Commands: anchorCommands(a)})
		}
		c.Report.count(KindClassification, Taken, 1)
	}
	c.moored = nil
}

// circles returns the elements whose anchors lead back to them. None of these is
// anchored, so that it does not matter which of them comes first.
func (c *checker) circles() map[uuid.UUID]bool {
	round, walked := map[uuid.UUID]bool{}, map[uuid.UUID]int{}
	walk := 0
	for at := range c.anchors {
		walk++
		more := true
		for more && walked[at] == 0 {
			walked[at] = walk
			at, more = c.anchors[at]
		}
		if !more || walked[at] != walk {
			continue // it ends, or leads to where another walk was
		}
		for ; !round[at]; at = c.anchors[at] {
			round[at] = true
		}
	}
	return round
}

const circle = "anchors cannot go round in a circle: this one leads back to the element itself"

// unmoor refuses an anchor.
func (c *checker) unmoor(m moored) {
	delete(c.anchors, id(m.element.GUID))
	f := m.item.finding
	f.Outcome, f.Where, f.Reason = Refused, m.anchor.where, circle
	c.Report.add(f)
	c.marks[mark{m.item.key.index, m.item.mark}] = true
}

// moorLater notes an anchor that does not stand with its element.
func (c *checker) moorLater(m *Classification) *fault {
	guid, f := m.anchor(m.Element.GUID)
	if f != nil || guid == "" {
		return f
	}
	element := id(m.Element.GUID)
	for at, more := id(guid), true; more; at, more = c.anchors[at] {
		if at == element {
			return faultf(anchorPointer, circle)
		}
	}
	c.anchors[element] = id(guid)
	c.scattered = true
	return nil
}

// below returns how many anchors there are above an element in the archive. None
// lead round in a circle.
func (p *Plan) below(known map[uuid.UUID]int, element uuid.UUID) int {
	depth, isKnown := known[element]
	if anchor, ok := p.anchors[element]; ok && !isKnown {
		depth = p.below(known, anchor) + 1
		known[element] = depth
	}
	return depth
}
