package connectortest

import (
	"slices"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// Behavior is a promise of the contract; its text says what is promised.
type Behavior string

// The behaviors that [Run] checks.
const (
	// NewDoesNoIO needs [ThirdParty.Break].
	NewDoesNoIO         Behavior = "New works while the third party is gone, and starts nothing"
	RejectsUnknownNames Behavior = "an unknown name in the configuration is a permanent error that names it"
	KeepsSecrets        Behavior = "no secret is printed, encoded, logged or shown"
	Disconnects         Behavior = "Disconnect ends what Start began, and the Context refuses all calls from then on"
	// SurvivesFailedStart needs [ThirdParty.Break].
	SurvivesFailedStart Behavior = "Start fails while the third party is gone, and Disconnect works all the same"
	LeavesNoGoroutine   Behavior = "no goroutine is left after Disconnect"
	// TakesChanges is about connectors that are a [connectors.Listener].
	TakesChanges   Behavior = "a listener takes every change that it asks for, also when it is told again"
	RepeatsNothing Behavior = "a second refresh of an unchanged third party sends no command"
	SeesAdditions  Behavior = "the next refresh sees what was added"
	SeesChanges    Behavior = "the next refresh sees what was changed"
	SeesDeletions  Behavior = "the next refresh sees what was removed"
	// KeepsTheUnseen needs [ThirdParty.Break].
	KeepsTheUnseen  Behavior = "while the third party is gone a refresh fails and deletes nothing"
	StopsInTime     Behavior = "Refresh returns within a second after its ctx is done"
	SurvivesFaults  Behavior = "nothing is lost and nothing happens twice while publishing fails at random"
	SurvivesLag     Behavior = "nothing is lost and nothing is left while commands are applied late"
	SurvivesRestart Behavior = "a new value goes on where another ended, without sending a command"
)

// behavior is a row of the table of behaviors.
type behavior struct {
	name  Behavior
	check func(*check)
	// about reports whether it is about a connector; nil means about any.
	about func(connectors.Connector) bool
}

// is reports whether a connector has a capability, such as [connectors.Refresher].
func is[T any](c connectors.Connector) bool {
	_, ok := c.(T)
	return ok
}

// behaviors returns the table, in the order in which failures are best fixed.
func behaviors() []behavior {
	return []behavior{
		{NewDoesNoIO, (*check).newDoesNoIO, nil},
		{RejectsUnknownNames, (*check).rejectsUnknownNames, nil},
		{KeepsSecrets, (*check).keepsSecrets, nil},
		{Disconnects, (*check).disconnects, nil},
		{SurvivesFailedStart, (*check).survivesFailedStart, nil},
		{LeavesNoGoroutine, (*check).leavesNoGoroutine, nil},
		{TakesChanges, (*check).takesChanges, is[connectors.Listener]},
		{RepeatsNothing, (*check).repeatsNothing, is[connectors.Refresher]},
		{SeesAdditions, func(c *check) { c.sees("Add", c.party.Add) }, is[connectors.Refresher]},
		{SeesChanges, func(c *check) { c.sees("Change", c.party.Change) }, is[connectors.Refresher]},
		{SeesDeletions, func(c *check) { c.sees("Remove", c.party.Remove) }, is[connectors.Refresher]},
		{KeepsTheUnseen, (*check).keepsTheUnseen, is[connectors.Refresher]},
		{StopsInTime, (*check).stopsInTime, is[connectors.Refresher]},
		{SurvivesFaults, (*check).survivesFaults, is[connectors.Refresher]},
		{SurvivesLag, (*check).survivesLag, is[connectors.Refresher]},
		{SurvivesRestart, (*check).survivesRestart, is[connectors.Refresher]},
	}
}

// All returns all behaviors.
func All() []Behavior {
	table := behaviors()
	all := make([]Behavior, len(table))
	for i := range table {
		all[i] = table[i].name
	}
	return all
}

// ThirdParty is a third party that is set up for one check, with at least one thing to
// catalog, and the ways to change it. A hook that does not succeed fails the test
// itself. The kit calls no hook twice in a row, and Break at most once.
type ThirdParty struct {
	// Configuration makes the connector use this third party.
	Configuration events.Properties
	// Secrets are values that must never be seen.
	Secrets []string
	// Add, Change and Remove change what a connector catalogs.
	Add, Change, Remove func()
	// Listened are commands whose changes a listener must handle, in this order. Without
	// them the kit creates, changes and deletes an element of each type in its Interest,
	// and links and unlinks a relationship of each type in Relationships.
	Listened []events.Command
	// Break makes the third party unreachable, for good.
	Break func()
}

// Fixture is what the kit needs to know of a connector.
type Fixture struct {
	// ThirdParty sets up a new third party for each check, and releases it in
	// [testing.TB.Cleanup].
	ThirdParty func(tb testing.TB) ThirdParty
	// Types are the types that the connector uses in addition to those that Camena ships.
	Types []events.TypeDef
	// Seeds is the number of runs with random faults; 0 means 10.
	Seeds uint64
}

// Run checks the given behaviors, by default all, each in a parallel subtest. A behavior
// of a capability that the connector does not have passes.
func Run(t *testing.T, factory connectors.Factory, fixture Fixture, behaviors ...Behavior) {
	t.Helper()
	if len(behaviors) == 0 {
		behaviors = All()
	}
	for _, b := range behaviors {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			Check(t, factory, fixture, b)
		})
	}
}

// Check checks one behavior.
func Check(tb testing.TB, factory connectors.Factory, fixture Fixture, b Behavior) {
	tb.Helper()
	types, err := typesWith(fixture.Types)
	if err != nil {
		tb.Fatalf("the fixture's Types: %v", err)
	}
	table := behaviors()
	i := slices.IndexFunc(table, func(row behavior) bool { return row.name == b })
	if i < 0 {
		tb.Fatalf("%q is no behavior of the contract", b)
	}
	c := &check{TB: tb, factory: factory, fixture: fixture, party: fixture.ThirdParty(tb), types: types}
	if about := table[i].about; about != nil && !about(c.make()) {
		tb.Logf("the connector has no such method: nothing to check")
		return
	}
	table[i].check(c)
}
