package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/connectors/files"
	"github.com/camena-io/camena/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, files.Factory(), connectortest.Fixture{ThirdParty: func(tb testing.TB) connectortest.ThirdParty {
		tb.Helper()
		root := filepath.Join(tb.TempDir(), "root")
		write(tb, root, "a.csv", "x,y\n")
		write(tb, root, "sub/b.json", "{}")
		write(tb, root, "sub/deep/c.txt", "text")
		return connectortest.ThirdParty{
			Configuration: events.Props(map[string]any{"path": root, "hostName": "host"}),
			Add:           func() { write(tb, root, "new/d.csv", "x\n") },
			Change:        func() { write(tb, root, "a.csv", "x,y,z\n") },
			Remove:        func() { must(tb, os.RemoveAll(filepath.Join(root, "sub", "deep"))) },
			Break:         func() { must(tb, os.Rename(root, root+".gone")) },
		}
	}})
}

// write makes a file, and the folders it is in.
func write(tb testing.TB, root, rel, content string) {
	tb.Helper()
	p := filepath.Join(root, filepath.FromSlash(rel))
	must(tb, os.MkdirAll(filepath.Dir(p), 0o750))
	must(tb, os.WriteFile(p, []byte(content), 0o600))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
