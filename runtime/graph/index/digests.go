package index

import (
	"log/slog"
	"strings"
	"unique"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Digests returns a page of the digests of a scope, for a reconciliation, in about room
// bytes.
func (x *Index) Digests(q *events.Digests, room int) (events.DigestsAnswer, error) {
	from := &Record{home: unique.Make(home{source: q.Source, scope: q.Scope})}
	if q.After != "" {
		id, err := uuid.Parse(q.After)
		if err != nil {
			return events.DigestsAnswer{}, events.Errorf(events.CodeInvalid, "/after", "%q is not what an answer gave as next", q.After)
		}
		from.GUID = id
	}
	x.mu.Lock() // copying marks the nodes of the original as shared
	scopes, sequence := x.scopes.Copy(), x.last.Sequence
	x.mu.Unlock()
	p, more := newPage[events.DigestItem](q.Page, room), false
	scopes.Ascend(from, func(r *Record) bool {
		if r.home != from.home {
			return false
		}
		if r.GUID == from.GUID {
			return true
		}
		item := x.digest(r)
		more = !p.add(item, sizeOf(&item), r.GUID.String())
		return !more
	})
	items, next := p.answer(more)
	return events.DigestsAnswer{Sequence: sequence, Digests: items, Next: next}, nil
}

// digest returns the digest of a record.
func (x *Index) digest(r *Record) events.DigestItem {
	item := events.DigestItem{Key: x.key(r), Relationship: r.Relationship}
	if item.Key != r.GUID {
		item.GUID = r.GUID.String()
	}
	properties := events.CanonicalProperties(r.Properties())
	if r.Relationship {
		ends := x.endsKey(r)
		if ends != item.Key {
			item.Ends = ends
		}
		item.Content = events.ContentDigest(r.Type.Name, ends.String(), properties)
	} else {
		item.Content = events.ContentDigest(r.Type.Name, r.QualifiedName(), properties)
	}
	if r.Anchor != uuid.Nil {
		if item.Anchor = x.keyOf(r.Anchor); item.Anchor != r.Anchor {
			item.AnchorGUID = r.Anchor.String()
		}
	}
	if r.hasExtras() {
		x.digestExtras(r, &item)
	}
	return item
}

// digestExtras adds the digests of zones, classifications and effectivity, which few
// records have.
func (x *Index) digestExtras(r *Record, item *events.DigestItem) {
	var s struct {
		Header          events.ElementHeader    `json:"header"`
		Classifications []events.Classification `json:"classifications"`
	}
	if err := json.Unmarshal(r.State(), &s); err != nil {
		x.log.Error("a state cannot be read", slog.String("guid", r.GUID.String()), slog.Any("error", err))
		return
	}
	item.Effectivity = events.EffectivityDigest(s.Header.Effectivity)
	item.Zones, item.Classifications = events.ZonesDigest(s.Header.Zones), events.ClassificationsDigest(s.Classifications)
}

// hasExtras reports, without decoding, whether the state may have zones,
// classifications or an effectivity.
func (r *Record) hasExtras() bool {
	for _, member := range [...]string{`"zones":[`, `"classifications":[`, `"effective`} {
		if strings.Contains(r.text, member) {
			return true
		}
	}
	return false
}

// sizeOf estimates the bytes of an item in an answer, rather too high.
func sizeOf(item *events.DigestItem) int {
	const plain, more = 100, 60
	size := plain
	for _, given := range [...]bool{
		item.Zones != 0, item.Classifications != 0, item.Effectivity != 0,
		item.GUID != "", item.Ends != events.Key{}, item.Anchor != events.Key{}, item.AnchorGUID != "",
	} {
		if given {
			size += more
		}
	}
	return size
}

// key returns the key that a connector computes for the record.
func (x *Index) key(r *Record) events.Key {
	if !r.Relationship {
		if r.Derived {
			return r.GUID
		}
		return events.ElementKey(events.ElementRef{GUID: r.GUID.String(), QualifiedName: r.QualifiedName()})
	}
	if typ, err := x.Types().Relationship(r.Type.Name, ""); !r.Derived && err == nil && typ.MultiLink() {
		return r.GUID // two elements may have several
	}
	return x.endsKey(r)
}

// endsKey returns the key of a relationship's type and ends.
func (x *Index) endsKey(r *Record) events.Key {
	end1, end2 := x.keyOf(r.End1), x.keyOf(r.End2)
	if r.Derived && end1 == r.End1 && end2 == r.End2 {
		return r.GUID
	}
	return events.RelationshipKey(r.Type.Name, end1, end2)
}

func (x *Index) keyOf(id guid) events.Key {
	if e := x.ByGUID(id); e != nil {
		return x.key(e)
	}
	return id
}
