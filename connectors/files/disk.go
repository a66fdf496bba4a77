package files

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// disk is what the connector asks of the file system; tests make it fail.
type disk interface {
	Lstat(path string) (fs.FileInfo, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	// Watch makes w tell of changes in a folder.
	Watch(w *fsnotify.Watcher, folder string) error
}

// system is the disk of the operating system.
type system struct{}

var _ disk = system{}

// Lstat is [os.Lstat].
func (system) Lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }

// ReadDir is [os.ReadDir].
func (system) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

// Watch is [fsnotify.Watcher.Add].
func (system) Watch(w *fsnotify.Watcher, folder string) error { return w.Add(folder) }

// entry is a file or a folder in a folder, or something unseen, of which it is
// not known what it is.
type entry struct {
	name   string
	folder bool
	unseen bool
	stamp  stamp
}

// list returns what is in a folder and belongs to the catalogue. Any error but
// that the folder is gone means that it cannot be read.
func (s *scan) list(rel string) ([]entry, error) {
	found, err := s.disk.ReadDir(s.path(rel))
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(found))
	for _, d := range found {
		e, ok, err := s.inspect(join(rel, d.Name()), d.Type(), d.Info)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it vanished while we looked
		case err != nil:
			return nil, err
		case ok:
			entries = append(entries, e)
		}
	}
	return slices.Clip(entries), nil
}

// look inspects what is at rel.
func (s *scan) look(rel string) (e entry, ok bool, err error) {
	info, err := s.disk.Lstat(s.path(rel))
	if err != nil {
		return e, false, err
	}
	return s.inspect(rel, info.Mode().Type(), func() (fs.FileInfo, error) { return info, nil })
}

// inspect returns the entry for what is at rel, if it belongs to the catalogue.
func (s *scan) inspect(rel string, kind fs.FileMode, info func() (fs.FileInfo, error)) (e entry, ok bool, err error) {
	switch {
	case !s.cfg.admits(rel):
		return e, false, nil
	case kind.IsDir():
		return entry{name: path.Base(rel), folder: true}, true, nil
	case kind&fs.ModeSymlink != 0:
		return s.behind(rel)
	case !kind.IsRegular():
		s.skipped++
		return e, false, nil
	case !s.cfg.includes(rel):
		return e, false, nil
	}
	i, err := info()
	if err != nil {
		return e, false, err
	}
	return fileEntry(rel, i), true, nil
}

// behind returns the entry for what a symbolic link leads to.
func (s *scan) behind(rel string) (e entry, ok bool, err error) {
	if !s.cfg.FollowSymlinks {
		s.skipped++
		return e, false, nil
	}
	target, err := os.Stat(s.path(rel))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.skipped++
		return e, false, nil
	case errors.Is(err, syscall.ELOOP):
		s.troubles.add(loop, rel, reason(err))
		return e, false, nil
	case err != nil:
		s.troubles.add(unreadable, rel, reason(err))
		return entry{name: path.Base(rel), unseen: true}, true, nil
	case target.IsDir() && s.loops(rel, target):
		s.troubles.add(loop, rel, "leads to a folder that it is in")
		return e, false, nil
	case target.IsDir():
		return entry{name: path.Base(rel), folder: true}, true, nil
	case !target.Mode().IsRegular():
		s.skipped++
		return e, false, nil
	}
	return fileEntry(rel, target), s.cfg.includes(rel), nil
}

// loops reports whether target, to which the link at rel leads, is one of the
// folders that rel is in.
func (s *scan) loops(rel string, target fs.FileInfo) bool {
	for rel != "" {
		rel = parentOf(rel)
		if above, err := os.Stat(s.path(rel)); err == nil && os.SameFile(above, target) {
			return true
		}
	}
	return false
}

func fileEntry(rel string, info fs.FileInfo) entry {
	return entry{name: path.Base(rel), stamp: stamp{size: info.Size(), modified: info.ModTime().UnixNano()}}
}
