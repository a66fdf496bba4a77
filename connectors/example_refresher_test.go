package connectors_test

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"testing/fstest"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// folder catalogs the files of a folder.
type folder struct {
	files   fs.FS
	context *connectors.Context
}

var _ connectors.Refresher = (*folder)(nil)

func (f *folder) Start(_ context.Context, c *connectors.Context) error {
	f.context = c
	return nil
}

// Refresh says what there is; the runtime finds out what has changed.
func (f *folder) Refresh(ctx context.Context) error {
	result, err := f.context.Reconcile(ctx, "folder", f.wanted())
	fmt.Printf("created %d, updated %d, deleted %d, unchanged %d\n", result.Created, result.Updated, result.Deleted, result.Unchanged)
	return err
}

func (f *folder) wanted() iter.Seq2[connectors.Wanted, error] {
	return func(yield func(connectors.Wanted, error) bool) {
		err := fs.WalkDir(f.files, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			file := &events.ElementSpec{
				Type: "DataFile", QualifiedName: "File:" + path,
				Properties: events.Props(map[string]any{"displayName": entry.Name(), "size": info.Size()}),
			}
			if !yield(connectors.Wanted{Element: file}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(connectors.Wanted{}, err) // nothing is deleted because of half a view
		}
	}
}

func (*folder) Disconnect(context.Context) error { return nil }

// A connector that catalogs a third party tells what it sees there, and the
// runtime sends the difference.
func Example_refresher() {
	ctx := context.Background()
	files := fstest.MapFS{
		"orders.csv":    {Data: []byte("1;book\n")},
		"customers.csv": {Data: []byte("1;Erin\n")},
	}
	repository := connectortest.NewRepository()
	c := connectors.NewContext(repository.Settings(events.Definition{ID: "1", Name: "folder", MetadataSource: "Folder:data"}))
	connector := &folder{files: files}

	if err := connector.Start(ctx, c); err != nil {
		fmt.Println(err)
	}
	for _, change := range []func(){
		func() {},
		func() { files["orders.csv"].Data = []byte("1;book\n2;pen\n") },
		func() { delete(files, "customers.csv") },
	} {
		change()
		if err := connector.Refresh(ctx); err != nil {
			fmt.Println(err)
		}
	}
	for _, e := range repository.Elements() {
		fmt.Println(e.Header.QualifiedName, string(e.Properties.Raw()))
	}
	if err := c.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// created 2, updated 0, deleted 0, unchanged 0
	// created 0, updated 1, deleted 0, unchanged 1
	// created 0, updated 0, deleted 1, unchanged 1
	// File:orders.csv {"displayName":"orders.csv","size":13}
}
