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

// disk is the part of the file system that tests make fail.
type disk interface {
	Lstat(path string) (fs.FileInfo, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	// Watch adds a folder to w.
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

// entry is an entry of a folder. If it is unseen, its kind is unknown.
type entry struct {
	name   string
	folder bool
	unseen bool
	stamp  stamp
}

// list returns the entries of a folder that belong to the catalog. Any error
// except [fs.ErrNotExist] means that the folder cannot be read.
func (s *scan) list(rel string) ([]entry, error) {
	found, err := s.disk.ReadDir(s.path(rel))
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(found))
	for _, d := range found {
		e, ok, err := s.inspect(join(rel, d.Name()), d.Type(), d.Info)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it vanished since ReadDir
		case err != nil:
			return nil, err
		case ok:
			entries = append(entries, e)
		}
	}
	return slices.Clip(entries), nil
}

// look returns the entry at rel, if it belongs to the catalog.
func (s *scan) look(rel string) (e entry, ok bool, err error) {
	info, err := s.disk.Lstat(s.path(rel))
	if err != nil {
		return e, false, err
	}
	return s.inspect(rel, info.Mode().Type(), func() (fs.FileInfo, error) { return info, nil })
}

// inspect is look for an entry whose kind is known.
func (s *scan) inspect(rel string, kind fs.FileMode, info func() (fs.FileInfo, error)) (e entry, ok bool, err error) {
	e.name = path.Base(rel)
	if !s.cfg.admits(rel) {
		return e, false, nil
	}
	if kind&fs.ModeSymlink != 0 {
		var target fs.FileInfo
		if target, e.unseen = s.linkTarget(rel); target == nil {
			return e, e.unseen, nil
		}
		kind, info = target.Mode().Type(), func() (fs.FileInfo, error) { return target, nil }
	}
	switch {
	case kind.IsDir():
		e.folder = true
		return e, true, nil
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
	e.stamp = stamp{size: i.Size(), modified: i.ModTime().UnixNano()}
	return e, true, nil
}

// linkTarget returns what a symbolic link leads to, nil if that is not cataloged or is
// unseen.
func (s *scan) linkTarget(rel string) (target fs.FileInfo, unseen bool) {
	if !s.cfg.FollowSymlinks {
		s.skipped++
		return nil, false
	}
	target, err := os.Stat(s.path(rel))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.skipped++
		return nil, false
	case errors.Is(err, syscall.ELOOP):
		s.problems.add(loop, rel, reason(err))
		return nil, false
	case err != nil:
		s.problems.add(unreadable, rel, reason(err))
		return nil, true
	case target.IsDir() && s.loops(rel, target):
		s.problems.add(loop, rel, "leads to one of its parent folders")
		return nil, false
	}
	return target, false
}

// loops reports whether target is one of the parent folders of rel.
func (s *scan) loops(rel string, target fs.FileInfo) bool {
	for rel != "" {
		rel = parentOf(rel)
		if above, err := os.Stat(s.path(rel)); err == nil && os.SameFile(above, target) {
			return true
		}
	}
	return false
}
