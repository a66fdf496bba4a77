package files_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors/files"
	"github.com/camena-io/camena/events"
)

// awaitTree waits until the catalog is the tree.
func (s *site) awaitTree() {
	s.Helper()
	ok := false
	defer func() {
		if !ok {
			s.Logf("catalog (-got +want):\n%s", cmp.Diff(s.catalog(), s.tree()))
		}
	}()
	s.await(func() bool { return maps.Equal(s.catalog(), s.tree()) })
	ok = true
}

func TestChangesAreReportedWithoutRefresh(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *site {
		t.Helper()
		s := open(t, files.System{}, nil)
		s.write("a.csv", "a")
		s.write("sub/b.csv", "b")
		s.write("sub/deep/c.csv", "c")
		s.refresh()
		return s
	}
	tests := map[string]func(s *site){
		"a file is created":  func(s *site) { s.write("new.csv", "n") },
		"a file is changed":  func(s *site) { s.write("a.csv", "longer") },
		"a file is deleted":  func(s *site) { s.remove("a.csv") },
		"a file is renamed":  func(s *site) { s.rename("a.csv", "z.csv") },
		"a file moves":       func(s *site) { s.rename("a.csv", "sub/deep/a.csv") },
		"a file replaces":    func(s *site) { s.rename("a.csv", "sub/b.csv") },
		"folders are made":   func(s *site) { s.write("x/y/z/new.csv", "n") },
		"a folder vanishes":  func(s *site) { s.remove("sub") },
		"a folder is moved":  func(s *site) { s.rename("sub/deep", "deep") },
		"a folder is a file": func(s *site) { s.remove("sub"); s.write("sub", "now a file") },
		"a file is a folder": func(s *site) { s.remove("a.csv"); s.write("a.csv/in.csv", "i") },
		"a folder is made again": func(s *site) {
			s.remove("sub")
			s.write("sub/other.csv", "o")
		},
		"a folder leaves the tree": func(s *site) {
			must(s, os.Rename(s.path("sub"), filepath.Join(filepath.Dir(s.root), "away")))
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			change(s)
			s.awaitTree()
			s.write("sub.d/after.csv", "the folders are still watched")
			s.awaitTree()
			s.matches()
			sent := len(s.repo.Sent())
			s.refresh()
			if n := len(s.repo.Sent()) - sent; n > 1 { // it may wait for the last report
				t.Errorf("the refresh after the reports sends %d commands", n)
			}
		})
	}
}

// Of a folder that is renamed, and of those in it, changes are reported under
// the new name.
func TestRenamedFolderIsStillFollowed(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	s.write("old/in/a.csv", "a")
	s.refresh()
	for i, name := range []string{"new", "newer", "old", "new"} {
		from := []string{"old", "new", "newer", "old"}[i]
		s.rename(from, name)
		s.awaitTree()
		s.write(name+"/in/a.csv", fmt.Sprint("changed under ", name))
		s.awaitTree()
	}
	s.matches()
}

// A change is reported within a second, and a file that is being written gives
// few events.
func TestFileBeingWritten(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	s.refresh()
	const writes = 200
	start := time.Now()
	f, err := os.Create(s.path("growing.csv"))
	must(t, err)
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for range writes {
		<-every.C
		_, err := f.WriteString("line\n")
		must(t, err)
	}
	must(t, f.Close())
	end := time.Now()
	s.awaitTree()
	s.matches()
	reported := time.Now()
	changes := 0
	for _, c := range s.repo.Changes() {
		if c.Element != nil && c.Element.State().Header.Type.Name == "CSVFile" {
			changes++
		}
	}
	if most := int(end.Sub(start)/(400*time.Millisecond)) + 2; changes > most {
		t.Errorf("%d writes in %v gave %d events, want at most %d", writes, end.Sub(start), changes, most)
	}
	t.Logf("the end was reported after %v", reported.Sub(end))
}

func TestLostNotifications(t *testing.T) {
	t.Parallel()
	var watcher atomic.Pointer[fsnotify.Watcher]
	disk := &brokenDisk{watch: func(w *fsnotify.Watcher, _ string) error {
		watcher.Store(w) // and watch nothing
		return nil
	}}
	s := open(t, disk, nil)
	s.refresh()
	s.write("a/b.csv", "b")
	watcher.Load().Errors <- fsnotify.ErrEventOverflow
	s.awaitTree()
	s.matches()
	s.awaitProblem("overflow", "")
	if got := s.context.Statistics()["overflows"]; got != 1 {
		t.Errorf("%d overflows are counted, want 1", got)
	}
}

func TestLimitOfWatches(t *testing.T) {
	t.Parallel()
	disk := &brokenDisk{watch: func(*fsnotify.Watcher, string) error { return syscall.ENOSPC }}
	s := open(t, disk, nil)
	s.write("a/b.csv", "b")
	s.refresh()
	s.matches()
	full := syscall.ENOSPC.Error()
	s.awaitProblem("watch", "2 ", "/ ("+full+"), /a ("+full+")")
	s.write("a/c.csv", "c")
	disk.set(func() { disk.watch = nil })
	s.refresh()
	s.matches()
	s.awaitProblem("watch", "")
	s.write("a/d.csv", "d")
	s.awaitTree()
}

// While the root is gone nothing is deleted; when it is back, it is followed
// again, without a refresh.
func TestRootComesBack(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	s.write("a.csv", "a")
	s.write("sub/b.csv", "b")
	s.refresh()
	before := s.repo.State()
	must(t, os.Rename(s.root, s.root+".moved"))
	s.awaitProblem("root", "no such file")
	write(t, s.root+".moved", "sub/c.csv", "c")
	if diff := cmp.Diff(s.repo.State(), before); diff != "" {
		t.Errorf("without a root (-got +want):\n%s", diff)
	}
	must(t, os.Rename(s.root+".moved", s.root))
	s.awaitTree()
	s.awaitProblem("root", "")
	s.write("sub/d.csv", "d")
	s.awaitTree()
}

// What cannot be sent is not lost.
func TestReportsSurviveFaults(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	s.refresh()
	s.repo.FailNext(1, events.Errorf(events.CodeUnavailable, "", "no bus"))
	s.write("a.csv", "a")
	s.awaitProblem("notification", "no bus")
	s.awaitTree()
	s.awaitProblem("notification", "")
}

// A folder that cannot be read for a while loses nothing, however it is noticed.
func TestUnreadableFolderIsNoticed(t *testing.T) {
	t.Parallel()
	disk := &brokenDisk{}
	s := open(t, disk, nil)
	s.write("locked/a.csv", "a")
	s.refresh()
	before := s.repo.State()
	disk.set(func() { disk.unreadable = map[string]error{"/locked": syscall.EACCES} })
	must(t, os.Chmod(s.path("locked"), 0o700))
	s.awaitProblem("unreadable", "/locked (permission denied)")
	if diff := cmp.Diff(s.repo.State(), before); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	disk.set(func() { disk.unreadable = nil })
	must(t, os.Chmod(s.path("locked"), 0o750))
	s.awaitProblem("unreadable", "")
}

// Whatever happens while reports and refreshes overlap, the catalog ends up
// as the tree.
func TestReportsAndRefreshesOverlap(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	s.refresh()
	rapid.Check(t, func(r *rapid.T) {
		done := make(chan error, 1)
		if rapid.Bool().Draw(r, "refresh meanwhile") {
			go func() { done <- s.tryRefresh() }()
		} else {
			done <- nil
		}
		mutate(r, s)
		must(t, <-done)
		if rapid.IntRange(0, 9).Draw(r, "look") == 0 {
			s.awaitTree()
			s.matches()
		}
	})
	s.awaitTree()
	s.matches()
}
