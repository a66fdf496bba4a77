package index_test

import (
	"context"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// answers are those of an index, as JSON.
type answers struct {
	index *index.Index
	log   index.Log
}

// room is how many bytes an answer may have.
const room = 1 << 20

// Ask implements [events.Asker].
func (a answers) Ask(ctx context.Context, q events.Question) ([]byte, error) {
	answer, err := a.index.Answer(ctx, a.log, q, room)
	if err != nil {
		return nil, err
	}
	return events.Marshal(answer)
}
