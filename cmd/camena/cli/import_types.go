package cli

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/client"
)

// importTypes are the types of the repository.
type importTypes struct{ registry *opentypes.Registry }

func readTypes(ctx context.Context, m *client.Client) (*importTypes, error) {
	known, err := knownTypes(ctx, m, events.Types{})
	if err != nil {
		return nil, fmt.Errorf("ask for the types: %w", err)
	}
	r, err := registryOf(known)
	return &importTypes{registry: r}, err
}

func (k *importTypes) def(name string) (events.TypeDef, bool) {
	t, ok := k.registry.Type(name)
	if !ok {
		return events.TypeDef{}, false
	}
	return t.Def(), true
}

// define notes types that were defined, and returns the names of those that
// differ from what they were.
func (k *importTypes) define(types []events.TypeDef) map[string]bool {
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
	answers, err := i.lookUp(ctx, guids, 0)
	var found []string
	for n, a := range answers {
		if a.Element != nil {
			found = append(found, guids[n])
		}
	}
	return found, err
}

// lookUp asks for what has these guids, as of a sequence of the out topic or later.
// The answer is empty where there is nothing.
func (i *importing) lookUp(ctx context.Context, guids []string, sequence uint64) ([]events.ElementAnswer, error) {
	answers := make([]events.ElementAnswer, len(guids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookupsAtOnce)
	for n, guid := range guids {
		group.Go(func() (err error) {
			answers[n], err = i.metadata.Get(ctx, events.Get{ElementRef: events.ByGUID(guid), MinSequence: sequence})
			if events.CodeOf(err) == events.CodeNotFound {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return answers, nil
}
