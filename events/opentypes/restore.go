package opentypes

import (
	"slices"

	"github.com/camena-io/camena/events"
)

// Restore returns a registry with types that were defined earlier, perhaps under
// a version of Camena that shipped other types. It is [Registry.Apply] with each
// definition merged with the type of r: nothing that r has is lost, and the wider
// of two ends or lists wins.
func (r *Registry) Restore(defs ...events.TypeDef) (*Registry, error) {
	merged := make([]events.TypeDef, len(defs))
	for i := range defs {
		merged[i] = clone(&defs[i])
		if t, ok := r.types[defs[i].Name]; ok && t.def.Kind == defs[i].Kind {
			r.widen(&merged[i], &t.def)
		}
	}
	next, _, err := r.Apply(merged...)
	return next, err
}

// widen merges another definition into d.
func (r *Registry) widen(d, have *events.TypeDef) {
	d.SuperType = have.SuperType
	d.MultiLink = d.MultiLink || have.MultiLink
	for i := range have.Attributes {
		a := &have.Attributes[i]
		j := slices.IndexFunc(d.Attributes, func(b events.AttributeDef) bool { return b.Name == a.Name })
		if j < 0 {
			d.Attributes = append(d.Attributes, *a)
			continue
		}
		d.Attributes[j].Required = d.Attributes[j].Required && a.Required
	}
	for _, v := range have.Values {
		if !slices.ContainsFunc(d.Values, func(w events.EnumValue) bool { return w.Name == v.Name }) {
			d.Values = append(d.Values, v)
		}
	}
	for _, name := range have.ValidFor {
		if !slices.Contains(d.ValidFor, name) {
			d.ValidFor = append(d.ValidFor, name)
		}
	}
	r.widenEnd(d.End1, have.End1)
	r.widenEnd(d.End2, have.End2)
}

func (r *Registry) widenEnd(end, have *events.EndDef) {
	if end == nil || have == nil {
		return
	}
	if t, ok := r.types[end.Type]; ok && t.Is(have.Type) {
		end.Type = have.Type
	}
	if have.Cardinality == events.CardinalityMany {
		end.Cardinality = have.Cardinality
	}
}
