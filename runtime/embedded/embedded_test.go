package embedded_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/runtime/embedded"
)

// start starts a server on a folder; it ends with the test or when stop is called.
func start(t *testing.T, s embedded.Settings) (server *embedded.Server, stop func()) {
	t.Helper()
	server, err := embedded.New(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return server, stop
}

func connect(t *testing.T, url string, options ...nats.Option) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestASecondServerOnOneFolderIsToldWhoUsesIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, stop := start(t, embedded.Settings{Dir: dir, Port: -1})
	_, err := embedded.New(embedded.Settings{Dir: dir, Port: -1})
	if !errors.Is(err, embedded.ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
	for _, want := range []string{dir, "process " + strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention %q", err, want)
		}
	}
	stop()
	start(t, embedded.Settings{Dir: dir, Port: -1})
}

func TestTheDefaultPortIsOnlyADefault(t *testing.T) {
	t.Parallel()
	// This holds whether or not another process listens there already.
	if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(embedded.DefaultPort))); err == nil {
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	server, _ := start(t, embedded.Settings{Dir: t.TempDir()})
	if strings.HasSuffix(server.URL(), ":"+strconv.Itoa(embedded.DefaultPort)) {
		t.Errorf("%s is taken", server.URL())
	}
	connect(t, server.URL())
}

func TestAPortThatWasAskedForAndIsTakenIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	began := time.Now()
	_, err = embedded.New(embedded.Settings{Dir: dir, Port: number})
	if err == nil || !strings.Contains(err.Error(), port) {
		t.Fatalf("got %v, want an error that names port %s", err, port)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	start(t, embedded.Settings{Dir: dir, Port: -1}) // the folder is free again
}

func TestURLOfTellsWhoRunsNow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if url, ok := embedded.URLOf(dir); ok {
		t.Errorf("before any start: %s", url)
	}
	server, stop := start(t, embedded.Settings{Dir: dir, Port: -1})
	if url, ok := embedded.URLOf(dir); !ok || url != server.URL() {
		t.Errorf("got %s, %t, want %s", url, ok, server.URL())
	}
	stop()
	if url, ok := embedded.URLOf(dir); ok {
		t.Errorf("after the stop: %s", url)
	}
	// A killed process leaves its file.
	if err := os.WriteFile(filepath.Join(dir, "nats.url"), []byte(server.URL()), 0o600); err != nil {
		t.Fatal(err)
	}
	if url, ok := embedded.URLOf(dir); ok {
		t.Errorf("after a crash: %s", url)
	}
	start(t, embedded.Settings{Dir: dir, Port: -1}) // the file does not keep others from starting
}

// TestAServerComesBackAtItsPort restarts a server: clients look for it at its port.
func TestAServerComesBackAtItsPort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, stop := start(t, embedded.Settings{Dir: dir, Port: -1})
	at := server.URL()
	stop()
	server, stop = start(t, embedded.Settings{Dir: dir, Port: -1})
	if server.URL() != at {
		t.Errorf("it is at %s, was at %s", server.URL(), at)
	}
	stop()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", strings.TrimPrefix(at, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // of no interest
	server, _ = start(t, embedded.Settings{Dir: dir, Port: -1})
	if server.URL() == at {
		t.Errorf("it is at %s, which is taken", at)
	}
}

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, stop := start(t, embedded.Settings{Dir: dir, Port: -1, SyncAlways: true})
	js := connect(t, "", nats.InProcessServer(server))
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	js.Conn().Close()
	stop()

	server, _ = start(t, embedded.Settings{Dir: dir, Port: -1})
	js = connect(t, server.URL())
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.GetMsg(t.Context(), 1); err != nil || string(m.Data) != "kept" {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestAFolderIsNeeded(t *testing.T) {
	t.Parallel()
	if _, err := embedded.New(embedded.Settings{}); err == nil {
		t.Error("no folder is no error")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.New(embedded.Settings{Dir: file, Port: -1}); err == nil || !strings.Contains(err.Error(), "data folder") {
		t.Errorf("a file as the folder: %v", err)
	}
}

func TestServerIsOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	server, _ := start(t, embedded.Settings{Dir: t.TempDir(), Port: -1})
	if !strings.HasPrefix(server.URL(), "nats://127.0.0.1:") {
		t.Errorf("it listens on %s", server.URL())
	}
}
