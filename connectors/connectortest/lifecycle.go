package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// misspelled is a name that no configuration has.
const misspelled = "noSuchNameForTest"

func (c *check) newDoesNoIO() {
	c.hook("Break", c.party.Break)
	c.leavesNone("New", func() {
		if err := call("New", func(context.Context) error {
			_, err := c.factory.New(c.party.Configuration)
			return err
		}); err != nil {
			c.Errorf("New fails while the third party is gone, so it asks for it: %v", err)
		}
	})
}

func (c *check) rejectsUnknownNames() {
	extended, err := c.party.Configuration.Merge(events.Props(map[string]any{misspelled: true}))
	c.must("extend the configuration", err)
	_, err = c.factory.New(extended)
	switch {
	case err == nil:
		c.Errorf("New accepts the unknown name %q", misspelled)
	case !strings.Contains(err.Error(), misspelled):
		c.Errorf("the error does not name %q: %v", misspelled, err)
	case !connectors.IsPermanent(err):
		c.Errorf("the error is not permanent, so the host would try again: %v", err)
	}
}

func (c *check) keepsSecrets() {
	v := c.prepare(c.repository())
	c.noSecretIn("the value made by New", printed(v.connector))
	err := v.tryStart()
	if is[connectors.Refresher](v.connector) && err == nil {
		err = v.tryRefresh()
	}
	shown := fmt.Sprint(err, v.context.Problems(), v.context.Statistics())
	v.stop()
	c.noSecretIn("the value after Disconnect", printed(v.connector))
	c.noSecretIn("errors, problems and statistics", shown)
	c.noSecretIn("the log", v.log.String())
}

// printed returns v as printed, encoded and logged.
func printed(v any) string {
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("printed", slog.Any("value", v))
	encoded, err := json.Marshal(v)
	return fmt.Sprintf("%v %+v %#v %s %v %s", v, v, v, encoded, err, logged.String())
}

func (c *check) noSecretIn(where, text string) {
	for i, secret := range c.party.Secrets {
		if strings.Contains(text, secret) {
			c.Errorf("secret %d of the fixture is seen in %s", i+1, where)
		}
	}
}

func (c *check) disconnects() {
	v := c.start(c.repository())
	v.stop()
	if err := v.context.Send(context.Background()); !errors.Is(err, connectors.ErrDisconnected) {
		c.Errorf("after Disconnect the Context returns %v, want %v", err, connectors.ErrDisconnected)
	}
}

func (c *check) survivesFailedStart() {
	c.hook("Break", c.party.Break)
	c.leavesNone("a failed Start and Disconnect", func() {
		v := c.prepare(c.repository())
		if v.tryStart() == nil {
			c.Errorf("Start succeeds while the third party is gone")
		}
		v.stop()
	})
}

func (c *check) leavesNoGoroutine() {
	c.leavesNone("Disconnect", func() {
		v := c.start(c.repository())
		if is[connectors.Refresher](v.connector) {
			v.refresh()
		}
		v.stop()
	})
}

// hook calls a hook, which the third party must have.
func (c *check) hook(name string, f func()) {
	c.Helper()
	if f == nil {
		c.Fatalf("the fixture's third party has no %s: add it, or name the behaviors to check", name)
	}
	f()
}
