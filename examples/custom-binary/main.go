// Command programs is Camena with one connector of its own: it has every
// command that camena has, and runs the connectors that main names.
package main

import "github.com/camena-io/camena/cmd/camena/cli"

func main() { cli.Main(Factory()) }
