package connectortest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// sender sends commands to a repository on behalf of a source.
type sender struct {
	*testing.T
	repo   *connectortest.Repository
	source string
}

func (s *sender) event(cmd events.Command) events.Event {
	s.Helper()
	e, err := events.NewCommand("/test", cmd)
	if err != nil {
		s.Fatal(err)
	}
	e.SetExtension(events.ExtMetadataSource, s.source)
	return e
}

func (s *sender) request(cmd events.Command) events.Result {
	s.Helper()
	r, err := s.repo.Request(s.Context(), s.event(cmd))
	if err != nil {
		s.Fatal(err)
	}
	return r
}

func props(price int) events.Properties { return events.Props(map[string]any{"price": price}) }

func upsert(name string, price int) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: "Good", QualifiedName: name, Properties: props(price)}}
}

func link(from, to string) *events.Link {
	return &events.Link{Relationship: events.RelationshipSpec{Type: "Near", End1: events.ByName(from), End2: events.ByName(to)}}
}

func marked(name, mark string) *events.Classify {
	return &events.Classify{Element: events.ByName(name), Classification: events.Classification{Name: mark}}
}

// Each case begins with a (price 1), b, and a near b.
func TestCommandsDoWhatTheyPromise(t *testing.T) {
	t.Parallel()
	both := &events.Upsert{Element: events.ElementSpec{
		Type: "Good", QualifiedName: "a", Properties: props(3), Zones: []string{"z"},
		Classifications: []events.Classification{{Name: "Fresh"}},
	}}
	set := func(commands ...events.Command) *events.ChangeSet {
		c, err := events.NewChangeSet(commands...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	tests := map[string]struct {
		command events.Command
		want    []string // the types of the change events, shortened
		code    events.Code
	}{
		"upsert creates":            {command: upsert("c", 1), want: []string{"element.created"}},
		"upsert updates":            {command: upsert("a", 2), want: []string{"element.updated"}},
		"upsert of the same":        {command: upsert("a", 1)},
		"upsert marks too":          {command: both, want: []string{"element.updated"}},
		"upsert of another type":    {command: &events.Upsert{Element: events.ElementSpec{Type: "Bad", QualifiedName: "a"}}, code: events.CodeConflict},
		"upsert takes a name":       {command: &events.Upsert{Element: events.ElementSpec{Type: "Good", QualifiedName: "b", GUID: events.GUIDOf("a")}}, code: events.CodeConflict},
		"upsert renames":            {command: &events.Upsert{Element: events.ElementSpec{Type: "Good", QualifiedName: "c", GUID: events.GUIDOf("a")}}, code: events.CodeConflict},
		"upsert merges":             {command: &events.Upsert{Merge: true, Element: events.ElementSpec{Type: "Good", QualifiedName: "a"}}},
		"update":                    {command: &events.Update{Element: events.ByName("a"), Properties: props(2)}, want: []string{"element.updated"}},
		"update of nothing":         {command: &events.Update{Element: events.ByName("c")}, code: events.CodeNotFound},
		"delete takes the links":    {command: &events.Delete{Element: events.ByName("b")}, want: []string{"relationship.deleted", "element.deleted"}},
		"delete of nothing":         {command: &events.Delete{Element: events.ByName("c")}},
		"link again":                {command: link("a", "b")},
		"link back":                 {command: link("b", "a"), want: []string{"relationship.created"}},
		"link to nothing":           {command: link("a", "c"), code: events.CodeNotFound},
		"unlink":                    {command: &events.Unlink{Type: "Near", End1: events.ByName("a"), End2: events.ByName("b")}, want: []string{"relationship.deleted"}},
		"unlink by guid":            {command: &events.Unlink{GUID: events.RelationshipGUIDOf("Near", events.GUIDOf("a"), events.GUIDOf("b"))}, want: []string{"relationship.deleted"}},
		"unlink of nothing":         {command: &events.Unlink{Type: "Far", End1: events.ByName("a"), End2: events.ByName("b")}},
		"classify":                  {command: marked("a", "Fresh"), want: []string{"element.classified"}},
		"declassify what is not":    {command: &events.Declassify{Element: events.ByName("a"), ClassificationName: "Fresh"}},
		"change set":                {command: set(upsert("c", 1), link("c", "a"), marked("c", "Fresh")), want: []string{"element.created", "relationship.created", "element.classified"}},
		"change set that fails":     {command: set(upsert("c", 1), upsert("a", 9), link("c", "nothing")), code: events.CodeNotFound},
		"change set that undoes":    {command: set(marked("a", "Fresh"), &events.Declassify{Element: events.ByName("a"), ClassificationName: "Fresh"}), want: []string{"element.classified", "element.declassified"}},
		"change set marks anew":     {command: set(marked("a", "Fresh"), &events.Classify{Element: events.ByName("a"), Classification: events.Classification{Name: "Fresh", Properties: props(1)}}), want: []string{"element.classified", "element.reclassified"}},
		"change set deletes a link": {command: set(&events.Delete{Element: events.ByName("a")}), want: []string{"relationship.deleted", "element.deleted"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
			for _, cmd := range []events.Command{upsert("a", 1), upsert("b", 1), link("a", "b")} {
				s.request(cmd)
			}
			before, state := s.repo.Changes(), s.repo.State()
			r := s.request(test.command)
			var got []string
			for _, c := range s.repo.Changes()[len(before):] {
				got = append(got, strings.TrimSuffix(strings.TrimPrefix(c.Type, "io.camena."), ".v1"))
			}
			if diff := cmp.Diff(got, test.want); diff != "" {
				t.Errorf("change events (-got +want):\n%s", diff)
			}
			if r.Changed != (len(test.want) > 0) || r.Sequence != uint64(len(before)+len(test.want)) {
				t.Errorf("the outcome is %+v", r)
			}
			if got := events.CodeOf(errorOf(r)); got != test.code {
				t.Errorf("the outcome's error is %v, want %q", r.Error, test.code)
			}
			if len(test.want) == 0 && !cmp.Equal(s.repo.State(), state) {
				t.Errorf("without an event the state became %v", s.repo.State())
			}
			if dead := len(s.repo.DeadLetters()); (dead == 1) != (test.code != "") {
				t.Errorf("there are %d dead letters", dead)
			}
		})
	}
}

func errorOf(r events.Result) error {
	if r.Error == nil {
		return nil
	}
	return r.Error
}

func TestProvenanceAndFences(t *testing.T) {
	t.Parallel()
	repo := connectortest.NewRepository(shopTypes()...)
	owner, other := &sender{t, repo, "Source::1"}, &sender{t, repo, "Source::2"}
	owner.request(upsert("a", 1))
	for _, cmd := range []events.Command{upsert("a", 2), marked("a", "Fresh"), &events.Delete{Element: events.ByName("a")}} {
		if r := other.request(cmd); events.CodeOf(errorOf(r)) != events.CodeRefused {
			t.Errorf("%T by another source: %+v, want it refused", cmd, r)
		}
	}
	owner.request(&events.Fence{Connector: "c", Generation: 3})
	for generation, want := range map[string]events.Code{"2": events.CodeStale, "3": "", "": ""} {
		e := owner.event(upsert("a", 1))
		e.SetExtension(events.ExtConnector, "c")
		e.SetExtension(events.ExtGeneration, generation)
		r, err := repo.Request(t.Context(), e)
		if got := events.CodeOf(errorOf(r)); err != nil || got != want {
			t.Errorf("generation %q: %v, error %v, want code %q", generation, r, err, want)
		}
	}
	if got := len(repo.Sent()); got != 7 {
		t.Errorf("%d commands are counted, want 7: fences do not count", got)
	}
}

// A retried publish has the same id and counts once.
func TestSameEventIsStoredOnce(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
	e := s.event(&events.Upsert{Element: events.ElementSpec{Type: "ContactDetails"}})
	if err := s.repo.Send(t.Context(), slices.Values([]events.Event{e, e})); err != nil {
		t.Fatal(err)
	}
	if n := len(s.repo.Elements()); n != 1 {
		t.Errorf("there are %d elements", n)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
	names := []string{"a", "b", "ba", "bb", "c"}
	for _, name := range names {
		s.request(upsert(name, 1))
		s.request(link("a", name))
	}
	c := connectors.NewContext(s.repo.Settings(events.Definition{ID: "c", Name: "c"}))
	find := func(q events.Find) (found []string) {
		q.Limit = 2
		for e, err := range events.All(t.Context(), c, &q) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, e.Header.QualifiedName)
		}
		return found
	}
	tests := map[string]struct {
		q    events.Find
		want []string
	}{
		"all":        {events.Find{}, names},
		"type":       {events.Find{Type: "Thing"}, names},
		"other type": {events.Find{Type: "Bad"}, nil},
		"prefix":     {events.Find{NamePrefix: "b"}, []string{"b", "ba", "bb"}},
		"text":       {events.Find{Text: "B"}, []string{"b", "ba", "bb"}},
		"source":     {events.Find{Source: "elsewhere"}, nil},
	}
	for name, test := range tests {
		if got := find(test.q); !slices.Equal(got, test.want) {
			t.Errorf("%s: found %q, want %q", name, got, test.want)
		}
	}
	for end, want := range map[int]int{0: 5, 1: 5, 2: 1} {
		q := events.Related{ElementRef: events.ByName("a"), Relationship: "Near", End: end}
		q.Limit = 2
		got := 0
		for _, err := range events.All(t.Context(), c, &q) {
			if err != nil {
				t.Fatal(err)
			}
			got++
		}
		if got != want {
			t.Errorf("related with end %d: %d, want %d", end, got, want)
		}
	}
}

// What a reconciliation yields once more is unchanged, whatever guids the
// elements were created with.
func TestDigestsAreThoseOfReconcile(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
	imported := upsert("a", 1)
	imported.Element.GUID = "0b4ee7f4-1f5d-4c7e-9b7a-7e0c6d9f3a10"
	s.request(imported)
	b := upsert("b", 2)
	b.Element.Zones, b.Element.Classifications = []string{"y", "x"}, []events.Classification{{Name: "Fresh", Properties: props(1)}}
	s.request(b)
	s.request(link("a", "b"))
	wanted := func(yield func(connectors.Wanted, error) bool) {
		a := upsert("a", 1).Element
		for _, w := range []connectors.Wanted{{Element: &a}, {Element: &b.Element}, {Relationship: &link("a", "b").Relationship}} {
			if !yield(w, nil) {
				return
			}
		}
	}
	c := connectors.NewContext(s.repo.Settings(events.Definition{ID: "c", Name: "c"}))
	if r, err := c.Reconcile(t.Context(), "scope", wanted); err != nil || r.Deleted > 0 {
		t.Errorf("taken into the scope: %+v, error %v", r, err)
	}
	r, err := c.Reconcile(t.Context(), "scope", wanted)
	if want := (connectors.Reconciled{Unchanged: 3}); err != nil || r != want {
		t.Errorf("reconciled %+v, error %v, want %+v", r, err, want)
	}
	r, err = c.Reconcile(t.Context(), "scope", iter.Seq2[connectors.Wanted, error](func(func(connectors.Wanted, error) bool) {}))
	if want := (connectors.Reconciled{Deleted: 3}); err != nil || r != want || len(s.repo.State()) != 0 {
		t.Errorf("reconciled %+v, error %v, want %+v; left %v", r, err, want, s.repo.State())
	}
}

// What a scope wants, it adopts.
func TestScopeAdopts(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
	for _, cmd := range []events.Command{upsert("a", 1), upsert("b", 1), link("a", "b")} {
		s.request(cmd)
	}
	c := connectors.NewContext(s.repo.Settings(events.Definition{ID: "c", Name: "c"}))
	wanted := func(yield func(connectors.Wanted, error) bool) {
		a, l := upsert("a", 1).Element, link("a", "b").Relationship
		_ = yield(connectors.Wanted{Element: &a}, nil) && yield(connectors.Wanted{Relationship: &l}, nil)
	}
	for _, want := range []connectors.Reconciled{{Created: 2}, {Unchanged: 2}} {
		if r, err := c.Reconcile(t.Context(), "mine", wanted); err != nil || r != want {
			t.Errorf("reconciled %+v, error %v, want %+v", r, err, want)
		}
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	tests := map[string]struct {
		filter connectors.Filter
		want   []uint64
	}{
		"from":    {connectors.Filter{From: 4}, []uint64{4, 5, 6}},
		"present": {connectors.Filter{Present: true}, []uint64{4}},
		"types":   {connectors.Filter{Types: []string{"Near"}, From: 1}, []uint64{3, 5}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
			for _, cmd := range []events.Command{
				upsert("a", 1), upsert("b", 1), link("a", "b"), upsert("a", 2), &events.Delete{Element: events.ByName("b")},
			} {
				s.request(cmd)
			}
			// Sequence 5 is the deletion of the link, 6 that of b.
			ctx, cancel := context.WithCancelCause(t.Context())
			var got []uint64
			failed := false
			err := s.repo.Follow(ctx, test.filter, func(_ context.Context, c connectors.Change) error {
				if failed = !failed; failed {
					return errors.New("hand it over again")
				}
				got = append(got, c.Sequence)
				if len(got) == len(test.want) {
					cancel(enough)
				}
				return nil
			})
			if !errors.Is(err, enough) || !slices.Equal(got, test.want) {
				t.Errorf("followed %v, error %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestFollowFromNowOn(t *testing.T) {
	t.Parallel()
	s := &sender{T: t, repo: connectortest.NewRepository(shopTypes()...)}
	s.request(upsert("a", 0))
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan uint64, 1)
	followed := make(chan error, 1)
	go func() {
		followed <- s.repo.Follow(ctx, connectors.Filter{}, func(_ context.Context, c connectors.Change) error {
			cancel()
			got <- c.Sequence
			return nil
		})
	}()
	for price := 1; ctx.Err() == nil; price++ { // nobody tells when following has begun
		s.request(upsert("a", price))
	}
	if sequence := <-got; sequence == 1 {
		t.Error("a change of before is handed over")
	}
	if err := <-followed; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow returns %v", err)
	}
}
