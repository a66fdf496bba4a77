package events

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
)

// Digest is a hash of what a connector says about an element or relationship:
// equal specs have equal digests. It is not cryptographic.
type Digest uint64

// Digest returns the hash of the spec's content. Classifications and zones
// count only where the spec names them, so pass state through [Element.Digest]
// with the same question in mind: Camena compares what connectors yield.
func (s *ElementSpec) Digest() Digest {
	return digest(s.Type, s.QualifiedName, s.Properties, s.Zones, s.Classifications)
}

// Digest returns the hash of the element's content; it equals the digest of
// the spec that produced it.
func (e *Element) Digest() Digest {
	return digest(e.Header.Type.Name, e.Header.QualifiedName, e.Properties, e.Header.Zones, e.Classifications)
}

// RelationshipDigest returns the hash of a relationship's content between
// elements with the given guids.
func RelationshipDigest(typeName, end1, end2 string, p Properties) Digest {
	return digest(typeName, end1+"\x00"+end2, p, nil, nil)
}

func digest(typeName, name string, p Properties, zones []string, marks []Classification) Digest {
	h := fnv.New64a()
	part := func(b []byte) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	part([]byte(typeName))
	part([]byte(name))
	part(p.Raw())
	zones = slices.Sorted(slices.Values(zones))
	part([]byte(strings.Join(zones, "\x00")))
	marks = slices.SortedFunc(slices.Values(marks), func(a, b Classification) int { return strings.Compare(a.Name, b.Name) })
	for i := range marks {
		part([]byte(marks[i].Name))
		part(bytes.TrimSpace(marks[i].Properties.Raw()))
	}
	return Digest(h.Sum64())
}
