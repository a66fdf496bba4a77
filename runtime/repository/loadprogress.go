package repository

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// loadProgress is how much of the stored metadata a starting node has read.
type loadProgress struct {
	read, of atomic.Uint64
	told     time.Time
	// report, if set, is called with the progress, too.
	report func(read, of uint64)
}

const (
	// tellPause is the time between two lines about it in the log.
	tellPause = 2 * time.Second
	// tellSteps is the number of events between two looks at the clock.
	tellSteps = 256
)

func (p *loadProgress) begin(of uint64) {
	p.read.Store(0)
	p.of.Store(of)
	p.told = time.Now()
}

// step counts an event.
func (p *loadProgress) step(ctx context.Context, log *slog.Logger) {
	read, of := p.read.Add(1), p.of.Load()
	if read%tellSteps != 0 || read > of {
		return
	}
	if p.report != nil {
		p.report(read, of)
	}
	if time.Since(p.told) < tellPause {
		return
	}
	p.told = time.Now()
	log.InfoContext(ctx, "loading the metadata", slog.Uint64("read", read), slog.Uint64("of", of))
}

// serveLoadProgress serves the progress while the node answers nothing else.
func (r *Repository) serveLoadProgress(ctx context.Context) (stop func(), err error) {
	return r.serveEndpoints(ctx, "camena-loading", map[string]micro.Handler{
		topics.VerbLoadProgress: bus.Answer(r.set.Bus, func(struct{}) (events.LoadProgress, error) {
			return events.LoadProgress{Node: r.set.Node, Read: r.loadProgress.read.Load(), Of: r.loadProgress.of.Load()}, nil
		}),
	})
}

// open reads the stored metadata and then answers questions: before, the node would
// answer that nothing is there.
func (r *Repository) open(ctx context.Context) (shut func(), err error) {
	done, err := r.serveLoadProgress(ctx)
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	defer done() // when questions are answered, so that there is always somebody
	if err := r.readWhole(ctx); err != nil {
		return nil, err
	}
	r.index.Settle()
	shut, err = r.serveEndpoints(ctx, "camena-repository", r.endpoints(ctx))
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	if err := r.set.Bus.Conn().FlushTimeout(tellPause); err != nil {
		shut()
		return nil, fmt.Errorf("repository: %w", err)
	}
	if r.set.Ready != nil {
		r.set.Ready()
	}
	return shut, nil
}
