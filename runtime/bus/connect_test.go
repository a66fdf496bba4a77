package bus_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

const secret = "s3cr3t"

// mustNotLeak fails if an error or a log line shows the password.
func mustNotLeak(t *testing.T, err error, lines *gathered[string]) {
	t.Helper()
	if err == nil {
		t.Error("no error")
	} else if strings.Contains(err.Error(), secret) {
		t.Errorf("the error shows the password: %v", err)
	}
	for _, line := range lines.all() {
		if strings.Contains(line, secret) {
			t.Errorf("the log shows the password: %s", line)
		}
	}
}

func TestAnUnreachableServerIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	log, lines := captured()
	within(t, 5*time.Second, "failing", func() {
		_, err := bus.Connect(t.Context(), bus.Settings{URL: "nats://anna:" + secret + "@" + address, Logger: log})
		about, ok := errors.AsType[*bus.SettingsError](err)
		if !errors.Is(err, bus.ErrUnreachable) || !strings.Contains(err.Error(), address) || !ok || !slices.Equal(about.Fields, []string{"URL"}) {
			t.Errorf("got %v", err)
		}
		mustNotLeak(t, err, lines)
	})
}

func TestAURLThatIsNoneIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"nats://anna:" + secret + "%zz@host:4222", "nats://anna:" + secret + " @host", "nats://anna:" + secret + "@host:port",
	} {
		log, lines := captured()
		_, err := bus.Connect(t.Context(), bus.Settings{URL: url, Logger: log, Wait: true})
		if !errors.Is(err, bus.ErrRefused) {
			t.Errorf("got %v", err)
		}
		mustNotLeak(t, err, lines)
	}
}

func TestWaitingForNATS(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.stop()
	log, lines := captured()
	s := bus.Settings{URL: strings.Replace(o.url, "://", "://anna:"+secret+"@", 1), Logger: log, Wait: true}

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := bus.Connect(ctx, s)
	if !errors.Is(err, bus.ErrUnreachable) {
		t.Errorf("given up: %v", err)
	}
	connected := make(chan *bus.Bus, 1)
	wait := background(t, func(ctx context.Context) error {
		b, err := bus.Connect(ctx, s)
		connected <- b
		return err
	})
	eventually(t, "it says that it waits", func() bool { return strings.Contains(strings.Join(lines.all(), ""), "waiting for NATS") })
	o.start()
	b := <-connected
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	b.Close()
	mustNotLeak(t, bus.ErrUnreachable, lines)
}

func TestFilesThatAreNotThereAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	missing := t.TempDir() + "/missing"
	for name, c := range map[string]bus.Credentials{
		"credentials": {CredsFile: missing}, "nkey": {NKeyFile: missing}, "authorities": {CAFile: missing},
		"certificate": {CertFile: missing, KeyFile: missing},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, err := bus.Connect(ctx, bus.Settings{URL: o.url, Credentials: c, Wait: true})
		if _, ok := errors.AsType[*bus.SettingsError](err); !ok || ctx.Err() != nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s: got %v", name, err)
		}
		cancel()
	}
}

func TestADomainThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := bus.Connect(t.Context(), bus.Settings{Domain: "Not.One"}); err == nil || !strings.Contains(err.Error(), "Not.One") {
		t.Errorf("got %v", err)
	}
}

func TestURLsAreShownWithoutCredentials(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"nats://host:4222":                          "nats://host:4222",
		"nats://anna:pw@host:4222":                  "nats://host:4222",
		"nats://token@host":                         "nats://host",
		"anna:pw@host":                              "host",
		"tls://a:p@h1:1, nats://b:q@h2:2,h3":        "tls://h1:1, nats://h2:2,h3",
		"nats://anna:p@w@host":                      "nats://host",
		"nats://anna:p,w@host":                      "host",
		"nats://anna:%zz@host,nats://anna:p w@host": "nats://host,nats://host",
	} {
		if got := bus.RedactURL(url); got != want {
			t.Errorf("%s is shown as %s, want %s", url, got, want)
		}
	}
}

func TestVersionsAreComparedAsNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version string
		older   bool
	}{
		{"2.13.9", true},
		{"2.9.0", true},
		{"1.99.99", true},
		{"2.14.0-RC.1", false},
		{"2.14.0", false},
		{"2.14.1", false},
		{"2.15.0", false},
		{"2.100.0", false},
		{"3.0.0", false},
		{"", true},
		{"dev", true},
		{"v2.15.0", true},
	} {
		if got := bus.Older(c.version, "2.14.0"); got != c.older {
			t.Errorf("%q is older: %t, want %t", c.version, got, c.older)
		}
	}
}

// oldServer speaks just enough of the protocol to be connected to.
func oldServer(t *testing.T, version string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := background(t, func(context.Context) error {
		for {
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			if err := greet(conn, version); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				t.Logf("old server: %v", err)
			}
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		_ = stop()
	})
	return "nats://" + l.Addr().String()
}

func greet(conn net.Conn, version string) error {
	defer conn.Close() //nolint:errcheck // a fake
	if _, err := fmt.Fprintf(conn, "INFO {\"server_id\":\"X\",\"version\":%q,\"headers\":true,\"max_payload\":1048576}\r\n", version); err != nil {
		return err
	}
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.HasPrefix(line, "PING") {
			if _, err := io.WriteString(conn, "PONG\r\n"); err != nil {
				return err
			}
		}
	}
}

func TestAnOlderServerIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	b := dial(t, bus.Settings{URL: oldServer(t, "2.10.22")})
	err := b.Ensure(t.Context(), topics.DefaultLimits())
	if !errors.Is(err, bus.ErrServer) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"2.10.22", "2.14.0", "message schedules"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention %q", err, want)
		}
	}
}

func TestEnsureTwiceAndWithOtherLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	publish(t, b, element(b, "a"), "kept")
	l := topics.DefaultLimits()
	for range 2 {
		if err := b.Ensure(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	l.History, l.InBytes, l.OpsAge, l.DedupWindow, l.Replicas = 3, 5<<20, time.Hour, time.Minute, 0
	if err := b.Ensure(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]func(topics.Topics) bool{
		"history": func(n topics.Topics) bool { return config(t, b, n.OutStream()).MaxMsgsPerSubject == 3 },
		"bytes":   func(n topics.Topics) bool { return config(t, b, n.InStream()).MaxBytes == 5<<20 },
		"age":     func(n topics.Topics) bool { return config(t, b, n.OpsStream()).MaxAge == time.Hour },
		"window":  func(n topics.Topics) bool { return config(t, b, n.OutStream()).Duplicates == time.Minute },
	} {
		if !check(b.Topics()) {
			t.Errorf("%s was not changed", name)
		}
	}
	if state, err := b.StreamState(t.Context(), b.Topics().OutStream()); err != nil || state.Msgs != 1 {
		t.Errorf("what was there is gone: %+v, %v", state, err)
	}
}

func TestEnsureSaysThatTheDiskIsTooSmall(t *testing.T) {
	t.Parallel()
	b := dial(t, bus.Settings{InProcess: runtimetest.NewServer(t)})
	l := topics.DefaultLimits()
	l.InBytes = 1 << 60
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := b.Ensure(ctx, l)
	if !errors.Is(err, bus.ErrServer) || ctx.Err() != nil || !strings.Contains(err.Error(), b.Topics().InStream()) || !strings.Contains(err.Error(), "space") {
		t.Errorf("got %v", err)
	}
}

func TestEnsureSaysWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	b := dial(t, bus.Settings{InProcess: runtimetest.NewServer(t)})
	l := topics.DefaultLimits()
	l.Replicas = 3 // of one server
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := b.Ensure(ctx, l)
	if err == nil || !strings.Contains(err.Error(), "replicas") || !strings.Contains(err.Error(), b.Topics().InStream()) {
		t.Errorf("got %v", err)
	}
	if ctx.Err() != nil {
		t.Error("it waited for what never comes")
	}
}

func config(t *testing.T, b *bus.Bus, stream string) jetstream.StreamConfig {
	t.Helper()
	s, err := b.JetStream().Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().Config
}

// TestAServerThatMovesIsFoundAgain restarts a server whose port is taken.
func TestAServerThatMovesIsFoundAgain(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	var mu sync.Mutex
	at := o.url
	b := dial(t, bus.Settings{URL: o.url, Locate: func() string {
		mu.Lock()
		defer mu.Unlock()
		return at
	}})
	o.stop()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", strings.TrimPrefix(o.url, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // of no interest
	o.start()
	mu.Lock()
	at = o.url
	mu.Unlock()
	runtimetest.Eventually(t, "the server is found again", func() bool {
		return b.Conn().IsConnected() && b.Conn().ConnectedUrl() == o.url
	})
}
