package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/topics"
)

// Metadata is the repository as seen from the bus: commands go to the in topic,
// questions to whichever repository node answers, listeners follow the out topic.
type Metadata struct {
	bus *Bus
	// source names the sender: it is the last token of the in subject.
	source string
}

var (
	_ connectors.Publisher = (*Metadata)(nil)
	_ events.Asker         = (*Metadata)(nil)
	_ connectors.Follower  = (*Metadata)(nil)
	_ connectors.Latest    = (*Metadata)(nil)
	_ connectors.Positions = (*Metadata)(nil)
)

// Metadata returns the repository as seen by a sender. It costs nothing until
// it is used.
func (b *Bus) Metadata(source string) (*Metadata, error) {
	if source == "" {
		return nil, errors.New("metadata: a sender needs a name")
	}
	return &Metadata{bus: b, source: source}, nil
}

// Send implements [connectors.Publisher].
func (m *Metadata) Send(ctx context.Context, es iter.Seq[events.Event]) error {
	return m.bus.PublishAll(ctx, m.bus.topics.Commands(m.source), es)
}

// Request implements [connectors.Publisher]. A command whose outcome does not
// arrive before ctx is done is durable all the same: the error says so.
func (m *Metadata) Request(ctx context.Context, e events.Event) (events.Result, error) {
	subject, answer, forget := m.bus.inbox.expect()
	defer forget()
	e.Extensions = cloneWith(e.Extensions, events.ExtReplyTo, subject)
	if _, err := m.bus.Send(ctx, m.bus.topics.Commands(m.source), &e); err != nil {
		return events.Result{}, err
	}
	select {
	case m := <-answer:
		return events.Unmarshal[events.Result](m.Data)
	case <-ctx.Done():
		return events.Result{}, fmt.Errorf("%w: %w", events.Errorf(events.CodeUnavailable, "",
			"the command is stored and will be applied, but no repository has answered yet"), context.Cause(ctx))
	}
}

func cloneWith(extensions map[string]string, name, value string) map[string]string {
	clone := make(map[string]string, len(extensions)+1)
	maps.Copy(clone, extensions)
	clone[name] = value
	return clone
}

// Get asks a question.
func (m *Metadata) Get(ctx context.Context, q events.Get) (events.ElementAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// Find asks a question.
func (m *Metadata) Find(ctx context.Context, q events.Find) (events.ElementsAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// Related asks a question.
func (m *Metadata) Related(ctx context.Context, q events.Related) (events.RelatedAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// Digests asks a question.
func (m *Metadata) Digests(ctx context.Context, q events.Digests) (events.DigestsAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// Graph asks a question.
func (m *Metadata) Graph(ctx context.Context, q events.Graph) (events.GraphAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// Lineage asks a question.
func (m *Metadata) Lineage(ctx context.Context, q events.Lineage) (events.GraphAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// History asks a question.
func (m *Metadata) History(ctx context.Context, q events.History) (events.HistoryAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// Count asks a question.
func (m *Metadata) Count(ctx context.Context, q events.Find) (events.CountAnswer, error) {
	return events.Ask(ctx, m, &events.Count{Find: q})
}

// Writing returns how the node gets on that applies commands.
func (m *Metadata) Writing(ctx context.Context) (events.Writing, error) {
	return Call[events.Writing](ctx, m.bus, m.bus.topics.API(topics.RepositoryService, topics.VerbWriting), struct{}{})
}

// Types asks a question.
func (m *Metadata) Types(ctx context.Context, q events.Types) (events.TypesAnswer, error) {
	return events.Ask(ctx, m, &q)
}

// Ask implements [events.Asker].
func (m *Metadata) Ask(ctx context.Context, q events.Question) ([]byte, error) {
	subject := m.bus.topics.API(topics.RepositoryService, q.Verb())
	answer, err := m.bus.Call(ctx, subject, q)
	for end := time.Now().Add(answerTimeout); isUnanswered(err); {
		progress := m.reading(ctx)
		if progress != nil && (sleep(ctx, readingPause) != nil || time.Now().After(end)) {
			return nil, events.Errorf(events.CodeUnavailable, "", "the node %s is still reading the metadata (%d of %d); try again in a while",
				progress.Node, progress.Read, progress.Of)
		}
		answer, err = m.bus.Call(ctx, subject, q)
		if progress == nil {
			break // one that read may have become ready between the two questions
		}
	}
	return answer, err
}

// readingPause is between two questions to nodes that are still reading.
const readingPause = 100 * time.Millisecond

// reading returns how far a node is that is still reading, nil if there is none.
func (m *Metadata) reading(ctx context.Context) *events.Reading {
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := m.bus.conn.RequestWithContext(attempt, m.bus.topics.API(topics.RepositoryService, topics.VerbReading), nil)
	if err != nil {
		return nil
	}
	progress, err := events.Unmarshal[events.Reading](answer.Data)
	if err != nil {
		return nil
	}
	return &progress
}

// Follow implements [connectors.Follower].
func (m *Metadata) Follow(ctx context.Context, f connectors.Filter, handle func(context.Context, connectors.Change) error) error {
	return m.Watch(ctx, f, nil, func(msg *Message, change *connectors.Change) error {
		return m.insistOn(ctx, msg, change, handle)
	})
}

// Watch is Follow for who wants the messages as well, and no second attempt: an
// error of show ends it. Ready, if given, is called when all that comes from then
// on is delivered.
func (m *Metadata) Watch(ctx context.Context, f connectors.Filter, ready func(), show func(*Message, *connectors.Change) error) error {
	if err := f.Validate(); err != nil {
		return err
	}
	following := Following{Stream: m.bus.topics.OutStream(), Start: FromNow, Subjects: m.subjects(&f), Ready: ready}
	var present snapshot
	switch {
	case f.Present:
		last, err := m.LastChange(ctx)
		if err != nil {
			return err
		}
		present.last = last
		following.Start, following.snapshot = FromLatest, &present
	case f.From > 0:
		following.Start, following.Sequence = FromSequence, f.From
	}
	return m.bus.Follow(ctx, following, func(msg *Message) error {
		change, err := ChangeOf(msg)
		if err != nil {
			m.bus.set.Logger.ErrorContext(ctx, "a change event cannot be read", slog.Uint64("sequence", msg.Sequence), slog.Any("error", err))
			return nil
		}
		if !present.selects(&f, &change) {
			return nil
		}
		return show(msg, &change)
	})
}

// selects reports whether a change is to be told. Of what was gone before
// following began, nothing was ever told.
func (s *snapshot) selects(f *connectors.Filter, c *connectors.Change) bool {
	return c.Sequence <= s.until && f.MatchesPresent(c) || c.Sequence > s.last && f.Matches(c)
}

// subjects are those of what a filter can select. Types are not among them: which
// subtypes they have, events say, and there may be more of them tomorrow.
func (m *Metadata) subjects(f *connectors.Filter) []string {
	t := m.bus.topics
	elements, relationships := f.Selects()
	var subjects []string
	if elements {
		subjects = append(subjects, t.ElementsOf("*"))
	}
	if relationships {
		subjects = append(subjects, t.RelationshipsOf("*"))
	}
	if f.SelectsTypes() {
		subjects = append(subjects, t.Type("*"))
	}
	return subjects
}

// LastChange implements [connectors.Latest].
func (m *Metadata) LastChange(ctx context.Context) (uint64, error) {
	state, err := m.bus.StreamState(ctx, m.bus.topics.OutStream())
	return state.LastSeq, err
}

// insistOn hands over a change until the listener takes it or gives it up: then
// it becomes a dead letter, so that those behind it are not held up for ever.
func (m *Metadata) insistOn(ctx context.Context, msg *Message, c *connectors.Change, handle func(context.Context, connectors.Change) error) error {
	for {
		why := attempt(ctx, m.bus.set.Logger, c, handle)
		if why == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := m.bury(ctx, msg, why)
		if err == nil {
			return nil
		}
		m.bus.set.Logger.ErrorContext(ctx, "a change that a listener gave up cannot be buried", slog.Uint64("sequence", c.Sequence), slog.Any("error", err))
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// attempt hands over a change until the listener takes it; it returns the last
// error when that is permanent, came too often (within a minute), or ctx is done. An error that
// says when to come again is not counted: waiting is what the listener wants.
func attempt(ctx context.Context, log *slog.Logger, c *connectors.Change, handle func(context.Context, connectors.Change) error) error {
	wait := pause{first: 100 * time.Millisecond, max: 30 * time.Second}
	for failed := 0; ; {
		why := handle(ctx, *c)
		if why == nil || ctx.Err() != nil {
			return why
		}
		log.WarnContext(ctx, "a listener failed", slog.Uint64("sequence", c.Sequence), slog.Any("error", why))
		var err error
		d, later := connectors.RetryDelay(why)
		if !later {
			failed++
		}
		switch {
		case connectors.IsPermanent(why) || failed == connectors.MaxAttempts:
			return why
		case later:
			err = sleep(ctx, d)
		default:
			err = wait.sleep(ctx)
		}
		if err != nil {
			return why
		}
	}
}

// bury makes a change that the listener gave up a dead letter, once for each
// listener. The letter does not say on which subject the change came, so that
// it cannot be replayed: it would change the metadata of everybody.
func (m *Metadata) bury(ctx context.Context, msg *Message, why error) error {
	code := events.CodeUnavailable
	if connectors.IsPermanent(why) {
		code = events.CodeInvalid
	}
	reason := events.Errorf(code, "", "the listener %q: %s", m.source, why)
	stream := m.bus.topics.OutStream()
	listener := stream + "/" + m.source
	id := events.EncodeAttribute(listener + "-" + strconv.FormatUint(msg.Sequence, 10))
	letter, err := DeadLetter(m.bus.topics.DeadLetter(listener, msg.Sequence), Letter{
		Stream: stream, Sequence: msg.Sequence, Header: msg.Header, Data: msg.Data, Reason: reason,
		MaxPayload: m.bus.MaxPayload() - int64(len(id)),
	})
	if err != nil {
		return err
	}
	letter.Header["ce-id"] = []string{id}
	letter.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	if _, err := m.bus.PublishMessage(ctx, letter); err != nil && !IsSequence(err) {
		return err
	}
	m.bus.set.Logger.ErrorContext(ctx, "a listener gave up a change", slog.Uint64("sequence", msg.Sequence),
		slog.String("listener", m.source), slog.Any("error", why))
	return nil
}

// ChangeOf decodes a message of the out topic.
func ChangeOf(msg *Message) (connectors.Change, error) {
	e, err := msg.Event()
	if err != nil {
		return connectors.Change{}, err
	}
	p, err := events.DecodeChange(e.Type, e.Data)
	return connectors.Change{
		Type: e.Type, Sequence: msg.Sequence, Time: e.Time, Actor: e.Extension(events.ExtActor),
		Element: p.Element, Relationship: p.Relationship, OpenType: p.OpenType,
	}, err
}
