package integration_test

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
)

// tree is a project as the rules see it.
type tree struct {
	entries []string // of the root, but for those that .gitignore names
	sources []source
}

type source struct {
	name   string
	lines  int
	syntax *ast.File
}

// readTree reads the files itself: the test cache does not notice the files that a
// child "go list" reads, and would repeat an old result.
func readTree(t *testing.T, root fs.FS) (project tree) {
	t.Helper()
	ignored, err := fs.ReadFile(root, ".gitignore")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		top := !strings.Contains(name, "/")
		switch {
		case top && matches(name, ignored):
			return skip(d)
		case top:
			project.entries = append(project.entries, name)
		}
		switch {
		case d.IsDir() && (d.Name() == "testdata" || d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		s, err := readSource(root, name)
		project.sources = append(project.sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(project.sources) == 0 {
		t.Fatal("no Go file found")
	}
	return project
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// matches reports whether a line of a .gitignore file names entry.
func matches(entry string, ignored []byte) bool {
	for line := range strings.Lines(string(ignored)) {
		if ok, _ := path.Match(strings.Trim(strings.TrimSpace(line), "/"), entry); ok {
			return true
		}
	}
	return false
}

func readSource(root fs.FS, name string) (source, error) {
	content, err := fs.ReadFile(root, name)
	if err != nil {
		return source{}, err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ParseComments|parser.SkipObjectResolution)
	return source{name: name, lines: bytes.Count(content, []byte("\n")), syntax: syntax}, err
}

func (s source) dir() string { return path.Dir(s.name) }

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s source) imports() (paths []string) {
	for _, spec := range s.syntax.Imports {
		if imp, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, imp)
		}
	}
	return paths
}

// uses reports whether s selects name from the package at path pkg.
func (s source) uses(pkg, name string) (found bool) {
	local := path.Base(pkg)
	for _, spec := range s.syntax.Imports {
		if spec.Path.Value == strconv.Quote(pkg) && spec.Name != nil {
			local = spec.Name.Name
		}
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
			x, ok := sel.X.(*ast.Ident)
			found = found || ok && x.Name == local
		}
		return !found
	})
	return found
}
