package events_test

import (
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
)

func TestNamesThatCouldNotBeAskedForAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		created, wrote bool // whether create and upsert take it
	}{
		{"Topic::a b", true, true},
		{"", true, true},
		{"0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10", false, false},
		{"Topic::0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10", true, true},
		{strings.Repeat("x", events.MaxName), true, true},
		{strings.Repeat("x", events.MaxName+1), false, false},
		{" ", false, false},
		{"\t\n\u00a0\u2003", false, false},
		{" a", false, true},
		{"a\t", false, true},
		{"a\nb", false, true},
	} {
		spec := events.ElementSpec{Type: "T", QualifiedName: c.name}
		for _, err := range []error{(&events.Create{Element: spec}).Validate(), (&events.FromTemplate{Template: events.ByName("t"), QualifiedName: c.name}).Validate()} {
			if (err == nil) != c.created {
				t.Errorf("%.40q: got %v", c.name, err)
			}
		}
		err := (&events.Upsert{Element: spec}).Validate()
		if (err == nil) != c.wrote || err != nil && !strings.HasPrefix(err.Error(), "/element/qualifiedName: ") {
			t.Errorf("%.40q: got %v", c.name, err)
		}
	}
}
