package connectors_test

import (
	"fmt"
	"testing/fstest"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// A factory describes a kind of connector. Its configuration is decoded
// strictly, so that a misspelt name is found at once.
func ExampleFactory() {
	type config struct {
		Path     string            `json:"path"`
		Password connectors.Secret `json:"password,omitzero"`
	}
	set, err := connectors.NewSet(connectors.Factory{
		Kind:        "folder",
		Description: "Catalogs the files of a folder.",
		New: func(configuration events.Properties) (connectors.Connector, error) {
			c, err := connectors.DecodeConfig[config](configuration)
			if err != nil {
				return nil, err
			}
			fmt.Printf("%+v\n", c)
			return &folder{files: fstest.MapFS{}}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
	}
	for _, configuration := range []map[string]any{
		{"path": "/data", "password": "env:FOLDER_PASSWORD"},
		{"pfad": "/data"},
		{"path": "/data", "password": "open sesame"},
	} {
		factory, _ := set.Factory("folder")
		if _, err := factory.New(events.Props(configuration)); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// {Path:/data Password:[redacted]}
	// configuration/pfad: unknown field; remove it or check its spelling
	// configuration/password: expected a string: a secret is given by reference, as "env:NAME" or "file:/path"
}
