package connectors_test

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// barrier is the command whose outcome says that all before it is applied.
var barrier = &events.Flush{}

func table(name, description string) events.ElementSpec {
	return events.ElementSpec{Type: "Table", QualifiedName: name, Properties: events.Props(map[string]any{"description": description})}
}

func column(of, description string) events.RelationshipSpec {
	return events.RelationshipSpec{
		Type: "Column", End1: events.ByName(of), End2: events.ByName(of + ".c"),
		Properties: events.Props(map[string]any{"description": description}),
	}
}

func digestOf(s *events.ElementSpec) events.DigestItem {
	return events.DigestItem{
		Key:             events.ElementKey(s.Ref()),
		Content:         events.ContentDigest(s.Type, s.QualifiedName, s.Properties),
		Zones:           events.ZonesDigest(s.Zones),
		Classifications: events.ClassificationsDigest(s.Classifications),
	}
}

func digestOfRelationship(s *events.RelationshipSpec) events.DigestItem {
	key := events.RelationshipKey(s.Type, events.ElementKey(s.End1), events.ElementKey(s.End2))
	return events.DigestItem{Key: key, Relationship: true, Content: events.ContentDigest(s.Type, key.String(), s.Properties)}
}

func want(all ...any) iter.Seq2[connectors.Wanted, error] {
	return func(yield func(connectors.Wanted, error) bool) {
		for _, w := range all {
			var wanted connectors.Wanted
			var err error
			switch w := w.(type) {
			case events.ElementSpec:
				wanted.Element = &w
			case events.RelationshipSpec:
				wanted.Relationship = &w
			case error:
				err = w
			}
			if !yield(wanted, err) {
				return
			}
		}
	}
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	with := func(s events.ElementSpec, change func(*events.ElementSpec)) events.ElementSpec {
		change(&s)
		return s
	}
	zones := func(zones ...string) func(*events.ElementSpec) {
		return func(s *events.ElementSpec) { s.Zones = append([]string{}, zones...) }
	}
	marks := func(names ...string) func(*events.ElementSpec) {
		return func(s *events.ElementSpec) {
			s.Classifications = []events.Classification{}
			for _, name := range names {
				s.Classifications = append(s.Classifications, events.Classification{Name: name})
			}
		}
	}
	upsert := func(s events.ElementSpec) events.Command { return &events.Upsert{Element: s} }
	a, b := table("a", "old"), table("b", "old")
	link := column("a", "old")
	for _, c := range []struct {
		name   string
		known  []any
		wanted []any
		sent   []events.Command
		want   connectors.Reconciled
	}{
		{name: "nothing at all"},
		{
			"create",
			nil,
			[]any{a, link},
			[]events.Command{upsert(a), &events.Link{Relationship: link}, barrier},
			connectors.Reconciled{Created: 2},
		},
		{"unchanged", []any{a, link}, []any{link, a}, nil, connectors.Reconciled{Unchanged: 2}},
		{
			"properties changed",
			[]any{a, b, link},
			[]any{table("a", "new"), b, column("a", "new")},
			[]events.Command{upsert(table("a", "new")), &events.Link{Relationship: column("a", "new")}, barrier},
			connectors.Reconciled{Updated: 2, Unchanged: 1},
		},
		{
			"type changed",
			[]any{a},
			[]any{with(a, func(s *events.ElementSpec) { s.Type = "View" })},
			[]events.Command{upsert(with(a, func(s *events.ElementSpec) { s.Type = "View" })), barrier},
			connectors.Reconciled{Updated: 1},
		},
		{
			"delete, relationships first",
			[]any{a, b, link},
			[]any{b},
			[]events.Command{
				&events.Unlink{GUID: digestOfRelationship(&link).Key.String()},
				&events.Delete{Element: events.ByGUID(events.GUIDOf("a"))},
				barrier,
			},
			connectors.Reconciled{Deleted: 2, Unchanged: 1},
		},
		{
			"delete what has a guid of its own",
			[]any{events.DigestItem{Key: events.ElementKey(events.ByName("x")), GUID: "0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10"}},
			nil,
			[]events.Command{&events.Delete{Element: events.ByGUID("0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10")}, barrier},
			connectors.Reconciled{Deleted: 1},
		},
		{
			"the first of duplicates counts",
			[]any{b},
			[]any{a, table("a", "other"), table("b", "new"), b, link, link},
			[]events.Command{upsert(a), upsert(table("b", "new")), &events.Link{Relationship: link}, barrier},
			connectors.Reconciled{Created: 2, Updated: 1},
		},
		{
			"zones that are not named stay",
			[]any{with(a, zones("z")), with(b, marks("M"))},
			[]any{a, b},
			nil,
			connectors.Reconciled{Unchanged: 2},
		},
		{
			"zones and classifications have no order",
			[]any{with(a, zones("y", "z")), with(b, marks("M", "N"))},
			[]any{with(a, zones("z", "y")), with(b, marks("N", "M"))},
			nil,
			connectors.Reconciled{Unchanged: 2},
		},
		{
			"zones and classifications changed or removed",
			[]any{with(a, zones("y", "z")), with(b, marks("M"))},
			[]any{with(a, zones("z")), with(b, marks())},
			[]events.Command{upsert(with(a, zones("z"))), upsert(with(b, marks())), barrier},
			connectors.Reconciled{Updated: 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			context, bus := setup(t, events.Definition{}, 0)
			for _, known := range c.known {
				switch known := known.(type) {
				case events.ElementSpec:
					bus.digests = append(bus.digests, digestOf(&known))
				case events.RelationshipSpec:
					bus.digests = append(bus.digests, digestOfRelationship(&known))
				case events.DigestItem:
					bus.digests = append(bus.digests, known)
				}
			}
			bus.pages = 1
			got, err := context.Reconcile(t.Context(), "scope", want(c.wanted...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.sent, bus.taken(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			for i := range bus.sent {
				if got := bus.sent[i].Extension(events.ExtScope); got != "scope" {
					t.Errorf("command %d is sent in scope %q", i, got)
				}
			}
			statistics := context.Statistics()
			if statistics["created"] != c.want.Created || statistics["updated"] != c.want.Updated || statistics["deleted"] != c.want.Deleted {
				t.Errorf("statistics %v", statistics)
			}
		})
	}
}

// Half a view must not look like a disappearance.
func TestReconcileDeletesNothingAfterAnError(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection lost")
	a, b := table("a", "old"), table("b", "old")
	unnamed := events.ElementSpec{Type: "Table"}
	for name, c := range map[string]struct {
		wrong any
		want  string
	}{
		"an error":                    {lost, "connection lost"},
		"neither of the two":          {nil, "wanted: set either Element or Relationship"},
		"an element without a name":   {unnamed, "wanted element: name the element by guid or by qualifiedName"},
		"an element without a type":   {events.ElementSpec{QualifiedName: "x"}, "wanted element: /type: missing: name the type of the element"},
		"a relationship without ends": {events.RelationshipSpec{Type: "R"}, "wanted relationship: /end1: name the element by guid or by qualifiedName"},
		"properties that are no JSON": {events.ElementSpec{Type: "T", QualifiedName: "x", Properties: events.Props(map[string]any{"f": func() {}})}, "marshal from Go func"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			context, bus := setup(t, events.Definition{}, 0)
			bus.digests = []events.DigestItem{digestOf(&b)}
			got, err := context.Reconcile(t.Context(), "scope", want(a, c.wrong, table("never", "reached")))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if got.Deleted != 0 {
				t.Errorf("got %+v", got)
			}
			if diff := cmp.Diff([]events.Command{&events.Upsert{Element: a}}, bus.taken()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The barrier's outcome is part of the reconciliation's: what is read
// afterwards reflects it.
func TestReconcileWaitsForTheBarrier(t *testing.T) {
	t.Parallel()
	context, bus := setup(t, events.Definition{}, 0)
	down := errors.New("nobody answers")
	bus.refuse = func(events.Command) (events.Result, error) { return events.Result{}, down }
	if _, err := context.Reconcile(t.Context(), "scope", want(table("a", ""))); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	bus.refuse = nil
	if _, err := context.Reconcile(t.Context(), "scope", want(table("a", ""))); err != nil {
		t.Fatal(err)
	}
	upsert := &events.Upsert{Element: table("a", "")}
	if diff := cmp.Diff([]events.Command{upsert, barrier, barrier, upsert, barrier}, bus.taken()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := context.Element(t.Context(), events.ByName("a")); events.CodeOf(err) != events.CodeNotFound {
		t.Fatal(err)
	}
	if got := bus.asked[len(bus.asked)-1]; got != bus.sequence {
		t.Errorf("a read reflects %d, want %d", got, bus.sequence)
	}
}

// A null is no property in the repository, so it is no difference either.
func TestReconcileTakesANullForNoProperty(t *testing.T) {
	t.Parallel()
	there := table("a", "old")
	wanted := there
	values := there.Properties.Map()
	values["cleared"] = nil
	wanted.Properties = events.Props(values)
	context, bus := setup(t, events.Definition{}, 0)
	bus.digests = []events.DigestItem{digestOf(&there)}
	got, err := context.Reconcile(t.Context(), "scope", want(wanted))
	if err != nil || got.Changed() || len(bus.taken()) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The index of the repository knows scopes, not what has none.
func TestReconcileNeedsAScope(t *testing.T) {
	t.Parallel()
	context, bus := setup(t, events.Definition{}, 0)
	_, err := context.Reconcile(t.Context(), "", want(table("a", "old")))
	if !connectors.IsPermanent(err) || len(bus.taken()) > 0 {
		t.Errorf("got %v", err)
	}
}
