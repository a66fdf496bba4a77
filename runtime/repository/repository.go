package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
	"github.com/camena-io/camena/topics"
)

// Settings of a [Repository].
type Settings struct {
	// Node and Instance name who holds the writer's lease.
	Node     string
	Instance string
	Bus      *bus.Bus
	// Types are the types that need no definition on the bus; nil means those that Camena
	// ships.
	Types   *opentypes.Registry
	Version string
	Logger  *slog.Logger
	// Retention is how long deleted elements can be read; 0 means DefaultRetention.
	Retention time.Duration
	// PublishZones are the zones of published elements, DefaultZones those of new and of
	// withdrawn ones. None means all zones.
	PublishZones, DefaultZones []string
	// LeaseKey names the lease of the writer; empty means that of the installation. Tests
	// with two writers at once set it.
	LeaseKey string
	// Ready, if given, is called when the node answers questions.
	Ready func()
	_     struct{}
}

// Repository is a node's repository role: it answers questions, and is the
// writer while it has the lease.
type Repository struct {
	set    Settings
	index  *index.Index
	lease  *bus.Lease[bus.Holder]
	limits limiter
	// loadProgress is about the metadata stored when the node started.
	loadProgress loadProgress
	// progress is that of the writer.
	progress progress
	// elections hands each tenure of the lease from the lease to the main loop.
	elections chan election
	// crash, in tests, is called at the writer's steps "publish", "published" and
	// "committed".
	crash func(step string)
}

type election struct {
	tenure context.Context //nolint:containedctx // a message about a context
	done   chan struct{}
}

// New returns a repository for one node.
func New(s Settings) (*Repository, error) {
	if s.Bus == nil || s.Node == "" {
		return nil, errors.New("repository: Bus and Node are required")
	}
	if s.Types == nil {
		shipped, err := opentypes.Builtin()
		if err != nil {
			return nil, fmt.Errorf("repository: the types that Camena ships: %w", err)
		}
		s.Types = shipped
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.Instance = cmp.Or(s.Instance, s.Node)
	s.Retention = cmp.Or(s.Retention, DefaultRetention)
	s.LeaseKey = cmp.Or(s.LeaseKey, topics.RepositoryLease)
	return &Repository{set: s, index: index.New(s.Types, s.Logger), limits: newLimiter(), elections: make(chan election)}, nil
}

// Serve runs the repository until ctx is done.
func (r *Repository) Serve(ctx context.Context) error {
	lease, err := r.set.Bus.NewLease(ctx, r.set.LeaseKey, r.set.Node, r.set.Instance)
	if err != nil {
		return fmt.Errorf("repository: %w", err)
	}
	r.lease = lease
	keeping, stopKeeping := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { r.index.ServeTexts(keeping) })
	defer kept.Wait()
	defer stopKeeping()
	shut, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer shut()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.lease.Hold(ctx, r.elected) })
	group.Go(func() error { return r.live(ctx) })
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// elected hands a tenure to the main loop and waits for its end.
func (r *Repository) elected(tenure context.Context) error {
	e := election{tenure: tenure, done: make(chan struct{})}
	select {
	case r.elections <- e:
		<-e.done
	case <-tenure.Done():
	}
	return context.Cause(tenure)
}

// live follows the out topic while another node writes, and writes while this
// one has the lease.
func (r *Repository) live(ctx context.Context) error {
	for ctx.Err() == nil {
		e, err := r.followUntilElected(ctx)
		if err != nil {
			return err
		}
		r.lead(e.tenure) //nolint:contextcheck // the tenure ends with ctx, and when the lease is lost
		close(e.done)
	}
	return context.Cause(ctx)
}

func (r *Repository) followUntilElected(ctx context.Context) (election, error) {
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.keepFollowing(following) }()
	select {
	case e := <-r.elections:
		stop()
		err := <-ended
		if errors.Is(err, bus.ErrClosed) {
			close(e.done)
			return election{}, err
		}
		r.set.Logger.DebugContext(ctx, "followed until it was elected", slog.Any("error", err))
		return e, nil
	case err := <-ended:
		stop()
		return election{}, err
	}
}

// keepFollowing follows the out topic until ctx is done or the connection is
// closed.
func (r *Repository) keepFollowing(ctx context.Context) error {
	wait := bus.NewBackoff(followPause, followPause)
	for {
		err := r.follow(ctx, func() bool { return false })
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, bus.ErrClosed) {
			return fmt.Errorf("repository: %w", err)
		}
		r.set.Logger.WarnContext(ctx, "following the out topic again", slog.Any("error", err))
		if wait.Wait(ctx) != nil {
			return context.Cause(ctx)
		}
	}
}

// followPause is the time between two attempts to follow the out topic.
const followPause = 250 * time.Millisecond

// lead writes until the tenure ends.
func (r *Repository) lead(tenure context.Context) {
	var sweeping sync.WaitGroup
	sweeping.Go(func() { r.sweep(tenure) })
	defer sweeping.Wait()
	defer r.serveWriterStatus(tenure)()
	wait, said := bus.NewBackoff(100*time.Millisecond, time.Second), ""
	for tenure.Err() == nil {
		began := time.Now()
		next, err := r.catchUp(tenure)
		if err == nil {
			err = r.write(tenure, next)
		}
		if err == nil || tenure.Err() != nil {
			continue
		}
		if time.Since(began) > 2*time.Second {
			wait.Reset()
			said = ""
		}
		level := slog.LevelWarn
		if said == err.Error() {
			level = slog.LevelDebug // as when the server has no space left
		}
		said = err.Error()
		r.set.Logger.Log(tenure, level, "reading the position again", slog.Any("error", err))
		if wait.Wait(tenure) != nil {
			return
		}
	}
}

func (r *Repository) write(tenure context.Context, next uint64) error {
	js, err := jetstream.New(r.set.Bus.Conn(),
		jetstream.WithPublishAsyncMaxPending(2*window), jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return err
	}
	defer cleanUp(r.set.Bus, js)
	out, err := r.set.Bus.StreamInfo(tenure, r.set.Bus.Topics().OutStream())
	if err != nil {
		return err
	}
	w := &writer{
		bus: r.set.Bus, js: js, index: r.index, log: r.set.Logger, crash: r.crash,
		progress: &r.progress, purgeHistories: r.purgeHistories,
		pending: graph.NewPending(r.index, graph.Rules{
			PublishZones: r.set.PublishZones, DefaultZones: r.set.DefaultZones, MaxState: graph.MaxState(r.set.Bus.MaxPayload()),
		}),
		rollup: out.Config.AllowRollup && !out.Config.DenyPurge,
		room:   semaphore.NewWeighted(roomBytes), publisher: publisher{js: js, last: next - 1, confirmed: next - 1},
	}
	return w.run(tenure)
}

// cleanUp ends the goroutine of a publisher. If the connection is closed it ends by
// itself, and nats.go may hang when told at the same moment, or before the goroutine has
// started: it has when a message is answered.
func cleanUp(b *bus.Bus, js jetstream.JetStream) {
	const patience = 100 * time.Millisecond
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(patience):
	}
	if !b.Conn().IsClosed() {
		js.CleanupPublisher()
	}
}

var errCaughtUp = errors.New("caught up")

// catchUp follows the out topic to its end and returns the next sequence. During the
// tenure nobody else extends the out topic; otherwise the first publish fails.
func (r *Repository) catchUp(ctx context.Context) (next uint64, err error) {
	if from, err := client.New(r.set.Bus, "").Restoring(ctx); err != nil || from != "" {
		return 0, cmp.Or(err, client.ErrRestoring)
	}
	if err := r.verify(ctx); err != nil && !errors.Is(err, errOtherStore) {
		return 0, err
	}
	state, err := r.set.Bus.StreamState(ctx, r.set.Bus.Topics().OutStream())
	if err != nil {
		return 0, err
	}
	last, err := r.set.Bus.LastSequence(ctx, r.set.Bus.Topics().OutStream())
	if err != nil {
		return 0, err
	}
	reached := func() bool {
		sequence, _ := r.index.Reached()
		return sequence >= last
	}
	if !reached() {
		r.loadProgress.begin(r.ahead(&state))
		attempt, cancel := context.WithCancel(ctx)
		defer cancel()
		if err := r.follow(attempt, reached); !errors.Is(err, errCaughtUp) {
			return 0, err
		}
	}
	// The next sequence follows what the index holds, even if the out topic was extended
	// meanwhile: otherwise the first event would be refused and the next one stored.
	sequence, _ := r.index.Reached()
	return max(state.LastSeq, sequence) + 1, nil
}

// ahead returns how many events there are to read.
func (r *Repository) ahead(out *jetstream.StreamState) uint64 {
	if sequence, _ := r.index.Reached(); sequence > 0 {
		return out.LastSeq - min(out.LastSeq, sequence)
	}
	return out.NumSubjects // the last event of each
}

// errOtherStore means that the index was of another out topic and is empty now.
var errOtherStore = errors.New("the out topic is not the one that was read")

// verify checks that the last event of the index is on the out topic. Otherwise the
// server lost the end of the out topic, or it was created again or restored: verify
// empties the index, which then is loaded again.
func (r *Repository) verify(ctx context.Context) error {
	last := r.index.LastEvent()
	if last.Sequence == 0 {
		return nil
	}
	info, err := r.set.Bus.StreamInfo(ctx, r.set.Bus.Topics().OutStream())
	if err != nil {
		return err
	}
	found, err := r.set.Bus.MessageID(ctx, info.Config.Name, last.Sequence)
	if err != nil {
		return err
	}
	// Swept events, and those pushed out by newer states, are not there either.
	passed := found == "" && info.State.LastSeq >= last.Sequence && !info.Created.After(last.Stored)
	if found == last.ID || passed {
		return nil
	}
	r.set.Logger.ErrorContext(ctx, "the out topic is not the one that was read; reading it again",
		slog.Uint64("read_up_to", last.Sequence), slog.Uint64("length", info.State.LastSeq))
	r.index.Reset()
	return errOtherStore
}

// follow reads the out topic into the index until ctx is done or done says so.
// An empty index begins with the last event of every subject: the present state.
func (r *Repository) follow(ctx context.Context, done func() bool) error {
	sequence, _ := r.index.Reached()
	following := bus.FollowOptions{Stream: r.set.Bus.Topics().OutStream(), Sequence: sequence + 1, Check: r.verify}
	if sequence == 0 {
		following.Start = bus.FromLatest
	}
	return r.set.Bus.Follow(ctx, following, func(m *bus.Message) error {
		e := eventOf(r.set.Bus.Topics(), m)
		f, err := r.index.Read(&e)
		if err != nil {
			// The writer wrote it, so this is another version's event or damage.
			r.set.Logger.ErrorContext(ctx, "an event of the out topic cannot be read", slog.Uint64("sequence", m.Sequence),
				slog.String("subject", m.Subject), slog.Any("error", err))
		}
		r.index.Commit(f)
		r.loadProgress.step(ctx, r.set.Logger)
		if f.IsDeletion() {
			r.index.ForgetSwept(time.Now().Add(-2 * r.set.Retention))
		}
		if done() {
			return errCaughtUp
		}
		return nil
	})
}

// Await waits until the index reflects a sequence of the out topic.
func (r *Repository) Await(ctx context.Context, want uint64) error {
	for {
		have, advanced := r.index.Waiting()
		if have >= want {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return events.Errorf(events.CodeUnavailable, "/minSequence", "this node has read the out topic up to %d, not yet to %d; try again", have, want)
		}
	}
}
