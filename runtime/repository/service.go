package repository

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/topics"
)

// serveQuestions registers the endpoints. All repository nodes share the
// questions; each answers from its own index.
func (r *Repository) serveQuestions(ctx context.Context) (stop func(), err error) {
	return r.serveEndpoints(ctx, "camena-repository", r.endpoints(ctx))
}

func (r *Repository) serveEndpoints(ctx context.Context, name string, endpoints map[string]micro.Handler) (stop func(), err error) {
	service, err := micro.AddService(r.set.Bus.Conn(), micro.Config{
		Name: name, Version: "0.1.0", Description: "Answers questions about the metadata",
		Metadata: map[string]string{"node": r.set.Node},
	})
	if err != nil {
		return nil, err
	}
	stop = func() {
		if err := service.Stop(); err != nil {
			r.set.Logger.DebugContext(ctx, "stop answering questions", slog.Any("error", err))
		}
	}
	for verb, handler := range endpoints {
		subject := r.set.Bus.Topics().API(topics.RepositoryService, verb)
		if err := service.AddEndpoint(verb, handler, micro.WithEndpointSubject(subject)); err != nil {
			stop()
			return nil, fmt.Errorf("endpoint %s: %w", verb, err)
		}
	}
	return stop, nil
}

func (r *Repository) endpoints(ctx context.Context) map[string]micro.Handler {
	handlers := map[string]micro.Handler{}
	for _, t := range events.Questions() {
		handlers[t.New().Verb()] = r.answer(ctx, t, r.answerTo)
	}
	return handlers
}

// answerTo answers from the index; room is how many bytes an answer may have.
func (r *Repository) answerTo(ctx context.Context, q events.Question, room int) (any, error) {
	if h, ok := q.(*events.History); ok {
		return r.history(ctx, h, room)
	}
	return r.index.Answer(ctx, storeLog{r.set.Bus}, q, room)
}

// history reads the change events of one element from the out topic.
func (r *Repository) history(ctx context.Context, q *events.History, room int) (events.HistoryAnswer, error) {
	a := events.HistoryAnswer{Changes: []events.Entry{}}
	id := q.GUID
	if id == "" {
		id = r.index.GUID(q.QualifiedName)
	}
	a.Sequence = r.Sequence()
	t := r.set.Bus.Topics()
	sizes, size, last := []int{}, 0, ""
	err := r.set.Bus.Read(ctx, t.OutStream(), []string{t.Element("*", id), t.Relationship("*", id)}, func(m *bus.Message) error {
		c, err := client.ChangeOf(m)
		if err != nil { // as in following: one event must not hide the others
			r.set.Logger.ErrorContext(ctx, "an event of a history cannot be read; leaving it out", slog.Uint64("sequence", m.Sequence),
				slog.String("subject", m.Subject), slog.Any("error", err))
			return nil
		}
		if hidesFormer(&c, last) {
			a.Changes, sizes, size, a.Truncated = a.Changes[:0], sizes[:0], 0, false
		}
		last = c.Type
		a.Changes, sizes, size = append(a.Changes, entry(&c)), append(sizes, len(m.Data)), size+len(m.Data)
		for size > room && len(sizes) > 1 { // the newest are what fits
			size -= sizes[0]
			a.Changes, sizes, a.Truncated = a.Changes[1:], sizes[1:], true
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	if len(a.Changes) == 0 {
		return a, events.Errorf(events.CodeNotFound, "", "there is no history of %s", id)
	}
	return a, nil
}

// hidesFormer reports whether nothing is told of what was before a change that comes
// after one of a type: it purged that, or it is a creation, and what was deleted
// before it is not there any more, which may have been by a purge.
func hidesFormer(c *connectors.Change, last string) bool {
	switch c.Type {
	case events.TypeElementDeleted:
		return c.Element.Purged
	case events.TypeRelationshipDeleted:
		return c.Relationship.Purged
	case events.TypeElementCreated, events.TypeRelationshipCreated:
		return last != events.TypeElementDeleted && last != events.TypeRelationshipDeleted
	default:
		return false
	}
}

func entry(c *connectors.Change) events.Entry {
	return events.Entry{
		Sequence: c.Sequence, Type: c.Type, Time: c.Time, Actor: c.Actor, Element: c.Element, Relationship: c.Relationship,
	}
}
