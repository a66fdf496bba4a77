package files_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/connectors/files"
	"github.com/camena-io/camena/events"
)

// A folder is cataloged, and a file that comes later is reported by itself.
func Example() {
	ctx := context.Background()
	root, err := os.MkdirTemp("", "files")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(root) }()

	connector, err := files.Factory().New(events.Props(map[string]any{
		"path": root, "hostName": "warehouse", "include": []string{"**/*.csv"},
	}))
	if err != nil {
		panic(err)
	}
	repository := connectortest.NewRepository()
	c := connectors.NewContext(repository.Settings(events.Definition{ID: "1", Name: "files"}))
	if err := connector.Start(ctx, c); err != nil {
		panic(err)
	}
	if refresher, ok := connector.(connectors.Refresher); ok {
		fmt.Println("refreshed, error:", refresher.Refresh(ctx))
	}

	orders := filepath.Join(root, "orders.csv")
	if err := os.WriteFile(orders, []byte("id,total\n1,9.99\n"), 0o600); err != nil {
		panic(err)
	}
	name := "DataFile::warehouse::" + orders
	err = repository.Await(ctx, func() bool { return repository.Element(name) != nil })
	file := repository.Element(name)
	fmt.Println(file.Header.Type.Name, file.Properties.String("displayName"), file.Properties.String("encoding"), err)

	fmt.Println("disconnected:", connector.Disconnect(ctx), c.Close(ctx))
	// Output:
	// refreshed, error: <nil>
	// CSVFile orders.csv UTF-8 <nil>
	// disconnected: <nil> <nil>
}
