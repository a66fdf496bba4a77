package embedded_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/runtimetest"
)

// disk mounts a small disk, and returns a function that changes its size.
func disk(t *testing.T, size string) (dir string, resize func(size string)) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("a small disk cannot be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func(size string) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
			t.Fatal(err)
		}
	}
}

// fill publishes until an error, and returns the number of stored messages.
func fill(t *testing.T, js jetstream.JetStream) (stored uint64) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		ack, err := js.Publish(ctx, "s", bytes.Repeat([]byte("x"), 64<<10), jetstream.WithRetryAttempts(0))
		cancel()
		if err != nil {
			t.Logf("after %d messages: %v", stored, err)
			return stored
		}
		stored = ack.Sequence
	}
}

// A server that has filled its disk continues when there is space again, and has lost
// no message that it acknowledged.
func TestASpaceThatComesBack(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]struct {
		ballast int // bytes of the disk that other files use
		free    func(ballast string, resize func(string)) error
	}{
		"the server has used up its share": {0, func(_ string, resize func(string)) error { resize("128m"); return nil }},
		"the disk is full":                 {22 << 20, func(ballast string, _ func(string)) error { return os.Remove(ballast) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, resize := disk(t, "32m")
			server, _ := start(t, embedded.Settings{Dir: filepath.Join(dir, "data"), Port: -1, Logger: runtimetest.Logger()})
			js := connect(t, server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
				t.Fatal(err)
			}
			ballast := filepath.Join(dir, "ballast")
			if err := os.WriteFile(ballast, make([]byte, full.ballast), 0o600); err != nil {
				t.Fatal(err)
			}
			url, stored := server.URL(), fill(t, js)
			if err := full.free(ballast, resize); err != nil {
				t.Fatal(err)
			}
			var last uint64
			runtimetest.Eventually(t, "storing again", func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				ack, err := js.Publish(ctx, "s", nil)
				if err == nil {
					last = ack.Sequence
				}
				return err == nil
			})
			if last <= stored || server.URL() != url {
				t.Errorf("it goes on at %d and %s; it had stored %d, at %s", last, server.URL(), stored, url)
			}
			s, err := js.Stream(t.Context(), "S")
			if err != nil {
				t.Fatal(err)
			}
			if state := s.CachedInfo().State; state.Msgs < stored || state.FirstSeq != 1 {
				t.Errorf("%d were stored, and %+v is left", stored, state)
			}
		})
	}
}
