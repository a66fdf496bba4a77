package connectortest

import (
	"context"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph"
)

// ask answers a question as the bus does: what the graph says is encoded, and
// decoded where it was asked.
func ask[A, Raw any](r *Repository, minSequence uint64, answer func() (Raw, error)) (a A, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := r.last(); minSequence > last {
		return a, events.Errorf(events.CodeUnavailable, "/minSequence", "sequence %d is not reached, this is %d", minSequence, last)
	}
	raw, err := answer()
	if err != nil {
		return a, err
	}
	data, err := events.Marshal(raw)
	if err != nil {
		return a, err
	}
	return events.Unmarshal[A](data)
}

// Get implements [connectors.Reader].
func (r *Repository) Get(ctx context.Context, q events.Get) (events.ElementAnswer, error) {
	return ask[events.ElementAnswer](r, q.MinSequence, func() (graph.ElementAnswer, error) { return r.index.Get(ctx, r.log, &q) })
}

// Find implements [connectors.Reader].
func (r *Repository) Find(ctx context.Context, q events.Find) (events.ElementsAnswer, error) {
	return ask[events.ElementsAnswer](r, q.MinSequence, func() (graph.ElementsAnswer, error) { return r.index.Find(ctx, &q, maxMessage) })
}

// Related implements [connectors.Reader].
func (r *Repository) Related(ctx context.Context, q events.Related) (events.RelatedAnswer, error) {
	return ask[events.RelatedAnswer](r, q.MinSequence, func() (graph.RelatedAnswer, error) { return r.index.Related(ctx, &q, maxMessage) })
}

// Digests implements [connectors.Reader].
func (r *Repository) Digests(_ context.Context, q events.Digests) (events.DigestsAnswer, error) {
	return ask[events.DigestsAnswer](r, q.MinSequence, func() (events.DigestsAnswer, error) { return r.index.Digests(&q, maxMessage) })
}

// Graph implements [connectors.Explorer].
func (r *Repository) Graph(ctx context.Context, q events.Graph) (events.GraphAnswer, error) {
	return ask[events.GraphAnswer](r, q.MinSequence, func() (graph.Subgraph, error) { return r.index.Graph(ctx, &q, maxMessage) })
}

// Lineage implements [connectors.Explorer].
func (r *Repository) Lineage(ctx context.Context, q events.Lineage) (events.GraphAnswer, error) {
	return ask[events.GraphAnswer](r, q.MinSequence, func() (graph.Subgraph, error) { return r.index.Lineage(ctx, &q, maxMessage) })
}

// Count implements [connectors.Explorer].
func (r *Repository) Count(ctx context.Context, q events.Find) (events.CountAnswer, error) {
	return ask[events.CountAnswer](r, q.MinSequence, func() (events.CountAnswer, error) { return r.index.Count(ctx, &q) })
}

// Types implements [connectors.TypeReader].
func (r *Repository) Types(_ context.Context, q events.Types) (events.TypesAnswer, error) {
	return ask[events.TypesAnswer](r, q.MinSequence, func() (events.TypesAnswer, error) { return r.index.Definitions(&q, maxMessage) })
}

// History implements [connectors.Explorer]. Everything is kept.
func (r *Repository) History(_ context.Context, q events.History) (events.HistoryAnswer, error) {
	return ask[events.HistoryAnswer](r, q.MinSequence, func() (events.HistoryAnswer, error) {
		a := events.HistoryAnswer{Sequence: r.last(), Changes: []events.Entry{}}
		id := q.GUID
		if id == "" {
			id = r.index.GUID(q.QualifiedName)
		}
		for i := range r.log.Events {
			e := &r.log.Events[i]
			if e.GUID != id {
				continue
			}
			c := r.log.change(e)
			a.Changes = append(a.Changes, events.Entry{
				Sequence: c.Sequence, Type: c.Type, Time: c.Time, Actor: c.Actor, Element: c.Element, Relationship: c.Relationship,
			})
		}
		if len(a.Changes) == 0 {
			return a, events.Errorf(events.CodeNotFound, "", "there is no history of %s", id)
		}
		return a, nil
	})
}
