package repository_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// out returns the events of the out topic from a sequence on.
func (b *bundle) out(t *testing.T, from uint64) (list []events.Event) {
	t.Helper()
	err := b.bus.Read(t.Context(), b.bus.Topics().OutStream(), []string{b.bus.Topics().Changes()}, func(m *bus.Message) error {
		if m.Sequence < from {
			return nil
		}
		e, err := m.Event()
		list = append(list, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Every kind of change is a CloudEvent that carries the new and the previous
// state, who did it, which command led to it, and its trace.
func TestChangeEventsSayWhatHappened(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := func(who string) *events.Classify {
		return &events.Classify{Element: events.ByName("f"), Classification: events.Classification{Name: "Ownership", Properties: events.Props(map[string]any{"owner": who})}}
	}
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ends := [2]events.ElementRef{events.ByName("d"), events.ByName("f")}
	for i, c := range []struct {
		command events.Command
		typ     string
		name    string // of the element, empty for relationships
		mark    string
		version int64 // 0 when it is gone
	}{
		{file("f", 1), events.TypeElementCreated, "f", "", 1},
		{file("f", 2), events.TypeElementUpdated, "f", "", 2},
		{&events.Update{Element: events.ByName("f"), Zones: []string{"z"}}, events.TypeElementUpdated, "f", "", 3},
		{owner("anna"), events.TypeElementClassified, "f", "Ownership", 4},
		{owner("béa"), events.TypeElementReclassified, "f", "Ownership", 5},
		{&events.Declassify{Element: events.ByName("f"), ClassificationName: "Ownership"}, events.TypeElementDeclassified, "f", "Ownership", 6},
		{folder("d"), events.TypeElementCreated, "d", "", 1},
		{link("NestedFile", "d", "f", nil), events.TypeRelationshipCreated, "", "", 1},
		{link("NestedFile", "d", "f", map[string]any{"x": 1}), events.TypeRelationshipUpdated, "", "", 2},
		{&events.Unlink{Type: "NestedFile", End1: ends[0], End2: ends[1]}, events.TypeRelationshipDeleted, "", "", 0},
		{&events.Delete{Element: events.ByName("f")}, events.TypeElementDeleted, "f", "", 0},
	} {
		actor := fmt.Sprintf("änna %d%%", i)
		r := b.apply(t, c.command, events.ExtActor, actor, events.ExtTraceParent, trace)
		if r.Error != nil || !r.Changed || r.Version != c.version || r.Sequence != uint64(i)+1 {
			t.Fatalf("command %d: %+v", i, r)
		}
		got := b.out(t, r.Sequence)
		if len(got) != 1 {
			t.Fatalf("command %d: %d events", i, len(got))
		}
		e := &got[0]
		if err := e.Validate(); err != nil {
			t.Errorf("command %d: %v", i, err)
		}
		if e.Type != c.typ || e.Source != "/repository" || e.ContentType != events.JSON || time.Since(e.Time) > time.Minute ||
			e.Extension(events.ExtTraceParent) != trace || e.Extension(events.ExtInSequence) != strconv.Itoa(i+1) {
			t.Errorf("command %d: got %+v", i, e)
		}
		deleted := c.version == 0
		if (e.Extension(events.ExtActor) == actor) != deleted {
			t.Errorf("command %d: actor %q", i, e.Extension(events.ExtActor))
		}
		now, before := states(t, e)
		if deleted != (now == nil) || (c.typ == events.TypeElementCreated || c.typ == events.TypeRelationshipCreated) != (before == nil) {
			t.Fatalf("command %d: states %v, %v", i, now, before)
		}
		if now != nil {
			v := now.Versions
			if v.Version != c.version || now.GUID != r.GUID || now.QualifiedName != c.name {
				t.Errorf("command %d: got %+v", i, now)
			}
			if v.Version == 1 && (v.CreatedBy != actor || v.UpdatedBy != "") || v.Version > 1 && (v.UpdatedBy != actor || v.CreatedBy == actor || v.UpdateTime.Before(v.CreateTime)) {
				t.Errorf("command %d: versions %+v", i, v)
			}
			if before != nil && before.Versions.Version != v.Version-1 {
				t.Errorf("command %d: version %d follows %d", i, v.Version, before.Versions.Version)
			}
		}
		if c.name != "" {
			change, err := events.Unmarshal[events.ElementChange](e.Data)
			if err != nil || change.Classification != c.mark {
				t.Errorf("command %d: classification %q, %v", i, change.Classification, err)
			}
		}
	}
}

func states(t *testing.T, e *events.Event) (now, before *events.ElementHeader) {
	t.Helper()
	if strings.Contains(e.Type, "relationship") {
		c, err := events.Unmarshal[events.RelationshipChange](e.Data)
		if err != nil {
			t.Fatal(err)
		}
		if c.Relationship != nil {
			now = &c.Relationship.Header
		}
		if c.Previous != nil {
			before = &c.Previous.Header
		}
		return now, before
	}
	c, err := events.Unmarshal[events.ElementChange](e.Data)
	if err != nil {
		t.Fatal(err)
	}
	if c.Element != nil {
		now = &c.Element.Header
	}
	if c.Previous != nil {
		before = &c.Previous.Header
	}
	return now, before
}

func TestZonesAndClassifications(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mark := func(names ...string) (marks []events.Classification) {
		marks = []events.Classification{}
		for _, n := range names {
			marks = append(marks, events.Classification{Name: n})
		}
		return marks
	}
	upsert := func(zones []string, marks []events.Classification) *events.Upsert {
		return &events.Upsert{Element: events.ElementSpec{Type: "DataFile", QualifiedName: "f", Zones: zones, Classifications: marks}}
	}
	for i, c := range []struct {
		command *events.Upsert
		zones   []string
		marks   []string
	}{
		{upsert([]string{"a", "b"}, mark("Impact")), []string{"a", "b"}, []string{"Impact"}},
		{upsert(nil, nil), []string{"a", "b"}, []string{"Impact"}},
		{upsert([]string{"c"}, nil), []string{"c"}, []string{"Impact"}},
		{upsert(nil, mark("Criticality", "Impact")), []string{"c"}, []string{"Criticality", "Impact"}},
		{upsert([]string{}, nil), nil, []string{"Criticality", "Impact"}},
		{upsert(nil, mark()), nil, nil},
	} {
		r := b.must(t, c.command)
		a, err := events.Ask(t.Context(), b.metadata, &events.Get{ElementRef: events.ByName("f"), MinSequence: r.Sequence})
		if err != nil {
			t.Fatal(err)
		}
		var marks []string
		for _, m := range a.Element.Classifications {
			marks = append(marks, m.Name)
		}
		if !slices.Equal(a.Element.Header.Zones, c.zones) || !slices.Equal(marks, c.marks) {
			t.Errorf("step %d: got %v and %v, want %v and %v", i, a.Element.Header.Zones, marks, c.zones, c.marks)
		}
	}
}

func TestAnotherScopeAdoptsWhatItSees(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := func(scope string) []string { return []string{events.ExtMetadataSource, "s", events.ExtScope, scope} }
	keys := func(scope string) int {
		t.Helper()
		a, err := events.Ask(t.Context(), b.metadata, &events.Digests{Source: "s", Scope: scope, Page: events.Page{MinSequence: b.repo.Sequence()}})
		if err != nil {
			t.Fatal(err)
		}
		return len(a.Digests)
	}
	for i, c := range []struct {
		scope   string
		changed bool
		a, b    int
	}{{"a", true, 3, 0}, {"a", false, 3, 0}, {"b", true, 0, 3}, {"", false, 0, 3}, {"b", false, 0, 3}, {"a", true, 3, 0}} {
		for _, command := range []events.Command{file("f", 1), folder("d"), link("NestedFile", "d", "f", nil)} {
			if r := b.apply(t, command, in(c.scope)...); r.Error != nil || r.Changed != c.changed {
				t.Errorf("step %d, scope %q: %+v, changed should be %t", i, c.scope, r, c.changed)
			}
		}
		if one, other := keys("a"), keys("b"); one != c.a || other != c.b {
			t.Errorf("step %d: %d in a and %d in b, want %d and %d", i, one, other, c.a, c.b)
		}
	}
}

// hub is a folder with n files in it, all in one go.
func hub(t *testing.T, b *bundle, n int) {
	t.Helper()
	b.must(t, folder("hub"))
	err := b.metadata.Send(t.Context(), func(yield func(events.Event) bool) {
		for i := range n {
			name := fmt.Sprintf("leaf %05d", i)
			for _, c := range []events.Command{file(name, i), link("NestedFile", "hub", name, nil)} {
				e, err := events.NewCommand("/test", c)
				if err != nil || !yield(e) {
					return
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.must(t, &events.Delete{Element: events.ByName("nothing")}) // all is applied
}

// A deletion takes the relationships along, before the element, in one batch.
func TestDeletingTakesTheRelationshipsAlong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hub(t, b, 20)
	b.must(t, folder("above"), link("FolderHierarchy", "above", "hub", nil), link("FolderHierarchy", "hub", "hub", nil))
	before := b.repo.Sequence()
	r := b.must(t, &events.Delete{Element: events.ByName("hub")})
	if r.GUID != events.GUIDOf("hub") || r.Version != 0 || !r.Changed || r.Sequence != before+23 {
		t.Errorf("got %+v after %d", r, before)
	}
	list := b.out(t, before+1)
	for i, e := range list {
		want := events.TypeRelationshipDeleted
		if i == len(list)-1 {
			want = events.TypeElementDeleted
		}
		if e.Type != want || e.Extension(events.ExtInSequence) != list[0].Extension(events.ExtInSequence) {
			t.Errorf("event %d: %s caused by %s", i, e.Type, e.Extension(events.ExtInSequence))
		}
	}
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByName("above"), Page: events.Page{MinSequence: r.Sequence}})
	if err != nil || len(a.Related) != 0 {
		t.Errorf("got %+v, %v", a, err)
	}
	c, err := events.Ask(t.Context(), b.metadata, &events.Count{})
	if diff := cmp.Diff(events.CountAnswer{Sequence: r.Sequence, Elements: map[string]int{"DataFile": 20, "FileFolder": 1}, Relationships: map[string]int{}}, c); err != nil || diff != "" {
		t.Errorf("%s, %v", diff, err)
	}
	if r := b.must(t, folder("hub")); r.Version != 1 || !r.Changed {
		t.Errorf("created again: %+v", r)
	}
}

// More than fit into a batch, and the writer dies at every step of it in turn.
func TestDeletingThousandsOfRelationshipsSurvivesCrashes(t *testing.T) {
	t.Parallel()
	const n = 2500
	server := runtimetest.NewServer(t)
	b := &bundle{bus: runtimetest.NewBus(t, server)}
	stop := b.start(t)
	b.connect(t)
	hub(t, b, n)
	stop()
	before := b.repo.Sequence()
	e, err := events.NewCommand("/test", &events.Delete{Element: events.ByName("hub")})
	if err != nil {
		t.Fatal(err)
	}
	e.SetExtension(events.ExtReplyTo, b.bus.Conn().NewInbox())
	if _, err := b.bus.Publish(t.Context(), b.bus.Topics().Commands("test"), &e); err != nil {
		t.Fatal(err)
	}
	for i, step := range []string{"publish", "published", "committed"} {
		doomed, dead := runtimetest.NewBus(t, server), make(chan struct{})
		repo, err := repository.New(repository.Settings{
			Node: "doomed", LeaseKey: fmt.Sprint("doomed", i), Bus: doomed, Types: looseTypes(t), Logger: runtimetest.Logger(),
		})
		if err != nil {
			t.Fatal(err)
		}
		repo.CrashAt(func(at string) {
			if at == step && !doomed.Conn().IsClosed() {
				doomed.Conn().Close()
				close(dead)
			}
		})
		stop := runtimetest.Run(t, repo.Serve)
		select {
		case <-dead:
		case <-time.After(2 * time.Second): // it was done before
		}
		stop()
	}
	b.start(t)
	b.must(t, &events.Delete{Element: events.ByName("nothing")})
	relationships, last := 0, ""
	for _, e := range b.out(t, before+1) {
		if e.Type == events.TypeRelationshipDeleted {
			relationships++
		}
		last = e.Type
	}
	if relationships != n || last != events.TypeElementDeleted {
		t.Errorf("%d relationships were deleted, want %d; the last event is %s", relationships, n, last)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := events.Ask(ctx, b.metadata, &events.Count{})
	if err != nil || len(c.Relationships) != 0 || c.Elements["FileFolder"] != 0 || c.Elements["DataFile"] != n {
		t.Errorf("got %+v, %v", c, err)
	}
}
