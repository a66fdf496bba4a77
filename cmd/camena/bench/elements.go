package bench

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

const (
	// maxSize leaves room for what the repository adds to a state.
	maxSize = 512 << 10
	// envelope is about what surrounds the properties in a command's data.
	envelope = 130
)

func checkSize(size int) error {
	if size > maxSize {
		return fmt.Errorf("--size %d: give at most %d", size, maxSize)
	}
	return positive("size", size)
}

// upsert returns a command whose data has about so many bytes; properties takes
// the text that fills it up.
func upsert(name string, size int, properties func(filler string) map[string]any) *events.Upsert {
	missing := max(0, size-envelope-len(name)-len(events.Props(properties("")).Raw()))
	const text = "lorem ipsum "
	filler := strings.Repeat(text, missing/len(text)+1)[:missing]
	return &events.Upsert{Element: events.ElementSpec{
		Type: "CSVFile", QualifiedName: name, Properties: events.Props(properties(filler)),
	}}
}

// command encodes a command, unless it could not be made.
func command(c events.Command, err error) (events.Event, error) {
	if err != nil {
		return events.Event{}, err
	}
	e, err := events.NewCommand("/bench", c)
	e.SetExtension(events.ExtActor, "bench")
	return e, err
}

// send sends n commands.
func send(ctx context.Context, conn *bus.Bus, n int, nth func(i int) (events.Command, error)) error {
	var failed error
	err := client.New(conn, "bench").Send(ctx, func(yield func(events.Event) bool) {
		for i := range n {
			e, err := command(nth(i))
			if failed = err; err != nil || !yield(e) {
				return
			}
		}
	})
	return cmp.Or(failed, err)
}
