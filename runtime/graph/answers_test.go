package graph_test

import (
	"context"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/graphtest"
)

// answers are those of an index, read as who asked reads them.
type answers struct {
	index *graph.Index
	log   graph.Log
}

var _ graphtest.Reader = answers{}

// room is how many bytes an answer may take.
const room = 1 << 20

func read[A any](answer any, err error) (a A, _ error) {
	if err != nil {
		return a, err
	}
	data, err := events.Marshal(answer)
	if err != nil {
		return a, err
	}
	return events.Unmarshal[A](data)
}

func (a answers) Get(ctx context.Context, q events.Get) (events.ElementAnswer, error) {
	answer, err := a.index.Get(ctx, a.log, &q)
	return read[events.ElementAnswer](answer, err)
}

func (a answers) Find(ctx context.Context, q events.Find) (events.ElementsAnswer, error) {
	answer, err := a.index.Find(ctx, &q, room)
	return read[events.ElementsAnswer](answer, err)
}

func (a answers) Related(ctx context.Context, q events.Related) (events.RelatedAnswer, error) {
	answer, err := a.index.Related(ctx, &q, room)
	return read[events.RelatedAnswer](answer, err)
}

func (a answers) Graph(ctx context.Context, q events.Graph) (events.GraphAnswer, error) {
	answer, err := a.index.Graph(ctx, &q, room)
	return read[events.GraphAnswer](answer, err)
}

func (a answers) Lineage(ctx context.Context, q events.Lineage) (events.GraphAnswer, error) {
	answer, err := a.index.Lineage(ctx, &q, room)
	return read[events.GraphAnswer](answer, err)
}

func (a answers) Count(ctx context.Context, q events.Find) (events.CountAnswer, error) {
	return a.index.Count(ctx, &q)
}
