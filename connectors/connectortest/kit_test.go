package connectortest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recordingTB is a test whose failures are counted instead of reported.
type recordingTB struct {
	testing.TB
	failures []string
}

func (*recordingTB) Helper() {}

func (r *recordingTB) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recordingTB) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// failuresOf checks a behavior of a toy with a fault.
func failuresOf(t *testing.T, fault, b connectortest.Behavior) []string {
	t.Helper()
	factory, fixture := prepare(t, fault)
	return check(t, factory, fixture, b)
}

func check(t *testing.T, factory connectors.Factory, fixture connectortest.Fixture, b connectortest.Behavior) []string {
	t.Helper()
	r := &recordingTB{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		connectortest.Check(r, factory, fixture, b)
	}()
	<-done
	return r.failures
}

func TestSoundConnectorPasses(t *testing.T) {
	t.Parallel()
	for _, b := range connectortest.All() {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			if failures := failuresOf(t, "", b); len(failures) > 0 {
				t.Errorf("a sound connector fails: %q", failures)
			}
		})
	}
}

func TestEveryBehaviorCanBeBroken(t *testing.T) {
	t.Parallel()
	says := map[connectortest.Behavior]string{
		connectortest.NewDoesNoIO:         "so it asks for it: the shop is gone",
		connectortest.RejectsUnknownNames: `New accepts the unknown name "noSuchNameForTest"`,
		connectortest.KeepsSecrets:        "secret 1 of the fixture is seen in the value made by New",
		connectortest.Disconnects:         "Disconnect: the shop does not let go",
		connectortest.SurvivesFailedStart: "Start succeeds while the third party is gone",
		connectortest.LeavesNoGoroutine:   "after Disconnect there are 1 goroutines left",
		connectortest.TakesChanges:        "the listener gives up io.camena.element.deleted.v1, change 3 when it is told again: the shop sells no more of it",
		connectortest.RepeatsNothing:      "a second refresh of an unchanged third party sends io.camena.element.upsert.v1",
		connectortest.SeesAdditions:       "the fixture's Add, and a refresh after it, change nothing",
		connectortest.SeesChanges:         "the fixture's Change, and a refresh after it, change nothing",
		connectortest.SeesDeletions:       "the fixture's Remove, and a refresh after it, change nothing",
		connectortest.KeepsTheUnseen:      "Refresh succeeds while the third party is gone",
		connectortest.StopsInTime:         "Refresh does not return within 1s after its ctx is done",
		connectortest.SurvivesFaults:      "after faults the repository differs from a fresh one",
		connectortest.SurvivesLag:         "with commands that are applied late the repository differs",
		connectortest.SurvivesRestart:     "the first refresh of a new value of an unchanged third party sends",
	}
	for _, b := range connectortest.All() {
		t.Run(string(b), func(t *testing.T) {
			t.Parallel()
			failures := failuresOf(t, b, b)
			if want := says[b]; want == "" || !strings.Contains(strings.Join(failures, "\n"), want) {
				t.Errorf("the kit says %q, want %q", failures, want)
			}
		})
	}
}

func TestKitAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	factory, fixture := prepare(t, "")
	bare := connectortest.Fixture{Types: shopTypes(), ThirdParty: func(tb testing.TB) connectortest.ThirdParty {
		tb.Helper()
		p := fixture.ThirdParty(tb)
		p.Add, p.Break = nil, nil
		return p
	}}
	tests := map[connectortest.Behavior]string{
		connectortest.SeesAdditions:  "the fixture's third party has no Add",
		connectortest.KeepsTheUnseen: "the fixture's third party has no Break",
		"is kind to animals":         `"is kind to animals" is no behavior of the contract`,
	}
	for b, want := range tests {
		if failures := check(t, factory, bare, b); len(failures) != 1 || !strings.Contains(failures[0], want) {
			t.Errorf("%s: the kit says %q, want %q", b, failures, want)
		}
	}
}

// What a listener is told can be said, and must be what it asks for.
func TestKitTellsWhatTheFixtureSays(t *testing.T) {
	t.Parallel()
	factory, fixture := prepare(t, connectortest.TakesChanges)
	saying := func(commands ...events.Command) connectortest.Fixture {
		return connectortest.Fixture{Types: shopTypes(), ThirdParty: func(tb testing.TB) connectortest.ThirdParty {
			tb.Helper()
			p := fixture.ThirdParty(tb)
			p.Listened = commands
			return p
		}}
	}
	good := events.ElementSpec{Type: "Good", QualifiedName: "Good::listened"}
	for want, commands := range map[string][]events.Command{
		"":                    {&events.Upsert{Element: good}},
		"selects nothing of":  {&events.Upsert{Element: events.ElementSpec{Type: "Bad", QualifiedName: "x"}}},
		"missing":             {&events.Upsert{}},
		"there is no element": {&events.Update{Element: events.ByName("x"), Properties: events.Props(map[string]any{"a": 1})}},
	} {
		failures := check(t, factory, saying(commands...), connectortest.TakesChanges)
		if (want == "") != (len(failures) == 0) || !strings.Contains(strings.Join(failures, "\n"), want) {
			t.Errorf("the kit says %q, want %q", failures, want)
		}
	}
}

// A connector without Refresh passes what is about refreshes.
func TestKitKnowsCapabilities(t *testing.T) {
	t.Parallel()
	factory, fixture := prepare(t, "")
	plain := connectors.Factory{Kind: "plain", New: func(p events.Properties) (connectors.Connector, error) {
		c, err := factory.New(p)
		return struct{ connectors.Connector }{c}, err
	}}
	for _, b := range connectortest.All() {
		if failures := check(t, plain, fixture, b); len(failures) > 0 {
			t.Errorf("%s: %q", b, failures)
		}
	}
}
