package archive

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/camena-io/camena/events"
)

// link checks a relationship.
func (c *checker) link(i *item) {
	r, w, wrong := c.readRelationship(i)
	f := Finding{Kind: KindRelationship, GUID: r.GUID, Type: r.Type}
	if wrong != nil {
		c.refuse(i, f, wrong)
		return
	}
	now := seen{hash: c.hash(w), line: i.line, index: i.index, sec: relationships}
	outcome, wrong := twice(c.relationships, id(r.GUID), now)
	if wrong == nil {
		c.relationships[id(r.GUID)] = now
	} else if outcome == Refused {
		wrong.pointer = "/guid"
	}
	if e, ok := c.elements[id(r.GUID)]; ok && wrong == nil {
		outcome, wrong = Refused, faultf("/guid", "the guid is that of an element, at %s", e)
	}
	switch {
	case outcome == Skipped:
		c.pass(i, f, wrong.reason)
		return
	case r.Status == deleted && wrong == nil:
		c.pass(i, f, isDeleted)
		return
	case wrong == nil:
		wrong = c.validType("/type/typeDefName", r.Type, events.KindRelationship)
	}
	if wrong == nil {
		wrong = c.fits(relationshipCommands(r))
	}
	if wrong != nil {
		c.refuse(i, f, wrong)
		return
	}
	f.Where = i.place("")
	c.Report.lose(&r.Instance)
	c.await(waiting{key: i.key(), mark: -1, finding: f, references: c.missing([]reference{
		{what: "end 1", guid: r.End1.GUID, where: i.place("/entityOneProxy/guid"), says: r.End1},
		{what: "end 2", guid: r.End2.GUID, where: i.place("/entityTwoProxy/guid"), says: r.End2},
	})})
}

func (c *checker) readRelationship(i *item) (*Relationship, *wireRelationship, *fault) {
	var w wireRelationship
	if err := json.Unmarshal(i.raw, &w); err != nil {
		return &Relationship{Instance: Instance{GUID: w.GUID, Type: w.Type.Name}}, &w, faultOf(err)
	}
	r, f := c.converter.relationship(&w)
	return r, &w, f
}

// extend checks a classification that stands by itself.
func (c *checker) extend(i *item) {
	out, w, wrong := c.readExtension(i)
	f := Finding{Kind: KindClassification, GUID: out.Element.GUID, QualifiedName: out.Element.QualifiedName, Type: out.Type}
	if wrong != nil {
		c.refuse(i, f, wrong)
		return
	}
	if out.Status == deleted {
		c.pass(i, f, isDeleted)
		return
	}
	outcome, wrong := c.takeExtension(i, out, w)
	switch {
	case outcome == Skipped:
		c.pass(i, f, wrong.reason)
		return
	case wrong != nil:
		c.refuse(i, f, wrong)
		return
	}
	references := []reference{{
		what: "the classified element", guid: out.Element.GUID, where: i.place("/entityToClassify/guid"), says: out.Element,
	}}
	if out.Type == anchors {
		if guid, _ := out.anchor(out.Element.GUID); guid != "" {
			references = append(references, reference{what: "the anchor", guid: guid, where: i.place("/classification" + anchorPointer)})
		}
	}
	f.Where = i.place("")
	c.Report.loseOf(out)
	c.await(waiting{key: i.key(), mark: -1, finding: f, references: c.missing(references)})
}

func (c *checker) takeExtension(i *item, out *Classification, w *wireExtension) (Outcome, *fault) {
	if wrong := c.validType("/classification/name", out.Type, events.KindClassification); wrong != nil {
		return Refused, wrong
	}
	k, now := c.markKey(out), seen{hash: c.hash(w.Classification), line: i.line, index: i.index, sec: classifications}
	if outcome, wrong := twice(c.marked, k, now); wrong != nil {
		return outcome, wrong.below("/classification")
	}
	var wrong *fault
	switch {
	case out.isZones():
		_, wrong = out.zones()
	case out.Type == anchors:
		wrong = c.moorLater(out)
	}
	if wrong != nil {
		return Refused, wrong.below("/classification")
	}
	if wrong := c.fits(classificationCommands(out)); wrong != nil {
		return Refused, wrong
	}
	c.marked[k] = now
	c.mementos = c.mementos || out.Type == events.Memento
	return Taken, nil
}

func (c *checker) readExtension(i *item) (*Classification, *wireExtension, *fault) {
	var w wireExtension
	if err := json.Unmarshal(i.raw, &w); err != nil {
		return &Classification{}, &w, faultOf(err)
	}
	out, f := c.converter.extension(&w)
	return out, &w, f
}

// missing returns the references to what is not taken of the archive.
func (c *checker) missing(references []reference) []reference {
	var missing []reference
	for _, r := range references {
		if !c.elements[id(r.guid)].taken {
			missing = append(missing, r)
		}
	}
	return missing
}

// await takes an item, if what it refers to is in the repository.
func (c *checker) await(w waiting) {
	if len(w.references) == 0 {
		c.Report.count(w.finding.Kind, Taken, 1)
		return
	}
	c.waiting = append(c.waiting, w)
}

// resolve decides about the items that wait.
func (c *checker) resolve(ctx context.Context) error {
	if err := c.lookUp(ctx); err != nil {
		return err
	}
	for _, w := range c.waiting {
		lost := c.lost(w.references)
		if lost == nil {
			c.Report.count(w.finding.Kind, Taken, 1)
			continue
		}
		f := w.finding
		f.Outcome, f.Where = Refused, lost.where
		f.Reason, f.Missing = c.nothing(lost)
		c.Report.add(f)
		if w.mark >= 0 {
			c.marks[mark{w.key.index, w.mark}] = true
		} else {
			c.dropped[w.key] = true
		}
	}
	c.waiting = nil
	return nil
}

// lost returns the first of the references to what does not exist, or nil.
func (c *checker) lost(references []reference) *reference {
	for i := range references {
		if !c.there[id(references[i].guid)] {
			return &references[i]
		}
	}
	return nil
}

// nothing says of what does not exist where it should be, and what it is if
// nobody has it.
func (c *checker) nothing(r *reference) (reason string, missing Stub) {
	e, ok := c.elements[id(r.guid)]
	if !ok {
		e, ok = c.unread[id(r.guid)]
	}
	if ok {
		return fmt.Sprintf("%s is %s, which the archive has at %s, but which is not taken, and the repository does not have it", r.what, r.guid, e), Stub{}
	}
	missing = r.says
	missing.GUID = r.guid
	return fmt.Sprintf("%s is %s, which is neither in the archive nor in the repository", r.what, r.guid), missing
}

// lookUp asks the repository for what the waiting items refer to.
func (c *checker) lookUp(ctx context.Context) error {
	if c.settings.Elements == nil {
		return nil
	}
	var guids []string
	for _, w := range c.waiting {
		for _, r := range w.references {
			if guid := id(r.guid); !c.asked[guid] {
				c.asked[guid] = true
				guids = append(guids, guid.String())
			}
		}
	}
	for len(guids) > 0 {
		n := min(len(guids), lookups)
		there, err := c.settings.Elements(ctx, guids[:n])
		if err != nil {
			return fmt.Errorf("looking up elements in the repository: %w", err)
		}
		for _, guid := range there {
			c.there[id(guid)] = true
		}
		guids = guids[n:]
	}
	return nil
}
