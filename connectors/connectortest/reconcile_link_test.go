package connectortest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

const (
	guid1 = "33333333-3333-4333-8333-333333333331"
	guid2 = "33333333-3333-4333-8333-333333333332"
)

func labelled(typeName, guid, from, to, label string) events.RelationshipSpec {
	return events.RelationshipSpec{
		Type: typeName, GUID: guid, End1: events.ByName(from), End2: events.ByName(to),
		Properties: events.Props(map[string]any{"label": label}),
	}
}

// links are the relationships that there are, as "from-to label guid".
func (r *reconciler) links() []string {
	r.Helper()
	var all []string
	for e, err := range events.All(r.Context(), r.context, &events.Find{}) {
		if err != nil {
			r.Fatal(err)
		}
		for l, err := range events.All(r.Context(), r.context, &events.Related{ElementRef: events.ByGUID(e.Header.GUID), End: 1}) {
			if err != nil {
				r.Fatal(err)
			}
			h := &l.Relationship.Header
			link := l.Relationship.End1.QualifiedName + "-" + l.Relationship.End2.QualifiedName + " " + l.Relationship.Properties.String("label")
			if h.GUID == guid1 || h.GUID == guid2 {
				link += " " + h.GUID[len(h.GUID)-1:]
			}
			all = append(all, link)
		}
	}
	slices.Sort(all)
	return all
}

// Several relationships between the same two elements are told apart as the
// repository does it.
func TestReconcileSeveralRelationshipsOfAType(t *testing.T) {
	t.Parallel()
	flow := func(guid, from, to, label string) events.RelationshipSpec {
		return labelled("DataFlow", guid, from, to, label)
	}
	one, two, plain := flow(guid1, "a", "b", "one"), flow(guid2, "a", "b", "two"), flow("", "a", "b", "plain")
	for name, c := range map[string]struct {
		before, after []any
		counts        connectors.Reconciled
		want          []string
	}{
		"each is its own":          {nil, []any{one, two, plain}, connectors.Reconciled{Created: 3}, []string{"a-b one 1", "a-b plain", "a-b two 2"}},
		"the second of two goes":   {[]any{one, two}, []any{one}, connectors.Reconciled{Deleted: 1, Unchanged: 1}, []string{"a-b one 1"}},
		"the first of two goes":    {[]any{one, two}, []any{two}, connectors.Reconciled{Deleted: 1, Unchanged: 1}, []string{"a-b two 2"}},
		"that without a guid goes": {[]any{one, plain}, []any{one}, connectors.Reconciled{Deleted: 1, Unchanged: 1}, []string{"a-b one 1"}},
		"that with a guid goes":    {[]any{one, plain}, []any{plain}, connectors.Reconciled{Deleted: 1, Unchanged: 1}, []string{"a-b plain"}},
		"one of two changes": {
			[]any{one, two},
			[]any{one, flow(guid2, "a", "b", "new")},
			connectors.Reconciled{Updated: 1, Unchanged: 1},
			[]string{"a-b new 2", "a-b one 1"},
		},
		"one takes the properties of the other": {
			[]any{one, two},
			[]any{flow(guid1, "a", "b", "two"), flow(guid2, "a", "b", "one")},
			connectors.Reconciled{Updated: 2},
			[]string{"a-b one 2", "a-b two 1"},
		},
		"one leads elsewhere": {
			[]any{one, two},
			[]any{flow(guid1, "b", "a", "one"), two},
			connectors.Reconciled{Updated: 1, Unchanged: 1},
			[]string{"a-b two 2", "b-a one 1"},
		},
		"the guid that belongs to type and ends": {
			[]any{plain},
			[]any{flow(events.RelationshipGUIDOf("DataFlow", events.GUIDOf("a"), events.GUIDOf("b")), "a", "b", "plain"), one},
			connectors.Reconciled{Created: 1, Unchanged: 1},
			[]string{"a-b one 1", "a-b plain"},
		},
		"between elements with their own guids": {
			[]any{flow("", "a", "own", "plain"), flow(guid1, "a", "own", "one")},
			[]any{flow("", "a", "own", "new"), flow(guid1, "a", "own", "one"), flow(guid2, "a", "own", "two")},
			connectors.Reconciled{Created: 1, Updated: 1, Unchanged: 1},
			[]string{"a-own new", "a-own one 1", "a-own two 2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReconciler(t)
			r.turns(c.before, c.after, c.counts, c.want)
		})
	}
}

// Where there can be only one it is the same with a guid and without.
func TestReconcileTheOnlyRelationship(t *testing.T) {
	t.Parallel()
	near := func(guid, to string) events.RelationshipSpec {
		s := labelled("Near", guid, "a", to, "")
		s.Properties = events.Properties{}
		return s
	}
	for name, c := range map[string]struct {
		before, after []any
		counts        connectors.Reconciled
		want          []string
	}{
		"without a guid it is the one":  {[]any{near(guid1, "b")}, []any{near("", "b")}, connectors.Reconciled{Unchanged: 1}, []string{"a-b  1"}},
		"another guid replaces it":      {[]any{near(guid1, "b")}, []any{near(guid2, "b")}, connectors.Reconciled{Created: 1, Deleted: 1}, []string{"a-b  2"}},
		"a guid replaces that of none":  {[]any{near("", "b")}, []any{near(guid2, "b")}, connectors.Reconciled{Created: 1, Deleted: 1}, []string{"a-b  2"}},
		"the guid leads elsewhere":      {[]any{near(guid1, "b")}, []any{near(guid1, "own")}, connectors.Reconciled{Updated: 1}, []string{"a-own  1"}},
		"it leads to where another was": {[]any{near(guid1, "b"), near(guid2, "own")}, []any{near(guid1, "own")}, connectors.Reconciled{Updated: 1, Deleted: 1}, []string{"a-own  1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReconciler(t)
			r.turns(c.before, c.after, c.counts, c.want)
		})
	}
}

// turns reconciles three elements and relationships between them, and then others.
func (r *reconciler) turns(before, after []any, counts connectors.Reconciled, want []string) {
	r.Helper()
	elements := []any{good("a", nil), good("b", nil), good("own", func(s *events.ElementSpec) { s.GUID = ownGUID })}
	r.becomes(connectors.Reconciled{Created: int64(len(elements) + len(before))}, append(slices.Clone(elements), before...)...)
	counts.Unchanged += int64(len(elements))
	r.becomes(counts, append(slices.Clone(elements), after...)...)
	if diff := cmp.Diff(want, r.links()); diff != "" {
		r.Errorf("the links (-want +got):\n%s", diff)
	}
}

// What cannot be told apart is an error: neither is dropped in silence.
func TestReconcileRefusesWhatCannotBeToldApart(t *testing.T) {
	t.Parallel()
	a, b := good("a", nil), good("b", nil)
	one := labelled("DataFlow", "", "a", "b", "one")
	for name, c := range map[string]struct {
		first, second events.RelationshipSpec
		want          string
	}{
		"no guids": {one, labelled("DataFlow", "", "a", "b", "two"), "there are two DataFlow from a to b that are not the same; to tell them apart, give each a guid"},
		"one guid": {labelled("DataFlow", guid1, "a", "b", "one"), labelled("DataFlow", guid1, "b", "a", "one"), "the guid " + guid1 + " is given to two that are not the same"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReconciler(t)
			gone := good("gone", nil)
			r.becomes(connectors.Reconciled{Created: 3}, a, b, gone)
			_, err := r.context.Reconcile(t.Context(), "s", yielding(a, b, c.first, c.second))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if r.repo.Element("gone") == nil {
				t.Error("after an error something was deleted")
			}
			r.becomes(connectors.Reconciled{Unchanged: 3, Deleted: 1}, a, b, c.first)
		})
	}
}

// What comes before an error is sent, also what waits for something to vanish.
func TestReconcileSendsWhatCameBeforeAnError(t *testing.T) {
	t.Parallel()
	r := newReconciler(t)
	a, b := good("a", nil), good("b", nil)
	plain, one := labelled("DataFlow", "", "a", "b", "plain"), labelled("DataFlow", guid1, "a", "b", "one")
	r.becomes(connectors.Reconciled{Created: 3}, a, b, plain)
	lost := errors.New("connection lost")
	if _, err := r.context.Reconcile(t.Context(), "s", yielding(a, b, one, lost)); !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"a-b one 1", "a-b plain"}, r.links()); diff != "" {
		t.Errorf("the links (-want +got):\n%s", diff)
	}
}
