package repository

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

// restoringPause is the time between two checks whether a restore has ended.
const restoringPause = time.Second

// readWhole reads the out topic. It refuses questions while the out topic is being
// restored, or holds a part of an interrupted restore.
func (r *Repository) readWhole(ctx context.Context) error {
	_, err := r.catchUp(ctx)
	if errors.Is(err, client.ErrRestoring) {
		r.set.Logger.WarnContext(ctx, "answering no questions", slog.Any("error", err))
		if err = r.refuseWhileRestoring(ctx); err == nil {
			return r.readWhole(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("repository: read the out topic: %w", err)
	}
	return nil
}

// refuseWhileRestoring refuses questions until the out topic is whole.
func (r *Repository) refuseWhileRestoring(ctx context.Context) error {
	refusals := r.endpoints(ctx)
	for verb := range refusals {
		refusals[verb] = micro.HandlerFunc(func(q micro.Request) {
			bus.Refuse(r.set.Bus, q, events.Errorf(events.CodeUnavailable, "", "%s", client.ErrRestoring))
		})
	}
	stop, err := r.serveEndpoints(ctx, "camena-repository", refusals)
	if err != nil {
		return err
	}
	defer stop()
	for {
		if from, err := client.New(r.set.Bus, "").Restoring(ctx); err == nil && from == "" {
			return nil
		}
		if err := bus.Sleep(ctx, restoringPause); err != nil {
			return err
		}
	}
}
