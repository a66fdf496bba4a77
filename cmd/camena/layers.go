package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
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
}

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 10 * time.Second
)

func (s *supervision) serve(ctx context.Context) {
	pause := firstPause
	for {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 2*maxPause {
			pause = firstPause
		}
		s.log.Error("a role ended; starting it again", slog.String("role", s.role), slog.Duration("after", pause), slog.Any("error", err))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		pause = min(2*pause, maxPause)
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
