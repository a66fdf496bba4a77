package files_test

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/connectors/files"
	"github.com/camena-io/camena/events"
)

// soon is how long a change may take to be reported.
const soon = 10 * time.Second

// site is a connector at work on a folder of its own.
type site struct {
	testing.TB
	root      string
	repo      *connectortest.Repository
	context   *connectors.Context
	connector connectors.Connector
}

// open starts a connector on a new folder, with settings beside the path.
func open(tb testing.TB, d files.Disk, settings map[string]any) *site {
	tb.Helper()
	s := &site{TB: tb, root: filepath.Join(tb.TempDir(), "root"), repo: connectortest.NewRepository()}
	must(tb, os.Mkdir(s.root, 0o750))
	s.start(d, settings)
	return s
}

// start starts a value of the connector on the site.
func (s *site) start(d files.Disk, settings map[string]any) {
	s.Helper()
	values := map[string]any{"path": s.root, "hostName": "h"}
	maps.Copy(values, settings)
	definition := events.Definition{ID: "c", Name: "files", MetadataSource: "Source::h", Configuration: events.Props(values)}
	connector, err := files.FactoryOn(d).New(definition.Configuration)
	must(s, err)
	s.connector, s.context = connector, connectors.NewContext(s.repo.Settings(definition))
	must(s, connector.Start(context.Background(), s.context))
	s.Cleanup(s.stop)
}

// stop disconnects; once is enough.
func (s *site) stop() {
	s.Helper()
	if s.connector == nil {
		return
	}
	must(s, s.connector.Disconnect(context.Background()))
	must(s, s.context.Close(context.Background()))
	s.connector = nil
}

func (s *site) tryRefresh() error {
	r, ok := s.connector.(connectors.Refresher)
	if !ok {
		s.Fatal("no Refresher")
	}
	return r.Refresh(context.Background())
}

func (s *site) refresh() {
	s.Helper()
	must(s, s.tryRefresh())
}

func (s *site) write(rel, content string) { write(s, s.root, rel, content) }

func (s *site) path(rel string) string { return filepath.Join(s.root, filepath.FromSlash(rel)) }

func (s *site) remove(rel string) { must(s, os.RemoveAll(s.path(rel))) }

func (s *site) rename(from, to string) { must(s, os.Rename(s.path(from), s.path(to))) }

// file returns the element of a file, nil if there is none.
func (s *site) file(rel string) *events.Element { return s.repo.Element("DataFile::h::" + s.path(rel)) }

// await waits until the repository shows the condition.
func (s *site) await(condition func() bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if err := s.repo.Await(ctx, condition); err != nil {
		s.Fatalf("%v; it holds %v", err, s.catalog())
	}
}

// awaitProblem waits until the problem of a key contains the texts, or is
// gone if the text is "".
func (s *site) awaitProblem(key string, texts ...string) {
	s.Helper()
	deadline := time.After(soon)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		got, shown := s.context.Problems()[key]
		lacks := func(text string) bool { return !strings.Contains(got, text) }
		if shown == (texts[0] != "") && !slices.ContainsFunc(texts, lacks) {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			s.Fatalf("problem %s is %q, want %q", key, got, texts)
		}
	}
}

// catalog returns the paths in the repository, folders with a slash behind
// them, and the type and size of each.
func (s *site) catalog() map[string]string {
	shown := map[string]string{}
	for _, e := range s.repo.Elements() {
		name := strings.TrimPrefix(e.Properties.String("pathName"), s.root)
		if e.Header.Type.Name == "FileFolder" {
			shown[name+"/"] = ""
			continue
		}
		size, err := events.Property[int64](e.Properties, "size")
		must(s, err)
		shown[name] = e.Header.Type.Name + " " + time.Duration(size).String()
	}
	return shown
}

// tree returns what the catalog should be, by walking the disk.
func (s *site) tree() map[string]string {
	shown := map[string]string{}
	must(s, filepath.WalkDir(s.root, func(p string, d fs.DirEntry, err error) error {
		must(s, err)
		name := strings.TrimPrefix(filepath.ToSlash(p), s.root)
		if d.IsDir() {
			shown[name+"/"] = ""
			return nil
		}
		info, err := d.Info()
		must(s, err)
		shown[name] = typeOf(name) + " " + time.Duration(info.Size()).String()
		return nil
	}))
	return shown
}

func typeOf(name string) string {
	switch filepath.Ext(name) {
	case ".csv":
		return "CSVFile"
	case ".json":
		return "JSONFile"
	default:
		return "DataFile"
	}
}

// matches checks that the catalog is the tree, and that everything but the
// root hangs in its folder.
func (s *site) matches() {
	s.Helper()
	if diff := cmp.Diff(s.catalog(), s.tree()); diff != "" {
		s.Fatalf("catalog (-got +want):\n%s", diff)
	}
	links := 0
	for name := range s.repo.State() {
		if strings.HasPrefix(name, "FolderHierarchy: ") || strings.HasPrefix(name, "NestedFile: ") {
			links++
		}
	}
	if want := len(s.tree()) - 1; links != want {
		s.Fatalf("%d files and folders hang in a folder, want %d", links, want)
	}
	if dead := s.repo.DeadLetters(); len(dead) > 0 {
		s.Fatalf("dead letters: %v", dead)
	}
}

// brokenDisk is the disk of the operating system, but for what a test breaks.
type brokenDisk struct {
	files.System
	mu sync.Mutex
	// unreadable are folders, by the end of their path, and why.
	unreadable map[string]error
	// listed is called after a folder was listed.
	listed func(folder string)
	// watch replaces the watcher of a folder.
	watch func(w *fsnotify.Watcher, folder string) error
}

func (d *brokenDisk) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *brokenDisk) ReadDir(folder string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for end, err := range d.unreadable {
		if strings.HasSuffix(folder, end) {
			return nil, &fs.PathError{Op: "open", Path: folder, Err: err}
		}
	}
	found, err := d.System.ReadDir(folder)
	if d.listed != nil {
		d.listed(folder)
	}
	return found, err
}

func (d *brokenDisk) Watch(w *fsnotify.Watcher, folder string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watch != nil {
		return d.watch(w, folder)
	}
	return d.System.Watch(w, folder)
}
