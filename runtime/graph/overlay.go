package graph

import (
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// view is the state that commands are applied to: the index, or the index with changes
// that it does not have yet.
type view interface {
	lookup
	// group returns the records of a group.
	group(g Group) []*record
	// fenced returns the generation that a connector is fenced to.
	fenced(connector string) uint64
	// Types returns the types.
	Types() *opentypes.Registry
}

// overlay is a view with changes that its base does not have yet: what the writer has
// published and the bus has not acknowledged, or the earlier changes of a transaction.
type overlay struct {
	base   view
	guids  map[guid]*record
	names  map[string]*record
	groups map[Group]map[guid]*record
	fences map[string]uint64
	defs   map[string]*events.TypeDef
	types  *opentypes.Registry // with defs
}

func newOverlay(base view) *overlay {
	return &overlay{
		base: base, guids: map[guid]*record{}, names: map[string]*record{}, groups: map[Group]map[guid]*record{},
		fences: map[string]uint64{}, defs: map[string]*events.TypeDef{},
	}
}

func (o *overlay) get(id guid) *record {
	r, ok := o.guids[id]
	if !ok {
		return o.base.get(id)
	}
	return unlessDeleted(r)
}

func (o *overlay) named(name string) *record {
	if r, ok := o.names[name]; ok {
		return unlessDeleted(r)
	}
	if r := o.base.named(name); r != nil {
		return o.get(r.guid)
	}
	return nil
}

func unlessDeleted(r *record) *record {
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

// group merges the records of the base that have not changed with those above it,
// sorted by guid: the result must not depend on what the base has already.
func (o *overlay) group(g Group) []*record {
	var all []*record
	for _, r := range o.base.group(g) {
		if o.guids[r.guid] == nil {
			all = append(all, r)
		}
	}
	above := o.groups[g]
	for id, r := range above {
		if o.guids[id] == r && !r.deleted {
			all = append(all, r)
		}
	}
	if len(above) > 0 {
		sortByGUID(all)
	}
	return all
}

func (o *overlay) Types() *opentypes.Registry {
	if len(o.defs) == 0 {
		return o.base.Types()
	}
	return o.types
}

func (o *overlay) lastDeletion(ref events.ElementRef) (Tombstone, bool) {
	return o.base.lastDeletion(ref)
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
	types, _, err := o.Types().Apply(defs...)
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
	if r.named() {
		o.names[r.name] = r
	}
	for _, key := range r.Groups() {
		put(o.groups, key, r)
	}
}

func put[K comparable](m map[K]map[guid]*record, key K, r *record) {
	if m[key] == nil {
		m[key] = map[guid]*record{}
	}
	m[key][r.guid] = r
}

// drop forgets changes that have arrived in the base, unless newer ones replaced them.
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
	if o.names[r.name] == r {
		delete(o.names, r.name)
	}
	for _, key := range r.Groups() {
		unput(o.groups, key, r)
	}
}

func unput[K comparable](m map[K]map[guid]*record, key K, r *record) {
	if m[key][r.guid] != r {
		return
	}
	delete(m[key], r.guid)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}
