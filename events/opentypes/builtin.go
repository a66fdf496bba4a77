package opentypes

import (
	_ "embed" // for types.json
	"fmt"

	"github.com/camena-io/camena/events"
)

// shipped are the types of types/*.yaml.
//
//go:embed types.json
var shipped []byte

// Builtin returns the types that Camena ships. Every call reads them again, in a
// few milliseconds.
func Builtin() (*Registry, error) {
	c, err := events.Unmarshal[events.DefineTypes](shipped)
	if err != nil {
		return nil, fmt.Errorf("shipped types: %w", err)
	}
	r, _, err := new(Registry).Apply(c.Types...)
	if err != nil {
		return nil, fmt.Errorf("shipped types: %w", err)
	}
	return r, nil
}
