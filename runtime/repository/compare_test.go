package repository_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/internal/graphtest"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/topics"
)

// learn lets the model apply what has come to the in topic.
func (w *world) learn() {
	err := w.bus.Read(w.t.Context(), w.bus.Topics().InStream(), nil, func(m *bus.Message) error {
		if m.Sequence <= uint64(len(w.model.Applied())) {
			return nil
		}
		e, err := m.Event()
		if err == nil {
			_, err = w.model.Apply(&e, m.Sequence, m.Time.UTC())
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// compare reads the out topic from its beginning and compares it with the model.
func (w *world) compare() {
	defer func() {
		if w.t.Failed() {
			w.model.Explain(w.t)
		}
	}()
	w.compareReplies() // a new writer answers again
	w.model.Compare(w.t, w.read())
	w.compareIndex("the follower", w.follower)
	w.compareIndex("the writer", w.writers[0].repo)
	w.compareIndex("a new node", w.startWriter(0).repo)
	// Only the lease keeps a second writer, which does not see what the first
	// one does, from refusing what that one applies.
	state, err := w.bus.StreamState(w.t.Context(), w.bus.Topics().DeadLetterStream())
	if n := int(state.Msgs); err != nil || n < w.model.Refused() || !w.rivals && n > w.model.Refused() {
		w.t.Errorf("%d dead letters, the model refused %d (%v)", n, w.model.Refused(), err)
	}
}

func (w *world) read() *graphtest.ChangeLog {
	out := graphtest.NewChangeLog()
	var position uint64
	err := w.bus.Read(w.t.Context(), w.bus.Topics().OutStream(), nil, func(m *bus.Message) error {
		e, err := m.Event()
		if err != nil {
			return err
		}
		at, err := e.Uint(events.ExtInSequence)
		if err != nil || at < position {
			return errors.Join(err, fmt.Errorf("in-sequence %d after %d", at, position))
		}
		position = at
		if want := w.model.Applied()[at-1].Time; !e.Time.Equal(want) {
			w.t.Errorf("event %d is of %s, its command of %s", m.Sequence, e.Time, want)
		}
		c, err := events.DecodeChange(e.Type, e.Data)
		if err == nil {
			out.Add(&c)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// compareIndex compares what a node has in memory.
func (w *world) compareIndex(who string, repo *repository.Repository) {
	if err := repo.Await(w.t.Context(), w.last); err != nil {
		w.t.Fatal(err)
	}
	elements, links := repo.Index().States()
	w.model.CompareStates(w.t, who, elements, links)
}

// compareReplies compares what the senders were told. Where writers died, some
// were told nothing, or by a later writer how things were then.
func (w *world) compareReplies() {
	if err := w.bus.Conn().FlushTimeout(20 * time.Second); err != nil {
		w.t.Fatal(err)
	}
	replies, err := w.replies.read()
	if err != nil {
		w.t.Fatal(err)
	}
	for i, l := range w.model.Applied() {
		got := replies[i+1]
		asked := strings.HasPrefix(l.Event.Extension(events.ExtReplyTo), w.replies.inbox)
		if !w.crashes && len(got) != 1 && asked {
			w.t.Errorf("command %d: %d answers", i+1, len(got))
		}
		for _, r := range got {
			switch {
			case w.rivals || w.crashes && l.DryRun:
			case (r.Error != nil) != (l.Refused != nil):
				w.t.Errorf("command %d: answered %v, the model says %v", i+1, r.Error, l.Refused)
			case !w.crashes && !l.Matches(&r):
				w.t.Errorf("command %d: answered %+v, the model says %s", i+1, r, l)
			}
		}
	}
}

// replay loses the out topic: a writer that applies the same commands makes the
// same events, but for the history that was purged.
func (w *world) replay() {
	before := w.messages()
	w.stopWriters()
	if err := w.bus.JetStream().DeleteStream(w.t.Context(), w.bus.Topics().OutStream()); err != nil {
		w.t.Fatal(err)
	}
	limits := topics.DefaultLimits()
	limits.History = 1000
	if err := w.bus.Ensure(w.t.Context(), limits); err != nil {
		w.t.Fatal(err)
	}
	if err := w.startWriter(0).repo.Await(w.t.Context(), w.last); err != nil {
		w.t.Fatal(err)
	}
	after := w.messages()
	if !maps.Equal(before, after) {
		for sequence, text := range before {
			if after[sequence] != text {
				w.t.Errorf("event %d was\n%s, and is\n%s", sequence, text, after[sequence])
			}
		}
		w.model.Explain(w.t)
	}
}

func (w *world) messages() map[uint64]string {
	list := map[uint64]string{}
	err := w.bus.Read(w.t.Context(), w.bus.Topics().OutStream(), nil, func(m *bus.Message) error {
		h := nats.Header{}
		for name, values := range m.Header {
			if !strings.HasPrefix(name, "Nats-") {
				h[name] = values
			}
		}
		list[m.Sequence] = fmt.Sprint(m.Subject, h, string(m.Data))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}
