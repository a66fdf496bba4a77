package connectortest

import (
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

// All returns all behaviors, in the order in which a connector is best mended.
func All() []Behavior {
	return []Behavior{
		NewDoesNoIO, RejectsUnknownNames, KeepsSecrets, Disconnects, SurvivesFailedStart, LeavesNoGoroutine, TakesChanges,
		RepeatsNothing, SeesAdditions, SeesChanges, SeesDeletions, KeepsTheUnseen, StopsInTime,
		SurvivesFaults, SurvivesLag, SurvivesRestart,
	}
}

// ThirdParty is a third party that was set up for one check, with at least one
// thing in it to catalogue, and the ways to change it. The hooks fail the test
// themselves if they do not succeed; each is called at most once in a row, and
// Break at most once.
type ThirdParty struct {
	// Configuration makes the connector use this third party.
	Configuration events.Properties
	// Secrets are the values that must never be seen.
	Secrets []string
	// Add, Change and Remove alter what a connector catalogues.
	Add, Change, Remove func()
	// Listened are commands whose changes a listener is to take, in this order;
	// nil means: of each type that its Interest names, an element is created,
	// changed and deleted, and of each type in Relationships one linked and unlinked.
	Listened []events.Command
	// Break makes the third party unreachable, for good.
	Break func()
}

// Fixture is what the kit has to know of a connector.
type Fixture struct {
	// ThirdParty sets up a third party, for each check another. Whatever it
	// takes it gives back in [testing.TB.Cleanup].
	ThirdParty func(tb testing.TB) ThirdParty
	// Types are those that the connector writes or listens to beside the ones that
	// Camena ships.
	Types []events.TypeDef
	// Seeds is how many runs of random faults there are; 0 means 10.
	Seeds uint64
}

// Run checks the given behaviors, or all if none is given, each in a parallel
// subtest. Those that are about refreshes it leaves out for a connector that
// has none.
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
	c := &check{TB: tb, factory: factory, fixture: fixture, party: fixture.ThirdParty(tb), types: types}
	run, refreshes := c.of(b)
	switch {
	case run == nil:
		tb.Fatalf("%q is no behavior of the contract", b)
	case refreshes && !c.refreshes():
		tb.Logf("the connector has no Refresh: nothing to check")
	default:
		run()
	}
}

// of returns the check of a behavior, and whether it is about refreshes.
func (c *check) of(b Behavior) (run func(), refreshes bool) {
	switch b {
	case NewDoesNoIO:
		return c.newDoesNoIO, false
	case RejectsUnknownNames:
		return c.rejectsUnknownNames, false
	case KeepsSecrets:
		return c.keepsSecrets, false
	case Disconnects:
		return c.disconnects, false
	case SurvivesFailedStart:
		return c.survivesFailedStart, false
	case LeavesNoGoroutine:
		return c.leavesNoGoroutine, false
	case TakesChanges:
		return c.takesChanges, false
	default:
		return c.ofRefreshes(b), true
	}
}

func (c *check) ofRefreshes(b Behavior) func() {
	switch b {
	case RepeatsNothing:
		return c.repeatsNothing
	case SeesAdditions:
		return func() { c.sees("Add", c.party.Add) }
	case SeesChanges:
		return func() { c.sees("Change", c.party.Change) }
	case SeesDeletions:
		return func() { c.sees("Remove", c.party.Remove) }
	case KeepsTheUnseen:
		return c.keepsTheUnseen
	case StopsInTime:
		return c.stopsInTime
	case SurvivesFaults:
		return c.survivesFaults
	case SurvivesLag:
		return c.survivesLag
	case SurvivesRestart:
		return c.survivesRestart
	default:
		return nil
	}
}
