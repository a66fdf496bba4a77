// Package postgrestest gives tests a real PostgreSQL: that of
// CAMENA_TEST_POSTGRES_URL, or a server of the machine's own programs in a
// temporary folder.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Password is that of the user postgres of a server that [New] has started.
const Password = "pa55-of-postgres" //nolint:gosec // of a server for tests

// Server is a PostgreSQL server for the tests of one package.
type Server struct {
	once sync.Once
	url  string
	skip string
	stop func()
}

// Run starts the server when it is first asked for, and stops it after the tests.
func (s *Server) Run(m *testing.M) int {
	defer s.Stop()
	return m.Run()
}

// Stop stops the server, if it was started.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
	}
}

// New returns the URL of a new database, which lives as long as the test. Where
// there is no PostgreSQL the test is skipped, or fails with CAMENA_REQUIRE_POSTGRES=1.
func (s *Server) New(tb testing.TB) *url.URL {
	tb.Helper()
	s.once.Do(s.start)
	if s.skip != "" {
		if os.Getenv("CAMENA_REQUIRE_POSTGRES") == "1" {
			tb.Fatal(s.skip)
		}
		tb.Skip(s.skip)
	}
	at, err := url.Parse(s.url)
	if err != nil {
		tb.Fatal("CAMENA_TEST_POSTGRES_URL is no URL")
	}
	name := "camena_" + strings.ToLower(rand.Text())
	Exec(tb, at, "CREATE DATABASE "+name)
	database := *at
	database.Path = "/" + name
	tb.Cleanup(func() { Exec(tb, at, "DROP DATABASE "+name+" WITH (FORCE)") })
	return &database
}

// Exec runs statements on a database.
func Exec(tb testing.TB, at *url.URL, statements string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, at.String())
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statements); err != nil {
		tb.Fatal(err)
	}
}

func (s *Server) start() {
	if s.url = os.Getenv("CAMENA_TEST_POSTGRES_URL"); s.url != "" {
		return
	}
	bin, err := programs()
	if err != nil {
		s.skip = "there is no PostgreSQL: set CAMENA_TEST_POSTGRES_URL or install its server (" + err.Error() + ")"
		return
	}
	if err := s.launch(bin); err != nil {
		s.skip = "PostgreSQL cannot be started: " + err.Error()
	}
}

// programs returns the folder of the newest server programs. Debian does not have
// them on the path.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		path, err := exec.LookPath("initdb")
		return filepath.Dir(path), err
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func (s *Server) launch(bin string) (err error) {
	dir, err := os.MkdirTemp("", "camena-postgres-")
	if err != nil {
		return err
	}
	identity, err := unprivileged(dir)
	if err != nil {
		return err
	}
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(Password), 0o644); err != nil { //nolint:gosec // of a server for tests
		return err
	}
	run := func(program string, arguments ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, program), arguments...) //nolint:gosec,noctx // it outlives a test
		cmd.Dir, cmd.SysProcAttr = dir, identity
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := run("initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", "--pwfile", secret, "--encoding=UTF8", "--no-sync").CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	server := run("postgres", "-D", data, "-p", strconv.Itoa(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	if err := server.Start(); err != nil {
		return err
	}
	s.stop = func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	}
	s.url = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", Password, port)
	return s.await()
}

// unprivileged lets a server run as the user postgres where the tests are root's:
// it refuses to be root's.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if uidErr != nil || gidErr != nil {
		return nil, fmt.Errorf("the user postgres has the numbers %s and %s", u.Uid, u.Gid)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil //nolint:gosec // numbers of a user
}

func freePort() (int, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, err
	}
	port := netip.MustParseAddrPort(l.Addr().String()).Port()
	return int(port), l.Close()
}

func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
