package bench

import (
	"context"
	"errors"
	"fmt"
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

type queries struct {
	elements, size, rate int
	duration             time.Duration
	searches             int
}

func newQueriesCommand(report Reporter) *cobra.Command {
	b := &queries{}
	cmd := &cobra.Command{
		Use:   "queries",
		Short: "How fast the repository answers, and what an element takes of its memory",
		Long: `Fills a repository with elements, lets a second one read them, and asks that one over the bus: for
elements by name, at a fixed rate, beside an endpoint that does nothing at the same rate; and for
texts, one after the other: rare ones, common ones and ones that do not occur.
"bytes_per_element" is what the second repository's index takes, states included.`,
		Example: `  camena bench queries --elements 100000
  camena bench queries --elements 1000000 -o json`,
	}
	f := cmd.Flags()
	f.IntVar(&b.elements, "elements", 1_000_000, "elements in the repository")
	f.IntVar(&b.size, "size", 1024, "size of a command's data in bytes")
	f.IntVar(&b.rate, "rate", 2000, "look-ups by name a second")
	f.DurationVar(&b.duration, "duration", 10*time.Second, "how long to look up by name, and to ask the bare endpoint")
	f.IntVar(&b.searches, "searches", 300, "text searches")
	return measuring(cmd, report, b.check, b.measure)
}

func (b *queries) check() error {
	err := errors.Join(positive("elements", b.elements), checkSize(b.size), positive("rate", b.rate), positive("searches", b.searches))
	if err == nil && b.count() == 0 {
		err = fmt.Errorf("--duration %s: not one look-up is due in that time at --rate %d", b.duration, b.rate)
	}
	return err
}

func (b *queries) count() int { return int(b.duration.Seconds() * float64(b.rate)) }

func (b *queries) measure(ctx context.Context, r *rig) (figures []figure, err error) {
	filled, err := b.fill(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	conn, err := r.connect(ctx, "queries")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	before := heap()
	began := time.Now()
	repo, stop, err := r.repository(ctx, "reader", conn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := b.awaitAnswers(ctx, repo, conn); err != nil {
		return nil, err
	}
	rebuilt := time.Since(began)
	answers, err := b.ask(ctx, r, conn)
	if err != nil {
		return nil, err
	}
	perElement := float64(heap()-before) / float64(b.elements)
	return append([]figure{
		{"elements", b.elements, "in the repository"},
		{"bytes", b.size, "of a command's data"},
		{"fill_elements_per_s", round(float64(b.elements)/filled.Seconds(), 0), "commands a second, sent and applied"},
		{"rebuild_elements_per_s", round(float64(b.elements)/rebuilt.Seconds(), 0), "read by a second repository until it answers"},
		{"bytes_per_element", round(perElement, 0), "of heap that its index takes"},
		{"rss_mb", residentMB(), "resident memory, NATS server included"},
	}, answers...), nil
}

// heap is what lives after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools released
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // less than there is memory
}

// fill sends the elements and waits until they are applied.
func (b *queries) fill(ctx context.Context, r *rig) (took time.Duration, err error) {
	conn, err := r.connect(ctx, "queries")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	repo, stop, err := r.repository(ctx, "filler", conn)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same elements in each run
	began := time.Now()
	err = send(ctx, conn, b.elements, func(i int) (events.Command, error) { return b.command(i, random), nil })
	if err != nil {
		return 0, err
	}
	err = repo.Await(ctx, uint64(b.elements)) //nolint:gosec // a count
	return time.Since(began), err
}

// awaitAnswers waits until a repository has read everything and answers, for a
// text too.
func (b *queries) awaitAnswers(ctx context.Context, repo *repository.Repository, conn *bus.Bus) error {
	if err := repo.Await(ctx, uint64(b.elements)); err != nil { //nolint:gosec // a count
		return err
	}
	for {
		_, err := events.Ask(ctx, client.New(conn, "bench"), &events.Find{Text: "no such text", Page: events.Page{Limit: 1}})
		if err == nil {
			return nil
		}
		if ended := bus.Sleep(ctx, 100*time.Millisecond); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

func (*queries) name(i int) string {
	return fmt.Sprintf("DataFile::bench::/srv/data/warehouse/%s/part-%08d.csv", invented(i/1000), i)
}

// command returns the upsert of an element, another for each i: its name is that
// of a file, its description of words of which some are rare.
func (b *queries) command(i int, random *rand.Rand) events.Command {
	var description strings.Builder
	for description.Len() < 160 {
		// Few words make up most of what is written.
		description.WriteString(invented(int(random.ExpFloat64()*300)) + " ")
	}
	file := fmt.Sprintf("part-%08d.csv", i)
	return upsert(b.name(i), b.size, func(filler string) map[string]any {
		return map[string]any{
			"displayName": file, "resourceName": file,
			"description": description.String(), "deployedImplementationType": "CSV file",
			"additionalProperties": map[string]any{"owner": invented(i % 100), "size": strconv.Itoa(1000 + i), "fill": filler},
		}
	})
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
