package repository

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/topics"
)

// serveEndpoints registers endpoints.
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

// endpoints are the questions. All repository nodes share them; each answers from its own
// index.
func (r *Repository) endpoints(ctx context.Context) map[string]micro.Handler {
	handlers := map[string]micro.Handler{}
	for _, t := range events.Questions() {
		handlers[t.New().Verb()] = r.answer(ctx, t, func(ctx context.Context, q events.Question, room int) (any, error) {
			return r.index.Answer(ctx, storeLog{r.set.Bus}, q, room)
		})
	}
	return handlers
}
