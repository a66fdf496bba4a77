package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

type changes struct {
	messages, size, rounds int
	set                    int // changes a change set
	rate                   int
	latency                time.Duration
}

func newChangesCommand(report Reporter) *cobra.Command {
	b := &changes{}
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "How fast the repository turns commands into change events",
		Long: `Fills the in topic, lets the repository apply it, and lets a plain consumer and publisher relay
the same messages from one stream to another, in alternating rounds. "ratio" is the median of
the rounds' ratios. Then sends commands at a fixed rate and measures the time to the out topic,
and the same for the plain relay. "set_ratio" is that of the changes a second when they come in
atomic change sets, against the same relay of single messages.`,
		Example: `  camena bench changes
  camena bench changes --rounds 3 --latency 0            # shorter
  camena bench changes --messages 1000000 --rounds 3 -o json`,
	}
	f := cmd.Flags()
	f.IntVar(&b.messages, "messages", 50_000, "commands a round")
	f.IntVar(&b.size, "size", 1024, "size of a command's data in bytes")
	f.IntVar(&b.rounds, "rounds", 9, "rounds")
	f.IntVar(&b.set, "set", 100, "changes in an atomic change set; 0 leaves them out")
	f.IntVar(&b.rate, "rate", 1000, "commands a second for the latency")
	f.DurationVar(&b.latency, "latency", 10*time.Second, "how long to measure the latency; 0 leaves it out")
	return measuring(cmd, report, b.check, b.measure)
}

func (b *changes) check() error {
	err := errors.Join(positive("messages", b.messages), checkSize(b.size), positive("rounds", b.rounds), positive("rate", b.rate))
	switch {
	case err != nil:
		return err
	case b.set < 0 || b.set > 1000 || b.set*(b.size+2*envelope) > 1<<20:
		return fmt.Errorf("--set %d: give at most 1000, and so many that they fit into 1 MiB, or 0 to leave them out", b.set)
	case b.latency < 0:
		return fmt.Errorf("--latency %s: give more, or 0 to leave it out", b.latency)
	case b.latency > 0 && b.count() == 0:
		return fmt.Errorf("--latency %s: not one command is due in that time at --rate %d", b.latency, b.rate)
	default:
		return nil
	}
}

// series is what all rounds measure in one way: the speed at which n messages are
// read from the in topic.
type series struct {
	n                  int
	nth                func(i int) (events.Command, error)
	run                func(ctx context.Context, r *rig, conn *bus.Bus) (speed, error)
	last               speed
	rates, cpu, ratios []float64
}

// measureRounds measures all series in each round, beside the first of them. Which
// of the first two begins alternates.
func (b *changes) measureRounds(ctx context.Context, r *rig, all ...*series) (err error) {
	for i := range b.rounds {
		order := slices.Clone(all)
		if i%2 == 1 {
			order[0], order[1] = order[1], order[0]
		}
		for _, s := range order {
			if s.last, err = s.round(ctx, r); err != nil {
				return fmt.Errorf("round %d: %w", i+1, err)
			}
		}
		for _, s := range all {
			s.rates, s.cpu, s.ratios = append(s.rates, s.last.rate), append(s.cpu, s.last.cpu), append(s.ratios, s.last.rate/all[0].last.rate)
		}
	}
	return nil
}

// round measures on fresh streams.
func (s *series) round(ctx context.Context, r *rig) (v speed, err error) {
	conn, err := r.connect(ctx, "changes")
	if err != nil {
		return v, err
	}
	defer conn.Close()
	if err = send(ctx, conn, s.n, s.nth); err == nil {
		v, err = s.run(ctx, r, conn)
	}
	names := conn.JetStream().StreamNames(ctx)
	for name := range names.Name() {
		err = errors.Join(err, conn.JetStream().DeleteStream(ctx, name))
	}
	return v, errors.Join(err, names.Err())
}

func (b *changes) measure(ctx context.Context, r *rig) ([]figure, error) {
	bare := &series{n: b.messages, nth: b.command, run: b.relayRate}
	ours := &series{n: b.messages, nth: b.command, run: b.repositoryRate}
	all := []*series{bare, ours}
	if b.set > 0 {
		all = append(all, &series{n: (b.messages + b.set - 1) / b.set, nth: b.changeSet, run: b.repositoryRate})
	}
	if err := b.measureRounds(ctx, r, all...); err != nil {
		return nil, err
	}
	figures := []figure{
		{"messages", b.messages, "commands a round"},
		{"bytes", b.size, "of a command's data"},
		{"rounds", b.rounds, "alternating with the bare relay"},
		{"changes_per_s", round(percentile(ours.rates, 50), 0), "change events a second, median"},
		{"bare_per_s", round(percentile(bare.rates, 50), 0), "messages a second of the bare relay, median"},
		{"ratio", round(percentile(ours.ratios, 50), 3), "median of the rounds"},
		{"ratio_min", round(slices.Min(ours.ratios), 3), "worst round"},
		{"ratio_max", round(slices.Max(ours.ratios), 3), "best round"},
		{"cpu_s_per_100k", round(percentile(ours.cpu, 50), 2), "processor seconds for 100,000 commands, the server's included"},
		{"bare_cpu_s_per_100k", round(percentile(bare.cpu, 50), 2), "the same of the bare relay"},
	}
	for _, sets := range all[2:] {
		figures = append(figures,
			figure{"set", b.set, "changes in a change set"},
			figure{"set_changes_per_s", round(percentile(sets.rates, 50), 0), "change events a second, median"},
			figure{"set_ratio", round(percentile(sets.ratios, 50), 3), "median of the rounds, against the bare relay of single messages"})
	}
	if b.latency > 0 {
		more, err := b.latencies(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("latency: %w", err)
		}
		figures = append(figures, more...)
	}
	return figures, nil
}

func (*changes) name(i int) string {
	return fmt.Sprintf("DataFile::bench::/srv/data/warehouse/2026/part-%08d.csv", i)
}

// changeSet returns the i-th change set.
func (b *changes) changeSet(i int) (events.Command, error) {
	var members []events.Command
	for k := i * b.set; k < min((i+1)*b.set, b.messages); k++ {
		c, err := b.command(k)
		if err != nil {
			return nil, err
		}
		members = append(members, c)
	}
	return events.NewChangeSet(members...)
}

// command returns the upsert of an element, another for each i.
func (b *changes) command(i int) (events.Command, error) {
	file, name := fmt.Sprintf("part-%08d.csv", i), b.name(i)
	return upsert(name, b.size, func(filler string) map[string]any {
		return map[string]any{
			"displayName": file, "pathName": name, "fileName": file,
			"fileExtension": "csv", "encoding": "UTF-8", "size": 1000 + i, "modifiedTime": "2026-01-02T03:04:05Z",
			"deployedImplementationType": "CSV file", "description": filler,
		}
	}), nil
}

// repositoryRate lets a repository apply what the in topic holds.
func (b *changes) repositoryRate(ctx context.Context, r *rig, conn *bus.Bus) (result speed, err error) {
	clock := startClock()
	repo, stop, err := r.repository(ctx, "bench", conn)
	if err != nil {
		return speed{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := repo.Await(ctx, uint64(b.messages)); err != nil { //nolint:gosec // a count
		return speed{}, err
	}
	return clock.speed(b.messages), nil
}

func (b *changes) relayRate(ctx context.Context, _ *rig, conn *bus.Bus) (speed, error) {
	relay, err := newRelay(ctx, conn, b.messages)
	if err != nil {
		return speed{}, err
	}
	clock := startClock()
	err = relay.run(ctx, b.messages)
	return clock.speed(b.messages), err
}

// speed is messages a second, and processor seconds for 100,000 of them.
type speed struct{ rate, cpu float64 }

type clock struct {
	began time.Time
	cpu   time.Duration
}

// startClock begins a measurement on a clean heap, so that it does not pay for
// what came before.
func startClock() clock {
	runtime.GC()
	return clock{began: time.Now(), cpu: cpuTime()}
}

func (c clock) speed(messages int) speed {
	const many = 100_000
	return speed{
		rate: float64(messages) / time.Since(c.began).Seconds(),
		cpu:  (cpuTime() - c.cpu).Seconds() * many / float64(messages),
	}
}
