package connectortest

import (
	"maps"

	"github.com/camena-io/camena/events"
)

// state is the metadata. Elements and relationships are replaced, never
// changed, so that a shallow clone is a snapshot.
type state struct {
	elements      map[string]*events.Element
	names         map[string]string // guid by qualified name
	relationships map[string]*events.Relationship
	// ends holds the guids of an element's relationships.
	ends    map[string]map[string]struct{}
	digests map[string]digest // by guid
	fences  map[string]uint64 // generation by connector
}

type digest struct {
	events.DigestItem
	origin events.Origin
}

func newState() state {
	return state{
		elements: map[string]*events.Element{}, names: map[string]string{},
		relationships: map[string]*events.Relationship{}, ends: map[string]map[string]struct{}{},
		digests: map[string]digest{}, fences: map[string]uint64{},
	}
}

func (s *state) clone() state {
	c := state{
		elements: maps.Clone(s.elements), names: maps.Clone(s.names), relationships: maps.Clone(s.relationships),
		ends: make(map[string]map[string]struct{}, len(s.ends)), digests: maps.Clone(s.digests), fences: maps.Clone(s.fences),
	}
	for guid, set := range s.ends {
		c.ends[guid] = maps.Clone(set)
	}
	return c
}

// find returns the element that ref names, nil if there is none.
func (s *state) find(ref events.ElementRef) *events.Element {
	if ref.GUID != "" {
		return s.elements[ref.GUID]
	}
	return s.elements[s.names[ref.QualifiedName]]
}

func (s *state) putElement(next, previous *events.Element) {
	h := &next.Header
	renamed := previous != nil && previous.Header.QualifiedName != h.QualifiedName
	if renamed {
		delete(s.names, previous.Header.QualifiedName)
	}
	if h.QualifiedName != "" {
		s.names[h.QualifiedName] = h.GUID
	}
	s.elements[h.GUID] = next
	s.digests[h.GUID] = digest{origin: h.Origin, DigestItem: withKey(events.DigestItem{
		Key:             events.ElementKey(events.ElementRef{GUID: h.GUID, QualifiedName: h.QualifiedName}),
		Content:         events.ContentDigest(h.Type.Name, h.QualifiedName, next.Properties),
		Zones:           events.ZonesDigest(h.Zones),
		Classifications: events.ClassificationsDigest(next.Classifications),
	}, h.GUID)}
	if !renamed {
		return
	}
	for guid := range s.ends[h.GUID] {
		s.putRelationship(s.relationships[guid])
	}
}

func (s *state) dropElement(e *events.Element) {
	delete(s.elements, e.Header.GUID)
	delete(s.digests, e.Header.GUID)
	delete(s.ends, e.Header.GUID)
	if e.Header.QualifiedName != "" {
		delete(s.names, e.Header.QualifiedName)
	}
}

func (s *state) putRelationship(next *events.Relationship) {
	h := &next.Header
	s.relationships[h.GUID] = next
	key := events.RelationshipKey(h.Type.Name, s.endKey(next.End1.GUID), s.endKey(next.End2.GUID))
	s.digests[h.GUID] = digest{origin: h.Origin, DigestItem: withKey(events.DigestItem{
		Key: key, Relationship: true, Content: events.ContentDigest(h.Type.Name, key.String(), next.Properties),
	}, h.GUID)}
	for _, end := range [...]string{next.End1.GUID, next.End2.GUID} {
		if s.ends[end] == nil {
			s.ends[end] = map[string]struct{}{}
		}
		s.ends[end][h.GUID] = struct{}{}
	}
}

func (s *state) dropRelationship(r *events.Relationship) {
	delete(s.relationships, r.Header.GUID)
	delete(s.digests, r.Header.GUID)
	for _, end := range [...]string{r.End1.GUID, r.End2.GUID} {
		delete(s.ends[end], r.Header.GUID)
	}
}

func (s *state) endKey(guid string) events.Key {
	return events.ElementKey(events.ElementRef{GUID: guid, QualifiedName: s.elements[guid].Header.QualifiedName})
}

func withKey(item events.DigestItem, guid string) events.DigestItem {
	if item.Key.String() != guid {
		item.GUID = guid
	}
	return item
}
