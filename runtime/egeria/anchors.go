package egeria

import "github.com/google/uuid"

// anchored is an element of the archive that the archive anchors.
type anchored struct {
	pending

	element Stub
	anchor  reference
}

// deferAnchors finds the elements that come before their anchors. They are anchored
// once all elements are there.
func (c *checker) deferAnchors() {
	for _, a := range c.anchored {
		if c.elements[id(a.anchor.GUID)].taken {
			c.anchors[id(a.element.GUID)] = id(a.anchor.GUID)
		}
	}
	circular := c.circularAnchors()
	for _, a := range c.anchored {
		anchor := c.elements[id(a.anchor.GUID)]
		switch {
		case !anchor.taken:
			a.references = []reference{a.anchor}
			c.pending = append(c.pending, a.pending)
			continue
		case circular[id(a.element.GUID)]:
			delete(c.anchors, id(a.element.GUID))
			c.refusePending(&a.pending, a.anchor.where, circle, Stub{})
			continue
		case anchor.index > a.key.index:
			c.anchorsDeferred = true
			c.deferred[a.key] = true
			s := newStep(a.finding, anchorCommand(a.element, a.anchor.GUID))
			s.Anchor = a.anchor.GUID
			c.deferredAnchors = append(c.deferredAnchors, s)
		}
		c.Report.count(KindClassification, Taken, 1)
	}
	c.anchored = nil
}

// circularAnchors returns the elements whose anchors lead back to them. None of these
// is anchored, so that their order does not matter.
func (c *checker) circularAnchors() map[uuid.UUID]bool {
	circular, visited := map[uuid.UUID]bool{}, map[uuid.UUID]int{}
	visit := 0
	for at := range c.anchors {
		visit++
		more := true
		for more && visited[at] == 0 {
			visited[at] = visit
			at, more = c.anchors[at]
		}
		if !more || visited[at] != visit {
			continue // it ends, or joins an earlier visit
		}
		for ; !circular[at]; at = c.anchors[at] {
			circular[at] = true
		}
	}
	return circular
}

const circle = "anchors cannot go round in a circle: this one leads back to the element itself"

// anchorApart notes an anchor in a classification that stands by itself.
func (c *checker) anchorApart(of, anchor string) *fault {
	element := id(of)
	for at, more := id(anchor), true; more; at, more = c.anchors[at] {
		if at == element {
			return faultf("/classification"+anchorPointer, circle)
		}
	}
	c.anchors[element] = id(anchor)
	c.anchorsDeferred = true
	return nil
}

// anchorDepth returns how many anchors an element has above it in the archive; known
// are those that were asked for. None leads round in a circle.
func (p *Plan) anchorDepth(known map[uuid.UUID]int, element uuid.UUID) int {
	depth, isKnown := known[element]
	if anchor, ok := p.anchors[element]; ok && !isKnown {
		depth = p.anchorDepth(known, anchor) + 1
		known[element] = depth
	}
	return depth
}
