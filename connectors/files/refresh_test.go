package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors/files"
	"github.com/camena-io/camena/events"
)

func TestProperties(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	s.write("in/Report 2024.CSV", "a,b\n")
	must(t, os.Chtimes(s.path("in/Report 2024.CSV"), time.Time{}, time.Date(2024, 5, 6, 7, 8, 9, 1000, time.UTC)))
	s.refresh()
	e := s.file("in/Report 2024.CSV")
	if e == nil {
		t.Fatalf("not cataloged: %v", s.catalog())
	}
	want := map[string]any{
		"displayName": "Report 2024.CSV", "resourceName": "Report 2024.CSV", "fileName": "Report 2024.CSV",
		"pathName": s.path("in/Report 2024.CSV"), "fileExtension": "csv", "fileType": "CSV File",
		"size": 4.0, "encoding": "UTF-8", "modifiedTime": "2024-05-06T07:08:09.000001Z",
	}
	if diff := cmp.Diff(e.Properties.Map(), want); diff != "" {
		t.Errorf("file (-got +want):\n%s", diff)
	}
	folder := s.repo.Element("FileFolder::h::" + s.path("in"))
	if diff := cmp.Diff(folder.Properties.Map(), map[string]any{"displayName": "in", "pathName": s.path("in")}); diff != "" {
		t.Errorf("folder (-got +want):\n%s", diff)
	}
	if e.Header.Origin.Source != "Source::h" || e.Header.Origin.Scope != "FileFolder::h::"+s.root {
		t.Errorf("origin is %+v", e.Header.Origin)
	}
}

func TestTypeComesFromTheName(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"a.csv": "CSVFile", "a.TSV": "CSVFile", "a.json": "JSONFile", "a.xml": "XMLFile", "a.yml": "YAMLFile",
		"a.parquet": "ParquetFile", "a.avro": "AvroDataFile", "a.ini": "PropertiesFile", "a.xlsx": "SpreadsheetFile",
		"a.pdf": "DocumentFile", "README.md": "DocumentFile", "a.svg": "MediaFile", "a.jpeg": "RasterFile",
		"a.mp3": "AudioFile", "a.mp4": "VideoFile", "a.go": "SourceCodeFile", "a.sh": "ScriptFile",
		"Dockerfile": "BuildInstructionFile", "pom.xml": "BuildInstructionFile", "a.exe": "ExecutableFile",
		"a.log": "LogFile", "a.tar.gz": "ArchiveFile", "a.jks": "KeystoreFile", "a": "DataFile", "a.": "DataFile",
		".csv": "DataFile", "..csv": "DataFile", "a.unknown": "DataFile", ".env.json": "JSONFile",
	}
	s := open(t, files.System{}, map[string]any{"hidden": true, "pollOnly": true})
	for name := range types {
		s.write(name, "")
	}
	s.refresh()
	for name, want := range types {
		if e := s.file(name); e == nil || e.Header.Type.Name != want {
			t.Errorf("%s is %+v, want a %s", name, e, want)
		}
	}
}

func TestEncodingIsGuessed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4095)
	tests := map[string]struct{ content, want string }{
		"ascii.txt":      {"plain", "UTF-8"},
		"umlaut.txt":     {"häßlich", "UTF-8"},
		"cut.txt":        {long + "ä und mehr", "UTF-8"},
		"cut in four":    {"", ""},
		"cutfour.txt":    {long + "🙂 and more", "UTF-8"},
		"latin1.txt":     {"h\xe4\xdflich", ""},
		"latin1 end.txt": {"caf\xe9", ""},
		"bom8.csv":       {"\xef\xbb\xbfa,b", "UTF-8"},
		"bom16be.csv":    {"\xfe\xff\x00a", "UTF-16BE"},
		"bom16le.csv":    {"\xff\xfea\x00", "UTF-16LE"},
		"bom32be.csv":    {"\x00\x00\xfe\xff", "UTF-32BE"},
		"bom32le.csv":    {"\xff\xfe\x00\x00", "UTF-32LE"},
		"nul.txt":        {"a\x00b", ""},
		"empty.txt":      {"", ""},
		"binary.png":     {"text, but nobody looks", ""},
	}
	s := open(t, files.System{}, map[string]any{"pollOnly": true})
	for name, test := range tests {
		s.write(name, test.content)
	}
	s.refresh()
	for name, test := range tests {
		if got := s.file(name).Properties.String("encoding"); got != test.want {
			t.Errorf("encoding of %s is %q, want %q", name, got, test.want)
		}
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	all := []string{
		"a.csv", "b.txt", ".hidden.csv", ".git/config.csv", "sub/c.csv", "sub/d.txt", "sub/deep/e.csv",
		"archive/f.csv", "sub/archive/g.csv",
	}
	tests := map[string]struct {
		settings map[string]any
		want     []string
	}{
		"all but hidden": {nil, []string{"a.csv", "b.txt", "sub/c.csv", "sub/d.txt", "sub/deep/e.csv", "archive/f.csv", "sub/archive/g.csv"}},
		"hidden too":     {map[string]any{"hidden": true}, all},
		"include":        {map[string]any{"include": []string{"**/*.csv"}}, []string{"a.csv", "sub/c.csv", "sub/deep/e.csv", "archive/f.csv", "sub/archive/g.csv"}},
		"include at top": {map[string]any{"include": []string{"*.csv", "*.txt"}}, []string{"a.csv", "b.txt"}},
		"exclude folder": {map[string]any{"exclude": []string{"**/archive", "**/*.txt"}}, []string{"a.csv", "sub/c.csv", "sub/deep/e.csv"}},
		"exclude below":  {map[string]any{"exclude": []string{"sub/**"}}, []string{"a.csv", "b.txt", "archive/f.csv"}},
		"exclude wins":   {map[string]any{"include": []string{"**/*.csv"}, "exclude": []string{"{a.csv,sub}"}}, []string{"archive/f.csv"}},
		"one level":      {map[string]any{"maxDepth": 1}, []string{"a.csv", "b.txt"}},
		"two levels":     {map[string]any{"maxDepth": 2}, []string{"a.csv", "b.txt", "sub/c.csv", "sub/d.txt", "archive/f.csv"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, files.System{}, test.settings)
			for _, rel := range all {
				s.write(rel, "")
			}
			s.refresh()
			want := map[string]bool{}
			for _, rel := range test.want {
				want["/"+rel] = true
			}
			got := map[string]bool{}
			for name := range s.catalog() {
				if !strings.HasSuffix(name, "/") {
					got[name] = true
				}
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("files (-got +want):\n%s", diff)
			}
		})
	}
}

// Below what cannot be read everything stays, also for a connector that has
// never seen it, while the rest is followed.
func TestUnreadableFolderKeepsWhatIsInIt(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	s.write("locked/in/a.csv", "a")
	s.write("locked/b.csv", "b")
	s.write("lockedtoo/c.csv", "c")
	s.write("gone.csv", "g")
	s.refresh()
	before := s.tree()
	s.stop()

	disk := &brokenDisk{unreadable: map[string]error{"/locked": fs.ErrPermission}}
	s.start(disk, nil)
	s.remove("gone.csv")
	s.remove("locked/b.csv")
	s.refresh()
	delete(before, "/gone.csv")
	if diff := cmp.Diff(s.catalog(), before); diff != "" {
		t.Errorf("with an unreadable folder (-got +want):\n%s", diff)
	}
	s.awaitProblem("unreadable", "1 ", "/locked (permission denied)")
	sent := len(s.repo.Sent())
	s.refresh()
	if n := len(s.repo.Sent()) - sent; n != 0 {
		t.Errorf("a refresh that changes nothing sends %d commands", n)
	}

	disk.set(func() { disk.unreadable = nil })
	s.refresh()
	s.matches()
	s.awaitProblem("unreadable", "")
}

func TestFileVanishesWhileTheFolderIsRead(t *testing.T) {
	t.Parallel()
	disk := &brokenDisk{}
	s := open(t, disk, map[string]any{"pollOnly": true})
	s.write("a.csv", "a")
	s.write("sub/b.csv", "b")
	s.write("stays.csv", "s")
	disk.set(func() {
		disk.listed = func(string) {
			s.remove("a.csv")
			s.remove("sub")
		}
	})
	s.refresh()
	s.matches()
}

func TestRootProblems(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, map[string]any{"pollOnly": true})
	s.write("a.csv", "a")
	s.refresh()
	before := s.repo.State()
	moved := s.root + ".moved"
	must(t, os.Rename(s.root, moved))
	if err := s.tryRefresh(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a root Refresh returns %v", err)
	}
	s.awaitProblem("root", "no such file")
	must(t, os.WriteFile(s.root, nil, 0o600))
	if err := s.tryRefresh(); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("with a file as root Refresh returns %v", err)
	}
	s.awaitProblem("root", "is not a folder")
	if diff := cmp.Diff(s.repo.State(), before); diff != "" {
		t.Errorf("without a root (-got +want):\n%s", diff)
	}
	must(t, os.Remove(s.root))
	must(t, os.Rename(moved, s.root))
	s.write("b.csv", "b")
	s.refresh()
	s.matches()
	s.awaitProblem("root", "")
}

// When the root is moved away during a scan, the rest seems deleted.
func TestRootMovesDuringRefresh(t *testing.T) {
	t.Parallel()
	disk := &brokenDisk{}
	s := open(t, disk, map[string]any{"pollOnly": true})
	s.write("a.csv", "a")
	s.write("sub/b.csv", "b")
	s.refresh()
	before := s.repo.State()
	disk.set(func() {
		disk.listed = func(folder string) {
			if folder == s.root {
				must(t, os.Rename(s.root, s.root+".moved"))
				must(t, os.Mkdir(s.root, 0o750))
			}
		}
	})
	if err := s.tryRefresh(); err == nil || !strings.Contains(err.Error(), "replaced by another folder") {
		t.Errorf("Refresh returns %v", err)
	}
	if diff := cmp.Diff(s.repo.State(), before); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestSymlinks(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, settings map[string]any) *site {
		t.Helper()
		s := open(t, files.System{}, settings)
		outside := filepath.Join(filepath.Dir(s.root), "outside")
		write(t, outside, "in/o.csv", "out")
		s.write("sub/a.csv", "a")
		for link, target := range map[string]string{
			"sub/up": "..", "self": "self", "dangling": "nowhere", "file.csv": "sub/a.csv", "out": outside,
		} {
			must(t, os.Symlink(target, s.path(link)))
		}
		must(t, os.Symlink(s.root, filepath.Join(outside, "back")))
		s.refresh()
		return s
	}
	t.Run("are passed over", func(t *testing.T) {
		t.Parallel()
		s := setup(t, nil)
		want := map[string]string{"/": "", "/sub/": "", "/sub/a.csv": "CSVFile 1ns"}
		if diff := cmp.Diff(s.catalog(), want); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
		if got := s.context.Statistics()["skipped"]; got != 5 {
			t.Errorf("%d are skipped, want 5", got)
		}
	})
	t.Run("are followed, but not in circles", func(t *testing.T) {
		t.Parallel()
		s := setup(t, map[string]any{"followSymlinks": true})
		want := map[string]string{
			"/": "", "/sub/": "", "/sub/a.csv": "CSVFile 1ns", "/file.csv": "CSVFile 1ns",
			"/out/": "", "/out/in/": "", "/out/in/o.csv": "CSVFile 3ns",
		}
		if diff := cmp.Diff(s.catalog(), want); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
		s.awaitProblem("loop", "3 ", "/out/back (", "/self ("+syscall.ELOOP.Error()+")", "/sub/up (")
	})
}

func TestNamesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, nil)
	names := map[string]string{
		"a\xff.csv": `a\xFF.csv`, `a\xFF.csv`: `a\\xFF.csv`, "b\xe4/c\xfc.csv": `b\xE4/c\xFC.csv`, "ünï.csv": "ünï.csv",
	}
	for name := range names {
		s.write(name, "")
	}
	s.refresh()
	for _, want := range names {
		if s.repo.Element("DataFile::h::"+s.root+"/"+want) == nil {
			t.Errorf("there is no %s in %v", want, s.catalog())
		}
	}
	s.awaitProblem("name", "3 ")
	s.remove("a\xff.csv")
	s.awaitProblem("name", "2 ")
	s.remove("b\xe4")
	s.awaitProblem("name", "")
}

func TestSpecialFilesAreSkipped(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, map[string]any{"followSymlinks": true})
	must(t, syscall.Mkfifo(s.path("pipe.csv"), 0o600))
	must(t, os.Symlink("pipe.csv", s.path("link.csv")))
	s.write("a.csv", "a")
	s.refresh()
	want := map[string]string{"/": "", "/a.csv": "CSVFile 1ns"}
	if diff := cmp.Diff(s.catalog(), want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

// A path can be longer than what the operating system takes as an argument.
func TestPathsTooLong(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, map[string]any{"pollOnly": true})
	at, err := os.OpenRoot(s.root)
	must(t, err)
	name := strings.Repeat("long", 50)
	for range 4096/len(name) + 2 {
		must(t, at.Mkdir(name, 0o750))
		below, err := at.OpenRoot(name)
		must(t, err)
		must(t, at.Close())
		at = below
	}
	must(t, at.Close())
	s.write("a.csv", "a")
	s.refresh()
	if s.file("a.csv") == nil {
		t.Error("the rest is not cataloged")
	}
	s.awaitProblem("unreadable", "1 ", "/longlong")
	s.awaitProblem("unreadable", "file name too long")
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]any{
		"/path: missing":                              {},
		`/path: "data" is not`:                        {"path": "data"},
		"/maxDepth: -1 is negative":                   {"path": "/data", "maxDepth": -1},
		`/include/1: "[" is not a pattern`:            {"path": "/data", "include": []string{"*", "["}},
		`/exclude/0: "{a" is not a pattern`:           {"path": "/data", "exclude": []string{"{a"}},
		`/hostName: "a::b" contains ::`:               {"path": "/data", "hostName": "a::b"},
		"/pattern: unknown field; remove it":          {"path": "/data", "pattern": "*"},
		"/maxDepth: expected a whole number, found a": {"path": "/data", "maxDepth": "3"},
	}
	for want, values := range tests {
		if _, err := files.Factory().New(events.Props(values)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("configuration %v: got %v, want %q", values, err, want)
		}
	}
}

// Whatever happens to a tree between two refreshes, the second makes the
// catalog the tree; a third has nothing to do.
func TestRefreshMakesTheCatalogTheTree(t *testing.T) {
	t.Parallel()
	s := open(t, files.System{}, map[string]any{"pollOnly": true})
	rapid.Check(t, func(r *rapid.T) {
		mutate(r, s)
		s.refresh()
		s.matches()
		sent := len(s.repo.Sent())
		s.refresh()
		if n := len(s.repo.Sent()) - sent; n != 0 {
			r.Fatalf("the refresh of an unchanged tree sends %d commands", n)
		}
	})
}

// The refresh of a large tree that is cataloged sends nothing, also when the
// connector has just started.
func TestUnchangedTreeOfManyFiles(t *testing.T) {
	t.Parallel()
	const count = 3000
	s := open(t, files.System{}, map[string]any{"pollOnly": true})
	manyFiles(t, s.root, count)
	s.refresh()
	sent := len(s.repo.Sent())
	if got, want := len(s.catalog()), len(s.tree()); got != want || sent < count {
		t.Fatalf("%d elements of %d by %d commands", got, want, sent)
	}
	s.refresh()
	if n := len(s.repo.Sent()) - sent; n != 0 {
		t.Errorf("the second refresh sends %d commands", n)
	}
	s.stop()
	s.start(files.System{}, map[string]any{"pollOnly": true})
	s.refresh()
	s.refresh()
	if n := len(s.repo.Sent()) - sent; n != 0 {
		t.Errorf("after a restart %d commands are sent", n)
	}
}

// mutate changes a tree at random: few names, so that files, folders and
// renames meet.
func mutate(r *rapid.T, s *site) {
	segment := rapid.SampledFrom([]string{"a", "b.csv", "c.json", "d"})
	place := rapid.Custom(func(r *rapid.T) string {
		return strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(r, "segments"), "/")
	})
	for range rapid.IntRange(1, 8).Draw(r, "mutations") {
		at := s.path(place.Draw(r, "at"))
		switch rapid.IntRange(0, 3).Draw(r, "what") {
		case 0, 1: // may fail where a file stands in the way, which is as well
			if os.MkdirAll(filepath.Dir(at), 0o750) == nil {
				_ = os.WriteFile(at, []byte(rapid.StringN(0, 9, 9).Draw(r, "content")), 0o600)
			}
		case 2:
			_ = os.RemoveAll(at)
		case 3:
			_ = os.Rename(at, s.path(place.Draw(r, "to")))
		}
	}
}
