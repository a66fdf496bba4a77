package connectortest

import (
	stdcmp "cmp"
	"context"
	"maps"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/events"
)

const (
	defaultSeeds = 10
	// attempts limits the refreshes while publishing fails at random.
	attempts = 1000
	// depth is the number of commands after each of which a refresh is canceled.
	depth = 5
)

func (c *check) repeatsNothing() {
	v := c.start(c.repository())
	defer v.stop()
	v.refresh()
	v.sendsNothing("a second refresh")
	if len(v.repo.State()) == 0 {
		c.Errorf("nothing was cataloged: the fixture's third party must hold something, and the connector find it")
	}
}

// sendsNothing refreshes, and reports the commands that are sent.
func (v *value) sendsNothing(what string) {
	v.Helper()
	sent := len(v.repo.Sent())
	v.refresh()
	for _, e := range v.repo.Sent()[sent:] {
		v.Errorf("%s of an unchanged third party sends %s %s", what, e.Type, e.Data)
	}
}

// sees checks that one change of the third party is cataloged.
func (c *check) sees(name string, change func()) {
	v := c.start(c.repository())
	defer v.stop()
	v.refresh()
	before := v.repo.State()
	c.hook(name, change)
	v.refresh()
	v.repo.Settle()
	if maps.Equal(before, v.repo.State()) {
		c.Errorf("the fixture's %s, and a refresh after it, change nothing in the repository", name)
	}
	v.isAsFresh("after " + name)
}

// isAsFresh checks that the repository is as a new value makes an empty one, and that
// every command was applied.
func (v *value) isAsFresh(when string) {
	v.Helper()
	fresh := v.start(v.repository())
	fresh.refresh()
	fresh.stop()
	fresh.repo.Settle()
	if diff := cmp.Diff(v.repo.State(), fresh.repo.State()); diff != "" {
		v.Errorf("%s the repository differs from a fresh one (-got +want):\n%s", when, diff)
	}
	for _, dead := range v.repo.DeadLetters() {
		v.Errorf("%s a command could not be applied: %v: %s %s", when, dead.Reason, dead.Event.Type, dead.Event.Data)
	}
}

func (c *check) keepsTheUnseen() {
	v := c.start(c.repository())
	defer v.stop()
	v.refresh()
	before := v.repo.State()
	c.hook("Break", c.party.Break)
	if v.tryRefresh() == nil {
		c.Errorf("Refresh succeeds while the third party is gone")
	}
	v.repo.Settle()
	if diff := cmp.Diff(v.repo.State(), before); diff != "" {
		c.Errorf("a refresh while the third party is gone changes the repository (-got +want):\n%s", diff)
	}
}

func (c *check) stopsInTime() {
	for stored := range depth {
		c.stopsAfter(stored)
	}
}

// stopsAfter cancels a refresh that waits for room in the in topic.
func (c *check) stopsAfter(stored int) {
	v := c.start(c.repository())
	defer v.stop()
	waiting := v.repo.Stall(stored)
	defer v.repo.Steady()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := begin(ctx, v.refreshUntil)
	select {
	case <-waiting:
		cancel()
	case err := <-done:
		c.Logf("the refresh ended before its %d. command: %v", stored+1, err)
		return
	}
	select {
	case err := <-done:
		c.Logf("Refresh returned %v", err)
	case <-time.After(stopTimeout):
		c.Fatalf("Refresh does not return within %v after its ctx is done", stopTimeout)
	}
}

func (c *check) survivesFaults() {
	for seed := range stdcmp.Or(c.fixture.Seeds, defaultSeeds) {
		c.party = c.fixture.ThirdParty(c.TB)
		c.survivesFaultsOf(seed)
	}
}

func (c *check) survivesFaultsOf(seed uint64) {
	v := c.start(c.repository())
	defer v.stop()
	v.repo.Flaky(seed)
	v.retry()
	c.hook("Add", c.party.Add)
	v.retry()
	c.hook("Change", c.party.Change)
	v.retry()
	c.hook("Remove", c.party.Remove)
	v.retry()
	v.repo.Steady()
	v.refresh()
	v.isAsFresh("after faults")
}

// retry refreshes until it succeeds, as a host does.
func (v *value) retry() {
	v.Helper()
	var err error
	for range attempts {
		if err = v.tryRefresh(); err == nil {
			return
		}
		if events.CodeOf(err) != events.CodeUnavailable {
			break
		}
	}
	v.Fatalf("Refresh while publishing fails at random, which must be an error that wraps the publisher's: %v", err)
}

func (c *check) survivesLag() {
	repo := c.repository()
	repo.Lag()
	v := c.start(repo)
	defer v.stop()
	v.refresh()
	c.hook("Add", c.party.Add)
	v.refresh()
	c.hook("Remove", c.party.Remove)
	v.refresh()
	repo.Settle()
	v.isAsFresh("with commands that are applied late")
}

func (c *check) survivesRestart() {
	repo := c.repository()
	first := c.start(repo)
	first.refresh()
	first.stop()
	repo.Settle()
	second := c.start(repo)
	second.sendsNothing("the first refresh of a new value")
	second.stop()
	second.isAsFresh("after a restart")
}
