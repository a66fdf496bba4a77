package integration_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page on the architecture names functions and packages that exist.
func TestArchitecturePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	project := readTree(t, os.DirFS(".."))
	declared := map[string]bool{}
	for _, s := range project.sources {
		if s.isTest() {
			continue
		}
		declared[s.dir()] = true
		for _, decl := range s.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				declared[s.dir()+" "+receiverOf(f)+f.Name.Name] = true
			}
		}
	}
	found := regexp.MustCompile("`((?:cmd|runtime|connectors|events|topics)(?:/[a-z]+)*)`(?:\\s+`([A-Za-z.]+)`)?").FindAllStringSubmatch(string(page), -1)
	if len(found) < 40 {
		t.Fatalf("the page names %d packages and functions", len(found))
	}
	for _, m := range found {
		if name := strings.TrimSpace(m[1] + " " + m[2]); !declared[name] {
			t.Errorf("%s does not exist", name)
		}
	}
}

// receiverOf returns the type of a method with a dot, "" for a function.
func receiverOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	name, ok := typ.(*ast.Ident)
	if !ok {
		return ""
	}
	return name.Name + "."
}
