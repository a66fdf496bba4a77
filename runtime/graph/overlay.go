package graph

import (
	"slices"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// overlay is a view with changes that are not in its base yet: what the writer
// has published and the bus has not acknowledged, or the earlier steps of a
// change set.
type overlay struct {
	base    view
	guids   map[guid]*record
	names   map[string]*record
	ends    map[guid]map[guid]*record
	aliases map[guid]map[guid]*record // by [record.linkKey]
	fences  map[string]uint64
	// anchors are the elements that have or had an anchor, by that.
	anchors map[guid]map[guid]*record
	defs    map[string]*events.TypeDef
	types   *opentypes.Registry // with defs
}

func newOverlay(base view) *overlay {
	return &overlay{
		base: base, guids: map[guid]*record{}, names: map[string]*record{},
		ends: map[guid]map[guid]*record{}, fences: map[string]uint64{}, aliases: map[guid]map[guid]*record{},
		anchors: map[guid]map[guid]*record{}, defs: map[string]*events.TypeDef{},
	}
}

func (o *overlay) get(id guid) *record {
	r, ok := o.guids[id]
	if !ok {
		return o.base.get(id)
	}
	if r.deleted {
		return nil
	}
	return r
}

func (o *overlay) named(name string) *record {
	r, ok := o.names[name]
	if !ok {
		if r = o.base.named(name); r == nil {
			return nil
		}
		return o.get(r.guid)
	}
	if r.deleted {
		return nil
	}
	return r
}

func (o *overlay) fenced(connector string) uint64 {
	if g, ok := o.fences[connector]; ok {
		return g
	}
	return o.base.fenced(connector)
}

func (o *overlay) linked(element guid) []*record {
	return o.above(o.base.linked(element), o.ends[element])
}

func (o *overlay) anchored(element guid) []*record {
	return o.above(o.base.anchored(element), o.anchors[element])
}

// above returns the records of the base as they are now, and those that are new,
// sorted by guid: what is applied must not depend on what is in the base already.
func (o *overlay) above(base []*record, mine map[guid]*record) []*record {
	var all []*record
	for _, r := range base {
		if o.guids[r.guid] == nil {
			all = append(all, r)
		}
	}
	for id, r := range mine {
		if now := o.guids[id]; now == r && !r.deleted {
			all = append(all, r)
		}
	}
	if len(mine) > 0 {
		slices.SortFunc(all, byGUID)
	}
	return all
}

func (o *overlay) aliased(key guid) []*record {
	return o.above(o.base.aliased(key), o.aliases[key])
}

func (o *overlay) registry() *opentypes.Registry {
	if len(o.defs) == 0 {
		return o.base.registry()
	}
	return o.types
}

// define adds the types of changes.
func (o *overlay) define(changes []change) {
	var defs []events.TypeDef
	for i := range changes {
		if def := changes[i].typeDef; def != nil {
			defs = append(defs, *def)
		}
	}
	if len(defs) == 0 {
		return
	}
	types, _, err := o.registry().Apply(defs...)
	if err != nil {
		return // it was applied before it became a change
	}
	o.types = types
	for i := range changes {
		if def := changes[i].typeDef; def != nil {
			o.defs[def.Name] = def
		}
	}
}

// add makes changes visible.
func (o *overlay) add(changes []change) {
	o.define(changes)
	for i := range changes {
		c := &changes[i]
		switch r := c.record; {
		case c.moved || c.typeDef != nil:
		case r == nil:
			o.fences[c.fence.Connector] = c.fence.Generation
		default:
			o.addRecord(r)
		}
	}
}

func (o *overlay) addRecord(r *record) {
	o.guids[r.guid] = r
	switch {
	case r.relationship:
		put(o.ends, r.end1, r)
		put(o.ends, r.end2, r)
		if !r.derived {
			put(o.aliases, r.linkKey(), r)
		}
	case r.named():
		o.names[r.name] = r
	}
	if r.anchor != uuid.Nil {
		put(o.anchors, r.anchor, r)
	}
}

func put(m map[guid]map[guid]*record, key guid, r *record) {
	if m[key] == nil {
		m[key] = map[guid]*record{}
	}
	m[key][r.guid] = r
}

// drop forgets changes that have arrived in the base, unless newer ones are
// above them.
func (o *overlay) drop(changes []change) {
	for i := range changes {
		c := &changes[i]
		switch r := c.record; {
		case c.moved:
		case c.typeDef != nil:
			if o.defs[c.typeDef.Name] == c.typeDef {
				delete(o.defs, c.typeDef.Name)
			}
		case r == nil:
			if o.fences[c.fence.Connector] == c.fence.Generation {
				delete(o.fences, c.fence.Connector)
			}
		default:
			o.dropRecord(r)
		}
	}
}

func (o *overlay) dropRecord(r *record) {
	if o.guids[r.guid] == r {
		delete(o.guids, r.guid)
	}
	switch {
	case r.relationship:
		unput(o.ends, r.end1, r)
		unput(o.ends, r.end2, r)
		if !r.derived {
			unput(o.aliases, r.linkKey(), r)
		}
	case o.names[r.name] == r:
		delete(o.names, r.name)
	}
	if r.anchor != uuid.Nil {
		unput(o.anchors, r.anchor, r)
	}
}

func unput(m map[guid]map[guid]*record, key guid, r *record) {
	if m[key][r.guid] != r {
		return
	}
	delete(m[key], r.guid)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}
