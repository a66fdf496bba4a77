package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// choice is a flag that takes one of some words.
type choice struct {
	value *string
	of    []string
}

// String implements [pflag.Value].
func (c *choice) String() string { return *c.value }

// Type implements [pflag.Value].
func (*choice) Type() string { return "word" }

// Set implements [pflag.Value].
func (c *choice) Set(text string) error {
	if !slices.Contains(c.of, text) {
		return fmt.Errorf("give one of %s", strings.Join(c.of, ", "))
	}
	*c.value = text
	return nil
}

// countFlag is a flag whose value is a whole number with a least value.
type countFlag struct {
	value *int
	least int
}

// String implements [pflag.Value].
func (c *countFlag) String() string { return strconv.Itoa(*c.value) }

// Type implements [pflag.Value].
func (*countFlag) Type() string { return "int" }

// Set implements [pflag.Value].
func (c *countFlag) Set(text string) (err error) {
	if *c.value, err = strconv.Atoi(text); err != nil || *c.value < c.least {
		return fmt.Errorf("give a whole number, at least %d", c.least)
	}
	return nil
}
