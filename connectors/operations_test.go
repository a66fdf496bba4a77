package connectors_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

var someID = events.ExternalID{Element: events.ByName("a"), Scope: events.ByName("crm"), Identifier: "17"}

// operations are the methods of a Context that send one command, and which.
func operations(ctx context.Context, c *connectors.Context) map[string]func() (events.Result, error) {
	return map[string]func() (events.Result, error){
		events.TypeApplyChangeSet: func() (events.Result, error) { return c.ApplyAll(ctx, someCommand, someCommand) },
		events.TypeDeleteElement:  func() (events.Result, error) { return c.DryRun(ctx, someCommand) },
		events.TypePublishElement: func() (events.Result, error) { return c.Publish(ctx, events.ByName("a")) },
		events.TypeWithdrawElement: func() (events.Result, error) {
			return c.Withdraw(ctx, events.ByName("a"))
		},
		events.TypeCreateFromTemplate: func() (events.Result, error) {
			return c.FromTemplate(ctx, events.FromTemplate{Template: events.ByName("t"), Placeholders: map[string]string{"host": "h"}})
		},
		events.TypeLinkExternalID: func() (events.Result, error) {
			return c.LinkExternalID(ctx, someID, events.Props(map[string]any{"usage": "lookup"}))
		},
		events.TypeConfirmSynchronization: func() (events.Result, error) { return c.ConfirmSynchronization(ctx, someID) },
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
		sent := b.sent
		if len(sent) != 1 || sent[0].Type != eventType || (sent[0].Extension(events.ExtDryRun) == "true") != (eventType == events.TypeDeleteElement) {
			t.Errorf("%s: sent %+v", eventType, sent)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := operation(); !errors.Is(err, connectors.ErrDisconnected) {
			t.Errorf("%s after Close: %v", eventType, err)
		}
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
	for eventType, operation := range operations(t.Context(), c) {
		_, err := operation()
		noted := eventType == events.TypeLinkExternalID || eventType == events.TypeConfirmSynchronization
		if errors.Is(err, connectors.ErrDirection) == noted {
			t.Errorf("%s: got %v", eventType, err)
		}
	}
	if err := c.Send(t.Context(), &events.UnlinkExternalID{ExternalID: someID}); err != nil {
		t.Error(err)
	}
	if err := c.Send(t.Context(), &events.UnlinkExternalID{ExternalID: someID}, someCommand); !errors.Is(err, connectors.ErrDirection) {
		t.Errorf("with another command: got %v", err)
	}
	if sent := len(b.taken()); sent != 4 { // a fence before the first
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
