package repository

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
)

// broken stands for a command that Camena fails on.
type broken struct{ events.Command }

func (*broken) EventType() string { panic("a defect") }

// The writer must not end with one command: every other that came to it would, too.
func TestACommandThatTheWriterFailsOnIsRefused(t *testing.T) {
	t.Parallel()
	for command, where := range map[events.Command]string{
		&broken{}:              "graph.(*Pending).Apply",
		(*events.Restore)(nil): "index.(*Index).LoadDeleted",
	} {
		types, err := opentypes.Builtin()
		if err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		log := slog.New(slog.NewTextHandler(&logged, nil))
		x := index.New(types, log)
		w := &writer{log: log, index: x, pending: graph.NewPending(x, graph.Rules{MaxState: 1 << 10})}
		if err := w.handle(t.Context(), &received{sequence: 7, command: command}); err != nil {
			t.Errorf("%s: %s", where, err)
		}
		if n := len(w.inFlight); n != 1 || w.inFlight[0].refused == nil || w.inFlight[0].outcome.Result.Error.Code != events.CodeInternal {
			t.Errorf("%s: it leads to %+v", where, w.inFlight)
		}
		if text := logged.String(); !strings.Contains(text, "in_sequence=7") || !strings.Contains(text, where) {
			t.Errorf("the log says %s", text)
		}
		w.index = nil // which it fails on
		if result := w.replayedResult(&received{sequence: 7}); result.Error == nil || result.Error.Code != events.CodeInternal {
			t.Errorf("answered late: %+v", result)
		}
	}
}
