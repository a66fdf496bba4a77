package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// ErrSuperseded is returned by [Host.Serve] when another process runs under the
// name of this node. The later one stays.
var ErrSuperseded = errors.New("another process has taken the name of this node; give every node a name of its own")

// errRunOut says that the heartbeat was not renewed in time, or never there.
var errRunOut = errors.New("the heartbeat has run out")

// nodes is where heartbeats are kept; [*bus.Bucket] is one.
type nodes interface {
	Update(ctx context.Context, key string, n *events.Node, revision uint64) (uint64, error)
	Get(ctx context.Context, key string) (bus.Entry[events.Node], error)
	Delete(ctx context.Context, key string) error
}

// pulse keeps the heartbeat of a node, which is a lease on what it runs.
type pulse struct {
	nodes nodes
	log   *slog.Logger
	// describe says what the heartbeat says, but the instance.
	describe func() events.Node

	process  string
	tenure   int
	revision uint64
}

// instance is another one whenever the node begins anew.
func (p *pulse) instance() string { return fmt.Sprintf("%s.%d", p.process, p.tenure) }

// hold runs work while the heartbeat holds, again and again, until ctx is done
// or work fails. When it could not be renewed for [topics.SelfFence], counted
// from when the last renewal was sent, the ctx of work ends with errFenced.
// hold returns when work has, and removes the heartbeat at a clean end.
func (p *pulse) hold(ctx context.Context, work func(context.Context) error) error {
	for {
		p.tenure++
		began, joined := p.join(ctx)
		if !joined {
			return nil
		}
		err := p.keep(ctx, began, work)
		switch {
		case errors.Is(err, errFenced):
			p.log.WarnContext(ctx, "the heartbeat could not be renewed in time; all connectors were stopped")
		case errors.Is(err, ErrSuperseded):
			return err
		default:
			p.leave(ctx)
			if ctx.Err() != nil {
				return nil //nolint:nilerr // being told to stop is the normal end
			}
			return err
		}
	}
}

// join writes the first heartbeat, over that of a process before us. It returns
// when it was sent, or false if ctx is done before.
func (p *pulse) join(ctx context.Context) (time.Time, bool) {
	for {
		began := time.Now()
		err := p.beat(ctx)
		if err == nil {
			return began, true
		}
		if errors.Is(err, ErrSuperseded) || errors.Is(err, errRunOut) {
			continue // whoever it was, was before us
		}
		p.log.DebugContext(ctx, "waiting for the bus", slog.Any("error", err))
		timer := time.NewTimer(topics.Heartbeat / 4)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return began, false
		}
	}
}

func (p *pulse) keep(ctx context.Context, renewed time.Time, work func(context.Context) error) error {
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	fence := time.AfterFunc(time.Until(renewed.Add(topics.SelfFence)), func() { stop(errFenced) })
	defer fence.Stop()
	done := make(chan error, 1)
	go func() { done <- work(working) }()
	tick := time.NewTicker(topics.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if cause := context.Cause(working); cause != nil && ctx.Err() == nil {
				return cause
			}
			return err
		case <-tick.C:
			began := time.Now()
			// While the node stops it still lives.
			switch err := p.beat(context.WithoutCancel(ctx)); {
			case err == nil:
				fence.Reset(time.Until(began.Add(topics.SelfFence)))
			case errors.Is(err, ErrSuperseded):
				stop(ErrSuperseded)
			default:
				p.log.WarnContext(ctx, "heartbeat", slog.Any("error", err))
			}
		}
	}
}

// beat writes one heartbeat.
func (p *pulse) beat(ctx context.Context) error {
	attempt, cancel := context.WithTimeout(ctx, topics.Heartbeat)
	defer cancel()
	n := p.describe()
	n.Instance = p.instance()
	revision, err := p.nodes.Update(attempt, n.Name, &n, p.revision)
	if err == nil {
		p.revision = revision
		return nil
	}
	if !errors.Is(err, bus.ErrTaken) {
		return err
	}
	return p.look(attempt, n.Name, err)
}

// look finds out who has the key that we could not write.
func (p *pulse) look(ctx context.Context, name string, err error) error {
	there, getErr := p.nodes.Get(ctx, name)
	switch {
	case errors.Is(getErr, bus.ErrMissing):
		p.revision = 0
		return errRunOut
	case getErr != nil:
		return getErr
	}
	p.revision = there.Revision
	if there.Value != nil && there.Value.Instance != p.instance() {
		return fmt.Errorf("%w (%s)", ErrSuperseded, there.Value.Instance)
	}
	return err // an earlier heartbeat of ours, whose answer was lost
}

func (p *pulse) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), topics.Heartbeat)
	defer cancel()
	if err := p.nodes.Delete(ctx, p.describe().Name); err != nil {
		p.log.DebugContext(ctx, "remove the heartbeat", slog.Any("error", err))
	}
}
