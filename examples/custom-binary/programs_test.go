package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

func TestContract(t *testing.T) {
	connectortest.Run(t, Factory(), connectortest.Fixture{ThirdParty: func(tb testing.TB) connectortest.ThirdParty {
		third := &folder{tb: tb, path: tb.TempDir()}
		third.add()
		return connectortest.ThirdParty{
			Configuration: events.Props(map[string]any{"folders": []any{third.path}, "hostName": "here"}),
			Add:           third.add, Change: third.rename, Remove: third.remove,
			Break: func() { third.check(os.RemoveAll(third.path)) },
		}
	}})
}

// folder is the third party: a folder with programs.
type folder struct {
	tb    testing.TB
	path  string
	count int
}

func (f *folder) check(err error) {
	f.tb.Helper()
	if err != nil {
		f.tb.Fatal(err)
	}
}

// any returns a program of the folder.
func (f *folder) any() string {
	entries, err := os.ReadDir(f.path)
	f.check(err)
	return filepath.Join(f.path, entries[0].Name())
}

func (f *folder) add() {
	f.count++
	f.check(os.WriteFile(filepath.Join(f.path, fmt.Sprint("program", f.count)), nil, 0o700))
}

// rename is the only change of a program, which is known by its path.
func (f *folder) rename() { f.check(os.Rename(f.any(), f.any()+"-renamed")) }

func (f *folder) remove() { f.check(os.Remove(f.any())) }

func TestOnlyProgramsAreCataloged(t *testing.T) {
	folder := t.TempDir()
	for name, mode := range map[string]os.FileMode{"program": 0o755, "notes.txt": 0o644} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := &connector{cfg: configuration{Folders: []string{folder}, HostName: "here"}}
	var got []string
	for w, err := range p.programs() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, w.Element.QualifiedName)
	}
	want := "DeployedSoftwareComponent::here::" + filepath.Join(folder, "program")
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
