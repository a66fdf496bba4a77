package egeria

import (
	"cmp"
	"context"
	"fmt"

	"github.com/camena-io/camena/events"
)

// relationship checks a relationship.
func (c *checker) relationship(i *item) {
	r, wrong := c.decodeRelationship(i)
	if wrong == nil {
		wrong = c.takeRelationship(i, &r)
	}
	f := r.step(i.place("")).Finding
	if wrong != nil {
		c.refuse(i, f, wrong)
		return
	}
	c.Report.lose(&r.wire.wireAudit)
	c.await(pending{key: i.key(), finding: f}, []reference{
		{what: "end 1", where: i.place("/entityOneProxy/guid"), Stub: r.ends[0]},
		{what: "end 2", where: i.place("/entityTwoProxy/guid"), Stub: r.ends[1]},
	})
}

func (c *checker) takeRelationship(i *item, r *relationship) *fault {
	guid, now := id(r.spec.GUID), i.seen(c.hash(&r.wire))
	if wrong := twice(c.relationships, guid, now, "/guid"); wrong != nil {
		return wrong
	}
	c.relationships[guid] = now
	if e, ok := c.elements[guid]; ok {
		return faultf("/guid", "the guid is that of an element, at %s", e)
	}
	if r.wire.Status == deleted {
		return skipf(isDeleted)
	}
	if wrong := c.validType("/type/typeDefName", r.spec.Type, events.KindRelationship); wrong != nil {
		return wrong
	}
	return c.fits(r.step(Place{}))
}

// extension checks a classification that stands by itself.
func (c *checker) extension(i *item) {
	x, wrong := c.decodeExtension(i)
	s, broken := x.step(i.place(""))
	if wrong == nil {
		wrong = c.takeExtension(i, &x, s, broken)
	}
	if wrong != nil {
		c.refuse(i, s.Finding, wrong)
		return
	}
	references := []reference{{what: "the classified element", where: i.place("/entityToClassify/guid"), Stub: x.of}}
	if s.Anchor != "" {
		references = append(references, reference{what: "the anchor", Stub: Stub{GUID: s.Anchor}, where: i.place("/classification" + anchorPointer)})
	}
	c.Report.loseOf(x.wire.Classification)
	c.await(pending{key: i.key(), finding: s.Finding}, references)
}

// takeExtension takes the step of a classification, unless that is broken or something
// else is wrong with it.
func (c *checker) takeExtension(i *item, x *extension, s *Step, broken *fault) *fault {
	if x.wire.Classification.Status == deleted {
		return skipf(isDeleted)
	}
	if wrong := c.validType("/classification/name", s.Type, events.KindClassification); wrong != nil {
		return wrong
	}
	k, now := c.classificationHash(x.of.GUID, s.Type), i.seen(c.hash(x.wire.Classification))
	wrong := cmp.Or(twice(c.classified, k, now, "/classification"), broken)
	if wrong == nil && s.Anchor != "" {
		wrong = c.anchorApart(x.of.GUID, s.Anchor)
	}
	if wrong == nil {
		wrong = c.fits(s)
	}
	if wrong == nil {
		c.classified[k] = now
		c.mementos = c.mementos || s.Archives()
	}
	return wrong
}

// await takes an item once the repository has what it refers to and the archive does
// not bring.
func (c *checker) await(p pending, references []reference) {
	for _, r := range references {
		if !c.elements[id(r.GUID)].taken {
			p.references = append(p.references, r)
		}
	}
	if len(p.references) == 0 {
		c.Report.count(p.finding.Kind, Taken, 1)
		return
	}
	c.pending = append(c.pending, p)
}

// resolve decides about the pending items.
func (c *checker) resolve(ctx context.Context) error {
	if err := c.lookUp(ctx); err != nil {
		return err
	}
	for _, p := range c.pending {
		missing := c.missing(p.references)
		if missing == nil {
			c.Report.count(p.finding.Kind, Taken, 1)
			continue
		}
		reason, stub := c.explain(missing)
		c.refusePending(&p, missing.where, reason, stub)
	}
	c.pending = nil
	return nil
}

func (c *checker) refusePending(p *pending, where Place, reason string, missing Stub) {
	f := p.finding
	f.Outcome, f.Where, f.Reason, f.Missing = Refused, where, reason, missing
	c.drop(p.key, f)
}

// missing returns the first of the references to what does not exist, or nil.
func (c *checker) missing(references []reference) *reference {
	for i := range references {
		if !c.there[id(references[i].GUID)] {
			return &references[i]
		}
	}
	return nil
}

// explain says why there is no such element. It returns the element if neither the
// archive nor the repository has it.
func (c *checker) explain(r *reference) (reason string, missing Stub) {
	e, ok := c.elements[id(r.GUID)]
	if !ok {
		e, ok = c.unread[id(r.GUID)]
	}
	if ok {
		return fmt.Sprintf("%s is %s, which the archive has at %s, but which is not taken, and the repository does not have it", r.what, r.GUID, e), Stub{}
	}
	return fmt.Sprintf("%s is %s, which is neither in the archive nor in the repository", r.what, r.GUID), r.Stub
}

// lookUp asks the repository for what the pending items refer to.
func (c *checker) lookUp(ctx context.Context) error {
	if c.settings.Elements == nil {
		return nil
	}
	var guids []string
	for _, p := range c.pending {
		for _, r := range p.references {
			if _, asked := c.there[id(r.GUID)]; !asked {
				c.there[id(r.GUID)] = false
				guids = append(guids, id(r.GUID).String())
			}
		}
	}
	if len(guids) == 0 {
		return nil
	}
	there, err := c.settings.Elements(ctx, guids)
	if err != nil {
		return fmt.Errorf("looking up elements in the repository: %w", err)
	}
	for _, guid := range there {
		c.there[id(guid)] = true
	}
	return nil
}
