package bus

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Credentials say who connects. All are optional.
type Credentials struct {
	User     string
	Password string
	Token    string
	// CredsFile is a NATS credentials file (JWT and seed).
	CredsFile string
	// NKeyFile is a file with an nkey seed.
	NKeyFile string
	// CAFile, CertFile and KeyFile are PEM files for TLS.
	CAFile   string
	CertFile string
	KeyFile  string
}

// options returns the options of a connection. Credentials that no server could accept
// are a [SettingsError]: with them the connection would wait without end.
func (c *Credentials) options() (options []nats.Option, err error) {
	if c.Password != "" && c.User == "" {
		return nil, unusable(errors.New("there is a password without a user"), "User")
	}
	if c.User != "" {
		options = append(options, nats.UserInfo(c.User, c.Password))
	}
	if c.Token != "" {
		options = append(options, nats.Token(c.Token))
	}
	if c.CertFile != "" || c.KeyFile != "" {
		if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
			return nil, unusable(fmt.Errorf("certificate %q with key %q: %w", c.CertFile, c.KeyFile, err), "CertFile", "KeyFile")
		}
		options = append(options, nats.ClientCert(c.CertFile, c.KeyFile))
	}
	for _, f := range []struct {
		field, path string
		check       func(content []byte) error
		option      func(path string) (nats.Option, error)
	}{
		{"CAFile", c.CAFile, checkAuthorities, func(path string) (nats.Option, error) { return nats.RootCAs(path), nil }},
		{"CredsFile", c.CredsFile, checkUser, func(path string) (nats.Option, error) { return nats.UserCredentials(path), nil }},
		{"NKeyFile", c.NKeyFile, checkSeed, nats.NkeyOptionFromSeed},
	} {
		if f.path == "" {
			continue
		}
		option, err := f.option(f.path)
		if err := cmp.Or(checkFile(f.path, f.check), err); err != nil {
			return nil, unusable(fmt.Errorf("%s: %w", f.path, err), f.field)
		}
		options = append(options, option)
	}
	return options, nil
}

func unusable(err error, fields ...string) error { return &SettingsError{Err: err, Fields: fields} }

func checkFile(path string, check func(content []byte) error) error {
	if strings.HasPrefix(path, "~") { // only the NATS client resolves the home folder
		return nil
	}
	content, err := os.ReadFile(path) //nolint:gosec // the user names it
	if err != nil {
		return errors.Unwrap(err) // the caller names the file
	}
	return check(content)
}

// The errors below quote nothing: it may be a secret.

func checkAuthorities(content []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return errors.New("there is no PEM certificate in it")
	}
	return nil
}

func checkUser(content []byte) error {
	if token, err := nkeys.ParseDecoratedJWT(content); err != nil || strings.Count(token, ".") != 2 {
		return errors.New("there is no JWT of a user in it; a credentials file holds a JWT and a seed")
	}
	return checkSeed(content)
}

func checkSeed(content []byte) error {
	if _, err := nkeys.ParseDecoratedUserNKey(content); err != nil {
		return errors.New("there is no nkey seed of a user in it; such a seed begins with SU")
	}
	return nil
}
