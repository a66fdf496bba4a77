// Command camena runs metadata connectors on a message bus, and shows and
// changes what they do. "camena help" lists its commands.
package main

import (
	"github.com/camena-io/camena/cmd/camena/bench"
	"github.com/camena-io/camena/cmd/camena/cli"
	"github.com/camena-io/camena/connectors/builtin"
)

func main() { cli.MainWith([]cli.NewCommand{bench.Command}, builtin.Factories()...) }
