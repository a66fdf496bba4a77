package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/embedded"
)

// natsCommand is what documents need of the nats command: nats req SUBJECT DATA.
func natsCommand() {
	url, ok := embedded.URLOf(os.Getenv("CAMENA_DATA"))
	if !ok || len(os.Args) != 4 || os.Args[1] != "req" {
		panic("usage: nats req subject data, beside a node")
	}
	conn, err := nats.Connect(url)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	answer, err := conn.Request(os.Args[2], []byte(os.Args[3]), 10*time.Second)
	if err != nil {
		panic(err)
	}
	if answer.Header.Get("Nats-Service-Error-Code") != "" {
		panic(string(answer.Data))
	}
}

// reader of documents, who types what they show.
type follower struct {
	dir string
	env []string
}

// newFollower has a folder, and a node of its own.
func newFollower(t *testing.T) *follower {
	t.Helper()
	f := &follower{dir: t.TempDir()}
	data := filepath.Join(f.dir, "camena-data")
	f.env = append(os.Environ(), "CAMENA_DATA="+data, "CAMENA_NATS_PORT=-1", "CAMENA_NODE=node-1", "CAMENA_LOG_LEVEL=error",
		"USER=ann", "GORACE=atexit_sleep_ms=0")
	node := exec.CommandContext(t.Context(), "camena", "serve")
	node.Env, node.Dir = f.env, f.dir
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Signal(os.Interrupt)
		_ = node.Wait() // its context is over
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		if _, serves := embedded.URLOf(data); serves && f.sh(t, "camena health >health").Run() == nil {
			return f
		}
		if time.Now().After(end) {
			t.Fatal("no node serves")
		}
	}
}

func (f *follower) sh(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
	c.Dir, c.Env = f.dir, f.env
	return c
}

// run types a script, which must succeed.
func (f *follower) run(t *testing.T, script string) {
	t.Helper()
	if out, err := f.sh(t, script).CombinedOutput(); err != nil {
		t.Errorf("%s\n%s%v", script, out, err)
	}
}

// mayBeRefused has a line fail that says after a # that it is refused, or not_found.
func mayBeRefused(block string) string {
	var b strings.Builder
	for line := range strings.Lines(block) {
		command, comment, _ := strings.Cut(strings.TrimRight(line, "\n"), "  # ")
		if reason := strings.TrimSpace(comment); strings.HasPrefix(reason, "refused") || strings.HasPrefix(reason, "not_found") {
			line = "if " + command + "; then echo was not refused >&2; exit 1; fi\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// Who follows a document from top to bottom gets no error. The first line of a
// file that is shown is a comment with its name.
func TestDocumentsCanBeFollowed(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)\n```(sh|yaml)\n(.*?\n)```\n")
	name := regexp.MustCompile(`^# (\S+\.yaml)\n`)
	for _, document := range []string{"metadata.md", "types.md", "queries.md"} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", document))
			if err != nil {
				t.Fatal(err)
			}
			f := newFollower(t)
			for _, m := range blocks.FindAllStringSubmatch(string(content), -1) {
				if m[1] == "sh" {
					f.run(t, mayBeRefused(m[2]))
				} else if found := name.FindStringSubmatch(m[2]); found != nil {
					if err := os.WriteFile(filepath.Join(f.dir, found[1]), []byte(m[2]), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// What the help of a command shows can be typed where what it is about is there.
// Nothing is changed, so that the examples do not depend on each other.
func TestExamplesCanBeTyped(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	prepared, err := filepath.Abs(filepath.Join("testdata", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	f.run(t, "cp -r '"+prepared+"'/. . && sh -e prepare.sh")
	root := wholeProgram().rootCommand()
	var try func(*cobra.Command)
	try = func(c *cobra.Command) {
		dryRun := c.Flags().Lookup("dry-run") != nil
		for line := range strings.SplitSeq(strings.ReplaceAll(c.Example, "\\\n", ""), "\n") {
			command, comment, _ := strings.Cut(line, "  # ")
			if dryRun && command != "" && !strings.Contains(command, "--dry-run") {
				command += " --dry-run"
			}
			f.run(t, "generate() { cat change.yaml; }\n"+mayBeRefused(command+"  # "+comment))
		}
		for _, below := range c.Commands() {
			try(below)
		}
	}
	for _, c := range root.Commands() {
		switch c.Name() {
		case "elements", "types", "changeset":
			for _, below := range c.Commands() {
				try(below)
			}
		}
	}
}
