package files

import (
	"maps"
	"slices"
	"strings"
)

// folder is the content of a folder at the last scan. The connector keeps the
// whole tree: to know what to delete when a folder vanishes, and to read a file
// only when it changed. Names are stored without their path: a file takes about
// 100 bytes.
type folder struct {
	files   map[string]stamp
	folders map[string]*folder
}

// stamp is what reveals a change of a file.
type stamp struct {
	size     int64
	modified int64 // nanoseconds since 1970
	encoding encoding
}

// sameContent reports whether size and time are equal.
func (s stamp) sameContent(o stamp) bool { return s.size == o.size && s.modified == o.modified }

func newFolder() *folder { return &folder{files: map[string]stamp{}, folders: map[string]*folder{}} }

// at returns the folder at rel, nil if there is none.
func (f *folder) at(rel string) *folder {
	for rel != "" && f != nil {
		name, rest, _ := strings.Cut(rel, "/")
		f, rel = f.folders[name], rest
	}
	return f
}

// child returns the folder of that name, nil if there is none. f may be nil.
func (f *folder) child(name string) *folder {
	if f == nil {
		return nil
	}
	return f.folders[name]
}

// file returns the stamp of the file of that name. f may be nil.
func (f *folder) file(name string) (stamp, bool) {
	if f == nil {
		return stamp{}, false
	}
	s, ok := f.files[name]
	return s, ok
}

// missing calls gone, from the leaves up, for everything in f that is not in
// now. rel is the path of both.
func (f *folder) missing(now *folder, rel string, gone func(rel string, folder bool)) {
	if f == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(f.folders)) {
		f.folders[name].missing(now.child(name), join(rel, name), gone)
	}
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		if _, there := now.file(name); !there {
			gone(join(rel, name), false)
		}
	}
	if now == nil {
		gone(rel, true)
	}
}

// count returns the numbers of folders, f included, and files.
func (f *folder) count() (folders, files int64) {
	folders, files = 1, int64(len(f.files))
	for _, sub := range f.folders {
		n, m := sub.count()
		folders, files = folders+n, files+m
	}
	return folders, files
}

func join(rel, name string) string {
	if rel == "" {
		return name
	}
	return rel + "/" + name
}

// keep copies the entry of that name from old.
func (f *folder) keep(name string, old *folder) {
	if s, ok := old.file(name); ok {
		f.files[name] = s
	}
	if sub := old.child(name); sub != nil {
		f.folders[name] = sub
	}
}
