package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/topics"
)

// newBenchCommand returns "camena bench": figures of Camena beside those of
// the bare bus in the same run, since absolute times on a shared machine mean
// little.
func newBenchCommand(stdout io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure Camena against the bare bus",
		Long: `Measure Camena against the bare bus, on a NATS server of its own in a temporary folder.
Nothing of an installation is touched.`,
		Example: `  camena bench changes
  camena bench changes --messages 1000000 --rounds 3 -o json
  camena bench cycles --connectors 10000 --interval 10s -o json
  camena bench queries --elements 1000000 -o json`,
	}
	cmd.AddCommand(newBenchChangesCommand(stdout), newBenchCyclesCommand(stdout), newBenchQueriesCommand(stdout))
	return cmd
}

// rig is a NATS server of its own for one measurement.
type rig struct {
	server *embedded.Server
	dir    string
	done   chan error
	stop   context.CancelFunc
	log    *slog.Logger
}

func newRig() (*rig, error) {
	dir, err := os.MkdirTemp("", "camena-bench-")
	if err != nil {
		return nil, err
	}
	r := &rig{dir: dir, done: make(chan error, 1), log: slog.New(slog.DiscardHandler)}
	if os.Getenv("CAMENA_BENCH_LOG") != "" {
		r.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	if r.server, err = embedded.New(embedded.Settings{Dir: dir, Port: -1, Logger: r.log}); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	tuneMemory()
	go func() { r.done <- r.server.Serve(ctx) }()
	return r, nil
}

func (r *rig) close() error {
	r.stop()
	err := <-r.done
	if removeErr := os.RemoveAll(r.dir); err == nil {
		err = removeErr
	}
	return err
}

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

// figure is one line of a report.
type figure struct {
	name  string
	value any
	what  string
}

// report prints figures as a table or as one JSON object.
func report(w io.Writer, o output, figures []figure) error {
	if o.json() {
		m := map[string]any{}
		for _, f := range figures {
			m[f.name] = f.value
		}
		return o.print(w, m)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range figures {
		fmt.Fprintf(t, "%s\t%v\t%s\n", f.name, f.value, f.what)
	}
	return t.Flush()
}

func round(v float64, digits int) float64 {
	p := 1.0
	for range digits {
		p *= 10
	}
	return float64(int64(v*p+0.5)) / p
}

func millis(d time.Duration) float64 { return round(float64(d)/float64(time.Millisecond), 3) }
