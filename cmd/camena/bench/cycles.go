package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/node"
	"github.com/camena-io/camena/topics"
)

const kind = "bench"

type cycles struct {
	connectors int
	interval   time.Duration
	rounds     int
}

func newCyclesCommand(report Reporter) *cobra.Command {
	b := &cycles{}
	cmd := &cobra.Command{
		Use:   "cycles",
		Short: "How punctually connectors refresh",
		Long: `Runs one whole node with many connectors that do nothing, all refreshed at the same interval,
and measures how long after its due time each refresh begins, how many fell out, and the resident
memory, the NATS server's included. The bare bus is the same number of message schedules with a
plain consumer.`,
		Example: `  camena bench cycles
  camena bench cycles --connectors 1000 --interval 5s --rounds 2 -o json`,
	}
	f := cmd.Flags()
	f.IntVar(&b.connectors, "connectors", 10_000, "connectors")
	f.DurationVar(&b.interval, "interval", 10*time.Second, "interval of their refreshes, in whole seconds")
	f.IntVar(&b.rounds, "rounds", 3, "intervals to measure")
	return measuring(cmd, report, b.check, b.measure)
}

func (b *cycles) check() error {
	err := errors.Join(positive("connectors", b.connectors), positive("rounds", b.rounds))
	if b.interval < time.Second || b.interval%time.Second != 0 {
		err = errors.Join(err, fmt.Errorf("--interval %s: use whole seconds, at least one", b.interval))
	}
	return err
}

func (b *cycles) measure(ctx context.Context, r *rig) ([]figure, error) {
	figures, err := b.ours(ctx, r)
	if err != nil {
		return nil, err
	}
	late, err := b.bare(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("bare bus: %w", err)
	}
	return append(figures, times(late, "bare_late_", "the same of bare schedules and a plain consumer", 50, 99)...), nil
}

// ours runs a whole node with the connectors.
func (b *cycles) ours(ctx context.Context, r *rig) (figures []figure, err error) {
	conn, err := r.connect(ctx, "cycles")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	began := time.Now()
	each := len(b.register(0))
	err = send(ctx, conn, b.connectors*each, func(i int) (events.Command, error) { return b.register(i / each)[i%each], nil })
	if err != nil {
		return nil, err
	}
	refreshed := make(chan struct{}, b.connectors)
	stop, err := b.serve(ctx, r, conn.Topics().Domain(), refreshed)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := b.awaitAll(ctx, refreshed); err != nil {
		return nil, fmt.Errorf("first refreshes: %w", err)
	}
	startup := time.Since(began)
	late, counts, err := b.watch(ctx, conn)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]figure{
		{"connectors", b.connectors, "connectors on one node"},
		{"interval_s", b.interval.Seconds(), "seconds between refreshes"},
		{"rounds", b.rounds, "intervals measured"},
		{"startup_s", round(startup.Seconds(), 1), "seconds from the first command until every connector has refreshed once"},
		{"refreshes", len(late), "refreshes measured"},
		{"min_per_connector", slices.Min(counts), "refreshes of the connector with the fewest"},
		{"max_per_connector", slices.Max(counts), "refreshes of the connector with the most"},
	}, times(late, "late_", "due time to the beginning of the refresh", 50, 99, 100), []figure{
		{"rss_mb", residentMB(), "resident memory of node and NATS server"},
	}), nil
}

// register returns the commands that register a connector.
func (b *cycles) register(i int) []events.Command {
	c := registration.Connector{Name: fmt.Sprintf("bench-%05d", i), Group: "default", Kind: kind, Refresh: bus.Every(b.interval)}
	return c.Commands()
}

// serve runs a node, whose connectors tell their first refresh.
func (*cycles) serve(ctx context.Context, r *rig, domain string, refreshed chan<- struct{}) (stop func() error, err error) {
	set, err := connectors.NewSet(connectors.Factory{Kind: kind, New: func(events.Properties) (connectors.Connector, error) {
		return &idle{refreshed: refreshed}, nil
	}})
	if err != nil {
		return nil, err
	}
	n, err := node.New(node.Settings{
		Name: "bench", Connectors: set, Bus: bus.Settings{URL: r.server.URL(), Domain: domain}, Logger: r.log,
		Roles: []string{node.RoleRepository, node.RoleCoordinator, node.RoleHost},
	})
	if err != nil {
		return nil, err
	}
	return background(ctx, n.Serve), nil
}

// awaitAll waits until every connector has refreshed.
func (b *cycles) awaitAll(ctx context.Context, refreshed <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for i := range b.connectors {
		select {
		case <-refreshed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d: %w", i, b.connectors, context.Cause(ctx))
		}
	}
	return nil
}

// watch collects the lateness of scheduled refreshes, and how many there were
// of each connector, for the rounds.
//
// First it waits for one interval, in which every schedule begins to fire, and then
// until between two whole seconds, at which schedules fire: so each of them is due
// exactly as often as there are rounds.
func (b *cycles) watch(ctx context.Context, conn *bus.Bus) (late []time.Duration, counts []int, err error) {
	const between = 600 * time.Millisecond
	from := time.Now().Add(b.interval).Truncate(time.Second).Add(time.Second + between)
	if err := bus.Sleep(ctx, time.Until(from)); err != nil {
		return nil, nil, err
	}
	stream := conn.Topics().OpsStream()
	last, err := conn.LastSequence(ctx, stream)
	if err != nil {
		return nil, nil, err
	}
	until := from.Add(time.Duration(b.rounds) * b.interval)
	following := bus.FollowOptions{Stream: stream, Subjects: []string{conn.Topics().CycleOutcomes()}, Sequence: last + 1}
	seen := map[string]int{}
	// Reports may come a while after the runs.
	err = collect(ctx, conn, until.Add(b.interval), following, func(m *bus.Message) error {
		run, err := completed(m)
		if err != nil {
			return err
		}
		if due := run.Start.Add(-time.Duration(run.Lateness)); due.After(from) && due.Before(until) {
			late = append(late, time.Duration(run.Lateness))
			seen[run.Connector]++
		}
		if len(late) == b.connectors*b.rounds {
			return errAll
		}
		return nil
	})
	counts = slices.Collect(maps.Values(seen))
	if len(seen) < b.connectors {
		counts = append(counts, 0)
	}
	return late, counts, err
}

// completed returns the report of a run, unless it failed.
func completed(m *bus.Message) (run events.CycleReport, err error) {
	e, err := m.Event()
	if err == nil {
		run, err = events.Unmarshal[events.CycleReport](e.Data)
	}
	if err == nil && run.Outcome != events.OutcomeCompleted {
		err = fmt.Errorf("%s: %s %s", run.Name, run.Outcome, run.Error)
	}
	return run, err
}

// errAll ends collecting.
var errAll = errors.New("all have come")

// collect calls handle for messages, until it has them all or a point in time.
func collect(ctx context.Context, conn *bus.Bus, until time.Time, following bus.FollowOptions, handle func(*bus.Message) error) error {
	window, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	err := conn.Follow(window, following, handle)
	if errors.Is(err, errAll) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// bare arms as many schedules and consumes what they publish.
func (b *cycles) bare(ctx context.Context, r *rig) (late []time.Duration, err error) {
	conn, err := r.connect(ctx, "barecycles")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := b.arm(ctx, conn); err != nil {
		return nil, err
	}
	until := time.Now().Add(time.Duration(b.rounds) * b.interval)
	following := bus.FollowOptions{Stream: conn.Topics().CyclesStream(), Subjects: []string{conn.Topics().DueOf("bench")}, Start: bus.FromNow}
	err = collect(ctx, conn, until, following, func(m *bus.Message) error {
		if next, ok := m.Next(); ok {
			late = append(late, time.Since(next.Add(-b.interval)))
		}
		return nil
	})
	return late, err
}

func (b *cycles) arm(ctx context.Context, conn *bus.Bus) error {
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

// idle is a connector that does nothing but tell its first refresh.
type idle struct {
	refreshed chan<- struct{}
	first     sync.Once
}

// Start implements [connectors.Connector].
func (*idle) Start(context.Context, *connectors.Context) error { return nil }

// Disconnect implements [connectors.Connector].
func (*idle) Disconnect(context.Context) error { return nil }

// Refresh implements [connectors.Refresher].
func (c *idle) Refresh(ctx context.Context) error {
	c.first.Do(func() {
		select {
		case c.refreshed <- struct{}{}:
		default: // nobody waits any more
		}
	})
	return ctx.Err()
}

// residentMB is the resident memory of the process in MB, 0 where it is not known.
func residentMB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0
	}
	return round(kb/1000, 1)
}
