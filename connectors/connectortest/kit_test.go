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
		connectortest.NewDoesNoIO:         "the shop is gone",
		connectortest.RejectsUnknownNames: `unknown name "noSuchNameForTest"`,
		connectortest.KeepsSecrets:        "secret 1 of the fixture",
		connectortest.Disconnects:         "does not let go",
		connectortest.SurvivesFailedStart: "Start succeeds",
		connectortest.LeavesNoGoroutine:   "1 goroutines left",
		connectortest.TakesChanges:        "change 3 when it is told",
		connectortest.RepeatsNothing:      "a second refresh",
		connectortest.SeesAdditions:       "the fixture's Add",
		connectortest.SeesChanges:         "the fixture's Change",
		connectortest.SeesDeletions:       "the fixture's Remove",
		connectortest.KeepsTheUnseen:      "Refresh succeeds",
		connectortest.StopsInTime:         "Refresh does not return",
		connectortest.SurvivesFaults:      "after faults",
		connectortest.SurvivesLag:         "applied late",
		connectortest.SurvivesRestart:     "refresh of a new value",
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
		connectortest.SeesAdditions:  "has no Add",
		connectortest.KeepsTheUnseen: "has no Break",
		"is kind to animals":         `"is kind to animals"`,
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
