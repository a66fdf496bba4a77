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

// Applied is a command that the model has applied, and its outcome.
type Applied struct {
	Event   events.Event
	Command events.Command
	// Time when it was stored on the in topic.
	Time time.Time
	// DryRun means that it only asked what would change.
	DryRun bool
	// Refused is why it was refused; nil if it was not.
	Refused error
	outcome outcome
	changes int
	// after is the graph after it.
	after map[string]*instance
}

// Apply applies a command, the next on the in topic, completely or not at all.
func (m *Model) Apply(e *events.Event, sequence uint64, at time.Time) (*Applied, error) {
	c, err := events.DecodeCommand(e)
	if err != nil {
		return nil, err
	}
	i, next := requestOf(e, sequence, at), m.clone()
	i.before, next.request = m, &i
	l := &Applied{Event: *e, Command: c, Time: at, DryRun: i.dry}
	l.Refused = try(func() {
		l.outcome = next.apply(c)
		refuseIf(i.invalid, "the envelope is invalid")
		l.changes = next.changesSince(m)
		l.outcome.changed = l.outcome.changed || l.changes > 0
	})
	switch {
	case i.dry:
	case l.Refused != nil:
		m.refused++
	default:
		*m = *next
	}
	l.after = m.instances // the next command replaces this map
	m.applied = append(m.applied, l)
	return l, nil
}

// Applied returns the commands so far; that of in-sequence n is at n-1.
func (m *Model) Applied() []*Applied { return m.applied }

// Refused returns the number of refused commands, without dry runs.
func (m *Model) Refused() int { return m.refused }

// Restores returns commands that restore everything deleted or archived.
func (m *Model) Restores() []events.Event {
	var all []events.Event
	for _, id := range slices.Sorted(maps.Keys(m.deletions)) {
		all = append(all, newRequest(&events.Restore{Element: events.ByGUID(id)}))
	}
	for _, e := range m.all((*instance).archived) {
		all = append(all, newRequest(&events.Restore{Element: events.ByGUID(e.guid)}))
	}
	return all
}

// Explain logs the commands and their outcomes.
func (m *Model) Explain(t rapid.TB) {
	for n, l := range m.applied {
		data, err := events.Marshal(l.Command)
		t.Logf("%d %s %s %v: %v %v", n+1, l.Command.EventType(), data, l.Event.Extensions, l.Refused, err)
	}
}

func requestOf(e *events.Event, sequence uint64, at time.Time) request {
	i := request{
		id: e.ID, sequence: sequence, time: at, source: e.Extension(events.ExtMetadataSource),
		category: events.OriginCategory(e.Extension(events.ExtOriginCategory)),
		scope:    e.Extension(events.ExtScope), dry: e.Extension(events.ExtDryRun) == "true",
	}
	i.invalid = e.Extension(events.ExtDryRun) == "perhaps" || i.category != "" && (i.category == events.OriginLocal) != (i.source == "")
	return i
}

// String describes the outcome.
func (l *Applied) String() string {
	return fmt.Sprintf("%+v, %d changes, refused: %v", l.outcome, l.changes, l.Refused)
}

// Matches reports whether the sender of the command received this outcome.
func (l *Applied) Matches(r *events.Result) bool {
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

// FreshGUID is the guid of an instance without a name: a UUIDv7 of the time of the
// command, whose other bits are a hash of the command and of the number of guids made
// for it before. It is repeated here because it must never change: two versions of the
// writer must give the same instances the same guids.
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
