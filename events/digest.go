package events

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Digest is a non-cryptographic hash of content: equal content has equal digests.
// Zero means no content. In JSON it is a string of hexadecimal digits, because
// many JSON libraries round large numbers.
type Digest uint64

// MarshalText writes the digest in hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(d), 16), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil {
		return Errorf(CodeInvalid, "", "%q is not a digest: at most 16 hexadecimal digits", text)
	}
	*d = Digest(n)
	return nil
}

// ContentDigest returns the hash of an element's type, name and properties.
func ContentDigest(typeName, qualifiedName string, p Properties) Digest {
	return digest([]byte(typeName), []byte(qualifiedName), p.Raw())
}

// ZonesDigest returns the hash of a set of zones.
func ZonesDigest(zones []string) Digest {
	if len(zones) == 0 {
		return 0
	}
	var parts [][]byte
	for _, z := range slices.Compact(slices.Sorted(slices.Values(zones))) {
		parts = append(parts, []byte(z))
	}
	return digest(parts...)
}

// ClassificationsDigest returns the hash of a set of classifications.
func ClassificationsDigest(marks []Classification) Digest {
	if len(marks) == 0 {
		return 0
	}
	var parts [][]byte
	byName := func(a, b Classification) int { return strings.Compare(a.Name, b.Name) }
	for _, m := range slices.SortedFunc(slices.Values(marks), byName) {
		parts = append(parts, []byte(m.Name), append(slices.Clip(m.Properties.Raw()), m.Effectivity.text()...))
	}
	return digest(parts...)
}

// EffectivityDigest returns the hash of an effectivity, zero for the open one.
func EffectivityDigest(e Effectivity) Digest {
	if text := e.text(); len(text) > 0 {
		return digest(text)
	}
	return 0
}

// text returns a distinct text for every effectivity, nil for the open one. It
// starts with a character that starts no JSON.
func (e Effectivity) text() []byte {
	if e.Equal(Effectivity{}) {
		return nil
	}
	text := []byte{'@'}
	for i, t := range [...]time.Time{e.From, e.To} {
		if i > 0 {
			text = append(text, '/')
		}
		if !t.IsZero() {
			text = t.UTC().AppendFormat(text, time.RFC3339Nano)
		}
	}
	return text
}

func digest(parts ...[]byte) Digest {
	h := fnv.New64a()
	for _, p := range parts {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		_, _ = h.Write(n[:]) // a hash never fails
		_, _ = h.Write(p)
	}
	return Digest(max(h.Sum64(), 1))
}

// Key identifies an element or relationship independently of its guid, so that a
// connector can compute it without a question.
type Key = uuid.UUID

// ElementKey returns the key of an element: derived from its qualified name,
// or, where it has none, its guid.
func ElementKey(ref ElementRef) Key {
	if ref.QualifiedName != "" {
		return derived("camena:element:" + ref.QualifiedName)
	}
	id, err := uuid.Parse(ref.GUID)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// RelationshipKey returns the key of the relationship of a type between the
// elements with the given keys.
func RelationshipKey(typeName string, end1, end2 Key) Key {
	return derived("camena:relationship:" + typeName + ":" + end1.String() + ":" + end2.String())
}

// derived returns the UUIDv5 of a name.
func derived(name string) Key { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)) }

// GUIDOf returns the guid of the element with a qualified name, unless it was
// created with another one. It is the UUIDv5 of the name, so that every sender
// computes the same guid.
func GUIDOf(qualifiedName string) string { return ElementKey(ByName(qualifiedName)).String() }

// RelationshipGUIDOf returns the guid of the relationship of a type between two
// elements, unless it was created with another one.
func RelationshipGUIDOf(typeName, end1GUID, end2GUID string) string {
	return RelationshipKey(typeName, ElementKey(ByGUID(end1GUID)), ElementKey(ByGUID(end2GUID))).String()
}
