package graph

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
	"github.com/camena-io/camena/runtime/graph/index"
)

// applied is an index that commands are applied to as soon as they are sent.
type applied struct {
	index    *index.Index
	pending  *Pending
	position uint64
}

func newApplied(t *testing.T) *applied {
	t.Helper()
	types, err := opentypes.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	x := index.New(types, slog.New(slog.DiscardHandler))
	return &applied{index: x, pending: NewPending(x, Rules{MaxState: 1 << 20, PublishZones: []string{"z"}, DefaultZones: []string{"w"}})}
}

func (a *applied) apply(t *testing.T, deletions index.Deletions, c events.Command) (*Request, events.Result) {
	t.Helper()
	a.position++
	q := &Request{ID: "c", Sequence: a.position, Time: time.Unix(1, 0).UTC(), Actor: "a", Deletions: deletions}
	o, err := a.pending.Apply(q, c)
	if err != nil {
		t.Fatalf("%s: %v", c.EventType(), err)
	}
	reached, _ := a.index.Reached()
	o.Stored(reached + uint64(o.Len()))
	a.pending.Add(&o)
	a.index.Commit(o.AppendStateChanges(nil, a.position, q.Time)...)
	a.pending.Drop(&o)
	return q, o.Result
}

// lateCase is a command, what there is before it, and what happens after it and
// before it is answered.
type lateCase struct {
	before []events.Command
	event  events.Command
	after  []events.Command
}

func lateFile(name string) *events.Upsert {
	return &events.Upsert{Element: events.ElementSpec{Type: "DataFile", QualifiedName: name}}
}

// lateCases has for every command type the cases of it.
func lateCases(t *testing.T) map[string][]lateCase {
	t.Helper()
	f, d := events.ByName("f"), events.ByName("d")
	folder := &events.Upsert{Element: events.ElementSpec{Type: "FileFolder", QualifiedName: "d"}}
	fd := []events.Command{lateFile("f"), folder}
	linked := events.RelationshipSpec{Type: "NestedFile", End1: d, End2: f}
	ref := events.RelationshipRef{Type: "NestedFile", End1: d, End2: f}
	link := &events.Link{Relationship: linked}
	fdl := append(slices.Clone(fd), link)
	alias := events.RelationshipSpec{GUID: "0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10", Type: "NestedFile", End1: d, End2: f}
	external := events.ExternalID{Element: f, Scope: d, Identifier: "7"}
	linkID := &events.LinkExternalID{ExternalID: external}
	both := []events.Command{&events.Delete{Element: f}, &events.Delete{Element: d}}
	owned := &events.Classify{Element: f, Classification: events.Classification{Name: "Ownership"}}
	template := lateFile("~{t}~")
	template.Element.Classifications = []events.Classification{{Name: events.Template}}
	nameless := &events.Create{Element: events.ElementSpec{Type: "ContactDetails"}}
	update := &events.Update{Element: f, Properties: events.Props(map[string]any{"displayName": "F"})}
	set, err := events.NewChangeSet(lateFile("f"), nameless, folder, link, nameless, &events.Unlink{Type: ref.Type, End1: d, End2: f}, &events.Delete{Element: d})
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]lateCase{
		events.TypeCreateElement: {
			{event: &events.Create{Element: lateFile("f").Element}, after: []events.Command{&events.Delete{Element: f}}}, {event: nameless},
		},
		events.TypeUpsertElement: {{event: lateFile("f")}, {event: lateFile("f"), after: []events.Command{&events.Delete{Element: f}}}},
		events.TypeUpdateElement: {{before: fd, event: update}, {before: fd, event: update, after: both}},
		events.TypeDeleteElement: {
			{before: fd, event: &events.Delete{Element: f}},
			{event: &events.Delete{Element: events.ByGUID(alias.GUID)}},
			{before: fd, event: &events.Delete{Element: f, Method: events.DeleteArchive}},
			{before: fd, event: &events.Delete{Element: f, Method: events.DeletePurge}},
		},
		events.TypeRestoreElement: {{before: append(slices.Clone(fd), &events.Delete{Element: f, Method: events.DeleteArchive}), event: &events.Restore{Element: f}}},
		events.TypePublishElement: {{before: fd, event: &events.Publish{Element: f}}},
		events.TypeWithdrawElement: {
			{before: append(slices.Clone(fd), &events.Publish{Element: f}), event: &events.Withdraw{Element: f}},
		},
		events.TypeRetypeElement: {{before: fd, event: &events.Retype{Element: f, Type: "CSVFile"}}},
		events.TypeRehomeElement: {
			{before: fd, event: &events.Rehome{Element: f, To: "s"}},
			{before: fdl, event: &events.Rehome{Relationship: ref, To: "s"}},
			{before: fdl, event: &events.Rehome{Relationship: ref, To: "s"}, after: []events.Command{&events.Rehome{Relationship: ref, From: "s"}, &events.Unlink{Type: ref.Type, End1: d, End2: f}}},
		},
		events.TypeCreateFromTemplate: {
			{before: []events.Command{template}, event: &events.FromTemplate{Template: events.ByName("~{t}~"), Placeholders: map[string]string{"t": "copy"}}},
			{before: []events.Command{template}, event: &events.FromTemplate{Template: events.ByName("~{t}~"), QualifiedName: "q ~{t}~", Placeholders: map[string]string{"t": "copy"}}},
		},
		events.TypeClassifyElement:   {{before: fd, event: owned}},
		events.TypeDeclassifyElement: {{before: append(slices.Clone(fd), owned), event: &events.Declassify{Element: f, ClassificationName: "Ownership"}}},
		events.TypeLinkElements: {
			{before: fd, event: link}, {before: fd, event: &events.Link{Relationship: alias}}, {before: fd, event: link, after: both},
		},
		events.TypeUpdateRelationship: {{before: fdl, event: &events.UpdateRelationship{Relationship: ref, Effectivity: &events.Effectivity{From: time.Unix(1, 0)}}}},
		events.TypeUnlinkElements: {
			{before: fdl, event: &events.Unlink{Type: ref.Type, End1: d, End2: f}},
			{before: fdl, event: &events.Unlink{Type: ref.Type, End1: d, End2: f}, after: both},
			{before: append(slices.Clone(fd), &events.Link{Relationship: alias}), event: &events.Unlink{GUID: alias.GUID}},
			{event: &events.Unlink{GUID: alias.GUID}},
		},
		events.TypeLinkExternalID: {{before: fd, event: linkID}, {before: fd, event: linkID, after: []events.Command{&events.UnlinkExternalID{ExternalID: external}}}},
		events.TypeUnlinkExternalID: {
			{before: append(slices.Clone(fd), linkID), event: &events.UnlinkExternalID{ExternalID: external}},
			{before: append(slices.Clone(fd), linkID), event: &events.UnlinkExternalID{ExternalID: external}, after: both},
		},
		events.TypeConfirmSynchronization: {{before: append(slices.Clone(fd), linkID), event: &events.ConfirmSynchronization{ExternalID: external}}},
		events.TypeDefineTypes: {{event: &events.DefineTypes{Types: []events.TypeDef{
			{Kind: events.KindElement, Name: "Pump", SuperType: "Asset", Description: "A pump."},
		}}}},
		events.TypeApplyChangeSet: {{event: set}},
		events.TypeFlushCommands:  {{event: &events.Flush{}}},
		events.TypeFenceConnector: {{event: &events.Fence{Connector: "c", Generation: 1}}},
	}
}

// Who answers after the writer that applied a command tells the same of it.
func TestALateAnswerTellsWhatWasDone(t *testing.T) {
	t.Parallel()
	cases := lateCases(t)
	for _, row := range events.CommandTypes() {
		eventType := row.Type
		if len(cases[eventType]) == 0 {
			t.Errorf("there is no case of %s", eventType)
		}
		for i, c := range cases[eventType] {
			if c.event.EventType() != eventType {
				t.Errorf("case %d of %s is %s", i, eventType, c.event.EventType())
			}
			checkLate(t, i, &c)
		}
	}
}

func checkLate(t *testing.T, i int, c *lateCase) {
	t.Helper()
	a := newApplied(t)
	for _, command := range c.before {
		a.apply(t, nil, command)
	}
	q, now := a.apply(t, nil, c.event)
	for _, command := range c.after {
		a.apply(t, nil, command)
	}
	later := ReplayedResult(a.index, q, c.event)
	reached, _ := a.index.Reached()
	if now.GUID != later.GUID || now.Changed != later.Changed || later.Sequence != reached || len(now.Steps) != len(later.Steps) {
		t.Errorf("%s, case %d: now %+v, later %+v", c.event.EventType(), i, now, later)
		return
	}
	for j := range now.Steps {
		if n, l := now.Steps[j], later.Steps[j]; n.GUID != l.GUID || n.Changed != l.Changed || l.Sequence != reached {
			t.Errorf("%s, case %d, step %d: now %+v, later %+v", c.event.EventType(), i, j, n, l)
		}
	}
}
