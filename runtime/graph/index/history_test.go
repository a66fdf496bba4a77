package index_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
	"github.com/camena-io/camena/runtime/graph"
	"github.com/camena-io/camena/runtime/graph/index"
)

// ledger is a log that counts how often it is read.
type ledger struct {
	all   index.Events
	reads int
}

func (c *ledger) At(ctx context.Context, sequence uint64) (e index.Event, ok bool, err error) {
	c.reads++
	return c.all.At(ctx, sequence)
}

func (c *ledger) Between(ctx context.Context, first, last uint64, take func(*index.Event)) error {
	c.reads++
	return c.all.Between(ctx, first, last, take)
}

func (c *ledger) Of(ctx context.Context, guid string, take func(*index.Event) error) (most int64, err error) {
	c.reads++
	return c.all.Of(ctx, guid, take)
}

// told is an index that is told of commands, and the log of that.
type told struct {
	ledger

	*desk
}

func (l *told) must(t *testing.T, commands ...events.Command) {
	t.Helper()
	for _, c := range commands {
		l.sequence++
		at := time.Unix(int64(l.sequence), 0).UTC()
		o, err := l.pending.Apply(&graph.Request{ID: "c", Sequence: l.sequence, Time: at, Actor: "test"}, c)
		if err != nil {
			t.Fatalf("%s: %s", c.EventType(), err)
		}
		for i := range o.Len() {
			c := o.Change(i)
			l.all = append(l.all, index.Event{
				Sequence: uint64(len(l.all)) + 1, Position: l.sequence, Stored: at.Add(time.Hour), Time: at,
				ID: c.ID, Type: c.Type, Subject: c.Subject, Data: c.Data,
			})
		}
		o.Stored(uint64(len(l.all)))
		l.index.Commit(o.AppendStateChanges(nil, l.sequence, at)...)
	}
}

// reread returns an index that has read the log.
func (l *told) reread(t *testing.T) *index.Index {
	t.Helper()
	x := newDesk(t).index
	for i := range l.all {
		f, err := x.Read(&l.all[i])
		if err != nil {
			t.Fatal(err)
		}
		x.Commit(f)
	}
	return x
}

func (l *told) last() time.Time { return time.Unix(int64(l.sequence), 0).UTC() }

func own(name string) *events.Upsert {
	u := topicNamed(name)
	u.Element.GUID = uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
	return u
}

// However much was deleted, a question about a former time reads as much.
func TestAsOfByNameReadsNoMoreWhereMuchWasDeleted(t *testing.T) {
	t.Parallel()
	reads := map[int][2]int{}
	for _, deletions := range []int{1, 2000} {
		l := &told{desk: newDesk(t)}
		for i := range deletions {
			l.must(t, own(fmt.Sprint("t", i)))
		}
		there := l.last()
		for i := range deletions {
			l.must(t, &events.Delete{Element: events.ByName(fmt.Sprint("t", i))})
		}
		for _, x := range []*index.Index{l.index, l.reread(t)} {
			l.reads = 0
			q := &events.Get{ElementRef: events.ByName("t0"), AsOf: there}
			if a, err := x.Get(t.Context(), l, q); err != nil || a.Element == nil {
				t.Errorf("what is gone: got %+v, %v", a, err)
			}
			known := l.reads
			q = &events.Get{ElementRef: events.ByName("nobody"), AsOf: there}
			if _, err := x.Get(t.Context(), l, q); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("what never was: got %v", err)
			}
			got := [2]int{known, l.reads - known}
			if reads[deletions] = got; got != reads[1] {
				t.Errorf("%d deletions: reads %v, after one %v", deletions, got, reads[1])
			}
		}
	}
}

// A name that one element after the other had, each with a guid of its own, leads
// at each time to the one that had it then.
func TestAsOfFindsWhoHadTheName(t *testing.T) {
	t.Parallel()
	l := &told{desk: newDesk(t)}
	had := map[time.Time]string{}
	for i := range 20 {
		u := own("t")
		u.Element.GUID = uuid.NewSHA1(uuid.NameSpaceURL, fmt.Append(nil, i)).String()
		l.must(t, u)
		had[l.last()] = u.Element.GUID
		l.must(t, &events.Delete{Element: events.ByName("t")})
		had[l.last()] = ""
	}
	for _, x := range []*index.Index{l.index, l.reread(t)} {
		for at, id := range had {
			a, err := x.Get(t.Context(), l, &events.Get{ElementRef: events.ByName("t"), AsOf: at})
			if id == "" {
				if events.CodeOf(err) != events.CodeNotFound {
					t.Errorf("at %s: got %+v, %v", at, a, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("at %s: %s", at, err)
			} else if got := headerGUID(a.Element); got != strconv.Quote(id) {
				t.Errorf("at %s: got %s, want %s", at, got, id)
			}
		}
		for range had {
			if old, ok := x.OldestTombstone(time.Unix(1<<33, 0)); ok {
				x.Forget(old)
			}
		}
		if n := x.FormerNames(); n > 1 {
			t.Errorf("%d names are known of what was swept", n) // the last event stays
		}
	}
}

// What is left of a purge does not lead from the name to the guid.
func TestAPurgeLeavesNoName(t *testing.T) {
	t.Parallel()
	l := &told{desk: newDesk(t)}
	l.must(t, own("t"), &events.Delete{Element: events.ByName("t"), Method: events.DeletePurge})
	for _, x := range []*index.Index{l.index, l.reread(t)} {
		if n := x.FormerNames(); n > 0 {
			t.Errorf("%d names", n)
		}
	}
}

func headerGUID(element []byte) string {
	s := query.StateOf(element)
	return string(s.Value("guid"))
}
