package connectors_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

var someID = events.ExternalID{Element: events.ByName("a"), Scope: events.ByName("crm"), Identifier: "17"}

// operations are the methods of a Context that send one command, and which.
func operations(ctx context.Context, c *connectors.Context) map[string]func() (events.Result, error) {
	a, spec := events.ByName("a"), events.ElementSpec{Type: "Topic", QualifiedName: "a"}
	flow := events.RelationshipSpec{Type: "DataFlow", End1: a, End2: events.ByName("b")}
	return map[string]func() (events.Result, error){
		events.TypeCreateElement: func() (events.Result, error) { return c.Create(ctx, events.Create{Element: spec}) },
		events.TypeUpsertElement: func() (events.Result, error) { return c.Upsert(ctx, events.Upsert{Element: spec}) },
		events.TypeUpdateElement: func() (events.Result, error) { return c.Update(ctx, events.Update{Element: a}) },
		events.TypeDeleteElement: func() (events.Result, error) { return c.Delete(ctx, events.Delete{Element: a}) },
		events.TypeRestoreElement: func() (events.Result, error) {
			return c.Restore(ctx, a)
		},
		events.TypePublishElement:  func() (events.Result, error) { return c.Publish(ctx, a) },
		events.TypeWithdrawElement: func() (events.Result, error) { return c.Withdraw(ctx, a) },
		events.TypeRetypeElement: func() (events.Result, error) {
			return c.Retype(ctx, events.Retype{Element: a, Type: "KafkaTopic"})
		},
		events.TypeRehomeElement: func() (events.Result, error) { return c.Rehome(ctx, events.Rehome{Element: a, To: "s"}) },
		events.TypeCreateFromTemplate: func() (events.Result, error) {
			return c.FromTemplate(ctx, events.FromTemplate{Template: events.ByName("t"), Placeholders: map[string]string{"host": "h"}})
		},
		events.TypeClassifyElement: func() (events.Result, error) {
			return c.Classify(ctx, events.Classify{Element: a, Classification: events.Classification{Name: "Impact"}})
		},
		events.TypeDeclassifyElement: func() (events.Result, error) {
			return c.Declassify(ctx, events.Declassify{Element: a, ClassificationName: "Impact"})
		},
		events.TypeLinkElements: func() (events.Result, error) { return c.Link(ctx, events.Link{Relationship: flow}) },
		events.TypeUpdateRelationship: func() (events.Result, error) {
			return c.UpdateRelationship(ctx, events.UpdateRelationship{Relationship: events.RelationshipRef{Type: flow.Type, End1: a, End2: flow.End2}})
		},
		events.TypeUnlinkElements: func() (events.Result, error) {
			return c.Unlink(ctx, events.Unlink{Type: flow.Type, End1: a, End2: flow.End2})
		},
		events.TypeLinkExternalID: func() (events.Result, error) {
			return c.LinkExternalID(ctx, events.LinkExternalID{
				ExternalID: someID, Properties: events.Props(map[string]any{"keyPattern": "LOCAL_KEY"}), Link: events.Props(map[string]any{"usage": "lookup"}),
			})
		},
		events.TypeUnlinkExternalID: func() (events.Result, error) { return c.UnlinkExternalID(ctx, someID) },
		events.TypeConfirmSynchronization: func() (events.Result, error) {
			return c.ConfirmSynchronization(ctx, someID, connectors.SyncLink{LastSynchronized: at(5), OpenChanged: at(4), ThirdPartyChanged: at(3)})
		},
		events.TypeDefineTypes: func() (events.Result, error) {
			return c.DefineTypes(ctx, events.TypeDef{Kind: events.KindElement, Name: "Pump", Description: "It pumps.", SuperType: "Asset"})
		},
		events.TypeApplyChangeSet: func() (events.Result, error) { return c.ApplyAll(ctx, someCommand, someCommand) },
	}
}

func TestOperationsAreCommands(t *testing.T) {
	t.Parallel()
	for eventType := range operations(t.Context(), nil) {
		c, b := setup(t, events.Definition{}, 0)
		operation := operations(t.Context(), c)[eventType]
		r, err := operation()
		if err != nil || r.Sequence != 1 {
			t.Errorf("%s: got %+v, %v", eventType, r, err)
		}
		if len(b.sent) != 1 || b.sent[0].Type != eventType {
			t.Errorf("%s: sent %+v", eventType, b.sent)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := operation(); !errors.Is(err, connectors.ErrDisconnected) {
			t.Errorf("%s after Close: %v", eventType, err)
		}
	}
}

// A command that is new needs a method.
func TestEveryCommandHasAMethod(t *testing.T) {
	t.Parallel()
	have := operations(t.Context(), nil)
	for _, eventType := range events.CommandTypes() {
		// A Context fences by itself, before its first command.
		if have[eventType] == nil && eventType != events.TypeFenceConnector {
			t.Errorf("no method of Context sends %s", eventType)
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

// What was synchronized is what the connector saw, not what is there by the time
// at which the command is applied.
func TestConfirmingSaysWhatWasSynchronized(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	defer closeContext(t, c)
	pair := connectors.Pair{Open: active(5), ThirdParty: active(3)}
	if _, err := c.ConfirmSynchronization(t.Context(), someID, pair.Synchronized(at(6))); err != nil {
		t.Fatal(err)
	}
	want := &events.ConfirmSynchronization{ExternalID: someID, Time: at(6), OpenChanged: at(5), ThirdPartyChanged: at(3)}
	if d := cmp.Diff([]events.Command{want}, b.taken()); d != "" {
		t.Error(d)
	}
	if _, err := c.ConfirmSynchronization(t.Context(), someID, connectors.SyncLink{}); err == nil || len(b.taken()) != 0 {
		t.Errorf("what was never synchronized is confirmed: %v", err)
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
	for eventType, operation := range operations(t.Context(), c) {
		_, err := operation()
		if errors.Is(err, connectors.ErrDirection) == slices.Contains(noted, eventType) {
			t.Errorf("%s: got %v", eventType, err)
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

func TestRefusedOperationsTellWhy(t *testing.T) {
	t.Parallel()
	c, b := setup(t, events.Definition{}, 0)
	b.refuse = func(events.Command) (events.Result, error) {
		return events.Result{Error: events.Errorf(events.CodeConflict, "/element", "no")}, nil
	}
	for eventType, operation := range operations(t.Context(), c) {
		if _, err := operation(); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("%s: got %v", eventType, err)
		}
	}
}
