package embedded

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"
)

const (
	// enough is how much more space there must be before a restart.
	enough = 8 << 20
	// lookPause is the time between checks for space, and tryPause the time between
	// restarts where the free space is unknown.
	lookPause = time.Second
	tryPause  = time.Minute
)

// isShortage reports whether a message of the server says that it has no space: it
// has filled the part of the disk that was free when it started, or the disk is full.
func isShortage(said string) bool {
	return isBroken(said) || strings.Contains(said, "JetStream file resource limits exceeded")
}

// isBroken reports whether a write has failed: the server then does not write to that
// stream again before it is restarted, even if there is space.
func isBroken(said string) bool { return strings.Contains(said, "no space left") }

// keep watches the space of the server until ctx is done.
func (e *Server) keep(ctx context.Context) error {
	for {
		select {
		case said := <-e.short:
			if err := e.awaitSpace(ctx, said); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// awaitSpace waits until there is space, and then restarts the server: it does not
// notice the space otherwise.
func (e *Server) awaitSpace(ctx context.Context, said string) error {
	free, known := available(e.set.Dir)
	e.set.Logger.ErrorContext(ctx, "there is no space left for the streams: nothing is stored, and senders are refused, until there is; "+
		"free some on their disk or enlarge it, and this server goes on by itself",
		slog.String("folder", e.set.Dir), slog.Int64("free_mib", free>>20), slog.String("reason", said))
	broken, began := isBroken(said), time.Now()
	tick := time.NewTicker(lookPause)
	defer tick.Stop()
	for {
		select {
		case said = <-e.short:
			broken = broken || isBroken(said)
			continue
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, _ := available(e.set.Dir)
		switch {
		case !broken && e.hasRoom():
			e.set.Logger.InfoContext(ctx, "there is space for the streams again")
			return nil
		case known && now >= free+enough, !known && time.Since(began) > tryPause:
			return e.restart(ctx)
		}
	}
}

// hasRoom reports whether the server is well below its own limit, because messages
// were removed from the streams.
func (e *Server) hasRoom() bool {
	info, err := e.current().Jsz(nil)
	return err == nil && info.Config.MaxStore > 0 && info.Store+enough <= uint64(info.Config.MaxStore)
}

// restart restarts the server on the same port, so that clients reconnect.
func (e *Server) restart(ctx context.Context) error {
	e.set.Logger.InfoContext(ctx, "there is space for the streams again: starting the embedded NATS server anew")
	old := e.current()
	if a, ok := old.Addr().(*net.TCPAddr); ok {
		e.set.Port = a.Port
	}
	old.Shutdown()
	old.WaitForShutdown()
	select {
	case <-e.short: // of the former server
	default:
	}
	if err := e.start(); err != nil {
		return errors.Join(errNoRestart, err)
	}
	return nil
}

var errNoRestart = errors.New("the embedded NATS server ran out of space, and could not be started anew; start camena again")
