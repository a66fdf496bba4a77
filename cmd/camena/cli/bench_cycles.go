package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/node"
	"github.com/camena-io/camena/topics"
)

const benchKind = "bench"

type cyclesBench struct {
	connectors int
	interval   time.Duration
	rounds     int
	output     output
}

func newBenchCyclesCommand(stdout io.Writer) *cobra.Command {
	b := &cyclesBench{}
	cmd := &cobra.Command{
		Use:   "cycles",
		Short: "How punctually connectors refresh",
		Long: `Runs one whole node with many connectors that do nothing, all refreshed at the same interval,
and measures how long after its due time each refresh begins, how many fell out, and the resident
memory, the NATS server's included. The bare bus is the same number of message schedules with a
plain consumer.`,
		Example: `  camena bench cycles
  camena bench cycles --connectors 1000 --interval 5s --rounds 2 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd.Context(), stdout) },
	}
	f := cmd.Flags()
	f.IntVar(&b.connectors, "connectors", 10_000, "connectors")
	f.DurationVar(&b.interval, "interval", 10*time.Second, "interval of their refreshes, in whole seconds")
	f.IntVar(&b.rounds, "rounds", 3, "intervals to measure")
	b.output.flag(cmd)
	checkFirst(cmd, func(*cobra.Command) error { return b.check() })
	return cmd
}

func (b *cyclesBench) check() error {
	err := errors.Join(atLeast("connectors", b.connectors, 1), atLeast("rounds", b.rounds, 1))
	if b.interval < time.Second || b.interval%time.Second != 0 {
		err = errors.Join(err, fmt.Errorf("--interval %s: use whole seconds, at least one", b.interval))
	}
	return err
}

func (b *cyclesBench) run(ctx context.Context, stdout io.Writer) (err error) {
	r, err := newRig() //nolint:contextcheck // the server takes no context to start
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	figures, err := b.measure(ctx, r)
	if err != nil {
		return err
	}
	bare, err := b.bare(ctx, r)
	if err != nil {
		return fmt.Errorf("bare bus: %w", err)
	}
	return report(stdout, b.output, append(figures, bare...))
}

// measure runs a whole node with the connectors.
func (b *cyclesBench) measure(ctx context.Context, r *rig) ([]figure, error) {
	conn, err := r.connect(ctx, "cycles")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	began := time.Now()
	if err := b.catalog(ctx, conn); err != nil {
		return nil, err
	}
	started := &tally{seen: map[string]int{}}
	stop, err := b.node(ctx, r, conn, started)
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := started.await(ctx, b.connectors, 2*time.Minute); err != nil {
		return nil, fmt.Errorf("first refreshes: %w", err)
	}
	startup := time.Since(began)
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	late, seen, err := b.watch(ctx, conn)
	if err != nil {
		return nil, err
	}
	least, most := b.spread(seen)
	return []figure{
		{"connectors", b.connectors, "connectors on one node"},
		{"interval_s", b.interval.Seconds(), "seconds between refreshes"},
		{"rounds", b.rounds, "intervals measured"},
		{"startup_s", round(startup.Seconds(), 1), "seconds from the first command until every connector has refreshed once"},
		{"refreshes", len(late), "refreshes measured"},
		{"min_per_connector", least, "refreshes of the connector with the fewest"},
		{"max_per_connector", most, "refreshes of the connector with the most"},
		{"late_p50_ms", millis(percentile(late, 50)), "due time to the beginning of the refresh, median"},
		{"late_p99_ms", millis(percentile(late, 99)), "due time to the beginning of the refresh"},
		{"late_max_ms", millis(percentile(late, 100)), "due time to the beginning of the refresh"},
		{"rss_mb", residentMB(), "resident memory of node and NATS server"},
	}, nil
}

func (b *cyclesBench) catalog(ctx context.Context, conn *bus.Bus) error {
	metadata := client.New(conn, "bench")
	return metadata.Send(ctx, func(yield func(events.Event) bool) {
		for i := range b.connectors {
			c := &registration.Connector{
				Name: fmt.Sprintf("bench-%05d", i), Group: defaultGroup, Kind: benchKind, Refresh: bus.Every(b.interval),
			}
			for _, command := range c.Commands() {
				e, err := events.NewCommand("/bench", command)
				if err != nil || !yield(e) {
					return
				}
			}
		}
	})
}

// node runs all roles.
func (*cyclesBench) node(ctx context.Context, r *rig, conn *bus.Bus, started *tally) (stop func(), err error) {
	set, err := connectors.NewSet(connectors.Factory{Kind: benchKind, New: func(events.Properties) (connectors.Connector, error) {
		return &idle{started: started}, nil
	}})
	if err != nil {
		return nil, err
	}
	n, err := node.New(node.Settings{
		Name: "bench", Roles: []string{node.RoleRepository, node.RoleCoordinator, node.RoleHost}, Connectors: set,
		Bus: bus.Settings{URL: r.server.URL(), Domain: conn.Topics().Domain()}, Logger: r.log,
	})
	if err != nil {
		return nil, err
	}
	serving, cancel := context.WithCancel(ctx)
	wait := background(serving, r.log, n.Serve)
	return func() {
		cancel()
		wait()
	}, nil
}

// settle waits for one interval, in which every schedule begins to fire, and
// then until between two whole seconds, at which schedules fire: so each of them
// is due exactly as often as there are rounds.
func (b *cyclesBench) settle(ctx context.Context) error {
	const between = 600 * time.Millisecond
	at := time.Now().Add(b.interval).Truncate(time.Second).Add(time.Second + between)
	select {
	case <-time.After(time.Until(at)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watch collects the lateness of scheduled refreshes, and how many there were
// of each connector, for the rounds.
func (b *cyclesBench) watch(ctx context.Context, conn *bus.Bus) (late []time.Duration, seen map[string]int, err error) {
	const straggling = 3 * time.Second // reports come a little after the runs
	from := time.Now()
	until := from.Add(time.Duration(b.rounds) * b.interval)
	window, cancel := context.WithDeadline(ctx, until.Add(straggling))
	defer cancel()
	seen = make(map[string]int, b.connectors)
	following := bus.Following{
		Stream: conn.Topics().OpsStream(), Subjects: []string{conn.Topics().CycleOutcomes()}, Start: bus.FromNow,
	}
	err = conn.Follow(window, following, func(m *bus.Message) error {
		e, err := m.Event()
		if err != nil {
			return err
		}
		run, err := events.Unmarshal[events.CycleReport](e.Data)
		if err != nil {
			return err
		}
		if run.Outcome != events.OutcomeCompleted {
			return fmt.Errorf("%s: %s %s", run.Name, run.Outcome, run.Error)
		}
		if due := run.Start.Add(-time.Duration(run.Lateness)); due.After(from) && due.Before(until) {
			late = append(late, time.Duration(run.Lateness))
			seen[run.Connector]++
		}
		return nil
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		return nil, nil, err
	}
	return late, seen, nil
}

func (b *cyclesBench) spread(seen map[string]int) (least, most int) {
	for _, n := range seen {
		if least == 0 || n < least {
			least = n
		}
		most = max(most, n)
	}
	if len(seen) < b.connectors {
		least = 0
	}
	return least, most
}

// bare arms as many schedules and consumes what they publish.
func (b *cyclesBench) bare(ctx context.Context, r *rig) ([]figure, error) {
	conn, err := r.connect(ctx, "barecycles")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := b.arm(ctx, conn); err != nil {
		return nil, err
	}
	window, cancel := context.WithTimeout(ctx, time.Duration(b.rounds)*b.interval)
	defer cancel()
	var late []time.Duration
	following := bus.Following{Stream: conn.Topics().CyclesStream(), Subjects: []string{conn.Topics().DueOf("bench")}, Start: bus.FromNow}
	err = conn.Follow(window, following, func(m *bus.Message) error {
		if next, ok := m.Next(); ok {
			late = append(late, time.Since(next.Add(-b.interval)))
		}
		return nil
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return []figure{
		{"bare_late_p50_ms", millis(percentile(late, 50)), "the same of bare schedules and a plain consumer"},
		{"bare_late_p99_ms", millis(percentile(late, 99)), "the same of bare schedules and a plain consumer"},
	}, nil
}

func (b *cyclesBench) arm(ctx context.Context, conn *bus.Bus) error {
	const atOnce = 64
	t := conn.Topics()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range b.connectors {
		group.Go(func() error {
			id := strconv.Itoa(i)
			e, err := events.New("/bench", events.TypeCycleDue, events.Cycle{Connector: id, Kind: events.CycleRefresh, Interval: events.Duration(b.interval)})
			if err != nil {
				return err
			}
			return conn.Arm(ctx, bus.Schedule{
				Subject: t.Schedule(id, string(events.CycleRefresh)), Target: t.Due("bench", id),
				Pattern: bus.Every(b.interval), TTL: topics.LeaseTTL,
			}, &e)
		})
	}
	return group.Wait()
}

// idle is a connector that does nothing but count its first refresh.
type idle struct {
	started *tally
	name    string
	done    atomic.Bool
}

// Start implements [connectors.Connector].
func (c *idle) Start(_ context.Context, x *connectors.Context) error {
	c.name = x.Definition().Name
	return nil
}

// Disconnect implements [connectors.Connector].
func (*idle) Disconnect(context.Context) error { return nil }

// Refresh implements [connectors.Refresher].
func (c *idle) Refresh(ctx context.Context) error {
	if !c.done.Swap(true) {
		c.started.add(c.name)
	}
	return ctx.Err()
}

// tally counts by name.
type tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func (t *tally) add(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[name]++
}

func (t *tally) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.seen)
}

func (t *tally) await(ctx context.Context, n int, patience time.Duration) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for t.size() < n {
		select {
		case <-tick.C:
		case <-timeout.C:
			return fmt.Errorf("%d of %d within %s", t.size(), n, patience)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// residentMB is the resident memory of the process in MB; 0 where it cannot be told.
func residentMB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			if err != nil {
				return 0
			}
			return round(kb/1000, 1)
		}
	}
	return 0
}
