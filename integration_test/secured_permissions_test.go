package integration_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// documented returns the sufficient permissions according to the manual: those of a node,
// and those of a user who only asks. They are limited to the streams of Camena.
func documented(t *testing.T) (node, reader string) {
	t.Helper()
	manual, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```text\n(publish: .*?)```").FindAllStringSubmatch(string(manual), -1)
	if len(blocks) != 2 {
		t.Fatalf("the manual has %d blocks of permissions, want 2", len(blocks))
	}
	names, err := topics.New("")
	if err != nil {
		t.Fatal(err)
	}
	var streams []string
	for _, s := range names.Streams(topics.DefaultLimits()) {
		streams = append(streams, s.Name)
	}
	for _, b := range names.Buckets(topics.DefaultLimits()) {
		streams = append(streams, "KV_"+b.Bucket)
	}
	narrow := func(permissions string) string {
		return regexp.MustCompile(`"\$JS\.API\.[^"*]*\*[^"]*"`).ReplaceAllStringFunc(permissions, func(subject string) string {
			var each []string
			for _, s := range streams {
				each = append(each, strings.Replace(subject, "*", s, 1))
			}
			return strings.Join(each, ", ")
		})
	}
	return narrow(blocks[0][1]), narrow(blocks[1][1])
}

// obeysPermissions runs the program as users with exactly the permissions of the manual.
func obeysPermissions(t *testing.T, built programs) {
	t.Helper()
	dir := t.TempDir()
	const nodePassword, readerPassword = "pa55-of-node", "pa55-of-reader"
	node, reader := documented(t)
	address := built.natsServer(t, dir, fmt.Sprintf(
		"authorization { users: [{user: node, password: %q, permissions: {%s}}, {user: reader, password: %q, permissions: {%s}}] }",
		nodePassword, node, readerPassword, reader))
	c := camena{programs: built, dir: dir, env: []string{"CAMENA_NATS_URL=nats://" + address}}
	all := c.with("CAMENA_NATS_USER=node", "CAMENA_NATS_PASSWORD="+nodePassword)
	asks := c.with("CAMENA_NATS_USER=reader", "CAMENA_NATS_PASSWORD="+readerPassword)
	code, printed := catalogs(t, all, func() {
		for _, question := range []string{
			"elements list", "elements get IntegrationConnector::secured", "elements history Connection::secured",
			"elements related IntegrationGroup::default", "connectors list", "connectors get secured", "nodes list", "health",
		} {
			allowed(t, asks, question)
		}
		allowed(t, all, "connectors refresh secured")
		deadLetter(t, address, nodePassword)
		runtimetest.Eventually(t, "there is a dead letter", func() bool {
			_, letters := asks.run(t, "dlq", "list")
			return strings.Contains(letters, "camena.in.somebody")
		})
		allowed(t, asks, "dlq show 1")
		for _, change := range []string{
			"dlq replay 1", "dlq drop --all", "delete --cataloged -f resource.yaml", "apply -f resource.yaml",
		} {
			allowed(t, all, change)
		}
		watches(t, asks)
	})
	if code != 0 || strings.Contains(printed, "ermissions") {
		t.Errorf("the node ends with %d:\n%s", code, printed)
	}
}

// tellsOfDeniedLeases acquires leases as a user without the permission to write them.
func tellsOfDeniedLeases(t *testing.T, built programs) {
	t.Helper()
	const password = "pa55-of-all"
	names, err := topics.New("")
	if err != nil {
		t.Fatal(err)
	}
	address := built.natsServer(t, t.TempDir(), fmt.Sprintf(
		`authorization { users: [{user: all, password: %[1]q}, {user: node, password: %[1]q, permissions: {publish: {deny: ["$KV.%[2]s.>", "$KV.%[3]s.>"]}}}] }`,
		password, names.NodesBucket(), names.LeasesBucket()))
	connect := func(user string) *bus.Bus {
		b, err := bus.Connect(t.Context(), bus.Settings{URL: "nats://" + address, Credentials: bus.Credentials{User: user, Password: password}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	if err := connect("all").Ensure(t.Context(), topics.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	denied := connect("node")
	role, err := denied.NewLease(t.Context(), "coordinator", "node", "process")
	if err != nil {
		t.Fatal(err)
	}
	heartbeat, err := denied.NewHeartbeat(t.Context(), "node", "process", func() events.Node { return events.Node{} })
	if err != nil {
		t.Fatal(err)
	}
	work := func(context.Context) error { return errors.New("it runs without the lease") }
	for name, hold := range map[string]func(context.Context, func(context.Context) error) error{"role": role.Hold, "name": heartbeat.Hold} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := hold(t.Context(), work); !errors.Is(err, bus.ErrDenied) {
				t.Errorf("holding the lease ends with %v", err)
			}
		})
	}
}

func allowed(t *testing.T, c camena, command string) {
	t.Helper()
	code, printed := c.run(t, strings.Fields(command)...)
	if code != 0 || strings.Contains(printed, "level=WARN") {
		t.Errorf("%s ends with %d:\n%s", command, code, printed)
	}
}

// deadLetter sends a message that can only become a dead letter.
func deadLetter(t *testing.T, address, password string) {
	t.Helper()
	conn, err := nats.Connect(address, nats.UserInfo("node", password))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Publish("camena.in.somebody", []byte("please create a folder")); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
}

// watches follows until a change arrives.
func watches(t *testing.T, c camena) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	cmd := c.command(ctx, "watch", "--present")
	changes, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(changes)
	for lines.Scan() && !strings.Contains(lines.Text(), "created") {
	}
	if !strings.Contains(lines.Text(), "created") {
		t.Error("nothing is seen by who only asks and follows")
	}
	cancel()
	_ = cmd.Wait() // it was ended
}
