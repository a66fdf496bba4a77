package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/camena-io/camena/runtime/bus"
)

type serviceFunc func(ctx context.Context) error

func (f serviceFunc) Serve(ctx context.Context) error { return f(ctx) }

func TestAFailingServiceIsBuiltAnewWithBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		n := &Node{log: slog.New(slog.DiscardHandler)}
		stop := n.supervise(t.Context(), &service{name: "r", build: func() (suture.Service, error) {
			at = append(at, time.Since(began))
			switch len(at) {
			case 1:
				return nil, errors.New("not built")
			case 2:
				return serviceFunc(func(context.Context) error { panic("broken") }), nil
			case 3:
				return serviceFunc(func(context.Context) error { return nil }), nil
			default:
				return serviceFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), nil
			}
		}}, time.Second)
		<-time.After(time.Minute)
		stop()
		if len(at) != 4 || at[2] != 0 || at[3] < restartPause/2 || at[3] > 2*restartPause {
			t.Errorf("starts at %v, want two restarts at once and one after %s", at, restartPause)
		}
	})
}

func TestAServiceThatHangsIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &Node{log: slog.New(slog.DiscardHandler)}
		hang := make(chan struct{})
		stop := n.supervise(t.Context(), &service{name: "hanging", build: func() (suture.Service, error) {
			return serviceFunc(func(context.Context) error { <-hang; return nil }), nil
		}}, time.Second)
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took != time.Second {
			t.Errorf("stopping took %s, want 1s", took)
		}
		close(hang)
	})
}

func TestAServiceOutlivesTheNodesContextUntilItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := &Node{log: slog.New(slog.DiscardHandler)}
		ended := false
		stop := n.supervise(ctx, &service{name: "r", build: func() (suture.Service, error) {
			return serviceFunc(func(ctx context.Context) error { <-ctx.Done(); ended = true; return nil }), nil
		}}, time.Second)
		cancel()
		synctest.Wait()
		if ended {
			t.Error("it ended with the node's context")
		}
		stop()
		if !ended {
			t.Error("it runs after it was stopped")
		}
	})
}

func TestWhatARestartWouldNotMendEndsTheNode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		once      bool
		err, want error
	}{
		"a name that is taken":         {err: fmt.Errorf("host: %w", bus.ErrSuperseded), want: ErrNameTaken},
		"what cannot be started again": {once: true, err: context.DeadlineExceeded, want: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got error
				n := &Node{log: slog.New(slog.DiscardHandler)}
				stop := n.supervise(t.Context(), &service{name: "r", once: test.once, fail: func(err error) { got = err }, build: func() (suture.Service, error) {
					return serviceFunc(func(context.Context) error { return test.err }), nil
				}}, time.Second)
				synctest.Wait()
				stop()
				if !errors.Is(got, test.want) {
					t.Errorf("the node ends with %v, want %v", got, test.want)
				}
			})
		})
	}
}
