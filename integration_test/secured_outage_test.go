package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/camena-io/camena/runtime/runtimetest"
)

// outlivesRefusals runs a node whose credentials are refused for some seconds, as happens
// while they are renewed: it reconnects and continues, and does not fill its log
// meanwhile.
func outlivesRefusals(t *testing.T, built programs) {
	t.Helper()
	const password, other = "pa55-of-anna", "an0ther-of-anna"
	dir := t.TempDir()
	accepting := func(password string) string {
		return fmt.Sprintf("authorization { users: [{user: anna, password: %q}] }", password)
	}
	server, address := built.natsServerAt(t, dir, "127.0.0.1:-1", accepting(password))
	c := camena{programs: built, dir: dir, env: []string{
		"CAMENA_NATS_URL=nats://" + address, "CAMENA_NATS_USER=anna", "CAMENA_NATS_PASSWORD=" + password,
	}}
	code, printed := catalogs(t, c, func() {
		server.interrupt(t)
		server, _ = built.natsServerAt(t, dir, address, accepting(other))
		const refusals = 5 // the second one in a row used to be the end
		runtimetest.Eventually(t, "the node is refused repeatedly", func() bool {
			return strings.Count(server.output.String(), "authentication error") >= refusals
		})
		server.interrupt(t)
		built.natsServerAt(t, dir, address, accepting(password))
		keep(t, dir+"/files", "customers.csv", []byte("a,b\n"))
		runtimetest.Eventually(t, "the node goes on", func() bool {
			code, listed := c.run(t, "elements", "list", "--type", "DataFile", "-o", "json")
			return code == 0 && strings.Contains(listed, "customers.csv")
		})
	})
	if code != 0 || !strings.Contains(printed, "connected to NATS again") {
		t.Errorf("the node ends with %d:\n%s", code, printed)
	}
	const most = 200
	if lines := strings.Count(printed, "\n"); lines > most {
		t.Errorf("the node prints %d lines about it", lines)
	}
	keepsSecrets(t, printed, []string{password, other})
}
