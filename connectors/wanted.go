package connectors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/camena-io/camena/events"
)

// Wanted is one element or one relationship that a connector sees at the third party;
// exactly one of the two is set. Relationships name their ends by qualified name, if
// these have one.
type Wanted struct {
	Element      *events.ElementSpec
	Relationship *events.RelationshipSpec
}

// validate checks what a comparison needs.
func (w Wanted) validate() error {
	what := "element"
	var err error
	switch {
	case (w.Element == nil) == (w.Relationship == nil):
		return errors.New("wanted: set either Element or Relationship")
	case w.Relationship != nil:
		what, err = "relationship", w.Relationship.Validate("")
	default:
		err = cmp.Or(w.Element.Validate(""), w.Element.Ref().Validate(""))
	}
	if err != nil {
		return fmt.Errorf("wanted %s: %w", what, err)
	}
	return nil
}

// isElement reports whether an element is as wanted.
func isElement(have *events.DigestItem, s *events.ElementSpec) bool {
	return have.Content == events.ContentDigest(s.Type, s.QualifiedName, stored(s.Properties)) &&
		(s.Zones == nil || have.Zones == events.ZonesDigest(s.Zones)) &&
		(s.Classifications == nil || have.Classifications == events.ClassificationsDigest(storedMarks(s.Classifications))) &&
		(s.Anchor == events.ElementRef{} || have.AnchoredTo(s.Anchor)) && counts(have, s.Effectivity)
}

// linkDigest is what a comparison needs of a wanted relationship.
type linkDigest struct {
	// ends is the key of its type and ends.
	ends        events.Key
	content     events.Digest
	effectivity events.Digest
	// counted means that the effectivity is given.
	counted bool
}

func digestOf(s *events.RelationshipSpec) linkDigest {
	ends := events.RelationshipKey(s.Type, events.ElementKey(s.End1), events.ElementKey(s.End2))
	d := linkDigest{ends: ends, content: events.ContentDigest(s.Type, ends.String(), stored(s.Properties)), counted: s.Effectivity != nil}
	if d.counted {
		d.effectivity = events.EffectivityDigest(*s.Effectivity)
	}
	return d
}

// is reports whether a relationship is as wanted.
func (d *linkDigest) is(have *events.DigestItem) bool {
	return have.Content == d.content && (!d.counted || have.Effectivity == d.effectivity)
}

// ambiguous returns the error of a second relationship that cannot be told from the
// first.
func ambiguous(s *events.RelationshipSpec) error {
	if s.GUID != "" {
		return fmt.Errorf("wanted relationship: the guid %s is given to two that are not the same", s.GUID)
	}
	return fmt.Errorf("wanted relationship: there are two %s from %s to %s that are not the same; to tell them apart, give each a guid",
		s.Type, nameOf(s.End1), nameOf(s.End2))
}

func nameOf(ref events.ElementRef) string { return cmp.Or(ref.QualifiedName, ref.GUID) }

// counts reports whether an instance has the wanted effectivity, if one is given.
func counts(have *events.DigestItem, want *events.Effectivity) bool {
	return want == nil || have.Effectivity == events.EffectivityDigest(*want)
}

// stored returns properties as the repository stores them, without nulls.
func stored(p events.Properties) events.Properties {
	kept, _ := p.WithoutNulls() // invalid properties fail when they are sent
	return kept
}

// storedMarks returns classifications as the repository stores them.
func storedMarks(marks []events.Classification) []events.Classification {
	kept := slices.Clone(marks)
	for i := range kept {
		kept[i].Properties = stored(kept[i].Properties)
	}
	return kept
}
