package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/bus"
)

// knownTypes are the types of the repository.
type knownTypes struct{ registry *opentypes.Registry }

// readTypes returns the types that Camena ships with those that are defined on
// the out topic.
func readTypes(ctx context.Context, b *bus.Bus) (*knownTypes, error) {
	shipped, err := opentypes.Builtin()
	if err != nil {
		return nil, err
	}
	defined := map[string]events.TypeDef{}
	err = b.Read(ctx, b.Topics().OutStream(), []string{b.Topics().Type("*")}, func(m *bus.Message) error {
		if c, err := events.Unmarshal[events.TypeChange](m.Data); err == nil && c.Type != nil {
			defined[c.Type.Name] = *c.Type
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the types that are defined: %w", err)
	}
	k := &knownTypes{registry: shipped}
	if all, err := shipped.Restore(slices.Collect(maps.Values(defined))...); err == nil {
		k.registry = all
		return k, nil
	}
	// The repository takes those that fit; here it is enough to know most.
	for _, name := range slices.Sorted(maps.Keys(defined)) {
		if next, err := k.registry.Restore(defined[name]); err == nil {
			k.registry = next
		}
	}
	return k, nil
}

func (k *knownTypes) def(name string) (events.TypeDef, bool) {
	t, ok := k.registry.Type(name)
	if !ok {
		return events.TypeDef{}, false
	}
	return t.Def(), true
}

// define notes types that were defined, and returns the names of those that
// differ from what they were.
func (k *knownTypes) define(types []events.TypeDef) map[string]bool {
	names := map[string]bool{}
	next, changed, err := k.registry.Apply(types...)
	if err != nil {
		return names
	}
	k.registry = next
	for i := range changed {
		names[changed[i].Name] = true
	}
	return names
}

// lookupsAtOnce is how many elements are looked up at a time.
const lookupsAtOnce = 32

// existing returns those of the guids that are elements of the repository.
func (i *importing) existing(ctx context.Context, guids []string) ([]string, error) {
	there := make([]bool, len(guids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookupsAtOnce)
	for n, guid := range guids {
		group.Go(func() error {
			a, err := i.metadata.Get(ctx, events.Get{ElementRef: events.ByGUID(guid)})
			there[n] = err == nil && a.Element != nil
			if events.CodeOf(err) == events.CodeNotFound {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var found []string
	for n, guid := range guids {
		if there[n] {
			found = append(found, guid)
		}
	}
	return found, nil
}
