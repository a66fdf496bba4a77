package connectors_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

func element(name string) events.ElementSpec {
	return events.ElementSpec{Type: "DataFile", QualifiedName: name}
}

func wanted(names ...string) iter.Seq2[connectors.Wanted, error] {
	return func(yield func(connectors.Wanted, error) bool) {
		for _, name := range names {
			spec := element(name)
			if !yield(connectors.Wanted{Element: &spec}, nil) {
				return
			}
		}
	}
}

// A reconciliation knows what was sent before it, however late the repository
// applies that, and whether or not the sender got an answer.
func TestReconcileKnowsWhatWasSentBefore(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	interrupted := func(yield func(connectors.Wanted, error) bool) {
		spec := element("late")
		if yield(connectors.Wanted{Element: &spec}, nil) {
			yield(connectors.Wanted{}, lost)
		}
	}
	ways := map[string]func(ctx context.Context, c *connectors.Context) error{
		"sent": func(ctx context.Context, c *connectors.Context) error {
			return c.SendIn(ctx, "scope", &events.Upsert{Element: element("late")})
		},
		"reconciled and interrupted": func(ctx context.Context, c *connectors.Context) error {
			if _, err := c.Reconcile(ctx, "scope", interrupted); !errors.Is(err, lost) {
				return err
			}
			return nil
		},
	}
	for name, send := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := connectortest.NewRepository()
			c := connectors.NewContext(repo.Settings(events.Definition{ID: "c", Name: "c"}))
			defer func() { _ = c.Close(t.Context()) }()
			if _, err := c.Reconcile(t.Context(), "scope", wanted("kept")); err != nil {
				t.Fatal(err)
			}
			repo.Lag()
			if err := send(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if repo.Element("late") != nil {
				t.Fatal("the repository does not lag")
			}
			got, err := c.Reconcile(t.Context(), "scope", wanted("kept"))
			if err != nil {
				t.Fatal(err)
			}
			if repo.Element("late") != nil {
				t.Errorf("what was sent before and is no longer wanted is still there (%+v)", got)
			}
			sent := len(repo.Sent())
			if _, err := c.Reconcile(t.Context(), "scope", wanted("kept")); err != nil || len(repo.Sent()) != sent {
				t.Errorf("nothing changed, but a command was sent: %v, error %v", repo.Sent()[sent:], err)
			}
		})
	}
}

func TestSendInBelongsToTheScope(t *testing.T) {
	t.Parallel()
	repo := connectortest.NewRepository()
	c := connectors.NewContext(repo.Settings(events.Definition{ID: "c", Name: "c"}))
	defer func() { _ = c.Close(t.Context()) }()
	for scope, name := range map[string]string{"mine": "a", "": "b"} {
		if err := c.SendIn(t.Context(), scope, &events.Upsert{Element: element(name)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Reconcile(t.Context(), "mine", wanted()); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range repo.Elements() {
		left = append(left, e.Header.QualifiedName)
	}
	if want := []string{"b"}; !slices.Equal(left, want) {
		t.Errorf("after the reconciliation of an empty scope there is %q, want %q", left, want)
	}
}
