package index

import (
	"context"

	"github.com/camena-io/camena/events"
)

// Answer answers a question. An answer that may be long, beyond its first item, has
// about room bytes at most. The log is read for a history, and for what was as of a
// time.
func (x *Index) Answer(ctx context.Context, log Log, q events.Question, room int) (any, error) {
	switch q := q.(type) {
	case *events.Get:
		return x.Get(ctx, log, q)
	case *events.Find:
		return x.Find(ctx, q, room)
	case *events.Count:
		return x.Count(ctx, &q.Find)
	case *events.Related:
		return x.Related(ctx, q, room)
	case *events.Graph:
		return x.Graph(ctx, q, room)
	case *events.Lineage:
		return x.Lineage(ctx, q, room)
	case *events.Types:
		return x.Definitions(q, room)
	case *events.Digests:
		return x.Digests(q, room)
	case *events.History:
		return x.history(ctx, log, q, room)
	default:
		return nil, events.Errorf(events.CodeInvalid, "", "%s is not answered here", q.Verb())
	}
}
