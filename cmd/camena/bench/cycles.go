package bench

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/camena-io/camena/runtime/client"
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
	if err := b.catalog(ctx, conn); err != nil {
		return nil, err
	}
	refreshed := make(chan string, b.connectors)
	stop, err := b.serve(ctx, r, conn.Topics().Domain(), refreshed)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := b.awaitAll(ctx, refreshed); err != nil {
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
	return slices.Concat([]figure{
		{"connectors", b.connectors, "connectors on one node"},
		{"interval_s", b.interval.Seconds(), "seconds between refreshes"},
		{"rounds", b.rounds, "intervals measured"},
		{"startup_s", round(startup.Seconds(), 1), "seconds from the first command until every connector has refreshed once"},
		{"refreshes", len(late), "refreshes measured"},
		{"min_per_connector", least, "refreshes of the connector with the fewest"},
		{"max_per_connector", most, "refreshes of the connector with the most"},
	}, times(late, "late_", "due time to the beginning of the refresh", 50, 99, 100), []figure{
		{"rss_mb", residentMB(), "resident memory of node and NATS server"},
	}), nil
}

func (b *cycles) catalog(ctx context.Context, conn *bus.Bus) error {
	return client.New(conn, "bench").Send(ctx, func(yield func(events.Event) bool) {
		for i := range b.connectors {
			c := registration.Connector{
				Name: fmt.Sprintf("bench-%05d", i), Group: "default", Kind: kind, Refresh: bus.Every(b.interval),
			}
			for _, each := range c.Commands() {
				e, err := command(each)
				if err != nil || !yield(e) {
					return
				}
			}
		}
	})
}

// serve runs a node, whose connectors tell their first refresh.
func (*cycles) serve(ctx context.Context, r *rig, domain string, refreshed chan<- string) (stop func() error, err error) {
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
func (b *cycles) awaitAll(ctx context.Context, refreshed <-chan string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for seen := map[string]bool{}; len(seen) < b.connectors; {
		select {
		case name := <-refreshed:
			seen[name] = true
		case <-ctx.Done():
			return fmt.Errorf("%d of %d: %w", len(seen), b.connectors, context.Cause(ctx))
		}
	}
	return nil
}

// settle waits for one interval, in which every schedule begins to fire, and
// then until between two whole seconds, at which schedules fire: so each of them
// is due exactly as often as there are rounds.
func (b *cycles) settle(ctx context.Context) error {
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
func (b *cycles) watch(ctx context.Context, conn *bus.Bus) (late []time.Duration, seen map[string]int, err error) {
	stream := conn.Topics().OpsStream()
	last, err := conn.LastSequence(ctx, stream)
	if err != nil {
		return nil, nil, err
	}
	from := time.Now()
	until := from.Add(time.Duration(b.rounds) * b.interval)
	// Reports may come a while after the runs.
	window, cancel := context.WithDeadline(ctx, until.Add(b.interval))
	defer cancel()
	seen = make(map[string]int, b.connectors)
	all := errors.New("all reports are read")
	following := bus.FollowOptions{Stream: stream, Subjects: []string{conn.Topics().CycleOutcomes()}, Sequence: last + 1}
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
		if len(late) == b.connectors*b.rounds {
			return all
		}
		return nil
	})
	if !errors.Is(err, all) && !errors.Is(err, context.DeadlineExceeded) {
		return nil, nil, err
	}
	return late, seen, nil
}

func (b *cycles) spread(seen map[string]int) (least, most int) {
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
func (b *cycles) bare(ctx context.Context, r *rig) (late []time.Duration, err error) {
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
	following := bus.FollowOptions{Stream: conn.Topics().CyclesStream(), Subjects: []string{conn.Topics().DueOf("bench")}, Start: bus.FromNow}
	err = conn.Follow(window, following, func(m *bus.Message) error {
		if next, ok := m.Next(); ok {
			late = append(late, time.Since(next.Add(-b.interval)))
		}
		return nil
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return late, nil
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
	refreshed chan<- string
	name      string
	first     sync.Once
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
	c.first.Do(func() {
		select {
		case c.refreshed <- c.name:
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
