package repository_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/internal/graphtest"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// related returns the names of what an element is related to, by type of the
// relationship.
func (b *bundle) related(t *testing.T, name string) (list []string) {
	t.Helper()
	a, err := events.Ask(t.Context(), b.metadata, &events.Related{ElementRef: events.ByName(name)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range a.Related {
		list = append(list, r.Relationship.Header.Type.Name+" "+r.Element.Header.QualifiedName+" "+r.Relationship.Properties.String("formula"))
	}
	return list
}

// Whoever applies a command makes the same of it: the time is that of the command
// on the in topic, and a guid that follows from no name follows from the command.
func TestTimeAndGUIDFollowFromTheCommand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.must(t, &events.Upsert{Element: events.ElementSpec{Type: "ContactDetails"}})
	err := b.bus.Read(t.Context(), b.bus.Topics().InStream(), nil, func(m *bus.Message) error {
		e, err := m.Event()
		if want := graphtest.FreshGUID(e.ID, m.Sequence, m.Time.UTC(), 0); r.GUID != want {
			t.Errorf("the guid is %s, want %s", r.GUID, want)
		}
		for _, change := range b.out(t, 1) {
			c, bad := events.Unmarshal[events.ElementChange](change.Data)
			if bad != nil || !change.Time.Equal(m.Time) || !c.Element.Header.Versions.CreateTime.Equal(m.Time) {
				t.Errorf("the command is of %s, the event %+v, %v", m.Time, change, bad)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestARestoredRelationshipFindsItsPlaceOrStaysAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn := anchored("Connection", "conn", "top")
	b.must(t, folder("top"), conn, upsert("Endpoint", "e1", nil), upsert("Endpoint", "e2", nil), link("ConnectToEndpoint", "conn", "e1", nil),
		upsert("DataFile", "f", nil), link("NestedFile", "top", "f", nil))
	b.must(t, &events.Delete{Element: events.ByName("top"), Cascade: true}, upsert("Connection", "conn", nil), link("ConnectToEndpoint", "conn", "e2", nil),
		&events.Retype{Element: events.ByName("f"), Type: "FileFolder"})
	b.must(t, &events.Restore{Element: events.ByName("top")})
	if got := b.related(t, "conn"); len(got) != 1 || !strings.Contains(got[0], "e2") {
		t.Errorf("the connection has %v", got)
	}
	if got := b.related(t, "top"); len(got) != 0 {
		t.Errorf("a folder nests a folder as a file: %v", got)
	}
}

// Deleting an element takes the relationships of others with it; restoring it
// brings them back.
func TestRestoringBringsBackRelationshipsOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("d"), file("f", 1))
	b.apply(t, link("NestedFile", "d", "f", nil), events.ExtMetadataSource, "theirs")
	b.must(t, &events.Delete{Element: events.ByName("d")}, &events.Restore{Element: events.ByName("d")})
	if got := b.related(t, "d"); len(got) != 1 {
		t.Errorf("d is related to %v", got)
	}
}

// What a change set deleted twice comes back as it was at last.
func TestRestoringWhatWasDeletedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := func(formula string) *events.Link {
		return link("DataFlow", "d", "f", map[string]any{"formula": formula})
	}
	b.must(t, folder("d"), file("f", 1), flow("first"))
	b.must(t, set(t, &events.Unlink{Type: "DataFlow", End1: events.ByName("d"), End2: events.ByName("f")}, flow("last"), &events.Delete{Element: events.ByName("d")}))
	b.must(t, &events.Restore{Element: events.ByName("d")})
	if got := b.related(t, "d"); len(got) != 1 || !strings.Contains(got[0], "last") {
		t.Errorf("d is related to %v", got)
	}
}

// A purge removes what there was under every type, and nothing brings it back.
func TestPurgingReachesEveryTypeAndEveryGrave(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, folder("top"), anchored("DataFile", "f", "top"), &events.Update{Element: events.ByName("f"), Properties: events.Props(map[string]any{"text": "a secret"})},
		&events.Retype{Element: events.ByName("f"), Type: "CSVFile"}, &events.Delete{Element: events.ByName("top"), Cascade: true})
	b.must(t, upsert("CSVFile", "f", map[string]any{"text": "another secret"}), &events.Delete{Element: events.ByName("f"), Method: events.DeletePurge},
		upsert("CSVFile", "f", nil))
	for _, e := range b.out(t, 1) {
		if strings.Contains(string(e.Data), "secret") {
			t.Errorf("still there: %s", e.Data)
		}
	}
	r := b.must(t, &events.Delete{Element: events.ByName("f"), Method: events.DeletePurge}, &events.Restore{Element: events.ByName("top")})
	if e := b.state(t, "f", r); e != nil {
		t.Errorf("purged, and back with its anchor: %+v", e)
	}
}

// A new writer tells a late sender that its command was refused, and what a dry
// run would do now.
func TestLateAnswersTellOfRefusalsAndDryRuns(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	b.connect(t)
	inbox, err := b.bus.Conn().SubscribeSync(nats.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	stop := b.start(t)
	b.must(t, folder("d"))
	send := func(c events.Command, extensions ...string) {
		t.Helper()
		e, err := events.NewCommand("/test", c)
		if err != nil {
			t.Fatal(err)
		}
		e.SetExtension(events.ExtReplyTo, inbox.Subject)
		for i := 0; i < len(extensions); i += 2 {
			e.SetExtension(extensions[i], extensions[i+1])
		}
		if err := b.metadata.Send(t.Context(), func(yield func(events.Event) bool) { yield(e) }); err != nil {
			t.Fatal(err)
		}
	}
	next := func() events.Result {
		t.Helper()
		m, err := inbox.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		r, err := events.Unmarshal[events.Result](m.Data)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	send(&events.Create{Element: folder("d").Element})
	send(file("f", 1), events.ExtDryRun, "true")
	first := [2]events.Result{next(), next()}
	b.must(t, folder("e"))
	stop()
	b.start(t)
	for i, r := range [2]events.Result{next(), next()} {
		if (r.Error == nil) != (first[i].Error == nil) || r.Changed != first[i].Changed || len(r.Preview) != len(first[i].Preview) {
			t.Errorf("late: %+v, first: %+v", r, first[i])
		}
		if r.Error != nil && *r.Error != *first[i].Error {
			t.Errorf("late: %+v, first: %+v", r.Error, first[i].Error)
		}
	}
}

func TestCopiesLeaveOutWhatIsArchived(t *testing.T) {
	t.Parallel()
	b := setup(t)
	template(t, b)
	const leaf, root = "FileFolder::~{host}~::/data/readme", "FileFolder::~{host}~::/data"
	two := link("DataFlow", root, "shared", map[string]any{"formula": "two"})
	two.Relationship.GUID = flow1
	b.must(t, &events.Delete{Element: events.ByName(leaf), Method: events.DeleteArchive}, link("DataFlow", root, "shared", map[string]any{"formula": "one"}), two)
	c := &events.FromTemplate{Template: events.ByName(root), Placeholders: map[string]string{"host": "h", "disk": "d", "owner": "o"}}
	r := b.must(t, c)
	if e := b.state(t, "FileFolder::h::/data/readme", r); e != nil {
		t.Errorf("a copy of what is archived: %+v", e)
	}
	// SourcedFrom, LinkedFile, and both data flows.
	if got := b.related(t, "FileFolder::h::/data"); len(got) != 4 {
		t.Errorf("the copy is related to %v", got)
	}
	b.must(t, &events.Delete{Element: events.ByName(root), Method: events.DeleteArchive, Cascade: true})
	b.refused(t, c, events.CodeInvalid, "/template", "is archived")
}

func TestRetypingToATypeThatNeedsAName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.must(t, &events.Upsert{Element: events.ElementSpec{Type: "ContactDetails"}})
	b.refused(t, &events.Retype{Element: events.ByGUID(r.GUID), Type: "DataFile"}, events.CodeConflict, "/type", "needs")
}

// Taking away a classification that is not there is no event, also for a
// reconciliation that sees the element for the first time.
func TestDeclassifyingWhatIsNotClassified(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1))
	if r := b.apply(t, &events.Declassify{Element: events.ByName("f"), ClassificationName: "Impact"}, events.ExtScope, "s"); r.Changed || r.Error != nil {
		t.Errorf("got %+v", r)
	}
}

func TestLinkingAnIdentifierAgainClearsItsProperties(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, upsert("InventoryCatalog", "erp", nil), file("f", 1))
	for _, pattern := range []any{"STABLE_KEY", nil} {
		r := b.must(t, &events.LinkExternalID{
			ExternalID: events.ExternalID{Element: events.ByName("f"), Scope: events.ByName("erp"), Identifier: "1"},
			Properties: events.Props(map[string]any{"keyPattern": pattern}),
		})
		if got := b.state(t, "ExternalId::erp::1", r).Properties.Map()["keyPattern"]; got != pattern {
			t.Errorf("the pattern is %v, want %v", got, pattern)
		}
	}
}
