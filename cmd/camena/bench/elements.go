package bench

import (
	"fmt"
	"iter"
	"strings"

	"github.com/camena-io/camena/events"
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

func command(c events.Command) (events.Event, error) {
	e, err := events.NewCommand("/bench", c)
	e.SetExtension(events.ExtActor, "bench")
	return e, err
}

// commands yields n commands; it ends early at one that cannot be made, which the
// repository then is missing.
func commands(n int, nth func(i int) events.Command) iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		for i := range n {
			e, err := command(nth(i))
			if err != nil || !yield(e) {
				return
			}
		}
	}
}
