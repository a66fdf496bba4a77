package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/topics"
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

// series are the speeds of all rounds.
type series struct{ rates, cpu, ratios []float64 }

func (s *series) add(v, bare speed) {
	s.rates, s.cpu, s.ratios = append(s.rates, v.rate), append(s.cpu, v.cpu), append(s.ratios, v.rate/bare.rate)
}

func (b *changes) measureRounds(ctx context.Context, r *rig) (ours, bare, sets series, err error) {
	for i := range b.rounds {
		applied, relayed, err := b.round(ctx, r, i)
		if err != nil {
			return ours, bare, sets, fmt.Errorf("round %d: %w", i+1, err)
		}
		ours.add(applied, relayed)
		bare.add(relayed, relayed)
		if b.set == 0 {
			continue
		}
		inSets, err := b.setRound(ctx, r, i)
		if err != nil {
			return ours, bare, sets, fmt.Errorf("change sets of round %d: %w", i+1, err)
		}
		sets.add(inSets, relayed)
	}
	return ours, bare, sets, nil
}

func (b *changes) measure(ctx context.Context, r *rig) ([]figure, error) {
	ours, bare, sets, err := b.measureRounds(ctx, r)
	if err != nil {
		return nil, err
	}
	figures := []figure{
		{"messages", b.messages, "commands a round"},
		{"bytes", b.size, "of a command's data"},
		{"rounds", b.rounds, "alternating with the bare relay"},
		{"changes_per_s", round(median(ours.rates), 0), "change events a second, median"},
		{"bare_per_s", round(median(bare.rates), 0), "messages a second of the bare relay, median"},
		{"ratio", round(median(ours.ratios), 3), "median of the rounds"},
		{"ratio_min", round(slices.Min(ours.ratios), 3), "worst round"},
		{"ratio_max", round(slices.Max(ours.ratios), 3), "best round"},
		{"cpu_s_per_100k", round(median(ours.cpu), 2), "processor seconds for 100,000 commands, the server's included"},
		{"bare_cpu_s_per_100k", round(median(bare.cpu), 2), "the same of the bare relay"},
	}
	if b.set > 0 {
		figures = append(figures,
			figure{"set", b.set, "changes in a change set"},
			figure{"set_changes_per_s", round(median(sets.rates), 0), "change events a second, median"},
			figure{"set_ratio", round(median(sets.ratios), 3), "median of the rounds, against the bare relay of single messages"})
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

// filled connects to a domain of its own, whose in topic holds the commands.
func (r *rig) filled(ctx context.Context, domain string, commands iter.Seq[events.Event]) (conn *bus.Bus, remove func() error, err error) {
	if conn, err = r.connect(ctx, domain); err != nil {
		return nil, nil, err
	}
	remove = func() error {
		defer conn.Close()
		var errs []error
		for _, s := range conn.Topics().Streams(topics.DefaultLimits()) {
			errs = append(errs, conn.JetStream().DeleteStream(ctx, s.Name))
		}
		return errors.Join(errs...)
	}
	if err := client.New(conn, "bench").Send(ctx, commands); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return conn, remove, nil
}

// round measures one repository and one relay on fresh streams. Which of the
// two goes first alternates.
func (b *changes) round(ctx context.Context, r *rig, i int) (applied, relayed speed, err error) {
	all := commands(b.messages, b.command)
	conn, remove, err := r.filled(ctx, fmt.Sprintf("bench%d", i), all)
	if err != nil {
		return applied, relayed, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if i%2 == 0 {
		if relayed, err = b.relayRate(ctx, conn); err == nil {
			applied, err = b.repositoryRate(ctx, r, conn)
		}
		return applied, relayed, err
	}
	if applied, err = b.repositoryRate(ctx, r, conn); err != nil {
		return applied, relayed, err
	}
	// The repository trims the in topic: the relay needs the messages again.
	stream, err := conn.JetStream().Stream(ctx, conn.Topics().InStream())
	if err == nil {
		err = errors.Join(stream.Purge(ctx), client.New(conn, "bench").Send(ctx, all))
	}
	if err == nil {
		relayed, err = b.relayRate(ctx, conn)
	}
	return applied, relayed, err
}

// setRound measures one repository on a fresh in topic of change sets.
func (b *changes) setRound(ctx context.Context, r *rig, i int) (applied speed, err error) {
	var failed error
	sets := commands((b.messages+b.set-1)/b.set, func(i int) events.Command {
		var members []events.Command
		for k := i * b.set; k < min((i+1)*b.set, b.messages); k++ {
			members = append(members, b.command(k))
		}
		set, err := events.NewChangeSet(members...)
		failed = errors.Join(failed, err)
		return set
	})
	conn, remove, err := r.filled(ctx, fmt.Sprintf("benchsets%d", i), sets)
	if err := errors.Join(err, failed); err != nil {
		return applied, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	return b.repositoryRate(ctx, r, conn)
}

func (*changes) name(i int) string {
	return fmt.Sprintf("DataFile::bench::/srv/data/warehouse/2026/part-%08d.csv", i)
}

// command returns the upsert of an element, another for each i.
func (b *changes) command(i int) events.Command {
	file, name := fmt.Sprintf("part-%08d.csv", i), b.name(i)
	return upsert(name, b.size, func(filler string) map[string]any {
		return map[string]any{
			"displayName": file, "pathName": name, "fileName": file,
			"fileExtension": "csv", "encoding": "UTF-8", "size": 1000 + i, "modifiedTime": "2026-01-02T03:04:05Z",
			"deployedImplementationType": "CSV file", "description": filler,
		}
	})
}

// repositoryRate lets a repository apply what the in topic holds.
func (b *changes) repositoryRate(ctx context.Context, r *rig, conn *bus.Bus) (result speed, err error) {
	repo, err := repository.New(repository.Settings{Node: "bench", Bus: conn, Logger: r.log})
	if err != nil {
		return speed{}, err
	}
	clock := startClock()
	stop := background(ctx, repo.Serve)
	defer func() { err = errors.Join(err, stop()) }()
	if err := repo.Await(ctx, uint64(b.messages)); err != nil { //nolint:gosec // a count
		return speed{}, err
	}
	return clock.speed(b.messages), nil
}

func (b *changes) relayRate(ctx context.Context, conn *bus.Bus) (speed, error) {
	relay, err := newRelay(ctx, conn, b.messages)
	if err != nil {
		return speed{}, err
	}
	defer relay.close(ctx)
	clock := startClock()
	if err := relay.run(ctx, b.messages); err != nil {
		return speed{}, err
	}
	return clock.speed(b.messages), nil
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
