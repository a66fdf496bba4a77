package graphtest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

// Learned is a command that the model has applied, and what came of it.
type Learned struct {
	Event   events.Event
	Command events.Command
	// Time when it was stored on the in topic.
	Time time.Time
	// DryRun says that it only asked for what would change.
	DryRun bool
	// Refused says why it was refused.
	Refused error
	outcome outcome
	changes int
	// after is how everything was then.
	after map[string]*instance
}

// Learn lets the model apply a command, the next on the in topic, all or not at all.
func (m *Model) Learn(e *events.Event, sequence uint64, at time.Time) (*Learned, error) {
	c, err := events.DecodeCommand(e)
	if err != nil {
		return nil, err
	}
	i, next := issueOf(e, sequence, at), m.clone()
	i.before, next.issue = m, &i
	l := &Learned{Event: *e, Command: c, Time: at, DryRun: i.dry}
	l.Refused = try(func() {
		l.outcome = next.doSettled(c)
		refuseIf(i.wrong, "the envelope is wrong")
		l.changes = next.toldSince(m)
		l.outcome.changed = l.outcome.changed || l.changes > 0
	})
	switch {
	case i.dry:
	case l.Refused != nil:
		m.refused++
	default:
		*m = *next
	}
	l.after = m.instances // which are not changed, but replaced
	m.learned = append(m.learned, l)
	return l, nil
}

// Learned returns the commands that the model has applied, the n-th at n-1.
func (m *Model) Learned() []*Learned { return m.learned }

// Refused returns how many commands the model has refused, dry runs not counted.
func (m *Model) Refused() int { return m.refused }

// Restores are commands that bring back all that can be brought back.
func (m *Model) Restores() []events.Event {
	var all []events.Event
	for _, id := range slices.Sorted(maps.Keys(m.deletions)) {
		all = append(all, request(&events.Restore{Element: events.ByGUID(id)}))
	}
	for _, e := range m.all((*instance).archived) {
		all = append(all, request(&events.Restore{Element: events.ByGUID(e.guid)}))
	}
	return all
}

// Explain tells which commands the model was given.
func (m *Model) Explain(t rapid.TB) {
	for n, l := range m.learned {
		data, err := events.Marshal(l.Command)
		t.Logf("%d %s %s %v: %v %v", n+1, l.Command.EventType(), data, l.Event.Extensions, l.Refused, err)
	}
}

func issueOf(e *events.Event, sequence uint64, at time.Time) issue {
	i := issue{
		id: e.ID, sequence: sequence, time: at, source: e.Extension(events.ExtMetadataSource),
		category: events.OriginCategory(e.Extension(events.ExtOriginCategory)),
		scope:    e.Extension(events.ExtScope), dry: e.Extension(events.ExtDryRun) == "true",
	}
	i.wrong = e.Extension(events.ExtDryRun) == "perhaps" || i.category != "" && (i.category == events.OriginLocal) != (i.source == "")
	return i
}

// String says what the model says came of the command.
func (l *Learned) String() string {
	return fmt.Sprintf("%+v, %d changes, refused: %v", l.outcome, l.changes, l.Refused)
}

// Told reports whether the sender of the command was told what the model says.
func (l *Learned) Told(r *events.Result) bool {
	if r.Error != nil || l.Refused != nil {
		return r.Error != nil && l.Refused != nil
	}
	return reflect.DeepEqual(outcomeOf(r), l.outcome) && (!l.DryRun || len(r.Preview)+r.More == l.changes)
}

func outcomeOf(r *events.Result) outcome {
	o := outcome{guid: r.GUID, version: r.Version, changed: r.Changed}
	for i := range r.Steps {
		o.steps = append(o.steps, outcomeOf(&r.Steps[i]))
	}
	return o
}

// FreshGUID is the guid of what has no name: a UUIDv7 of the time of the command,
// whose other bits are a hash of the command and of how many guids it needed
// before. It is written here once more because it must never change: writers of
// two versions that apply the same commands have to make the same of them.
func FreshGUID(id string, sequence uint64, at time.Time, made int) string {
	var seed []byte
	for _, n := range []int64{int64(sequence), at.UnixNano(), int64(made)} { //nolint:gosec // of a test
		seed = binary.BigEndian.AppendUint64(seed, uint64(n)) //nolint:gosec // as above
	}
	hash := sha256.Sum256(append(seed, id...))
	fresh := uuid.UUID(hash[:16])
	millis := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	copy(fresh[:6], millis[2:])
	fresh[6], fresh[8] = 0x70|fresh[6]&0x0f, 0x80|fresh[8]&0x3f
	return fresh.String()
}
