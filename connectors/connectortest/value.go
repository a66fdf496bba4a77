package connectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

const (
	// callTimeout limits calls that nothing delays.
	callTimeout = 30 * time.Second
	// stopTimeout is the time that the contract allows between the end of ctx and the
	// return of a call.
	stopTimeout = time.Second
)

// check is one check of one connector against a third party of its own.
type check struct {
	testing.TB
	factory    connectors.Factory
	fixture    Fixture
	party      ThirdParty
	types      *opentypes.Registry
	generation uint64
}

// value is one value of the connector, from Start to Disconnect.
type value struct {
	*check
	repo      *Repository
	connector connectors.Connector
	context   *connectors.Context
	log       bytes.Buffer // its handler serializes what is written
}

func (c *check) make() connectors.Connector {
	c.Helper()
	connector, err := c.factory.New(c.party.Configuration)
	if err != nil {
		c.Fatalf("New: %v", err)
	}
	return connector
}

// repository returns an empty repository.
func (c *check) repository() *Repository { return newRepository(c.types) }

// prepare returns a value that uses repo and is not yet started.
func (c *check) prepare(repo *Repository) *value {
	c.Helper()
	c.generation++
	v := &value{check: c, repo: repo, connector: c.make()}
	s := repo.Settings(events.Definition{
		ID: "71f4a8e2-33f5-4ef1-b13a-41f87dd8a2b4", Name: "checked", Kind: c.factory.Kind,
		Configuration: c.party.Configuration, MetadataSource: "Source::checked",
	})
	s.Generation = c.generation
	s.Logger = slog.New(slog.NewTextHandler(&v.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	v.context = connectors.NewContext(s)
	return v
}

// start returns a started value that uses repo.
func (c *check) start(repo *Repository) *value {
	c.Helper()
	v := c.prepare(repo)
	c.must("Start", v.tryStart())
	return v
}

func (v *value) tryStart() error {
	return call("Start", func(ctx context.Context) error { return v.connector.Start(ctx, v.context) })
}

func (v *value) refresh() {
	v.Helper()
	v.must("Refresh", v.tryRefresh())
}

func (v *value) tryRefresh() error {
	return call("Refresh", v.refreshUntil)
}

func (v *value) refreshUntil(ctx context.Context) error {
	r, ok := v.connector.(connectors.Refresher)
	if !ok {
		return errors.New("the connector has no Refresh")
	}
	return r.Refresh(ctx)
}

// stop disconnects as a host does.
func (v *value) stop() {
	v.Helper()
	v.must("Disconnect", call("Disconnect", v.connector.Disconnect))
	v.must("end of the background work", call("Close", v.context.Close))
}

func (c *check) must(what string, err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

// call runs f and waits for it, at most callTimeout. A panic is an error.
func call(what string, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	select {
	case err := <-begin(ctx, f):
		return err
	case <-ctx.Done():
	}
	return fmt.Errorf("%s does not return within %v", what, callTimeout)
}

// begin runs f in the background; a panic is an error.
func begin(ctx context.Context, f func(context.Context) error) <-chan error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panic: %v", p)
			}
		}()
		done <- f(ctx)
	}()
	return done
}
