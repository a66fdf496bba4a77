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
	connectortest.Run(t, files.Factory(), connectortest.Fixture{ThirdParty: func(t testing.TB) connectortest.ThirdParty {
		t.Helper()
		root := filepath.Join(t.TempDir(), "root")
		write(t, root, "a.csv", "x,y\n")
		write(t, root, "sub/b.json", "{}")
		write(t, root, "sub/deep/c.txt", "text")
		return connectortest.ThirdParty{
			Configuration: events.Props(map[string]any{"path": root, "hostName": "host"}),
			Add:           func() { write(t, root, "new/d.csv", "x\n") },
			Change:        func() { write(t, root, "a.csv", "x,y,z\n") },
			Remove:        func() { must(t, os.RemoveAll(filepath.Join(root, "sub", "deep"))) },
			Break:         func() { must(t, os.Rename(root, root+".gone")) },
		}
	}})
}

// write makes a file, and the folders it is in.
func write(t testing.TB, root, rel, content string) {
	t.Helper()
	p := filepath.Join(root, filepath.FromSlash(rel))
	must(t, os.MkdirAll(filepath.Dir(p), 0o750))
	must(t, os.WriteFile(p, []byte(content), 0o600))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
