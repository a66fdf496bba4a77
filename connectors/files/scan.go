package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"
)

// scan is one pass over the tree or a part of it.
type scan struct {
	namer
	cfg      *configuration
	disk     disk
	watcher  *watcher
	problems problems
	// skipped counts links, and entries that are neither file nor folder.
	skipped int64
}

// item is a result of a scan; a folder comes before its content.
type item struct {
	rel    string
	folder bool
	stamp  stamp
	// unchanged: the scan before found the same.
	unchanged bool
	// unseen: what is at rel, or in it, cannot be read.
	unseen bool
}

// yield takes an item; an error stops the scan.
type yield func(*item) error

// folder scans the folder at rel and returns its present content, nil if the
// folder is gone. old is its content at the scan before; unreadable parts keep
// it. The error is the one that stopped the scan.
func (s *scan) folder(ctx context.Context, rel string, old *folder, take yield) (*folder, error) {
	s.watch(rel) // before listing, so that no change is missed
	entries, err := s.list(rel)
	switch {
	case err == nil:
	case rel == "":
		return nil, fmt.Errorf("root of the tree: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // nil says that the folder is gone
	default:
		s.problems.add(unreadable, rel, reason(err))
		return unreadableFolder(rel, old, take)
	}
	if err := take(&item{rel: rel, folder: true, unchanged: old != nil}); err != nil {
		return nil, err
	}
	now := newFolder()
	for i := range entries {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if err := s.entry(ctx, join(rel, entries[i].name), &entries[i], old, now, take); err != nil {
			return nil, err
		}
	}
	return now, nil
}

func unreadableFolder(rel string, old *folder, take yield) (*folder, error) {
	if err := take(&item{rel: rel, folder: true, unchanged: old != nil}); err != nil {
		return nil, err
	}
	return cmp.Or(old, newFolder()), take(&item{rel: rel, unseen: true})
}

// entry scans an entry of a folder and adds it to now, the present content.
func (s *scan) entry(ctx context.Context, rel string, e *entry, old, now *folder, take yield) error {
	if !utf8.ValidString(e.name) {
		s.problems.add(notUTF8, rel, "shown as "+printable(e.name))
	}
	switch {
	case e.unseen:
		now.keep(e.name, old)
		return take(&item{rel: rel, unseen: true})
	case !e.folder:
		i := s.file(rel, e, old)
		now.files[e.name] = i.stamp
		return take(i)
	}
	sub, err := s.folder(ctx, rel, old.child(e.name), take)
	if sub != nil {
		now.folders[e.name] = sub
	}
	return err
}

// file returns the item of a file. It reads the file only if it changed.
func (s *scan) file(rel string, e *entry, old *folder) *item {
	i := &item{rel: rel, stamp: e.stamp}
	known, ok := old.file(e.name)
	if ok && known.sameContent(e.stamp) {
		i.stamp, i.unchanged = known, true
		return i
	}
	if e.stamp.size > 0 && formatOf(e.name).text {
		i.stamp.encoding = detectEncoding(s.path(rel))
	}
	return i
}

func (s *scan) watch(rel string) {
	err := s.watcher.add(s.disk, s.path(rel))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		s.problems.add(unwatched, rel, reason(err))
	}
}

// errStopped ends a scan whose consumer wants no more items.
var errStopped = errors.New("stopped")

// reason returns the text of an error without the path.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
