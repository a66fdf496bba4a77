package index

import (
	"cmp"

	"github.com/camena-io/camena/events"
)

// typesPage is the limit of types in an answer.
const typesPage = 1000

// Definitions returns a page of the definitions of types, in at most room bytes unless
// the first alone takes more.
func (x *Index) Definitions(q *events.Types, room int) (events.TypesAnswer, error) {
	if q.Limit < 0 {
		return events.TypesAnswer{}, events.Errorf(events.CodeInvalid, "/limit", "%d is negative", q.Limit)
	}
	limit := min(cmp.Or(q.Limit, typesPage), typesPage)
	registry := x.Types()
	x.mu.RLock()
	defer x.mu.RUnlock()
	a := events.TypesAnswer{Sequence: x.last.Sequence, Types: []events.KnownType{}}
	for _, t := range registry.All() {
		_, defined := x.typeSet.defined[t.Name()]
		if t.Name() <= q.After || q.Defined && !defined {
			continue
		}
		def := t.Def()
		data, err := events.Marshal(&def)
		if err != nil {
			return a, err
		}
		room -= len(data)
		if n := len(a.Types); n > 0 && (n == limit || room < 0) {
			a.Next = a.Types[n-1].Name
			break
		}
		a.Types = append(a.Types, events.KnownType{TypeDef: def, Defined: defined})
	}
	return a, nil
}
