package connectors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

func TestErrorKinds(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	permanent := fmt.Errorf("read: %w", connectors.Permanent(fmt.Errorf("open: %w", cause)))
	later := fmt.Errorf("read: %w", connectors.RetryAfter(fmt.Errorf("open: %w", cause), time.Minute))
	for _, err := range []error{permanent, later} {
		if err.Error() != "read: open: cause" || !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	}
	if !connectors.IsPermanent(permanent) || connectors.IsPermanent(later) || connectors.IsPermanent(cause) || connectors.IsPermanent(nil) {
		t.Error("IsPermanent is wrong")
	}
	if d, ok := connectors.RetryDelay(later); d != time.Minute || !ok {
		t.Errorf("got %s, %t", d, ok)
	}
	if d, ok := connectors.RetryDelay(permanent); d != 0 || ok {
		t.Errorf("got %s, %t", d, ok)
	}
	if connectors.Permanent(nil) != nil || connectors.RetryAfter(nil, time.Minute) != nil {
		t.Error("no error became one")
	}
}

func TestNewSet(t *testing.T) {
	t.Parallel()
	newNothing := func(events.Properties) (connectors.Connector, error) { return nil, connectors.ErrDisconnected }
	set, err := connectors.NewSet(
		connectors.Factory{Kind: "postgres", New: newNothing},
		connectors.Factory{Kind: "files", Description: "Catalogs files.", New: newNothing},
	)
	if err != nil || !slices.Equal(set.Kinds(), []string{"files", "postgres"}) {
		t.Errorf("got %q, %v", set.Kinds(), err)
	}
	if f, ok := set.Factory("files"); !ok || f.Description != "Catalogs files." {
		t.Errorf("got %+v, %t", f, ok)
	}
	if _, ok := set.Factory("absent"); ok {
		t.Error("found what is not there")
	}
	for want, factories := range map[string][]connectors.Factory{
		`connector "files" is listed twice`:               {{Kind: "files", New: newNothing}, {Kind: "files", New: newNothing}},
		`connector "files": a factory needs Kind and New`: {{Kind: "files"}},
		`connector "": a factory needs Kind and New`:      {{New: newNothing}},
	} {
		if _, err := connectors.NewSet(factories...); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	var none connectors.Set
	if _, ok := none.Factory("files"); ok || len(none.Kinds()) != 0 {
		t.Error("the zero Set is not empty")
	}
}

func TestDecodeConfig(t *testing.T) {
	t.Parallel()
	type config struct {
		Path   string          `json:"path"`
		Every  events.Duration `json:"every,omitzero"`
		Nested struct {
			Depth uint `json:"depth"`
		} `json:"nested,omitzero"`
	}
	good, err := connectors.DecodeConfig[config](events.Props(map[string]any{"path": "/data", "every": "10m"}))
	if err != nil || good.Path != "/data" || time.Duration(good.Every) != 10*time.Minute {
		t.Errorf("got %+v, %v", good, err)
	}
	if _, err := connectors.DecodeConfig[config](events.Properties{}); err != nil {
		t.Errorf("nothing configured: got %v", err)
	}
	for _, c := range []struct {
		configuration map[string]any
		want          string
	}{
		{map[string]any{"paths": "x"}, "configuration/paths: unknown field"},
		{map[string]any{"Path": "x"}, "configuration/Path: unknown field"},
		{map[string]any{"path": 5}, "configuration/path: expected a string, found a number"},
		{map[string]any{"every": "soon"}, `configuration/every: "soon"`},
		{map[string]any{"every": 5}, "configuration/every: expected a string, found a number"},
		{map[string]any{"nested": map[string]any{"depth": -1}}, "configuration/nested/depth: expected a whole number"},
	} {
		_, err := connectors.DecodeConfig[config](events.Props(c.configuration))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || !connectors.IsPermanent(err) || events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	_, err = connectors.DecodeConfig[[]string](events.Properties{})
	if want := "configuration: expected an array, found an object"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
