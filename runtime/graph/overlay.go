package graph

import (
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

type guid = uuid.UUID

// view is the state that commands are applied to: the index, or the index with changes
// that it does not have yet.
type view interface {
	index.Lookup
	settings
	// Group returns the records of a group.
	Group(g index.Group) []*index.Record
}

// settings are what is neither an element nor a relationship.
type settings interface {
	// Generation returns the generation that a connector is fenced to.
	Generation(connector string) uint64
	// Types returns the types.
	Types() *opentypes.Registry
}

// overlay is a view with changes that its base does not have yet: what the writer has
// published and the bus has not acknowledged, or the earlier changes of a transaction.
type overlay struct {
	base   view
	guids  map[guid]*index.Record
	names  map[string]*index.Record
	groups map[index.Group]map[guid]*index.Record
	fences map[string]uint64
	defs   map[string]*events.TypeDef
	types  *opentypes.Registry // with defs
}

func newOverlay(base view) *overlay {
	return &overlay{
		base: base, guids: map[guid]*index.Record{}, names: map[string]*index.Record{}, groups: map[index.Group]map[guid]*index.Record{},
		fences: map[string]uint64{}, defs: map[string]*events.TypeDef{},
	}
}

func (o *overlay) ByGUID(id guid) *index.Record {
	r, ok := o.guids[id]
	if !ok {
		return o.base.ByGUID(id)
	}
	return unlessDeleted(r)
}

func (o *overlay) ByName(name string) *index.Record {
	if r, ok := o.names[name]; ok {
		return unlessDeleted(r)
	}
	if r := o.base.ByName(name); r != nil {
		return o.ByGUID(r.GUID)
	}
	return nil
}

func unlessDeleted(r *index.Record) *index.Record {
	if r.Deleted {
		return nil
	}
	return r
}

func (o *overlay) Generation(connector string) uint64 {
	if g, ok := o.fences[connector]; ok {
		return g
	}
	return o.base.Generation(connector)
}

// Group merges the records of the base that have not changed with those above it,
// sorted by guid: the result must not depend on what the base has already.
func (o *overlay) Group(g index.Group) []*index.Record {
	var all []*index.Record
	for _, r := range o.base.Group(g) {
		if o.guids[r.GUID] == nil {
			all = append(all, r)
		}
	}
	above := o.groups[g]
	for id, r := range above {
		if o.guids[id] == r && !r.Deleted {
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

func (o *overlay) LastDeletion(ref events.ElementRef) (index.Tombstone, bool) {
	return o.base.LastDeletion(ref)
}

// define adds the types of changes.
func (o *overlay) define(changes []change) {
	var defs []events.TypeDef
	for i := range changes {
		if def := changes[i].TypeDef; def != nil {
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
		if def := changes[i].TypeDef; def != nil {
			o.defs[def.Name] = def
		}
	}
}

// add makes changes visible.
func (o *overlay) add(changes []change) {
	o.define(changes)
	for i := range changes {
		c := &changes[i]
		switch r := c.Record; {
		case c.Moved || c.TypeDef != nil:
		case r == nil:
			o.fences[c.Connector] = c.Generation
		default:
			o.addRecord(r)
		}
	}
}

func (o *overlay) addRecord(r *index.Record) {
	o.guids[r.GUID] = r
	if r.HasName() {
		o.names[r.Name] = r
	}
	for _, key := range r.Groups() {
		if o.groups[key] == nil {
			o.groups[key] = map[guid]*index.Record{}
		}
		o.groups[key][r.GUID] = r
	}
}

// drop forgets changes that have arrived in the base, unless newer ones replaced them.
func (o *overlay) drop(changes []change) {
	for i := range changes {
		c := &changes[i]
		switch r := c.Record; {
		case c.Moved:
		case c.TypeDef != nil:
			if o.defs[c.TypeDef.Name] == c.TypeDef {
				delete(o.defs, c.TypeDef.Name)
			}
		case r == nil:
			if o.fences[c.Connector] == c.Generation {
				delete(o.fences, c.Connector)
			}
		default:
			o.dropRecord(r)
		}
	}
}

func (o *overlay) dropRecord(r *index.Record) {
	if o.guids[r.GUID] == r {
		delete(o.guids, r.GUID)
	}
	if o.names[r.Name] == r {
		delete(o.names, r.Name)
	}
	for _, key := range r.Groups() {
		if o.groups[key][r.GUID] == r {
			delete(o.groups[key], r.GUID)
		}
		if len(o.groups[key]) == 0 {
			delete(o.groups, key)
		}
	}
}
