// Package bench measures Camena beside the bare bus in the same run, since
// absolute times on a shared machine mean little.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/node"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/topics"
)

// Reporter adds the flags for the form of a report to a command, and returns a
// function that prints the report: the document, or the rows.
type Reporter = func(cmd *cobra.Command) (show func(document any, rows [][]string) error)

// Command returns "camena bench".
func Command(report Reporter) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure Camena against the bare bus",
		Long: `Measure Camena against the bare bus, on a NATS server of its own in a temporary folder.
It touches no installation.`,
		Example: `  camena bench changes
  camena bench changes --messages 1000000 --rounds 3 -o json
  camena bench cycles --connectors 10000 --interval 10s -o json
  camena bench queries --elements 1000000 -o json`,
	}
	cmd.AddCommand(newChangesCommand(report), newCyclesCommand(report), newQueriesCommand(report))
	return cmd
}

// figure is one line of a report.
type figure struct {
	name  string
	value any
	what  string
}

// measuring makes a command run a measurement on a rig and report its figures.
func measuring(cmd *cobra.Command, report Reporter, check func() error, measure func(context.Context, *rig) ([]figure, error)) *cobra.Command {
	show := report(cmd)
	cmd.PreRunE = func(*cobra.Command, []string) error { return check() }
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		r, err := newRig()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.close()) }()
		figures, err := measure(cmd.Context(), r)
		if err != nil {
			return err
		}
		document, rows := map[string]any{}, [][]string{}
		for _, f := range figures {
			document[f.name] = f.value
			rows = append(rows, []string{f.name, fmt.Sprint(f.value), f.what})
		}
		return show(document, rows)
	}
	return cmd
}

// times returns percentiles of durations; the hundredth is the maximum.
func times(took []time.Duration, prefix, what string, percentiles ...int) (figures []figure) {
	for _, p := range percentiles {
		name := strings.ReplaceAll(fmt.Sprintf("%sp%d_ms", prefix, p), "p100_", "max_")
		figures = append(figures, figure{name, millis(percentile(took, p)), what})
	}
	return figures
}

func positive(flag string, n int) error {
	if n < 1 {
		return fmt.Errorf("--%s %d: give at least 1", flag, n)
	}
	return nil
}

// rig is a NATS server of its own for one measurement.
type rig struct {
	server *embedded.Server
	dir    string
	stop   func() error
	log    *slog.Logger
}

func newRig() (*rig, error) {
	dir, err := os.MkdirTemp("", "camena-bench-")
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir, log: slog.New(slog.DiscardHandler)}
	if os.Getenv("CAMENA_BENCH_LOG") != "" {
		r.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	if r.server, err = embedded.New(embedded.Settings{Dir: dir, Port: -1, Logger: r.log}); err != nil {
		return nil, err
	}
	node.BoundHeap() // as serve does
	r.stop = background(context.Background(), r.server.Serve)
	return r, nil
}

func (r *rig) close() error { return errors.Join(r.stop(), os.RemoveAll(r.dir)) }

// connect opens a connection over loopback, as a client of its own would, for
// one domain, whose streams it creates.
func (r *rig) connect(ctx context.Context, domain string) (*bus.Bus, error) {
	b, err := bus.Connect(ctx, bus.Settings{URL: r.server.URL(), Name: "camena bench", Domain: domain, Logger: r.log})
	if err != nil {
		return nil, err
	}
	if err := b.Ensure(ctx, topics.DefaultLimits()); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// repository runs a repository until stop is called.
func (r *rig) repository(ctx context.Context, name string, on *bus.Bus) (repo *repository.Repository, stop func() error, err error) {
	if repo, err = repository.New(repository.Settings{Node: name, Bus: on, Logger: r.log}); err != nil {
		return nil, nil, err
	}
	return repo, background(ctx, repo.Serve), nil
}

// background runs a service; stop ends it and returns its error.
func background(ctx context.Context, serve func(context.Context) error) (stop func() error) {
	serving, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- serve(serving) }()
	return func() error {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

func millis(d time.Duration) float64 { return round(float64(d)/float64(time.Millisecond), 3) }

// percentile returns the value below which p per cent of the values are.
func percentile[T cmp.Ordered](values []T, p int) (value T) {
	if s := slices.Sorted(slices.Values(values)); len(s) > 0 {
		value = s[min(len(s)-1, len(s)*p/100)]
	}
	return value
}
