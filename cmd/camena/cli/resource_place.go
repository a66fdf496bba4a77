package cli

import (
	"context"
	"fmt"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// places are where there is room for one relationship only: one that is wanted
// there takes the place of the one that is.
type places struct {
	types *opentypes.Registry // nil until somebody needs them
	taken map[place]string    // by resources, where these were read
}

type place struct {
	of, relationship string
	end              int
}

func (a *applying) obsolete(ctx context.Context, w *wantedResource) ([]leftover, error) {
	if r, ok := w.resource.(*relationshipResource); ok {
		return a.placesOf(ctx, w, r)
	}
	return w.resource.obsolete(), nil
}

// placesOf are the relationships that leave no room for that of a resource.
func (a *applying) placesOf(ctx context.Context, w *wantedResource, r *relationshipResource) ([]leftover, error) {
	if err := a.learnTypes(ctx); err != nil {
		return nil, err
	}
	typ, err := a.types.Relationship(r.spec.Type, "")
	if err != nil {
		return nil, nil //nolint:nilerr // the repository says where it stands
	}
	var all []leftover
	for _, o := range []leftover{
		{r.spec.End1, typ.Limit(2), 1, r.spec.End2.QualifiedName},
		{r.spec.End2, typ.Limit(1), 2, r.spec.End1.QualifiedName},
	} {
		if o.relationship == "" {
			continue
		}
		at := place{of: o.from.QualifiedName, relationship: o.relationship, end: o.end}
		if other, ok := a.taken[at]; ok && other != w.where {
			return nil, events.Errorf(events.CodeConflict, "", "%s can have only one %s there, and %s gives it one", at.of, at.relationship, other)
		}
		a.taken[at] = w.where
		all = append(all, o)
	}
	return all, nil
}

func (a *applying) learnTypes(ctx context.Context) error {
	if a.types != nil {
		return nil
	}
	a.taken = map[place]string{}
	sequence, err := a.bus.LastSequence(ctx, a.bus.Topics().OutStream())
	if err != nil {
		return err
	}
	known, err := persist(ctx, func() ([]events.KnownType, error) {
		return knownTypes(ctx, a.metadata, events.Types{Page: events.Page{MinSequence: sequence}})
	})
	if err != nil {
		return err
	}
	a.types, err = registryOf(known)
	return err
}

// tellRemoved tells of relationships that were removed before a resource was made.
func (a *applying) tellRemoved(steps []events.Result) {
	for i := range steps {
		if s := &steps[i]; s.Changed {
			fmt.Fprintf(a.out, "%s %s %s removed\n", kindRelationship, s.Type, printable(s.Name))
		}
	}
}
