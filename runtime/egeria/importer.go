package egeria

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/repository"
)

// ErrNoOwner says that an archive names no metadata source that what it holds could
// belong to.
var ErrNoOwner = errors.New("the archive names neither archiveName nor archiveGUID in its archiveProperties, so it is not known to whom its elements belong")

// Options say how archives are imported.
type Options struct {
	// Check only rehearses the import, on a copy of the repository's state.
	Check bool
	// UnknownProperties says what becomes of properties that a type does not have.
	UnknownProperties events.UnknownProperties
	// Source is the metadata source that the imported elements belong to; "" means the
	// name of the archive. Local elements belong to no source.
	Source string
	Local  bool
	// Actor is on whose behalf the commands are sent, Sender who sends them.
	Actor, Sender string
	// Progress, if set, hears how much of a stage is done; a total of 0 is not known.
	Progress func(s Stage, done, total int64)
}

// Stage is a part of an import.
type Stage string

// The stages of an import, and what they count.
const (
	StageReading Stage = "reading the archive"  // bytes
	StageLoading Stage = "loading the metadata" // changes
	StageSending Stage = "importing"            // items
)

// Importer imports archives, one after the other.
type Importer struct {
	Options

	bus    *bus.Bus
	remote remote
	// target is the repository, or the copy that a check uses from its first archive on.
	target target
}

// NewImporter returns an importer into the repository on a bus.
func NewImporter(b *bus.Bus, o Options) *Importer {
	if o.Progress == nil {
		o.Progress = func(Stage, int64, int64) {}
	}
	i := &Importer{Options: o, bus: b, remote: remote{client.New(b, o.Sender)}}
	if !o.Check {
		i.target = i.remote
	}
	return i
}

// Import imports an archive.
func (i *Importer) Import(ctx context.Context, file string, a *Archive) *Result {
	r := NewResult(file, nil)
	r.Check = i.Check
	r.fail(i.load(ctx, a, r))
	return r
}

func (i *Importer) load(ctx context.Context, a *Archive, r *Result) error {
	if i.target == nil {
		state, err := i.copyState(ctx)
		if err != nil {
			return err
		}
		i.target = state
	}
	types, err := i.target.types(ctx)
	if err != nil {
		return err
	}
	const envelope = 16 << 10
	plan, err := a.Check(ctx, Settings{
		TypeDef: func(name string) (events.TypeDef, bool) {
			t, ok := types.Type(name)
			if !ok {
				return events.TypeDef{}, false
			}
			return t.Def(), true
		},
		Elements:   func(ctx context.Context, guids []string) ([]string, error) { return existing(ctx, i.target, guids) },
		MaxCommand: int(i.bus.MaxPayload()) - envelope, UnknownProperties: i.UnknownProperties,
		Progress: func(done, total int64) { i.Progress(StageReading, done, total) },
	})
	if err == nil && plan.Report.Broken == nil {
		r.Source, err = i.owner(&plan.Report.Header)
	}
	if err == nil && plan.Report.Broken == nil {
		plan.meter.progress = nil
		err = (&loader{Importer: i, plan: plan, result: r, registry: types}).run(ctx)
	}
	if plan != nil {
		r.Report = plan.Report
	}
	return err
}

// copyState returns a copy of the present state of the repository. It takes about 2 KB of
// memory and 20 µs for each element or relationship.
func (i *Importer) copyState(ctx context.Context) (*rehearsal, error) {
	types, err := i.remote.types(ctx)
	if err != nil {
		return nil, err
	}
	index, err := repository.Load(ctx, i.bus, types, func(read, of uint64) { i.Progress(StageLoading, int64(read), int64(of)) }) //nolint:gosec // counts of events
	if err != nil {
		return nil, err
	}
	rules := graph.Rules{MaxState: graph.MaxState(i.bus.MaxPayload())}
	return &rehearsal{index: index, pending: graph.NewPending(index, rules), rules: rules}, nil
}

// owner returns the metadata source of what is imported, "" if it is local.
func (i *Importer) owner(h *Header) (string, error) {
	if i.Local {
		return "", nil
	}
	if name := cmp.Or(i.Source, h.Source()); name != "" {
		return name, nil
	}
	return "", ErrNoOwner
}

// loader applies the steps of one archive: types first, then the elements and what
// refers to them.
type loader struct {
	*Importer

	plan     *Plan
	result   *Result
	registry *opentypes.Registry
	// archived is nil if no archived element makes a difference.
	archived    *archivedElements
	done, total int64
}

func (l *loader) run(ctx context.Context) error {
	for _, c := range l.plan.Report.Counts {
		l.total += int64(c.Taken)
	}
	if err := l.defineTypes(ctx); err != nil {
		return err
	}
	if err := l.findArchived(ctx); err != nil {
		return err
	}
	return l.send(ctx, l.target, func(yield func(*Step, error) bool) {
		for s, err := range l.plan.instances(ctx) {
			if (err != nil || !l.settle(s)) && !yield(s, err) {
				return
			}
		}
	}, l.take)
}

// settle counts a step for which nothing has to be sent.
func (l *loader) settle(s *Step) bool {
	reason, settled := "", s.Command == nil
	if !settled {
		reason, settled = l.archived.settled(s)
	}
	switch {
	case !settled:
		return false
	case reason != "":
		l.refuse(s, reason)
	default:
		l.count(s, false)
	}
	return true
}

// send sends the commands of steps and hands over the results.
func (l *loader) send(ctx context.Context, t target, steps iter.Seq2[*Step, error], done func(*Step, events.Result)) error {
	sent := map[int]*Step{}
	var failure error
	err := t.apply(ctx, func(yield func(events.Event) bool) {
		n := 0
		for s, err := range steps {
			if failure = err; err != nil {
				return
			}
			if s.Command == nil {
				continue
			}
			e, err := l.event(s.Command)
			if err != nil {
				done(s, events.Result{Error: errorOf(err)})
				continue
			}
			sent[n] = s
			n++
			if !yield(e) {
				return
			}
		}
	}, func(n int, r events.Result) {
		s := sent[n]
		delete(sent, n)
		done(s, r)
	})
	return cmp.Or(failure, err)
}

// event returns a command on behalf of the owner of what is imported.
func (l *loader) event(command events.Command) (events.Event, error) {
	e, err := events.NewCommand("/"+l.Sender, command)
	if err != nil {
		return e, err
	}
	e.SetExtension(events.ExtActor, l.Actor)
	if l.result.Source != "" {
		category := events.OriginContentPack
		if l.plan.Report.Header.Type == "METADATA_EXPORT" {
			category = events.OriginExportArchive
		}
		e.SetExtension(events.ExtMetadataSource, l.result.Source)
		e.SetExtension(events.ExtOriginCategory, string(category))
	}
	return e, nil
}

// defineTypes defines the types of the archive. Types that are refused together are
// sent again one by one, as long as some of them are taken: they refer to each other.
func (l *loader) defineTypes(ctx context.Context) error {
	steps := l.plan.typeSteps(l.plan.types)
	for len(steps) > 0 {
		refused := map[*Step]events.Result{}
		err := l.send(ctx, l.target, sequence(steps), func(s *Step, r events.Result) {
			if r.Error != nil {
				refused[s] = r
			} else {
				l.take(s, r)
			}
		})
		if err != nil {
			return err
		}
		steps = l.typesAgain(steps, refused)
	}
	return nil
}

// typesAgain returns what to send again of types that were refused. What was refused
// alone, with all others, is refused for good.
func (l *loader) typesAgain(steps []*Step, refused map[*Step]events.Result) (left []*Step) {
	for _, s := range steps {
		r, again := refused[s]
		switch {
		case !again:
		case len(s.types) > 1:
			for i := range s.types {
				left = append(left, defining(s.types[i:i+1]))
			}
		case len(refused) == len(steps):
			l.take(s, r)
		default:
			left = append(left, s)
		}
	}
	return left
}

// take takes the result of a step.
func (l *loader) take(s *Step, r events.Result) {
	switch {
	case r.Error != nil:
		l.refuse(s, reasonOf(r.Error))
	case len(s.types) > 0:
		l.countTypes(s)
	default:
		l.count(s, r.Changed || l.archived.wasRestored(s))
	}
	l.Progress(StageSending, l.done, l.total)
}

// reasonOf says why a command was refused. Of the pointer into the command only the
// name of a property means something to a reader of the archive.
func reasonOf(e *events.Error) string {
	const properties = "/properties/"
	if n := strings.LastIndex(e.Pointer, properties); n >= 0 {
		return "property " + e.Pointer[n+len(properties):] + ": " + e.Message
	}
	return e.Message
}

func (l *loader) refuse(s *Step, reason string) {
	for _, n := range s.Counts {
		l.done += int64(n)
	}
	l.plan.Report.Refuse(s, reason)
}

// countTypes counts types that are defined now, each as changed if it differs from
// what it was.
func (l *loader) countTypes(s *Step) {
	different := map[string]bool{}
	command, ok := s.Command.(*events.DefineTypes)
	if !ok {
		return // no other step has types
	}
	if next, changed, err := l.registry.Apply(command.Types...); err == nil {
		l.registry = next
		for i := range changed {
			different[changed[i].Name] = true
		}
	}
	for i := range s.types {
		l.count(defining(s.types[i:i+1]), different[s.types[i].def.Name])
	}
}

// count counts an applied step.
func (l *loader) count(s *Step, changed bool) {
	for kind, n := range s.Counts {
		l.done += int64(n)
		d := l.result.Done[kind]
		if changed {
			d.Changed += n
		} else {
			d.Unchanged += n
		}
		l.result.Done[kind] = d
	}
}
