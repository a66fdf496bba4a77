package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
)

func TestAWriterThatStandsStillIsUnhealthy(t *testing.T) {
	t.Parallel()
	for still, want := range map[time.Duration]string{
		0: "", tooStill - 1: "", tooStill: "3 commands wait, and n1, which has to apply them, has not got on for 10s",
	} {
		err := standsStill(&events.Writing{Node: "n1", Waiting: 3, Still: events.Duration(still)})
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: %v, want %q", still, err, want)
		}
	}
}
