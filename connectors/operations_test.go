package connectors_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

var someID = events.ExternalID{Element: events.ByName("a"), Scope: events.ByName("crm"), Identifier: "17"}

// commands are one of each type, but for the fence and the flush, which a Context
// sends by itself.
func commands(t *testing.T) []events.Command {
	t.Helper()
	a, spec := events.ByName("a"), events.ElementSpec{Type: "Topic", QualifiedName: "a"}
	flow := events.RelationshipSpec{Type: "DataFlow", End1: a, End2: events.ByName("b")}
	set, err := events.NewChangeSet(someCommand, someCommand)
	if err != nil {
		t.Fatal(err)
	}
	all := []events.Command{
		&events.Create{Element: spec}, &events.Upsert{Element: spec}, &events.Update{Element: a}, &events.Delete{Element: a},
		&events.Restore{Element: a}, &events.Publish{Element: a}, &events.Withdraw{Element: a}, &events.Retype{Element: a, Type: "KafkaTopic"},
		&events.Rehome{Element: a, To: "s"}, &events.FromTemplate{Template: events.ByName("t")},
		&events.Classify{Element: a, Classification: events.Classification{Name: "Impact"}}, &events.Declassify{Element: a, ClassificationName: "Impact"},
		&events.Link{Relationship: flow}, &events.Unlink{Type: flow.Type, End1: a, End2: flow.End2},
		&events.UpdateRelationship{Relationship: events.RelationshipRef{Type: flow.Type, End1: a, End2: flow.End2}},
		&events.LinkExternalID{ExternalID: someID}, &events.UnlinkExternalID{ExternalID: someID}, &events.ConfirmSynchronization{ExternalID: someID},
		&events.DefineTypes{Types: []events.TypeDef{{Kind: events.KindElement, Name: "Pump", Description: "It pumps.", SuperType: "Asset"}}}, set,
	}
	if got, want := len(all), len(events.CommandTypes())-2; got != want {
		t.Errorf("%d commands, want %d", got, want)
	}
	return all
}

func TestADisconnectedContextAppliesNothing(t *testing.T) {
	t.Parallel()
	for _, command := range commands(t) {
		c, b := setup(t, events.Definition{}, 0)
		r, err := c.Apply(t.Context(), command)
		if err != nil || r.Sequence != 1 {
			t.Errorf("%s: got %+v, %v", command.EventType(), r, err)
		}
		if len(b.sent) != 1 || b.sent[0].Type != command.EventType() {
			t.Errorf("%s: sent %+v", command.EventType(), b.sent)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Apply(t.Context(), command); !errors.Is(err, connectors.ErrDisconnected) {
			t.Errorf("%s after Close: %v", command.EventType(), err)
		}
	}
}

func TestADryRunSaysSo(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	defer closeContext(t, c)
	if _, err := c.DryRun(t.Context(), someCommand); err != nil {
		t.Fatal(err)
	}
	if len(b.sent) != 1 || b.sent[0].Extension(events.ExtDryRun) != "true" {
		t.Errorf("sent %+v", b.sent)
	}
}

func TestApplyAllSendsEveryCommand(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	if _, err := c.ApplyAll(t.Context()); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("no command: got %v", err)
	}
	if _, err := c.ApplyAll(t.Context(), &events.Delete{}); err == nil {
		t.Error("a command that names nothing is sent")
	}
	if _, err := c.ApplyAll(t.Context(), someCommand, &events.Publish{Element: events.ByName("b")}); err != nil {
		t.Fatal(err)
	}
	set, ok := b.taken()[0].(*events.ChangeSet)
	if !ok {
		t.Fatal("no change set was sent")
	}
	var types []string
	for i := range set.Commands {
		types = append(types, set.Commands[i].Type)
	}
	if d := cmp.Diff([]string{events.TypeDeleteElement, events.TypePublishElement}, types); d != "" {
		t.Error(d)
	}
}

// A connector that only writes to the third party still has to note what it
// has written.
func TestNotingIdentifiersIsPermittedInEveryDirection(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{PermittedSynchronization: events.SyncTo}, 1)
	defer closeContext(t, c)
	noted := []string{events.TypeLinkExternalID, events.TypeUnlinkExternalID, events.TypeConfirmSynchronization}
	for _, command := range commands(t) {
		_, err := c.Apply(t.Context(), command)
		if errors.Is(err, connectors.ErrDirection) == slices.Contains(noted, command.EventType()) {
			t.Errorf("%s: got %v", command.EventType(), err)
		}
	}
	unlink := &events.UnlinkExternalID{ExternalID: someID}
	if err := c.Send(t.Context(), unlink); err != nil {
		t.Error(err)
	}
	if _, err := c.ApplyAll(t.Context(), unlink, &events.LinkExternalID{ExternalID: someID}); err != nil {
		t.Errorf("in a change set: got %v", err)
	}
	if err := c.Send(t.Context(), unlink, someCommand); !errors.Is(err, connectors.ErrDirection) {
		t.Errorf("with another command: got %v", err)
	}
	if _, err := c.ApplyAll(t.Context(), unlink, someCommand); !errors.Is(err, connectors.ErrDirection) {
		t.Errorf("with another command in a change set: got %v", err)
	}
	if err := c.Send(t.Context(), &events.ChangeSet{}); !errors.Is(err, connectors.ErrDirection) {
		t.Errorf("an empty change set: got %v", err)
	}
	if sent := len(b.taken()); sent != 6 { // a fence before the first
		t.Errorf("%d commands were sent", sent)
	}
}
