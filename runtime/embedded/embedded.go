// Package embedded runs a NATS server with JetStream inside the process: the
// bus of an installation that has no other. It is the only package that knows
// the server.
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
)

// DefaultPort is the port of the server unless another process has it.
const DefaultPort = 4222

// DefaultSyncInterval bounds what a power cut can lose; a killed process loses
// nothing.
const DefaultSyncInterval = 2 * time.Second

const (
	// maxPayload is larger than what Camena accepts, so that an oversized
	// message reaches the dead letters with a reason instead of only failing
	// at its sender.
	maxPayload = 8 << 20
	urlFile    = "nats.url"
	loopback   = "127.0.0.1"
	lockFile   = "camena.lock"
)

// Settings of a [Server].
type Settings struct {
	// Dir holds the streams. Two processes cannot share it.
	Dir string
	// Host to listen on; empty means loopback only.
	Host string
	// Port to listen on; 0 means DefaultPort, -1 any free one. The port that the
	// server of this folder had before comes first, because clients look for it
	// there. With 0 any free port is the last choice.
	Port int
	// SyncInterval is how often streams are synced to disk; 0 means
	// DefaultSyncInterval.
	SyncInterval time.Duration
	// SyncAlways syncs before every acknowledgement: nothing acknowledged is
	// lost in a power cut, at a tenth of the speed or less.
	SyncAlways bool
	Logger     *slog.Logger
	_          struct{}
}

// ErrInUse is returned when another process uses the data folder.
var ErrInUse = errors.New("the data folder is in use by another camena process")

// Server is a NATS server in this process.
type Server struct {
	set  Settings
	lock *flock.Flock
	// short receives the reason why the server could store nothing.
	short chan string

	mu     sync.Mutex
	server *server.Server // replaced after it ran out of space
}

// New locks the data folder and starts the server; it accepts connections when
// New returns. Call Serve to keep it and to stop it.
func New(s Settings) (*Server, error) {
	if s.Dir == "" {
		return nil, errors.New("embedded NATS: no data folder given")
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(s.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := lockFolder(s.Dir)
	if err != nil {
		return nil, err
	}
	e := &Server{set: s, lock: lock, short: make(chan string, 1)}
	e.set.Port, err = e.port()
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	if err := e.start(); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return e, nil
}

// lockFolder waits a moment for the lock, because [URLOf] holds it briefly.
func lockFolder(dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path)
	const moment = 200 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), moment)
	defer cancel()
	ok, err := lock.TryLockContext(ctx, moment/10)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("data folder: lock %s: %w", path, err)
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s%s", ErrInUse, dir, holder(path))
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("data folder: %w", err), lock.Unlock())
	}
	return lock, nil
}

// holder names the process that holds the lock, if it is known.
func holder(path string) string {
	pid, err := os.ReadFile(path) //nolint:gosec // in the data folder
	if err != nil || len(pid) == 0 {
		return ""
	}
	return " (process " + strings.TrimSpace(string(pid)) + ")"
}

func (e *Server) start() error {
	srv, err := server.NewServer(&server.Options{
		ServerName: "camena", Host: cmp.Or(e.set.Host, loopback), Port: e.set.Port,
		JetStream: true, StoreDir: e.set.Dir, MaxPayload: maxPayload,
		SyncInterval: cmp.Or(e.set.SyncInterval, DefaultSyncInterval), SyncAlways: e.set.SyncAlways,
		NoSigs: true, DisableJetStreamBanner: true,
	})
	if err != nil {
		return fmt.Errorf("embedded NATS: %w", err)
	}
	fatal := make(chan string, 1)
	srv.SetLoggerV2(&logger{log: e.set.Logger, fatal: fatal, short: e.short}, false, false, false)
	e.mu.Lock()
	e.server = srv
	e.mu.Unlock()
	go srv.Start()
	if err := awaitReady(srv, fatal); err != nil {
		e.stop()
		return err
	}
	if err := os.WriteFile(filepath.Join(e.set.Dir, urlFile), []byte(srv.ClientURL()+"\n"), 0o600); err != nil {
		e.stop()
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// awaitReady waits until the server is ready or gives up, which it reports only in
// its log.
func awaitReady(srv *server.Server, fatal <-chan string) error {
	const (
		patience = 30 * time.Second
		step     = 50 * time.Millisecond
	)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case why := <-fatal:
			return fmt.Errorf("embedded NATS: %s", why)
		default:
		}
		if srv.ReadyForConnections(step) {
			return nil
		}
	}
	return errors.New("embedded NATS does not start")
}

// port returns the port to listen on, see [Settings.Port]. It removes the file with
// the former address, where no server listens yet.
func (e *Server) port() (int, error) {
	file := filepath.Join(e.set.Dir, urlFile)
	was := portOf(file)
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("data folder: %w", err)
	}
	host := cmp.Or(e.set.Host, loopback)
	switch {
	case e.set.Port > 0:
		return e.set.Port, nil
	case was > 0 && isFree(host, was):
		return was, nil
	case e.set.Port == 0 && isFree(host, DefaultPort):
		return DefaultPort, nil
	default:
		return server.RANDOM_PORT, nil
	}
}

// portOf returns the port of the URL in a file, 0 if there is none.
func portOf(file string) int {
	text, err := os.ReadFile(file) //nolint:gosec // in the data folder
	if err != nil {
		return 0
	}
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return 0
	}
	return int(port)
}

func isFree(host string, port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))) //nolint:noctx // closed at once
	return err == nil && l.Close() == nil
}

// URL is the address for clients in other processes.
func (e *Server) URL() string { return e.current().ClientURL() }

// InProcessConn returns a connection that does not use the network.
func (e *Server) InProcessConn() (net.Conn, error) { return e.current().InProcessConn() }

func (e *Server) current() *server.Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server
}

// Serve waits until ctx is done, then stops the server, and returns when it has
// written everything and released the data folder. It restarts a server that ran out
// of space as soon as there is space; an error of the restart ends Serve.
func (e *Server) Serve(ctx context.Context) error {
	err := e.keep(ctx)
	e.stop()
	return errors.Join(err, e.lock.Unlock())
}

// stop keeps the file with the address: the next server tries to use it again.
func (e *Server) stop() {
	e.current().Shutdown()
	e.current().WaitForShutdown()
}

// URLOf returns the URL of the server that runs on a data folder, and false if
// none runs. It ignores the file that an earlier process left.
func URLOf(dir string) (string, bool) {
	b, err := os.ReadFile(filepath.Join(dir, urlFile)) //nolint:gosec // in the data folder
	at := strings.TrimSpace(string(b))
	return at, err == nil && at != "" && isLocked(filepath.Join(dir, lockFile))
}

func isLocked(path string) bool {
	lock := flock.New(path)
	free, err := lock.TryRLock()
	if err != nil {
		return false
	}
	return !free || lock.Unlock() != nil
}

// logger forwards the messages of the server; most of them at the level of debugging.
type logger struct {
	log *slog.Logger
	// fatal receives the first reason why the server gives up.
	fatal chan<- string
	// short receives a reason why it could store nothing.
	short chan<- string
}

func (l *logger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l *logger) Debugf(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l *logger) Tracef(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l *logger) Warnf(format string, v ...any)   { l.say(levelOf(fmt.Sprintf(format, v...)), format, v) }

func (l *logger) Errorf(format string, v ...any) {
	said := fmt.Sprintf(format, v...)
	if !isShortage(said) {
		l.say(slog.LevelError, format, v)
		return
	}
	l.say(slog.LevelDebug, format, v) // the server repeats it
	select {
	case l.short <- said:
	default:
	}
}

func (l *logger) Fatalf(format string, v ...any) {
	l.say(slog.LevelError, format, v)
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}

// levelOf is the level of a warning. After a process was killed, the server warns for
// each stream that its index is older than its messages, and rebuilds the index:
// nothing is lost, and nothing needs to be done. It reports missing or corrupt
// messages in other words.
func levelOf(warning string) slog.Level {
	store, said, _ := strings.Cut(warning, "] ")
	if strings.HasPrefix(store, "Filestore [") &&
		(said == "Recovering stream state from index errored: prior state file" ||
			strings.HasPrefix(said, "Stream state outdated, ") ||
			strings.Contains(said, " state is outdated; attempting to recover using ")) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

func (l *logger) say(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "embedded NATS server", slog.String("message", fmt.Sprintf(format, v...)))
}
