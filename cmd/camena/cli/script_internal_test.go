package cli

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/camena-io/camena/cmd/camena/bench"
	"github.com/camena-io/camena/connectors/builtin"
	"github.com/camena-io/camena/runtime/embedded"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"camena": func() { MainWith(benches(), builtin.Factories()...) }, "nats": natsCommand})
}

// benches are the commands that the binary has beside those of this package.
func benches() []NewCommand { return []NewCommand{bench.Command} }

// wholeProgram has all commands of the binary.
func wholeProgram() *program {
	return &program{more: benches(), stdout: io.Discard, stderr: io.Discard}
}

// TestScripts runs the program as its users do.
func TestScripts(t *testing.T) {
	t.Parallel()
	var files []string
	for _, dir := range []string{filepath.Join("testdata", "script"), filepath.Join("..", "..", "..", "integration_test", "testdata", "script")} {
		found, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no scripts in %s: %v", dir, err)
		}
		files = append(files, found...)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CAMENA_DATA", filepath.Join(e.WorkDir, "data"))
			e.Setenv("CAMENA_NATS_PORT", "-1")
			e.Setenv("CAMENA_NODE", "node-1")
			e.Setenv("USER", "tester")
			// Under the race detector each program would sleep for a second at its end.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "exits": exits, "damage": damage, "deaf": deaf, "knocked": knocked, "serving": serving, "setenv": setenv, "capture": capture, "publish": publishRaw,
		},
	})
}

// await PATTERN PROGRAM ARGS... runs a program until it succeeds and what it
// prints matches; "! await" until it fails or no longer matches.
func await(ts *testscript.TestScript, not bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] await pattern program args...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	wait(ts, strings.Join(args, " "), func() bool {
		err := ts.Exec(args[1], args[2:]...)
		return not != (err == nil && pattern.MatchString(ts.ReadFile("stdout")))
	})
}

// exits CODE PROGRAM ARGS... runs a program that must end with that code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits code program args...")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = err.Error()
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			got = strconv.Itoa(e.ExitCode())
		}
	}
	if got != args[0] {
		ts.Fatalf("it ends with %s, want %s", got, args[0])
	}
}

// damage FILE COPY SIZE copies the beginning of a file.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: damage file copy size")
	}
	size, err := strconv.Atoi(args[2])
	ts.Check(err)
	content := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(content[:min(size, len(content))]), 0o600))
}

// serving waits until the data folder has a NATS server, and a node a
// repository. Before that commands would look at NATS's usual port, where on a
// developer's machine another installation may be.
func serving(ts *testscript.TestScript, _ bool, _ []string) {
	wait(ts, "a server on the data folder", func() bool {
		_, ok := embedded.URLOf(ts.Getenv("CAMENA_DATA"))
		return ok
	})
	await(ts, false, []string{"healthy", "camena", "health"})
}

// deaf makes the commands look for NATS where somebody hangs up; knocked waits
// until one of them has tried.
func deaf(ts *testscript.TestScript, _ bool, _ []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	sign := ts.MkAbs("knocked")
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if err := errors.Join(conn.Close(), os.WriteFile(sign, nil, 0o600)); err != nil {
				return
			}
		}
	}()
	ts.Defer(func() { ts.Check(listener.Close()) })
	ts.Setenv("CAMENA_NATS_URL", "nats://"+listener.Addr().String())
}

func knocked(ts *testscript.TestScript, _ bool, _ []string) {
	wait(ts, "somebody who looks for NATS", func() bool {
		_, err := os.Stat(ts.MkAbs("knocked"))
		return err == nil
	})
}

func wait(ts *testscript.TestScript, what string, condition func() bool) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("in vain waited for: %s", what)
		}
	}
}

// setenv NAME FILE sets a variable to what the file holds.
func setenv(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// capture NAME PATTERN FILE sets a variable to what the group of the pattern finds.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: capture name pattern file")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile(args[2]))
	if len(found) != 2 {
		ts.Fatalf("%s: no match for %s", args[2], args[1])
	}
	ts.Setenv(args[0], found[1])
}

// publishRaw SUBJECT FILE [HEADER=VALUE...] publishes to the node on the data
// folder, as any NATS client may.
func publishRaw(ts *testscript.TestScript, _ bool, args []string) {
	url, err := os.ReadFile(filepath.Join(ts.Getenv("CAMENA_DATA"), "nats.url"))
	ts.Check(err)
	conn, err := nats.Connect(strings.TrimSpace(string(url)))
	ts.Check(err)
	defer conn.Close()
	m := nats.NewMsg(args[0])
	m.Data = []byte(ts.ReadFile(args[1]))
	for _, header := range args[2:] {
		name, value, _ := strings.Cut(header, "=")
		m.Header[name] = []string{value}
	}
	ts.Check(conn.PublishMsg(m))
	ts.Check(conn.Flush())
}
