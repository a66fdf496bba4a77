package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/topics"
)

type changesBench struct {
	messages, size, rounds int
	set                    int // changes a change set
	rate                   int
	latency                time.Duration
	output                 output
}

// maxBenchSize leaves room for what the repository adds to a state.
const maxBenchSize = 512 << 10

func newBenchChangesCommand(stdout io.Writer) *cobra.Command {
	b := &changesBench{}
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
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd.Context(), stdout) },
	}
	f := cmd.Flags()
	f.IntVar(&b.messages, "messages", 50_000, "commands a round")
	f.IntVar(&b.size, "size", 1024, "size of a command's data in bytes")
	f.IntVar(&b.rounds, "rounds", 9, "rounds")
	f.IntVar(&b.set, "set", 100, "changes in an atomic change set; 0 leaves them out")
	f.IntVar(&b.rate, "rate", 1000, "commands a second for the latency")
	f.DurationVar(&b.latency, "latency", 10*time.Second, "how long to measure the latency; 0 leaves it out")
	b.output.flag(cmd)
	checkFirst(cmd, func(*cobra.Command) error { return b.check() })
	return cmd
}

func (b *changesBench) check() error {
	err := errors.Join(
		atLeast("messages", b.messages, 1), atLeast("size", b.size, 1), atLeast("rounds", b.rounds, 1), atLeast("rate", b.rate, 1))
	switch {
	case err != nil:
		return err
	case b.size > maxBenchSize:
		return fmt.Errorf("--size %d: give at most %d", b.size, maxBenchSize)
	case b.set < 0 || b.set > 1000 || b.set*(b.size+maxEnvelope) > 1<<20:
		return fmt.Errorf("--set %d: give at most 1000, and so many that they fit into 1 MiB, or 0 to leave them out", b.set)
	case b.latency < 0:
		return fmt.Errorf("--latency %s: give more, or 0 to leave it out", b.latency)
	case b.latency > 0 && b.count() == 0:
		return fmt.Errorf("--latency %s: not one command is due in that time at --rate %d", b.latency, b.rate)
	default:
		return nil
	}
}

func (b *changesBench) run(ctx context.Context, stdout io.Writer) (err error) {
	r, err := newRig() //nolint:contextcheck // the server takes no context to start
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	var ours, bare, ratios, cpu, bareCPU, sets, setRatios []float64
	for i := range b.rounds {
		applied, relayed, err := b.round(ctx, r, i)
		if err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		ours, bare = append(ours, applied.rate), append(bare, relayed.rate)
		ratios = append(ratios, applied.rate/relayed.rate)
		cpu, bareCPU = append(cpu, applied.cpu), append(bareCPU, relayed.cpu)
		if b.set == 0 {
			continue
		}
		inSets, err := b.setRound(ctx, r, i)
		if err != nil {
			return fmt.Errorf("change sets of round %d: %w", i+1, err)
		}
		sets, setRatios = append(sets, inSets.rate), append(setRatios, inSets.rate/relayed.rate)
	}
	figures := []figure{
		{"messages", b.messages, "commands a round"},
		{"bytes", b.size, "of a command's data"},
		{"rounds", b.rounds, "alternating with the bare relay"},
		{"changes_per_s", round(median(ours), 0), "change events a second, median"},
		{"bare_per_s", round(median(bare), 0), "messages a second of the bare relay, median"},
		{"ratio", round(median(ratios), 3), "median of the rounds"},
		{"ratio_min", round(slices.Min(ratios), 3), "worst round"},
		{"ratio_max", round(slices.Max(ratios), 3), "best round"},
		{"cpu_s_per_100k", round(median(cpu), 2), "processor seconds for 100,000 commands, the server's included"},
		{"bare_cpu_s_per_100k", round(median(bareCPU), 2), "the same of the bare relay"},
	}
	if b.set > 0 {
		figures = append(figures,
			figure{"set", b.set, "changes in a change set"},
			figure{"set_changes_per_s", round(median(sets), 0), "change events a second, median"},
			figure{"set_ratio", round(median(setRatios), 3), "median of the rounds, against the bare relay of single messages"})
	}
	if b.latency > 0 {
		more, err := b.latencies(ctx, r)
		if err != nil {
			return fmt.Errorf("latency: %w", err)
		}
		figures = append(figures, more...)
	}
	return report(stdout, b.output, figures)
}

// round measures one repository and one relay on fresh streams. Which of the
// two goes first alternates.
func (b *changesBench) round(ctx context.Context, r *rig, i int) (applied, relayed speed, err error) {
	conn, err := r.connect(ctx, fmt.Sprintf("bench%d", i))
	if err != nil {
		return applied, relayed, err
	}
	defer conn.Close()
	metadata := client.New(conn, "bench")
	if err := metadata.Send(ctx, b.commands(b.messages)); err != nil {
		return applied, relayed, err
	}
	defer func() { err = errors.Join(err, removeStreams(ctx, conn)) }()
	steps := []func() error{
		func() (err error) { applied, err = b.repositoryRate(ctx, r, conn); return err },
		func() (err error) { relayed, err = b.relayRate(ctx, conn); return err },
	}
	// The repository trims the in topic, so a relay that comes second needs
	// the messages again.
	if i%2 == 0 {
		slices.Reverse(steps)
		return applied, relayed, errors.Join(steps[0](), steps[1]())
	}
	if err := steps[0](); err != nil {
		return applied, relayed, err
	}
	if err := refill(ctx, conn, metadata, b.commands(b.messages)); err != nil {
		return applied, relayed, err
	}
	return applied, relayed, steps[1]()
}

func refill(ctx context.Context, conn *bus.Bus, metadata *client.Client, commands func(func(events.Event) bool)) error {
	stream, err := conn.JetStream().Stream(ctx, conn.Topics().InStream())
	if err != nil {
		return err
	}
	if err := stream.Purge(ctx); err != nil {
		return err
	}
	return metadata.Send(ctx, commands)
}

func removeStreams(ctx context.Context, conn *bus.Bus) error {
	var errs []error
	for _, s := range conn.Topics().Streams(topics.DefaultLimits()) {
		errs = append(errs, conn.JetStream().DeleteStream(ctx, s.Name))
	}
	return errors.Join(errs...)
}

// commands yields upserts of as many different elements.
func (b *changesBench) commands(n int) func(func(events.Event) bool) {
	return func(yield func(events.Event) bool) {
		for i := range n {
			e, err := b.command(i)
			if err != nil || !yield(e) {
				return
			}
		}
	}
}

func (b *changesBench) command(i int) (events.Event, error) {
	name := fmt.Sprintf("/srv/data/warehouse/2026/part-%08d.csv", i)
	properties := map[string]any{
		"displayName": fmt.Sprintf("part-%08d.csv", i), "pathName": name, "fileName": fmt.Sprintf("part-%08d.csv", i),
		"fileExtension": "csv", "encoding": "UTF-8", "size": 1000 + i, "modifiedTime": "2026-01-02T03:04:05Z",
		"deployedImplementationType": "CSV file", "description": "",
	}
	const envelope = 130 // what surrounds the properties in the command's data
	plain := events.Props(properties)
	if missing := b.size - envelope - len(plain.Raw()) - len(name); missing > 0 {
		properties["description"] = strings.Repeat("lorem ipsum ", missing/12+1)[:missing]
	}
	e, err := events.NewCommand("/bench", &events.Upsert{Element: events.ElementSpec{
		Type: "CSVFile", QualifiedName: "DataFile::bench::" + name, Properties: events.Props(properties),
	}})
	e.SetExtension(events.ExtActor, "bench")
	return e, err
}

// repositoryRate lets a repository apply what the in topic holds.
func (b *changesBench) repositoryRate(ctx context.Context, r *rig, conn *bus.Bus) (speed, error) {
	repo, err := repository.New(repository.Settings{Node: "bench", Bus: conn, Logger: r.log})
	if err != nil {
		return speed{}, err
	}
	serving, stop := context.WithCancel(ctx)
	clock := startClock()
	wait := background(serving, r.log, repo.Serve)
	defer func() {
		stop()
		wait()
	}()
	if err := repo.Await(ctx, uint64(b.messages)); err != nil { //nolint:gosec // a count
		return speed{}, err
	}
	return clock.speed(b.messages), nil
}

// relayRate relays the in topic to another stream as simply as can be done
// well: a pull consumer with a large buffer, publishes in an asynchronous
// window, an ack for each message when its publish is acknowledged. Every
// message gets a subject of its own, as change events have.
func (b *changesBench) relayRate(ctx context.Context, conn *bus.Bus) (speed, error) {
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

// startClock begins a measurement on a clean heap, so that nobody pays for what
// came before.
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

// background runs a role; wait returns when it has ended.
func background(ctx context.Context, log *slog.Logger, serve func(context.Context) error) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := serve(ctx); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "a role ended", slog.Any("error", err))
		}
	}()
	return func() { <-done }
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	if len(s)%2 == 0 {
		return (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
	return s[len(s)/2]
}

// relay is the bare bus: the same messages from one stream to another.
type relay struct {
	conn     *bus.Bus
	js       jetstream.JetStream
	consumer jetstream.Consumer
	stream   string
	subject  string
}

func newRelay(ctx context.Context, conn *bus.Bus, pending int) (*relay, error) {
	t := conn.Topics()
	r := &relay{conn: conn, stream: strings.ToUpper(t.Domain()) + "_BARE", subject: t.Domain() + "-bare."}
	var err error
	if r.js, err = jetstream.New(conn.Conn(), jetstream.WithPublishAsyncMaxPending(4096)); err != nil {
		return nil, err
	}
	// The same storage as the out topic has.
	config := t.Streams(topics.DefaultLimits())[1]
	config.Name, config.Subjects = r.stream, []string{r.subject + ">"}
	if _, err = r.js.CreateStream(ctx, config); err != nil {
		return nil, err
	}
	in, err := r.js.Stream(ctx, t.InStream())
	if err != nil {
		return nil, err
	}
	r.consumer, err = in.CreateConsumer(ctx, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: cmp.Or(min(pending, 8192), 1),
	})
	return r, err
}

func (r *relay) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := r.js.DeleteStream(ctx, r.stream); err != nil {
		return
	}
	if err := r.conn.JetStream().DeleteConsumer(ctx, r.conn.Topics().InStream(), r.consumer.CachedInfo().Name); err != nil {
		return
	}
}

type relayed struct {
	from jetstream.Msg
	ack  jetstream.PubAckFuture
}

func (r *relay) run(ctx context.Context, n int) error {
	messages, err := r.consumer.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	window := make(chan relayed, 4096)
	acked := make(chan error, 1)
	go func() { acked <- acknowledge(window) }()
	for i := range n {
		m, err := messages.Next()
		if err != nil {
			close(window)
			return errors.Join(err, <-acked)
		}
		out := &nats.Msg{Subject: fmt.Sprintf("%selement.CSVFile.00000000-0000-5000-8000-%012d", r.subject, i), Data: m.Data(), Header: m.Headers()}
		maps.DeleteFunc(out.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") })
		ack, err := r.js.PublishMsgAsync(out)
		if err != nil {
			close(window)
			return errors.Join(err, <-acked)
		}
		window <- relayed{from: m, ack: ack}
	}
	close(window)
	return <-acked
}

func acknowledge(window <-chan relayed) error {
	var failed error
	for m := range window {
		var err error
		select {
		case <-m.ack.Ok():
			err = m.from.Ack()
		case err = <-m.ack.Err():
		}
		failed = cmp.Or(failed, err)
	}
	return failed
}
