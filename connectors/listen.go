package connectors

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// problemListener and problemPosition are keys of problems.
	problemListener = "listener"
	problemPosition = "listener position"
	// savePause is the least time between two savings of a position, and between two
	// attempts to load it.
	savePause = time.Second
	// lastSave limits the time of the last saving.
	lastSave = 500 * time.Millisecond
)

// Listen calls handle, in the background and in order, for every change that the filter
// selects, until the connector is disconnected (Egeria: register a listener on the out
// topic). A panic in handle counts as an error. While handle fails, the status of the
// connector shows the problem "listener".
//
// A filter without From, Present and Now continues after the last change that was handled
// before the connector was stopped, restarted or moved; at the very first start it
// begins with the next change. The order of the calls of Listen tells the positions of
// several listeners apart.
//
// A listener gets one change after the other, as fast as it handles them, and delays
// nobody else. A filter that can never select anything is a permanent error.
func (c *Context) Listen(f Filter, handle func(ctx context.Context, change Change) error) error {
	if err := f.Validate(); err != nil {
		return Permanent(err)
	}
	c.mu.Lock()
	if c.closed.Load() {
		c.mu.Unlock()
		return ErrDisconnected
	}
	l := &listener{context: c, handle: handle}
	if f.begins() == 0 {
		c.listeners++
		l.key, l.moved = "listener", make(chan struct{}, 1)
		if c.listeners > 1 {
			l.key += "." + strconv.Itoa(c.listeners)
		}
	}
	c.mu.Unlock()
	c.Go(func(ctx context.Context) { l.run(ctx, f) })
	return nil
}

// listener is one call of [Context.Listen].
type listener struct {
	context *Context
	handle  func(context.Context, Change) error
	failure string // of handle, as the status shows it
	// key is that of the position, empty if none is kept.
	key     string
	handled atomic.Uint64 // the last sequence
	saved   uint64
	known   bool          // saved is the position
	moved   chan struct{} // wakes savePeriodically
}

func (l *listener) run(ctx context.Context, f Filter) {
	if l.key != "" {
		if !l.begin(ctx, &f) {
			return
		}
		saveCtx, end := context.WithCancel(ctx)
		var saving sync.WaitGroup
		saving.Go(func() { l.savePeriodically(saveCtx) })
		defer func() {
			end()
			saving.Wait()
			l.saveLast(ctx)
		}()
	}
	if err := l.context.set.Follower.Follow(ctx, f, l.changed); err != nil && ctx.Err() == nil {
		l.context.Problem(problemListener, err.Error())
		l.context.notify()
	}
}

// begin waits until the position is loaded; it returns false if ctx is done before.
func (l *listener) begin(ctx context.Context, f *Filter) bool {
	load := func() (struct{}, error) { return struct{}{}, l.load(ctx) }
	failed := func(err error, _ time.Duration) { l.context.Problem(problemPosition, err.Error()) }
	pauses := backoff.NewConstantBackOff(savePause)
	if _, err := backoff.Retry(ctx, load, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(failed)); err != nil {
		return false
	}
	l.context.Problem(problemPosition, "")
	if l.known {
		f.From = l.saved + 1
	}
	return true
}

// load loads the position. At the first start it saves one, so that a listener that is
// moved before its first change misses none.
func (l *listener) load(ctx context.Context) error {
	value, err := l.context.set.Positions.LoadPosition(ctx, l.key, l.context.set.Generation)
	if err != nil {
		return err
	}
	if value != nil {
		if l.saved, err = strconv.ParseUint(string(value), 10, 64); err == nil {
			l.known = true
			return nil
		}
		l.context.set.Logger.ErrorContext(ctx, "a listener's position cannot be read; it begins with the next change", slog.String("key", l.key), slog.Any("error", err))
	}
	last, err := l.context.set.Follower.LastChange(ctx)
	if err != nil {
		return err
	}
	return l.save(ctx, last)
}

// changed passes one change to the listener.
func (l *listener) changed(ctx context.Context, change Change) error {
	err := callHandle(ctx, change, l.handle)
	if ctx.Err() != nil && err != nil {
		return err
	}
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	if l.failure != failure {
		l.failure = failure
		l.context.Problem(problemListener, failure)
		l.context.notify()
	}
	if err == nil && l.key != "" && change.Sequence > 0 {
		l.handled.Store(change.Sequence)
		l.wake()
	}
	return err
}

// callHandle turns a panic of handle into an error.
func callHandle(ctx context.Context, change Change, handle func(context.Context, Change) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return handle(ctx, change)
}

// savePeriodically saves the position while it moves.
func (l *listener) savePeriodically(ctx context.Context) {
	for {
		select {
		case <-l.moved:
		case <-ctx.Done():
			return
		}
		if err := l.saveHandled(ctx); err == nil {
			l.context.Problem(problemPosition, "")
		} else if ctx.Err() == nil {
			l.context.Problem(problemPosition, err.Error())
			l.wake()
		}
		select {
		case <-time.After(savePause):
		case <-ctx.Done():
			return
		}
	}
}

// saveLast saves the position after the last change.
func (l *listener) saveLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
	defer cancel()
	if err := l.saveHandled(ctx); err != nil {
		l.context.set.Logger.WarnContext(ctx, "a listener's position is not saved; it will get some changes again", slog.Any("error", err))
	}
}

func (l *listener) saveHandled(ctx context.Context) error {
	handled := l.handled.Load()
	if handled == 0 || l.known && handled == l.saved {
		return nil
	}
	return l.save(ctx, handled)
}

func (l *listener) save(ctx context.Context, sequence uint64) error {
	err := l.context.set.Positions.SavePosition(ctx, l.key, l.context.set.Generation, strconv.AppendUint(nil, sequence, 10))
	if err == nil {
		l.saved, l.known = sequence, true
	}
	return err
}

func (l *listener) wake() {
	select {
	case l.moved <- struct{}{}:
	default:
	}
}

func (c *Context) notify() {
	if c.set.Notify != nil {
		c.set.Notify()
	}
}
