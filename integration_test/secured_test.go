package integration_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/camena-io/camena/runtime/runtimetest"
)

// secured is a NATS deployment with authentication.
type secured struct {
	// server is its configuration, in addition to the common one.
	server string
	scheme string
	// env are the settings of a user with access.
	env []string
	// secrets must not be printed.
	secrets  []string
	mistakes []mistake
}

// mistake is an error in the settings of a user, and the message that it must lead to.
type mistake struct {
	name string
	env  []string
	says []string
}

// The parts of the message when a server refuses.
const (
	refusal   = "NATS refuses the connection"
	violation = refusal + " at nats://127.0.0.1:"
	advice    = "; check CAMENA_NATS_"
	noneIsSet = advice + "USER, CAMENA_NATS_TOKEN, CAMENA_NATS_CREDS, CAMENA_NATS_NKEY: none"
)

// ways are the ways of authentication.
var ways = map[string]func(t *testing.T, dir string) secured{
	"user and password": withPassword,
	"token":             withToken,
	"credentials file":  withCredentials,
	"nkey":              withNKey,
	"TLS":               withTLS,
	"mutual TLS":        withMutualTLS,
}

// TestSecuredNATS runs the program against NATS servers with authentication.
func TestSecuredNATS(t *testing.T) {
	t.Parallel()
	built := buildPrograms(t)
	t.Run("least privilege", func(t *testing.T) {
		t.Parallel()
		obeysPermissions(t, built)
	})
	t.Run("a lease that is denied", func(t *testing.T) {
		t.Parallel()
		tellsOfDeniedLeases(t, built)
	})
	t.Run("refused for a while", func(t *testing.T) {
		t.Parallel()
		outlivesRefusals(t, built)
	})
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := way(t, dir)
			c := camena{programs: built, dir: dir, env: s.env}.with("CAMENA_NATS_URL=" + s.scheme + "://" + built.natsServer(t, dir, s.server))
			serves(t, c, s.secrets)
			for _, m := range s.mistakes {
				t.Run(m.name, func(t *testing.T) {
					t.Parallel()
					refuses(t, c.with(m.env...), m.says, s.secrets)
				})
			}
		})
	}
}

const resource = `kind: IntegrationConnector
name: secured
connector: files
configuration: {path: !path files, hostName: here}
`

// serves runs a node that catalogs, and checks its output and that of a command.
func serves(t *testing.T, c camena, secrets []string) {
	t.Helper()
	code, printed := catalogs(t, c, func() {
		_, listed := c.run(t, "elements", "list", "--type", "DataFile", "-o", "json")
		keepsSecrets(t, listed, secrets)
	})
	if code != 0 || !strings.Contains(printed, "ready: node node-1") || strings.Contains(printed, "level=WARN") {
		t.Errorf("the node ends with %d:\n%s", code, printed)
	}
	keepsSecrets(t, printed, secrets)
}

// catalogs runs a node, waits until it has cataloged a file, and interrupts it
// when meanwhile returns.
func catalogs(t *testing.T, c camena, meanwhile func()) (code int, printed string) {
	t.Helper()
	files := filepath.Join(c.dir, "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		t.Fatal(err)
	}
	keep(t, files, "orders.csv", []byte("a,b\n"))
	node := start(t, c.command(t.Context(), "serve", "-f", keep(t, c.dir, "resource.yaml", []byte(resource))))
	runtimetest.Eventually(t, "the file is listed", func() bool {
		code, listed := c.run(t, "elements", "list", "--type", "DataFile", "-o", "json")
		return code == 0 && strings.Contains(listed, "orders.csv")
	})
	meanwhile()
	return node.interrupt(t)
}

// refuses runs a node and a command with wrong settings: neither waits.
func refuses(t *testing.T, c camena, says, secrets []string) {
	t.Helper()
	for _, args := range [][]string{{"serve"}, {"elements", "list"}} {
		began := time.Now()
		code, printed := c.run(t, args...)
		t.Logf("%s: %s", args[0], printed)
		if took := time.Since(began); code != 1 || took > 10*time.Second {
			t.Errorf("%s ends with %d after %s", args[0], code, took)
		}
		for _, want := range says {
			if !strings.Contains(printed, want) {
				t.Errorf("%s does not say %q", args[0], want)
			}
		}
		if strings.Contains(printed, "waiting for NATS") {
			t.Errorf("%s waits for what nobody but its user can mend", args[0])
		}
		keepsSecrets(t, printed, secrets)
	}
}

func keepsSecrets(t *testing.T, printed string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(printed, secret) {
			t.Errorf("it shows the secret %s:\n%s", secret, printed)
		}
	}
}

func withPassword(*testing.T, string) secured {
	const password, wrong = "pa55-of-anna", "wr0ng-of-anna"
	return secured{
		server: fmt.Sprintf("authorization { users: [{user: anna, password: %q}] }", password), scheme: "nats",
		env:     []string{"CAMENA_NATS_USER=anna", "CAMENA_NATS_PASSWORD=" + password},
		secrets: []string{password, wrong},
		mistakes: []mistake{
			{"a wrong password", []string{"CAMENA_NATS_PASSWORD=" + wrong}, []string{violation, advice + "USER, CAMENA_NATS_PASSWORD\n"}},
			{"an unknown user", []string{"CAMENA_NATS_USER=bert"}, []string{violation, advice + "USER, CAMENA_NATS_PASSWORD\n"}},
			{"no user", []string{"CAMENA_NATS_USER="}, []string{"CAMENA_NATS_USER"}},
			{"nothing", []string{"CAMENA_NATS_USER=", "CAMENA_NATS_PASSWORD="}, []string{violation, noneIsSet}},
		},
	}
}

func withToken(*testing.T, string) secured {
	const token, wrong = "t0ken-of-all", "wr0ng-t0ken"
	return secured{
		server: fmt.Sprintf("authorization { token: %q }", token), scheme: "nats",
		env:     []string{"CAMENA_NATS_TOKEN=" + token},
		secrets: []string{token, wrong},
		mistakes: []mistake{
			{"a wrong token", []string{"CAMENA_NATS_TOKEN=" + wrong}, []string{violation, advice + "TOKEN\n"}},
			{"nothing", []string{"CAMENA_NATS_TOKEN="}, []string{violation, noneIsSet}},
		},
	}
}

func withCredentials(t *testing.T, dir string) secured {
	t.Helper()
	o := newOperator(t)
	anna := o.newUser(t, dir, "anna", nil)
	late := o.newUser(t, dir, "late", func(c *jwt.UserClaims) { c.Expires = time.Now().Add(-time.Hour).Unix() })
	stranger := newOperator(t).newUser(t, dir, "stranger", nil)
	half := keep(t, dir, "half.creds", []byte(anna.token))
	mixed := strings.Replace(anna.content, anna.seed, stranger.seed, 1)
	refused, unusable := []string{violation, advice + "CREDS\n"}, []string{"half.creds", "CAMENA_NATS_CREDS"}
	setting := func(file string) []string { return []string{"CAMENA_NATS_CREDS=" + file} }
	return secured{
		server: o.configuration(), scheme: "nats",
		env:     setting(anna.file),
		secrets: []string{anna.token, anna.seed, late.token, late.seed, stranger.token, stranger.seed},
		mistakes: []mistake{
			{"of another operator", setting(stranger.file), refused},
			{"expired", setting(late.file), refused},
			{"of two users", setting(keep(t, dir, "mixed.creds", []byte(mixed))), refused},
			{"without a seed", setting(half), unusable},
			{"missing", setting(filepath.Join(dir, "missing.creds")), []string{"missing.creds", "CAMENA_NATS_CREDS"}},
			{"nothing", setting(""), []string{violation, noneIsSet}},
		},
	}
}

// configuration returns the configuration of a server that trusts the operator.
func (o *operator) configuration() string {
	var accounts strings.Builder
	for account, token := range o.tokens {
		fmt.Fprintf(&accounts, "  %s: %s\n", account, token)
	}
	return fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n%s}\n",
		o.token, o.system.public, accounts.String())
}

func withNKey(t *testing.T, dir string) secured {
	t.Helper()
	anna, stranger := newIdentity(t, nkeys.CreateUser), newIdentity(t, nkeys.CreateUser)
	setting := func(name, seed string) []string {
		return []string{"CAMENA_NATS_NKEY=" + keep(t, dir, name+".nkey", []byte(seed+"\n"))}
	}
	return secured{
		server: fmt.Sprintf("authorization { users: [{nkey: %s}] }", anna.public), scheme: "nats",
		env:     setting("anna", anna.seed),
		secrets: []string{anna.seed, stranger.seed},
		mistakes: []mistake{
			{"of a stranger", setting("stranger", stranger.seed), []string{violation, advice + "NKEY\n"}},
			{"the public key", setting("public", anna.public), []string{"public.nkey", "CAMENA_NATS_NKEY"}},
			{"spoiled", setting("spoiled", anna.seed[:40]), []string{"spoiled.nkey", "CAMENA_NATS_NKEY"}},
			{"missing", []string{"CAMENA_NATS_NKEY=" + filepath.Join(dir, "missing.nkey")}, []string{"missing.nkey", "CAMENA_NATS_NKEY"}},
			{"nothing", []string{"CAMENA_NATS_NKEY="}, []string{violation, noneIsSet}},
		},
	}
}

func withTLS(t *testing.T, dir string) secured {
	t.Helper()
	own, other := newAuthority(t, dir, "authority"), newAuthority(t, dir, "other-authority")
	server := own.sign(t, dir, "server", x509.ExtKeyUsageServerAuth)
	return secured{
		server: fmt.Sprintf("tls { cert_file: %q, key_file: %q }", server.certificate, server.key), scheme: "tls",
		env: []string{"CAMENA_NATS_CA=" + own.file},
		mistakes: []mistake{
			{"no authority", []string{"CAMENA_NATS_CA="}, []string{"unknown authority", advice + "CA\n"}},
			{"another authority", []string{"CAMENA_NATS_CA=" + other.file}, []string{"unknown authority", advice + "CA\n"}},
			{"a key for an authority", []string{"CAMENA_NATS_CA=" + server.key}, []string{server.key, "CAMENA_NATS_CA"}},
			{"missing", []string{"CAMENA_NATS_CA=" + filepath.Join(dir, "missing.pem")}, []string{"missing.pem", "CAMENA_NATS_CA"}},
		},
	}
}

func withMutualTLS(t *testing.T, dir string) secured {
	t.Helper()
	own, other := newAuthority(t, dir, "authority"), newAuthority(t, dir, "other-authority")
	server := own.sign(t, dir, "server", x509.ExtKeyUsageServerAuth)
	anna, stranger := own.sign(t, dir, "anna", x509.ExtKeyUsageClientAuth), other.sign(t, dir, "stranger", x509.ExtKeyUsageClientAuth)
	setting := func(certificate, key string) []string {
		return []string{"CAMENA_NATS_CERT=" + certificate, "CAMENA_NATS_KEY=" + key}
	}
	refused, unusable := []string{refusal, advice + "CERT, CAMENA_NATS_KEY, CAMENA_NATS_CA\n"}, []string{"CAMENA_NATS_CERT", "CAMENA_NATS_KEY"}
	return secured{
		server: fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }", server.certificate, server.key, own.file),
		scheme: "tls",
		env:    append(setting(anna.certificate, anna.key), "CAMENA_NATS_CA="+own.file),
		mistakes: []mistake{
			{"no certificate", setting("", ""), refused},
			{"of a stranger", setting(stranger.certificate, stranger.key), refused},
			{"of a server", setting(server.certificate, server.key), refused},
			{"with the key of another", setting(anna.certificate, stranger.key), unusable},
			{"without its key", setting(anna.certificate, ""), unusable},
			{"a key alone", setting("", anna.key), unusable},
			{"missing", setting(filepath.Join(dir, "missing.pem"), anna.key), []string{"missing.pem", "CAMENA_NATS_CERT"}},
			{"no authority", []string{"CAMENA_NATS_CA="}, []string{"unknown authority", advice + "CA\n"}},
		},
	}
}
