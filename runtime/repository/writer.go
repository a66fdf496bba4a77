package repository

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
)

const (
	// window is how many commands, and how many changes, may be published and not
	// yet acknowledged: acknowledgements must not come later than they are waited for.
	window = 2048
	// roomBytes is how much of the in topic is in memory at a time.
	roomBytes = 64 << 20

	ackTimeout = 5 * time.Second
)

// writer applies commands during one tenure of the lease, until ctx ends or the out
// topic is not where the writer expects it.
type writer struct {
	bus   *bus.Bus
	js    jetstream.JetStream
	index *index.Index
	log   *slog.Logger

	pending      *graph.Pending
	inFlight     []*publication      // not yet committed, oldest first
	flying       int                 // the changes of these
	stateChanges []index.StateChange // reused by commit
	trimmed      trimming
	progress     *progress
	outcomes     outcomes
	publisher    publisher
	// rollup means that a purge, as it is stored, removes the earlier events of its
	// subject.
	rollup bool
	room   *semaphore.Weighted // for commands from reading to committing
	crash  func(step string)   // test hook: what happens at a step
	// held is a command that waits until everything before it is committed.
	held *received
	// purgeHistories removes the history of purged elements.
	purgeHistories func(context.Context, []index.Tombstone)
}

// publication is an applied or refused command on its way to being committed.
type publication struct {
	sequence uint64 // on the in topic
	size     int
	replyTo  string
	// id is that of the command; outcomeOf that of another one whose outcome is the
	// answer.
	id, outcomeOf string
	outcome       graph.Outcome
	// purges says that history has to be removed before anything else is done.
	purges bool
	// last is the out sequence that must be stored before this is committed:
	// that of its own last event, or of those before it.
	last uint64
	// refused is set if the command cannot be applied; ack is then that of its dead
	// letter. It is sent after all before it is committed: only then is it certain that
	// this writer saw the present state.
	refused      *received
	deadLettered bool
	ack          jetstream.PubAckFuture
}

// received is a command as the reader hands it to the writer.
type received struct {
	sequence uint64
	stored   time.Time
	subject  string
	header   nats.Header
	data     []byte
	event    events.Event
	command  events.Command
	restores bool // that is, something that was deleted
	err      error
	size     int // that it takes of the in topic
}

// run returns nil when ctx is done, and an error when the writer has to find
// its position again.
func (w *writer) run(ctx context.Context) error {
	position, err := w.position(ctx)
	if err != nil {
		return err
	}
	w.progress.reach(position, false)
	w.purgeHistories(ctx, w.index.PendingPurges())
	w.log.InfoContext(ctx, "applying commands", slog.Uint64("from", position+1), slog.Uint64("out_sequence", w.publisher.last))

	reading, stop := context.WithCancel(ctx)
	defer stop()
	commands := make(chan *received, window)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.read(reading, position, commands)
	}()
	var purging sync.WaitGroup
	// Those that an earlier writer could not remove; it may take long, and nothing waits for it.
	purging.Go(func() { w.purgeHistories(reading, w.index.UnfinishedPurges()) })
	err = w.loop(ctx, position, commands)
	stop()
	<-done
	purging.Wait()
	w.settle()
	w.trimmed.running.Wait()
	return err
}

// position returns the in-sequence up to which everything has been applied.
func (w *writer) position(ctx context.Context) (uint64, error) {
	in, err := w.bus.StreamInfo(ctx, w.bus.Topics().InStream())
	if err != nil {
		return 0, err
	}
	position, err := w.recognize(ctx, in)
	if err != nil {
		return 0, err
	}
	// What was trimmed was applied, even where it changed nothing.
	if in.State.FirstSeq > 0 {
		position = max(position, in.State.FirstSeq-1)
	}
	w.resumeTrimming(ctx, in, position)
	return position, nil
}

// recognize returns the position in the present in topic. The last event carries the
// id of its command; if the message at the position has another one, the in topic was
// created again, or the server lost its end and it has grown since.
func (w *writer) recognize(ctx context.Context, in *jetstream.StreamInfo) (uint64, error) {
	last, found := w.index.LastEvent(), ""
	position, id, stored := last.Position, last.Cause, last.Stored
	if position > 0 && position <= in.State.LastSeq {
		var err error
		if found, err = w.bus.MessageID(ctx, in.Config.Name, position); err != nil {
			return 0, err
		}
		// What was trimmed had been applied. The first parts of a large
		// deletion carry the position before it.
		next, err := w.bus.MessageID(ctx, in.Config.Name, position+1)
		if found == "" || strings.HasPrefix(id, found+"-") || next != "" && strings.HasPrefix(id, next+"-") {
			return position, err
		}
	}
	log := w.log.With(slog.Uint64("position", position), slog.Uint64("length", in.State.LastSeq))
	switch {
	case position == 0:
		return 0, nil
	case in.Created.After(stored):
		log.WarnContext(ctx, "the in topic was made anew; applying it from its beginning")
		return 0, nil
	case found == "":
		log.WarnContext(ctx, "the in topic has lost its end; applying what comes next there")
		return in.State.LastSeq, nil
	}
	log.WarnContext(ctx, "the in topic had lost its end; applying what came after that")
	since, err := w.bus.SequenceSince(ctx, in.Config.Name, stored)
	return since - 1, err
}

// read decodes commands ahead of the writer.
func (w *writer) read(ctx context.Context, position uint64, commands chan<- *received) {
	from := uint64(1)
	if position > lookBack {
		from = position + 1 - lookBack
	}
	following := bus.FollowOptions{Stream: w.bus.Topics().InStream(), Sequence: from}
	err := w.bus.Follow(ctx, following, func(m *bus.Message) error {
		r := &received{sequence: m.Sequence, stored: m.Time.UTC(), subject: m.Subject, header: m.Header, data: m.Data}
		r.size = min(r.sizeOf(), roomBytes)
		w.decode(r, m)
		if err := w.room.Acquire(ctx, int64(r.size)); err != nil {
			return err
		}
		select {
		case commands <- r:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if err != nil && ctx.Err() == nil {
		w.log.ErrorContext(ctx, "read the in topic", slog.Any("error", err))
	}
}

func (w *writer) decode(r *received, m *bus.Message) {
	defer protect(w.log, "command", slog.Uint64("in_sequence", r.sequence), "that writes", func(defect error) { r.err = defect })
	if r.event, r.err = m.Event(); r.err == nil {
		r.command, r.err = events.DecodeCommand(&r.event)
	}
	if r.err == nil {
		r.err = graph.CheckEnvelope(&r.event)
	}
	r.restores = r.err == nil && index.Restores(r.command)
}

func (w *writer) loop(ctx context.Context, position uint64, commands <-chan *received) error {
	for ctx.Err() == nil {
		err := w.step(ctx, position, commands)
		if err == nil {
			err = w.collect(ctx)
		}
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// step handles the held command when its turn comes, otherwise whatever comes next.
func (w *writer) step(ctx context.Context, position uint64, commands <-chan *received) error {
	if r := w.held; r != nil && len(w.inFlight) == 0 {
		w.held = nil
		return w.handle(ctx, r)
	}
	intake := commands
	if w.full() || w.held != nil {
		intake = nil
	}
	// Before waiting, what is held must be on its way: nothing else may come
	// that would send it.
	if intake == nil || len(commands) == 0 {
		if err := w.publisher.release(true); err != nil {
			return err
		}
	}
	return w.next(ctx, position, intake)
}

// next waits for a command or an answer of the bus, and takes it.
func (w *writer) next(ctx context.Context, position uint64, intake <-chan *received) error {
	stored, refused := answers(w.publisher.oldest())
	var deadLetter jetstream.PubAckFuture
	if len(w.inFlight) > 0 {
		deadLetter = w.inFlight[0].ack
	}
	deadLettered, deadLetterRefused := answers(deadLetter)
	select {
	case r := <-intake:
		if r.sequence > position || r.isDryRun() && r.isAwaited() {
			return w.handle(ctx, r)
		}
		w.answerReplayed(ctx, r)
		w.room.Release(int64(r.size))
	case ack := <-stored:
		w.progress.reach(w.progress.applied, true)
		return w.publisher.confirm(ack)
	case err := <-refused:
		return err
	case <-deadLettered:
		w.inFlight[0].deadLettered = true
	case err := <-deadLetterRefused:
		if !bus.IsSequence(err) {
			return err
		}
		w.inFlight[0].deadLettered = true // it is stored already
	case <-ctx.Done():
	}
	return nil
}

// full reports whether the next command has to wait. It waits after a refused one: a
// later change would move the position past it, and if the writer failed then, the
// refused command would never become a dead letter. It waits after a purge: if the
// writer failed before the history is removed, something newer could hide the purge.
func (w *writer) full() bool {
	n := len(w.inFlight)
	return n >= window || w.flying >= window || n > 0 && (w.inFlight[n-1].refused != nil || w.inFlight[n-1].purges)
}

// handle applies one command and publishes what it leads to.
func (w *writer) handle(ctx context.Context, r *received) error {
	if r.restores && len(w.inFlight) > 0 {
		w.held = r
		return nil
	}
	p := newPublication(r)
	refusal := r.err
	if refusal == nil {
		var err error
		if p.outcome, refusal, err = w.apply(ctx, r); err != nil {
			return err
		}
	}
	w.inFlight = append(w.inFlight, p)
	if refusal != nil {
		p.outcome = graph.Outcome{Result: events.Result{Error: events.AsError(refusal)}}
		if !r.isDryRun() { // of which the answer is all there is
			p.refused = r
		}
	} else if p.outcome.Len() > 0 {
		p.purges = p.outcome.Purges()
		w.at("publish")
		if err := w.publish(p, r); err != nil {
			return err
		}
		w.pending.Add(&p.outcome)
		w.at("published")
	}
	p.last = w.publisher.last
	w.flying += p.outcome.Len()
	return nil
}

// apply returns what a command leads to, or why it is refused; err means that what it
// restores could not be read.
func (w *writer) apply(ctx context.Context, r *received) (o graph.Outcome, refusal, err error) {
	defer protect(w.log, "command", slog.Uint64("in_sequence", r.sequence), "that writes", func(defect error) { o, refusal, err = graph.Outcome{}, defect, nil })
	graves, err := w.index.LoadDeleted(ctx, storeLog{w.bus}, r.command)
	if err != nil {
		return o, nil, err
	}
	q, refusal := graph.RequestOf(&r.event, r.sequence, r.stored)
	if refusal != nil {
		return o, refusal, nil
	}
	q.Deletions = graves
	o, refusal = w.pending.Apply(q, r.command)
	return o, refusal, nil
}

func (r *received) isDryRun() bool { return graph.IsDryRun(&r.event) }

// collect commits every publication whose events are stored, oldest first, and sends
// the dead letter of a refused command when its turn has come.
func (w *writer) collect(ctx context.Context) error {
	n := 0
	for n < len(w.inFlight) && w.settled(w.inFlight[n]) {
		n++
	}
	w.commit(ctx, w.inFlight[:n])
	clear(w.inFlight[:n])
	w.inFlight = w.inFlight[n:]
	if len(w.inFlight) == 0 {
		return nil
	}
	first := w.inFlight[0]
	if first.refused != nil && first.ack == nil && first.last <= w.publisher.confirmed {
		return w.deadLetter(first)
	}
	return nil
}

func (w *writer) settled(p *publication) bool {
	return p.last <= w.publisher.confirmed && (p.refused == nil || p.deadLettered)
}

// commit makes what is stored visible to readers, then answers the senders.
func (w *writer) commit(ctx context.Context, done []*publication) {
	if len(done) == 0 {
		return
	}
	w.stateChanges = w.stateChanges[:0]
	now := time.Now()
	for _, p := range done {
		w.stateChanges = p.outcome.AppendStateChanges(w.stateChanges, p.sequence, now)
	}
	w.index.Commit(w.stateChanges...)
	if slices.ContainsFunc(done, func(p *publication) bool { return p.purges }) {
		w.purgeHistories(ctx, w.index.PendingPurges())
	}
	w.progress.reach(done[len(done)-1].sequence, false)
	for _, p := range done {
		w.flying -= p.outcome.Len()
		w.pending.Drop(&p.outcome)
		w.reply(p)
		w.room.Release(int64(p.size))
		w.trim(ctx, p)
		w.at("committed")
	}
}

// settle waits until no publish is on its way: one that arrived after the position was
// read again would be applied twice.
func (w *writer) settle() {
	if w.bus.Conn().IsClosed() {
		return
	}
	closed := w.bus.Conn().StatusChanged(nats.CLOSED)
	defer w.bus.Conn().RemoveStatusListener(closed)
	select {
	case <-w.js.PublishAsyncComplete():
	case <-closed:
	case <-time.After(2 * ackTimeout):
		w.log.Warn("publishes without an answer are left behind")
	}
}

func (w *writer) at(step string) {
	if w.crash != nil {
		w.crash(step)
	}
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
