package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/repository"
)

type queriesBench struct {
	elements, size, rate int
	duration             time.Duration
	searches             int
	output               output
}

func newBenchQueriesCommand(stdout io.Writer) *cobra.Command {
	b := &queriesBench{}
	cmd := &cobra.Command{
		Use:   "queries",
		Short: "How fast the repository answers, and what an element takes of its memory",
		Long: `Fills a repository with elements, lets a second one read them, and asks that one over the bus: for
elements by name, at a fixed rate, beside an endpoint that does nothing at the same rate; and for
texts, one after the other: rare ones, common ones and ones that do not occur.
"bytes_per_element" is what the second repository's index takes, states included.`,
		Example: `  camena bench queries --elements 100000
  camena bench queries --elements 1000000 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd.Context(), stdout) },
	}
	f := cmd.Flags()
	f.IntVar(&b.elements, "elements", 1_000_000, "elements in the repository")
	f.IntVar(&b.size, "size", 1024, "size of a command's data in bytes")
	f.IntVar(&b.rate, "rate", 2000, "look-ups by name a second")
	f.DurationVar(&b.duration, "duration", 10*time.Second, "how long to look up by name, and to ask the bare endpoint")
	f.IntVar(&b.searches, "searches", 300, "text searches")
	b.output.flag(cmd)
	checkFirst(cmd, func(*cobra.Command) error { return b.check() })
	return cmd
}

func (b *queriesBench) check() error {
	err := errors.Join(atLeast("elements", b.elements, 1), atLeast("size", b.size, 1), atLeast("rate", b.rate, 1), atLeast("searches", b.searches, 1))
	switch {
	case err != nil:
		return err
	case b.size > maxBenchSize:
		return fmt.Errorf("--size %d: give at most %d", b.size, maxBenchSize)
	case b.count() == 0:
		return fmt.Errorf("--duration %s: not one look-up is due in that time at --rate %d", b.duration, b.rate)
	default:
		return nil
	}
}

func (b *queriesBench) count() int { return int(b.duration.Seconds() * float64(b.rate)) }

func (b *queriesBench) run(ctx context.Context, stdout io.Writer) (err error) {
	r, err := newRig() //nolint:contextcheck // the server takes no context to start
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	filled, err := b.fill(ctx, r)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	conn, err := r.connect(ctx, "queries")
	if err != nil {
		return err
	}
	defer conn.Close()
	before := heap()
	began := time.Now()
	stop, err := b.serve(ctx, r, conn)
	if err != nil {
		return err
	}
	defer stop()
	rebuilt := time.Since(began)
	figures, err := b.ask(ctx, r, conn)
	if err != nil {
		return err
	}
	perElement := float64(heap()-before) / float64(b.elements)
	return report(stdout, b.output, append([]figure{
		{"elements", b.elements, "in the repository"},
		{"bytes", b.size, "of a command's data"},
		{"fill_elements_per_s", round(float64(b.elements)/filled.Seconds(), 0), "commands a second, sent and applied"},
		{"rebuild_elements_per_s", round(float64(b.elements)/rebuilt.Seconds(), 0), "read by a second repository until it answers"},
		{"bytes_per_element", round(perElement, 0), "of heap that its index takes"},
		{"rss_mb", residentMB(), "resident memory, NATS server included"},
	}, figures...))
}

// heap is what lives after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // less than there is memory
}

// fill sends the elements and waits until they are applied.
func (b *queriesBench) fill(ctx context.Context, r *rig) (time.Duration, error) {
	conn, err := r.connect(ctx, "queries")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	metadata := client.New(conn, "bench")
	repo, stop, err := b.node(ctx, r, conn, "filler")
	if err != nil {
		return 0, err
	}
	defer stop()
	began := time.Now()
	if err := metadata.Send(ctx, b.commands()); err != nil {
		return 0, err
	}
	return time.Since(began), repo.Await(ctx, uint64(b.elements)) //nolint:gosec // a count
}

func (*queriesBench) node(ctx context.Context, r *rig, conn *bus.Bus, name string) (*repository.Repository, func(), error) {
	repo, err := repository.New(repository.Settings{Node: name, Bus: conn, Logger: r.log})
	if err != nil {
		return nil, nil, err
	}
	serving, cancel := context.WithCancel(ctx)
	wait := background(serving, r.log, repo.Serve)
	return repo, func() {
		cancel()
		wait()
	}, nil
}

// serve starts a repository that reads what there is, and waits until it
// answers, for a text too.
func (b *queriesBench) serve(ctx context.Context, r *rig, conn *bus.Bus) (stop func(), err error) {
	repo, stop, err := b.node(ctx, r, conn, "reader")
	if err != nil {
		return nil, err
	}
	err = repo.Await(ctx, uint64(b.elements)) //nolint:gosec // a count
	for err == nil {
		m := client.New(conn, "bench")
		if _, err := m.Find(ctx, events.Find{Text: "no such text", Page: events.Page{Limit: 1}}); err == nil {
			return stop, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	stop()
	return nil, err
}

// commands yields the elements: names as of files, descriptions of words of
// which some are rare, and other properties.
func (b *queriesBench) commands() func(func(events.Event) bool) {
	return func(yield func(events.Event) bool) {
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same elements in each run
		for i := range b.elements {
			e, err := b.command(i, random)
			if err != nil || !yield(e) {
				return
			}
		}
	}
}

func (*queriesBench) name(i int) string {
	return fmt.Sprintf("DataFile::bench::/srv/data/warehouse/%s/part-%08d.csv", invented(i/1000), i)
}

func (b *queriesBench) command(i int, random *rand.Rand) (events.Event, error) {
	var description strings.Builder
	for description.Len() < 160 {
		// Few words make up most of what is written.
		description.WriteString(invented(int(random.ExpFloat64()*300)) + " ")
	}
	properties := map[string]any{
		"displayName": fmt.Sprintf("part-%08d.csv", i), "resourceName": fmt.Sprintf("part-%08d.csv", i),
		"description": description.String(), "deployedImplementationType": "CSV file",
		"additionalProperties": map[string]any{"owner": invented(i % 100), "size": strconv.Itoa(1000 + i), "fill": ""},
	}
	const envelope = 130 // what surrounds the properties in the command's data
	if missing := b.size - envelope - len(b.name(i)) - len(events.Props(properties).Raw()); missing > 0 {
		properties["additionalProperties"] = map[string]any{
			"owner": invented(i % 100), "size": strconv.Itoa(1000 + i), "fill": strings.Repeat("lorem ipsum ", missing/12+1)[:missing],
		}
	}
	e, err := events.NewCommand("/bench", &events.Upsert{Element: events.ElementSpec{
		Type: "CSVFile", QualifiedName: b.name(i), Properties: events.Props(properties),
	}})
	e.SetExtension(events.ExtActor, "bench")
	return e, err
}

// invented returns the i-th word of a language of its own.
func invented(i int) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	var b strings.Builder
	for n := i*7919 + 12345; n > 0; n /= len(consonants) * len(vowels) {
		b.WriteByte(consonants[n%len(consonants)])
		b.WriteByte(vowels[n/len(consonants)%len(vowels)])
	}
	return b.String()
}
