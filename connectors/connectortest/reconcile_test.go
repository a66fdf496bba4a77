package connectortest_test

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

const ownGUID = "11111111-1111-4111-8111-111111111111"

// reconciler is a connector whose whole view is given.
type reconciler struct {
	*testing.T
	repo    *connectortest.Repository
	context *connectors.Context
}

func newReconciler(t *testing.T) *reconciler {
	t.Helper()
	repo := connectortest.NewRepository(shopTypes()...)
	c := connectors.NewContext(repo.Settings(events.Definition{ID: "c", Name: "c", MetadataSource: "src"}))
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	return &reconciler{T: t, repo: repo, context: c}
}

// yielding is a view of elements and relationships.
func yielding(specs ...any) iter.Seq2[connectors.Wanted, error] {
	return func(yield func(connectors.Wanted, error) bool) {
		for _, s := range specs {
			var w connectors.Wanted
			var err error
			switch s := s.(type) {
			case events.ElementSpec:
				w.Element = &s
			case events.RelationshipSpec:
				w.Relationship = &s
			case error:
				err = s
			}
			if !yield(w, err) {
				return
			}
		}
	}
}

// becomes reconciles twice: the first does what is wanted, and the second has
// nothing left to do.
func (r *reconciler) becomes(want connectors.Reconciled, specs ...any) {
	r.Helper()
	got, err := r.context.Reconcile(r.Context(), "s", yielding(specs...))
	if err != nil || got != want {
		r.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	before := len(r.repo.Sent())
	got, err = r.context.Reconcile(r.Context(), "s", yielding(specs...))
	if err != nil || got != (connectors.Reconciled{Unchanged: int64(len(specs))}) || len(r.repo.Sent()) > before {
		r.Errorf("again: got %+v, %v, and %d commands were sent", got, err, len(r.repo.Sent())-before)
	}
	for _, d := range r.repo.DeadLetters() {
		r.Errorf("a dead letter: %s", d.Reason)
	}
}

func good(name string, change func(*events.ElementSpec)) events.ElementSpec {
	s := events.ElementSpec{Type: "Good", QualifiedName: name}
	if change != nil {
		change(&s)
	}
	return s
}

func until(year int) *events.Effectivity {
	return &events.Effectivity{To: time.Date(year, 1, 1, 0, 0, 0, 5, time.FixedZone("", 3600))}
}

// What is beside the properties is reconciled, too, where wanted says it.
func TestReconcileWhenThingsCountAndWhatTheyBelongTo(t *testing.T) {
	t.Parallel()
	always := &events.Effectivity{}
	plain, own := good("a", nil), good("own", func(s *events.ElementSpec) { s.GUID = ownGUID })
	counting := func(e *events.Effectivity) events.ElementSpec {
		return good("b", func(s *events.ElementSpec) { s.Effectivity = e })
	}
	anchored := func(to events.ElementRef) events.ElementSpec {
		return good("b", func(s *events.ElementSpec) { s.Anchor = to })
	}
	marked := func(e events.Effectivity) events.ElementSpec {
		return good("b", func(s *events.ElementSpec) {
			s.Classifications = []events.Classification{{Name: "Impact", Effectivity: e, Properties: events.Props(map[string]any{"notes": nil})}}
		})
	}
	flow := func(e *events.Effectivity) events.RelationshipSpec {
		return events.RelationshipSpec{Type: "DataFlow", End1: events.ByName("a"), End2: events.ByName("own"), Effectivity: e}
	}
	for name, c := range map[string]struct {
		before, after any
		want          func(*events.Element, *events.Relationship) bool
	}{
		"an element counts no longer": {counting(nil), counting(until(2020)), countsUntil(until(2020))},
		"an element counts longer":    {counting(until(2020)), counting(until(2021)), countsUntil(until(2021))},
		"an element always counts":    {counting(until(2020)), counting(always), countsUntil(always)},
		"an element gets an anchor":   {anchored(events.ElementRef{}), anchored(events.ByName("a")), anchoredTo(events.GUIDOf("a"))},
		"an anchor with its own guid": {anchored(events.ByName("a")), anchored(events.ByName("own")), anchoredTo(ownGUID)},
		"an anchor by its own guid":   {anchored(events.ByName("a")), anchored(events.ByGUID(ownGUID)), anchoredTo(ownGUID)},
		"an anchor by a derived guid": {anchored(events.ByName("own")), anchored(events.ByGUID(events.GUIDOf("a"))), anchoredTo(events.GUIDOf("a"))},
		"a classification counts": {marked(events.Effectivity{}), marked(*until(2020)), func(e *events.Element, _ *events.Relationship) bool {
			return e.Classifications[0].Effectivity.Equal(*until(2020))
		}},
		"a relationship no longer": {flow(nil), flow(until(2020)), countsUntil(until(2020))},
		"a relationship always":    {flow(until(2020)), flow(always), countsUntil(always)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReconciler(t)
			r.becomes(connectors.Reconciled{Created: 3}, plain, own, c.before)
			r.becomes(connectors.Reconciled{Updated: 1, Unchanged: 2}, plain, own, c.after)
			changes := r.repo.Changes()
			last := &changes[len(changes)-1]
			if last.Element != nil && !c.want(last.Element.Element, nil) || last.Relationship != nil && !c.want(nil, last.Relationship.Relationship) {
				t.Errorf("the last change is %+v", last)
			}
		})
	}
}

func countsUntil(want *events.Effectivity) func(*events.Element, *events.Relationship) bool {
	return func(e *events.Element, r *events.Relationship) bool {
		return e != nil && e.Header.Effectivity.Equal(*want) || r != nil && r.Header.Effectivity.Equal(*want)
	}
}

func anchoredTo(guid string) func(*events.Element, *events.Relationship) bool {
	return func(e *events.Element, _ *events.Relationship) bool { return e != nil && e.Header.AnchorGUID == guid }
}

// A page of digests fits into a message, whatever there is to say.
func TestDigestsFitIntoAMessage(t *testing.T) {
	t.Parallel()
	r := newReconciler(t)
	anchor := good("own", func(s *events.ElementSpec) { s.GUID = ownGUID })
	specs := []any{anchor}
	for n := range events.MaxPage {
		specs = append(specs, good(fmt.Sprint("t", n), func(s *events.ElementSpec) {
			s.GUID = fmt.Sprintf("22222222-2222-4222-8222-%012d", n)
			s.Anchor, s.Effectivity, s.Zones = events.ByName("own"), until(2020), []string{"z"}
			s.Classifications = []events.Classification{{Name: "Impact"}}
		}))
	}
	r.becomes(connectors.Reconciled{Created: int64(len(specs))}, specs...)
	a, err := events.Ask(t.Context(), r.repo, &events.Digests{Source: "src", Scope: "s", Page: events.Page{Limit: events.MaxPage}})
	if err != nil || a.Next == "" {
		t.Fatalf("%d digests, %v", len(a.Digests), err)
	}
	if data, err := events.Marshal(a); err != nil || len(data) > 1<<20 {
		t.Errorf("%d digests take %d bytes, %v", len(a.Digests), len(data), err)
	}
}
