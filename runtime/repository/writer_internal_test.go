package repository

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph"
)

// broken stands for a command that Camena fails on.
type broken struct{ events.Command }

func (*broken) EventType() string { panic("a defect") }

// The writer must not end with one command: every other that came to it would, too.
func TestACommandThatTheWriterFailsOnIsRefused(t *testing.T) {
	t.Parallel()
	types, err := opentypes.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	w := &writer{log: log, pending: graph.NewPending(graph.New(types, log), graph.Rules{MaxState: 1 << 10})}
	_, err = w.apply(&received{sequence: 7, command: &broken{}}, nil)
	if events.CodeOf(err) != events.CodeInternal {
		t.Errorf("it leads to %v", err)
	}
	if text := logged.String(); !strings.Contains(text, "in_sequence=7") || !strings.Contains(text, "a defect") || !strings.Contains(text, "graph.(*Pending).Apply") {
		t.Errorf("the log says %s", text)
	}
}
