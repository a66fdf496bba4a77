package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// checkFirst has flags checked before the command runs, beside what is checked
// already.
func checkFirst(cmd *cobra.Command, check func(*cobra.Command) error) {
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if before != nil {
			err = before(cmd, args)
		}
		return errors.Join(err, check(cmd))
	}
}

func atLeast(flag string, n, least int) error {
	if n < least {
		return fmt.Errorf("--%s %d: give at least %d", flag, n, least)
	}
	return nil
}

func positive(flag string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("--%s %s: give a time longer than 0", flag, d)
	}
	return nil
}

// exclusive refuses two flags at once, in plainer words than cobra has.
func exclusive(cmd *cobra.Command, a, b string) error {
	if cmd.Flags().Changed(a) && cmd.Flags().Changed(b) {
		return fmt.Errorf("give either --%s or --%s, not both", a, b)
	}
	return nil
}

// nothing takes no argument.
func nothing(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q is too much: %s takes flags only; see %q", args[0], cmd.CommandPath(), cmd.CommandPath()+" --help")
	}
	return nil
}

// one takes one argument; shown by is the command that shows what it may be.
func one(what, shownBy string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 1:
			return nil
		case 0:
			return fmt.Errorf("name %s: %q shows them", what, shownBy)
		default:
			return fmt.Errorf("%q is too much: name %s, only one", args[1], what)
		}
	}
}
