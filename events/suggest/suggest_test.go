package suggest_test

import (
	"testing"

	"github.com/camena-io/camena/events/suggest"
)

func TestSuggestions(t *testing.T) {
	t.Parallel()
	known := []string{"quickstart", "orders", "CAMENA_NATS_URL"}
	for written, want := range map[string]string{
		"quickstrat": `; did you mean quickstart?`, "Quickstart": `; did you mean quickstart?`, "order": `; did you mean orders?`,
		"CAMENA_NATS_ULR": `; did you mean CAMENA_NATS_URL?`, "something else": "", "": "",
	} {
		if got := suggest.Nearest(written, known); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}
