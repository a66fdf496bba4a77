package connectors_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// Conflicts of things that nobody asks about again do not pile up; those that are
// asked about stay.
func TestConflictsAreBounded(t *testing.T) {
	t.Parallel()
	c, _ := setup(t, events.Definition{}, 0)
	then := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	side := func(changed time.Time) connectors.Side {
		return connectors.Side{Presence: connectors.Active, Changed: changed}
	}
	both := connectors.Pair{
		Open: side(then.Add(time.Hour)), ThirdParty: side(then.Add(2 * time.Hour)),
		Link: &connectors.SyncLink{LastSynchronized: then, OpenChanged: then, ThirdPartyChanged: then},
	}
	const many = 25_000
	for n := range many {
		for _, key := range []string{strconv.Itoa(n), "asked again"} {
			if d := c.Synchronize(key, both); d.Action != connectors.ActionConflict {
				t.Fatal(d)
			}
		}
	}
	all := c.Conflicts()
	if len(all) < 5_000 || len(all) > 10_000 || c.Statistics()["conflicts"] != int64(len(all)) {
		t.Errorf("%d conflicts are kept, the statistic is %d", len(all), c.Statistics()["conflicts"])
	}
	for _, key := range []string{"asked again", strconv.Itoa(many - 1)} {
		if all[key] == "" {
			t.Errorf("the conflict of %q is gone", key)
		}
	}
	both.ThirdParty = side(then)
	for key := range all {
		c.Synchronize(key, both)
	}
	if left := c.Conflicts(); len(left) > 0 || c.Statistics()["conflicts"] != 0 {
		t.Errorf("%d conflicts are left, the statistic is %d", len(left), c.Statistics()["conflicts"])
	}
}
