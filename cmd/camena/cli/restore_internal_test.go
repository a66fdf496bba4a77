package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/backup"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// export writes the repository to a file.
func (i *installation) export(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "backup.ndjson.gz")
	if _, err := backup.ExportFile(tb.Context(), backup.ExportSettings{Bus: i.bus}, file); err != nil {
		tb.Fatal(err)
	}
	return file
}

// TestInterruptedByASignal interrupts the program when the first event is
// restored: it tells what the installation is good for, and how to go on.
func TestInterruptedByASignal(t *testing.T) {
	t.Parallel()
	const n = 10_000
	first := newInstallation(t)
	first.start(t)
	first.apply(t, upserts(n)...)
	file := first.export(t)
	server := runtimetest.NewServer(t)
	second := installationOn(t, server, topics.DefaultDomain)
	restore := func() (*exec.Cmd, *bytes.Buffer) {
		c := exec.CommandContext(t.Context(), "camena", "restore", file)
		out := &bytes.Buffer{}
		c.Stdout, c.Stderr = out, out
		c.Env = append(os.Environ(), "CAMENA_NATS_URL="+server.URL(), "CAMENA_NODE=n2", "GORACE=atexit_sleep_ms=0")
		return c, out
	}
	heard, err := second.bus.Conn().SubscribeSync(second.bus.Topics().Domain() + ".out.>")
	if err != nil {
		t.Fatal(err)
	}
	c, out := restore()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := heard.NextMsg(20 * time.Second); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := heard.Unsubscribe(); err != nil {
		t.Error(err)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = c.Wait()
	want := regexp.MustCompile(`(?m)^camena: interrupted; \d+ of 10000 .* nats://.*--force`)
	if c.ProcessState.ExitCode() != exitFailed || !want.MatchString(out.String()) {
		t.Fatalf("it ends with %v: %s", err, out)
	}
	c, out = restore()
	if err := c.Run(); err != nil || !strings.Contains(out.String(), "restored 10000 events into nats://") {
		t.Fatalf("then it ends with %v: %s", err, out)
	}
	second.start(t)
	if a, err := events.Ask(t.Context(), second.metadata, &events.Count{}); err != nil || a.Elements["GlossaryTerm"] != n {
		t.Errorf("%v elements (%v)", a.Elements, err)
	}
}

// Who begins to watch behind the end is told where that is.
func TestWatchingFromBehindTheEnd(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start(t)
	i.apply(t, upserts(3)...)
	for from, want := range map[uint64]string{3: "", 4: "", 9: "sequence 3\n"} {
		var told strings.Builder
		w := &watcher{p: &program{stderr: &told}}
		w.filter.From = from
		w.warn(t.Context(), i.metadata)
		if got := told.String(); !strings.HasSuffix(got, want) || (got == "") != (want == "") {
			t.Errorf("from %d: got %q, want %q", from, told.String(), want)
		}
	}
}

// TestInterruptedRestoreIsTold sends a command and watches while a restore is
// interrupted.
func TestInterruptedRestoreIsTold(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	if err := i.metadata.SetRestoring(t.Context(), "nothing"); err != nil {
		t.Fatal(err)
	}
	if _, err := i.metadata.Apply(t.Context(), client.Origin{}, &events.Delete{Element: events.ByName("x")}); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("a command ends with %v", err)
	}
	var warned strings.Builder
	(&watcher{p: &program{stderr: &warned}}).warn(t.Context(), i.metadata)
	if !strings.Contains(warned.String(), "a restore was interrupted") {
		t.Errorf("watching tells %q", warned.String())
	}
}
