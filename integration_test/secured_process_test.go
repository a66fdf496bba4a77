package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/camena-io/camena/runtime/runtimetest"
)

// programs is the folder of the two binaries that run as processes.
type programs string

// buildPrograms builds the binaries for this machine; those of containers are for Linux.
func buildPrograms(t *testing.T) programs {
	t.Helper()
	dir := t.TempDir()
	// The server is the one that this module is pinned to.
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", dir+"/",
		"./cmd/camena", "github.com/nats-io/nats-server/v2")
	cmd.Dir = ".."
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	return programs(dir)
}

// natsServer starts a NATS server with JetStream, and returns where it listens.
func (p programs) natsServer(t *testing.T, dir, config string) (address string) {
	t.Helper()
	_, address = p.natsServerAt(t, dir, "127.0.0.1:-1", config)
	return address
}

// natsServerAt starts a NATS server with a given address, on the data that an earlier one
// left in the folder.
func (p programs) natsServerAt(t *testing.T, dir, listen, config string) (server *process, address string) {
	t.Helper()
	path := keep(t, dir, "nats.conf", fmt.Appendf(nil,
		"listen: %q\nports_file_dir: %q\njetstream { store_dir: %q }\n%s", listen, dir, filepath.Join(dir, "jetstream"), config))
	server = start(t, exec.CommandContext(t.Context(), filepath.Join(string(p), "nats-server"), "-c", path))
	runtimetest.Eventually(t, "the NATS server listens", func() bool {
		address = listening(dir)
		return address != ""
	})
	return server, address
}

// listening reads the address of a server from its log.
func listening(dir string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*.ports"))
	if err != nil || len(files) == 0 {
		return ""
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		return ""
	}
	var ports struct{ NATS []string }
	if json.Unmarshal(content, &ports) != nil || len(ports.NATS) == 0 {
		return "" // not written to its end
	}
	server, err := url.Parse(ports.NATS[0])
	if err != nil {
		return ""
	}
	return server.Host
}

// process is a program that runs until the test ends or it is interrupted.
type process struct {
	cmd    *exec.Cmd
	output transcript // complete when done is closed
	done   chan struct{}
}

// transcript is the output of a process so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // its exit code is looked at
	}()
	t.Cleanup(func() {
		<-p.done // the context of the test has ended it
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(cmd.Path), p.output.String())
		}
	})
	return p
}

// interrupt sends the signal of Ctrl-C, and returns the exit code and the output of the
// process.
func (p *process) interrupt(t *testing.T) (code int, output string) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		t.Fatal("an interrupted process goes on")
	}
	return p.cmd.ProcessState.ExitCode(), p.output.String()
}

// camena is the program with the settings of one user, in a folder of its own.
type camena struct {
	programs programs
	dir      string
	env      []string
}

// with is the same with other settings; the last one of a name counts.
func (c camena) with(env ...string) camena {
	c.env = slices.Concat(c.env, env)
	return c
}

func (c camena) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(string(c.programs), "camena"), args...)
	cmd.Dir = c.dir
	// Settings in the environment of the test must not count.
	cmd.Env = slices.Concat([]string{
		"HOME=" + c.dir, "USER=tester", "CAMENA_NODE=node-1", "CAMENA_DATA=" + filepath.Join(c.dir, "data"),
	}, c.env)
	return cmd
}

// run runs a command to its end, and returns its exit code, -1 if it had to be killed,
// and its output.
func (c camena) run(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	cmd := c.command(ctx, args...)
	printed, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(printed)
}
