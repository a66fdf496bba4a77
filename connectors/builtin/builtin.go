// Package builtin lists the connectors that the camena binary ships.
package builtin

import (
	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/files"
	"github.com/camena-io/camena/connectors/i2connect"
	"github.com/camena-io/camena/connectors/openapi"
	"github.com/camena-io/camena/connectors/postgres"
)

// Factories returns a factory of every connector in the binary.
func Factories() []connectors.Factory {
	return []connectors.Factory{files.Factory(), i2connect.Factory(), openapi.Factory(), postgres.Factory()}
}
