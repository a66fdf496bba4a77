package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/camena-io/camena/runtime/host"
)

// layers are services that stand on each other: they are stopped one by one,
// the last started first.
type layers struct {
	log     *slog.Logger
	running []layer
}

type layer struct {
	name string
	end  context.CancelFunc
	done chan struct{}
	// patience is how long stopping waits for the layer.
	patience time.Duration
}

// start runs a service, which outlives ctx until its turn to stop has come.
func (l *layers) start(ctx context.Context, name string, patience time.Duration, serve func(context.Context)) {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(ctx)
	}()
	l.running = append(l.running, layer{name: name, end: end, done: done, patience: patience})
}

// stop stops all layers. One that does not stop in time is left behind.
func (l *layers) stop() {
	for _, each := range slices.Backward(l.running) {
		began := time.Now()
		each.end()
		timeout := time.NewTimer(each.patience)
		select {
		case <-each.done:
			l.log.Debug("stopped", slog.String("what", each.name), slog.Duration("after", time.Since(began)))
		case <-timeout.C:
			l.log.Warn("does not stop in time; going on without it", slog.String("what", each.name))
		}
		timeout.Stop()
	}
	l.running = nil
}

// service is a role of a node: it serves until ctx is done.
type service interface {
	Serve(ctx context.Context) error
}

// supervision restarts a role that fails, after a pause that doubles with each
// failure, and keeps what fails there from the other roles.
type supervision struct {
	role  string
	log   *slog.Logger
	build func() (service, error)
	// fatal is told of errors that a restart would only make worse.
	fatal func(error)
}

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 10 * time.Second
)

func (s *supervision) serve(ctx context.Context) {
	wait := firstPause
	for {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, host.ErrSuperseded) {
			s.fatal(fmt.Errorf("%w with CAMENA_NODE", err))
			return
		}
		if time.Since(began) > 2*maxPause {
			wait = firstPause
		}
		s.log.ErrorContext(ctx, "a role ended; starting it again", slog.String("role", s.role), slog.Duration("after", wait), slog.Any("error", err))
		if pause(ctx, wait) != nil {
			return
		}
		wait = min(2*wait, maxPause)
	}
}

func (s *supervision) once(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	role, err := s.build()
	if err != nil {
		return err
	}
	return role.Serve(ctx)
}
