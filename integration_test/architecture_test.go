// Package integration_test tests Camena from outside, as its users see it: it runs the
// binary, whole nodes and clusters, and checks the architecture of the source tree.
package integration_test

import (
	"fmt"
	"go/ast"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const (
	module   = "github.com/camena-io/camena/"
	server   = "github.com/nats-io/nats-server/"
	maxLines = 500
)

// floors is the architecture: a package imports only packages of lower floors.
// The longest matching prefix of a package's path names its floor.
var floors = map[string]int{
	"events":                     0,
	"events/query":               1,
	"events/suggest":             1,
	"events/opentypes":           2,
	"events/registration":        2,
	"runtime/graph/text":         2, // below the index, which keeps one
	"topics":                     2,
	"connectors/dataservice":     3,
	"connectors/dataservice/":    3,
	"runtime/graph/index":        3,
	"connectors":                 4,
	"connectors/openapi/spec":    4,
	"connectors/i2connect/spi":   4,
	"runtime/graph":              4,
	"connectors/":                5,
	"connectors/connectortest":   5,
	"runtime/bus":                5,
	"runtime/embedded":           5,
	"runtime/internal/graphtest": 4,
	"connectors/builtin":         6,
	"runtime/client":             6,
	"runtime/coordinator":        7,
	"runtime/host":               7,
	"runtime/repository":         7,
	"runtime/backup":             8,
	"runtime/egeria":             8,
	"runtime/gateway":            8,
	"runtime/manifest":           8,
	"runtime/gateway/":           9,
	"runtime/node":               10,
	"runtime/runtimetest":        11,
	"cmd/camena/bench":           11,
	"cmd/camena/cli":             11,
	"cmd/camena":                 12,
	"examples/":                  12,

	// Until they have moved.
}

// roles do not import each other; they meet in runtime/node and on the bus.
var roles = []string{"runtime/repository", "runtime/coordinator", "runtime/host", "runtime/gateway"}

// banned lists the packages that the binary must not link, and why.
var banned = map[string]string{
	"testing": "testkits stay in tests",
}

// topLevel lists the entries of the root of the repository, except for dotfiles and
// those that .gitignore names.
var topLevel = []string{
	"Dockerfile", "LICENSE", "README.md", "docker-compose.yml", "go.mod", "go.sum",
	"cmd", "connectors", "docs", "events", "examples", "integration_test", "runtime", "topics",
}

// rules are the rules of the architecture. Each returns its violations.
var rules = map[string]func(tree) []string{
	"imports point down":                     importsPointDown,
	"roles stay apart":                       rolesStayApart,
	"the server is in one place":             serverInOnePlace,
	"the binary stays lean":                  binaryStaysLean,
	"runtime is a folder":                    runtimeIsFolder,
	"integration tests are tests only":       integrationTestsOnly,
	"the top level is fixed":                 topLevelFixed,
	"a package has exactly one comment":      onePackageComment,
	"files stay short":                       filesStayShort,
	"nothing happens at initialization":      noInit,
	"tests wait for conditions, not seconds": noSleepInTests,
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	project := readTree(t, os.DirFS(".."))
	for name, check := range rules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, violation := range check(project) {
				t.Error(violation)
			}
		})
	}
}

// TestArchitectureRulesCanFail plants violations, one at a time, in a small
// project that keeps every rule.
func TestArchitectureRulesCanFail(t *testing.T) {
	t.Parallel()
	tests := []struct{ rule, file, content, want string }{
		{
			"imports point down", "events/up.go", `package events; import _ "` + module + `topics"`,
			"events/up.go (floor 0) imports topics (floor 2)",
		}, {
			"imports point down", "connectors/files/peer.go", `package files; import _ "` + module + `connectors/postgres"`,
			"connectors/files/peer.go (floor 5) imports connectors/postgres (floor 5)",
		}, {
			"imports point down", "connectors/builtin/up.go", `package builtin; import _ "` + module + `cmd/camena"`,
			"connectors/builtin/up.go (floor 6) imports cmd/camena (floor 12)",
		}, {
			"imports point down", "runtime/util/util.go", "package util",
			"runtime/util/util.go: runtime/util has no floor, add it to floors",
		}, {
			"roles stay apart", "runtime/host/peer.go", `package host; import _ "` + module + `runtime/repository"`,
			"runtime/host/peer.go imports runtime/repository",
		}, {
			"roles stay apart", "runtime/gateway/web/web_test.go", `package web_test; import _ "` + module + `runtime/coordinator"`,
			"runtime/gateway/web/web_test.go imports runtime/coordinator",
		}, {
			"the server is in one place", "runtime/bus/bus_test.go", `package bus_test; import _ "` + server + `v2/server"`,
			"runtime/bus/bus_test.go imports " + server + "v2/server",
		}, {
			"the binary stays lean", "runtime/bus/kit.go", `package bus; import _ "testing"`,
			"cmd/camena > runtime/bus > testing: testkits stay in tests",
		}, {
			"runtime is a folder", "runtime/runtime.go", "package runtime",
			"runtime/runtime.go: a package named runtime shadows the standard one",
		}, {
			"integration tests are tests only", "integration_test/kit.go", "package integration_test",
			"integration_test/kit.go: want a _test.go file of package integration_test",
		}, {
			"integration tests are tests only", "integration_test/kit_test.go", "package kit_test",
			"integration_test/kit_test.go: want a _test.go file of package integration_test",
		}, {
			"the top level is fixed", "pkg/pkg.go", "package pkg",
			"pkg does not belong at the top level",
		}, {
			"the top level is fixed", "Makefile", "all:",
			"Makefile does not belong at the top level",
		}, {
			"a package has exactly one comment", "events/doc.go", "// Package events is described again.\npackage events",
			"events: package events has 2 package comments",
		}, {
			"a package has exactly one comment", "connectors/postgres/postgres.go", "package postgres",
			"connectors/postgres: package postgres has 0 package comments",
		}, {
			"a package has exactly one comment", "integration_test/again_test.go", "// Again.\npackage integration_test",
			"integration_test: package integration_test has 2 package comments",
		}, {
			"files stay short", "events/long.go", "package events" + strings.Repeat("\n", maxLines+1),
			"events/long.go has 501 lines, more than 500",
		}, {
			"nothing happens at initialization", "events/init.go", "package events; func init() {}",
			"events/init.go declares func init",
		}, {
			"tests wait for conditions, not seconds", "events/a_test.go", `package events; import "time"; var _ = time.Sleep`,
			"events/a_test.go uses time.Sleep",
		}, {
			"tests wait for conditions, not seconds", "events/b_test.go", `package events; import x "time"; func f() { x.Sleep(1) }`,
			"events/b_test.go uses time.Sleep",
		},
	}
	proven := map[string]bool{}
	for _, test := range tests {
		proven[test.rule] = true
		t.Run(test.rule+": "+test.file, func(t *testing.T) {
			t.Parallel()
			project := sound()
			project[test.file] = &fstest.MapFile{Data: []byte(test.content)}
			got := rules[test.rule](readTree(t, project))
			if diff := cmp.Diff(got, []string{test.want}); diff != "" {
				t.Errorf("violations (-got +want):\n%s", diff)
			}
		})
	}
	for name, check := range rules {
		if !proven[name] {
			t.Errorf("no violation is planted for %q", name)
		}
		if got := check(readTree(t, sound())); len(got) != 0 {
			t.Errorf("the sound project breaks %q: %q", name, got)
		}
	}
}

// sound is a small project that keeps every rule, some of them at the limit.
func sound() fstest.MapFS {
	files := map[string]string{
		".gitignore":                  "/camena\n/camena-data/\n*.test\n",
		".ci/run":                     "true",
		"camena":                      "a binary, ignored",
		"camena-data/broken.go":       "ignored",
		"bus.test":                    "ignored",
		"go.mod":                      "module camena",
		"docs/index.md":               "# Camena",
		"events/events.go":            "// Package events is.\npackage events" + strings.Repeat("\n", maxLines-1),
		"events/events_test.go":       `package events_test; import "time"; var _ = time.After`,
		"events/testdata/broken.go":   "not Go",
		"connectors/files/files.go":   "// Package files is.\npackage files; func (f) init() {}; type f struct{}",
		"runtime/embedded/server.go":  "// Package embedded is.\npackage embedded\nimport _ \"" + server + "v2/server\"",
		"runtime/bus/bus.go":          "// Package bus is.\npackage bus\nimport _ \"" + module + "events\"",
		"runtime/host/host_test.go":   "// Package host_test is.\npackage host_test\nimport _ \"" + module + "runtime/runtimetest\"",
		"cmd/camena/main.go":          "// Command camena is.\npackage main\nimport _ \"" + module + "runtime/bus\"\nfunc main() {}",
		"cmd/camena/main_test.go":     `package main_test; import _ "testing"`,
		"integration_test/it_test.go": "// Package integration_test is.\npackage integration_test",
	}
	project := fstest.MapFS{}
	for name, content := range files {
		project[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return project
}

func importsPointDown(t tree) (broken []string) {
	for _, s := range t.sources {
		from, known := floorOf(s.dir())
		switch {
		case s.isTest():
			continue
		case !known:
			broken = append(broken, fmt.Sprintf("%s: %s has no floor, add it to floors", s.name, s.dir()))
			continue
		}
		for _, imp := range s.imports() {
			pkg, ours := strings.CutPrefix(imp, module)
			if to, _ := floorOf(pkg); ours && to >= from {
				broken = append(broken, fmt.Sprintf("%s (floor %d) imports %s (floor %d)", s.name, from, pkg, to))
			}
		}
	}
	return broken
}

func floorOf(pkg string) (floor int, ok bool) {
	best := -1
	for prefix, f := range floors {
		match := pkg == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(pkg, prefix)
		if match && len(prefix) > best {
			best, floor = len(prefix), f
		}
	}
	return floor, best >= 0
}

func rolesStayApart(t tree) (broken []string) {
	for _, s := range t.sources {
		from := roleOf(s.dir())
		for _, imp := range s.imports() {
			pkg, ours := strings.CutPrefix(imp, module)
			if to := roleOf(pkg); ours && from != "" && to != "" && to != from {
				broken = append(broken, fmt.Sprintf("%s imports %s", s.name, pkg))
			}
		}
	}
	return broken
}

func roleOf(pkg string) string {
	for _, role := range roles {
		if strings.HasPrefix(pkg+"/", role+"/") {
			return role
		}
	}
	return ""
}

func serverInOnePlace(t tree) (broken []string) {
	for _, s := range t.sources {
		for _, imp := range s.imports() {
			if strings.HasPrefix(imp, server) && s.dir() != "runtime/embedded" {
				broken = append(broken, fmt.Sprintf("%s imports %s", s.name, imp))
			}
		}
	}
	return broken
}

func binaryStaysLean(t tree) (broken []string) {
	graph := map[string][]string{}
	for _, s := range t.sources {
		if !s.isTest() {
			graph[s.dir()] = append(graph[s.dir()], s.imports()...)
		}
	}
	seen := map[string]bool{}
	var visit func(pkg, chain string)
	visit = func(pkg, chain string) {
		if seen[pkg] {
			return
		}
		seen[pkg] = true
		for _, imp := range graph[pkg] {
			if why, bad := banned[imp]; bad {
				broken = append(broken, fmt.Sprintf("%s > %s: %s", chain, imp, why))
			}
			if rel, ours := strings.CutPrefix(imp, module); ours {
				visit(rel, chain+" > "+rel)
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(graph)) {
		if strings.HasPrefix(pkg, "cmd/") {
			visit(pkg, pkg)
		}
	}
	return broken
}

func runtimeIsFolder(t tree) (broken []string) {
	for _, s := range t.sources {
		if s.dir() == "runtime" {
			broken = append(broken, s.name+": a package named runtime shadows the standard one")
		}
	}
	return broken
}

func integrationTestsOnly(t tree) (broken []string) {
	for _, s := range t.sources {
		inside := s.dir() == "integration_test"
		if inside && (!s.isTest() || s.syntax.Name.Name != "integration_test") {
			broken = append(broken, s.name+": want a _test.go file of package integration_test")
		}
	}
	return broken
}

func topLevelFixed(t tree) (broken []string) {
	for _, entry := range t.entries {
		if !strings.HasPrefix(entry, ".") && !slices.Contains(topLevel, entry) {
			broken = append(broken, entry+" does not belong at the top level")
		}
	}
	return broken
}

// onePackageComment exempts the external tests of a package; other tests are a package
// like any other.
func onePackageComment(t tree) (broken []string) {
	type pkg struct{ dir, name string }
	comments, hasCode := map[pkg]int{}, map[string]bool{}
	for _, s := range t.sources {
		hasCode[s.dir()] = hasCode[s.dir()] || !s.isTest()
		count := 0
		if s.syntax.Doc != nil {
			count = 1
		}
		comments[pkg{s.dir(), s.syntax.Name.Name}] += count
	}
	for p, count := range comments {
		accompanies := hasCode[p.dir] && strings.HasSuffix(p.name, "_test")
		if count > 1 || count == 0 && !accompanies {
			broken = append(broken, fmt.Sprintf("%s: package %s has %d package comments", p.dir, p.name, count))
		}
	}
	slices.Sort(broken)
	return broken
}

func filesStayShort(t tree) (broken []string) {
	for _, s := range t.sources {
		if s.lines > maxLines {
			broken = append(broken, fmt.Sprintf("%s has %d lines, more than %d", s.name, s.lines, maxLines))
		}
	}
	return broken
}

func noInit(t tree) (broken []string) {
	for _, s := range t.sources {
		for _, decl := range s.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				broken = append(broken, s.name+" declares func init")
			}
		}
	}
	return broken
}

func noSleepInTests(t tree) (broken []string) {
	for _, s := range t.sources {
		if s.isTest() && s.uses("time", "Sleep") {
			broken = append(broken, s.name+" uses time.Sleep")
		}
	}
	return broken
}
