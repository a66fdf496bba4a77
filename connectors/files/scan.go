package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"
)

// scan is one look at the tree, or at a part of it.
type scan struct {
	naming
	cfg      *configuration
	disk     disk
	watching *watching
	troubles *troubles
	// skipped counts what is neither a file nor a folder, and links.
	skipped int64
}

// item is what a scan finds, folders before what is in them.
type item struct {
	rel    string
	folder bool
	stamp  stamp
	// unchanged says that the scan before found the same.
	unchanged bool
	// unseen says that it could not be seen what is at rel, or in it.
	unseen bool
}

// yield takes an item and says whether to go on.
type yield func(*item) bool

// folder scans the folder at rel, of which old was seen before, and returns
// what is seen now: nil if the folder vanished. What cannot be read stays as
// it was. The error is the one that stopped the scan.
func (s *scan) folder(ctx context.Context, rel string, old *folder, take yield) (*folder, error) {
	s.watch(rel) // before listing it, so that no change goes unseen
	entries, err := s.list(rel)
	switch {
	case err == nil:
	case rel == "":
		return nil, fmt.Errorf("root of the tree: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // no folder, and that is right
	default:
		s.troubles.add(unreadable, rel, reason(err))
		return unreadableFolder(rel, old, take)
	}
	if !take(&item{rel: rel, folder: true, unchanged: old != nil}) {
		return nil, errStopped
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
	if !take(&item{rel: rel, folder: true, unchanged: old != nil}) || !take(&item{rel: rel, unseen: true}) {
		return nil, errStopped
	}
	if old == nil {
		return newFolder(), nil
	}
	return old, nil
}

// entry scans an entry of a folder and adds it to now, the folder as it is seen.
func (s *scan) entry(ctx context.Context, rel string, e *entry, old, now *folder, take yield) error {
	if !utf8.ValidString(e.name) {
		s.troubles.add(misnamed, rel, "shown as "+printable(e.name))
	}
	switch {
	case e.unseen:
		now.keep(e.name, old)
		return unless(take(&item{rel: rel, unseen: true}))
	case !e.folder:
		i := s.file(rel, e, old)
		now.files[e.name] = i.stamp
		return unless(take(i))
	}
	sub, err := s.folder(ctx, rel, old.child(e.name), take)
	if sub != nil {
		now.folders[e.name] = sub
	}
	return err
}

// file returns the item of a file. Its beginning is read only if it has changed.
func (s *scan) file(rel string, e *entry, old *folder) *item {
	i := &item{rel: rel, stamp: e.stamp}
	known, ok := old.file(e.name)
	if ok && known.sameContent(e.stamp) {
		i.stamp, i.unchanged = known, true
		return i
	}
	if e.stamp.size > 0 && formatOf(e.name).text {
		i.stamp.encoding = sniff(s.path(rel))
	}
	return i
}

func (s *scan) watch(rel string) {
	err := s.watching.add(s.disk, s.path(rel))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		s.troubles.add(unwatched, rel, reason(err))
	}
}

// unless turns the answer of a yield into an error.
func unless(goOn bool) error {
	if goOn {
		return nil
	}
	return errStopped
}

// errStopped ends a scan that nobody wants to hear more of.
var errStopped = errors.New("stopped")

// reason returns the error without the path, which is told apart.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
