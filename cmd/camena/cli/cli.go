// Package cli is the command line of Camena. An author's own binary imports it
// and hands over the connectors that it offers:
//
//	func main() { cli.Main(mykind.Factory()) }
package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
)

// Main runs the program named by the process's arguments, with connectors of
// the given factories, and exits.
func Main(factories ...connectors.Factory) { MainWith(nil, factories...) }

// NewCommand returns a command of another package. Its argument adds the flag -o to
// a command, and returns a function that prints a document, or rows instead.
type NewCommand = func(report func(*cobra.Command) (show func(document any, rows [][]string) error)) *cobra.Command

// MainWith is [Main] with more commands.
func MainWith(more []NewCommand, factories ...connectors.Factory) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	p := &program{more: more, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	var err error
	if p.offered, err = connectors.NewSet(factories...); err == nil {
		err = p.run(ctx, os.Args[1:])
	}
	if err != nil {
		printError(os.Stderr, err, p.errorForm)
		os.Exit(exitCode(err))
	}
}
