package embedded_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// foreign starts a server with settings that ours never has. Only this package can
// test package bus against one.
func foreign(t *testing.T, o *server.Options) (url string) {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL()
}

func dial(t *testing.T, s bus.Settings) (*bus.Bus, error) {
	t.Helper()
	b, err := bus.Connect(t.Context(), s)
	if err == nil {
		t.Cleanup(b.Close)
	}
	return b, err
}

func TestAServerWithoutJetStreamIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	b, err := dial(t, bus.Settings{URL: foreign(t, &server.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err = b.Ensure(ctx, topics.DefaultLimits())
	if !errors.Is(err, bus.ErrServer) || ctx.Err() != nil || !strings.Contains(err.Error(), "nats-server -js") {
		t.Errorf("got %v", err)
	}
}

func TestAWrongPasswordIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	url := foreign(t, &server.Options{Username: "anna", Password: "right"})
	for name, s := range map[string]bus.Settings{
		"none":       {URL: url},
		"wrong":      {URL: url, Credentials: bus.Credentials{User: "anna", Password: secret}},
		"in the URL": {URL: strings.Replace(url, "://", "://anna:"+secret+"@", 1)},
		"a token":    {URL: url, Credentials: bus.Credentials{Token: secret}},
	} {
		s.Wait = true
		_, err := dial(t, s)
		if !errors.Is(err, bus.ErrRefused) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, s := range map[string]bus.Settings{
		"as settings": {URL: url, Credentials: bus.Credentials{User: "anna", Password: "right"}},
		"in the URL":  {URL: strings.Replace(url, "://", "://anna:right@", 1)},
	} {
		if _, err := dial(t, s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTLSThatDoesNotMatchIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	plain := foreign(t, &server.Options{})
	secured := foreign(t, &server.Options{TLS: true, TLSConfig: ours.config(false), TLSTimeout: 2})
	mutual := foreign(t, &server.Options{TLS: true, TLSConfig: ours.config(true), TLSTimeout: 2})
	certificate, authority := []string{"CertFile", "KeyFile", "CAFile"}, []string{"CAFile"}
	for name, c := range map[string]struct {
		url         string
		credentials bus.Credentials
		fields      []string
	}{
		"TLS where the server has none":      {plain, bus.Credentials{CAFile: ours.caFile}, certificate},
		"an authority that is not known":     {secured, bus.Credentials{}, authority},
		"another authority":                  {secured, bus.Credentials{CAFile: theirs.caFile}, authority},
		"no certificate where one is needed": {mutual, bus.Credentials{CAFile: ours.caFile}, certificate},
		"a certificate of somebody else": {
			mutual, bus.Credentials{CAFile: ours.caFile, CertFile: theirs.certFile, KeyFile: theirs.keyFile}, certificate,
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := bus.Connect(ctx, bus.Settings{URL: c.url, Credentials: c.credentials, Wait: true})
		about, ok := errors.AsType[*bus.SettingsError](err)
		if !errors.Is(err, bus.ErrRefused) || ctx.Err() != nil || !ok || !slices.Equal(about.Fields, c.fields) {
			t.Errorf("%s: got %v", name, err)
		}
		cancel()
	}
	for name, s := range map[string]bus.Settings{
		"server": {URL: secured, Credentials: bus.Credentials{CAFile: ours.caFile}},
		"mutual": {URL: mutual, Credentials: bus.Credentials{CAFile: ours.caFile, CertFile: ours.certFile, KeyFile: ours.keyFile}},
	} {
		if _, err := dial(t, s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// authority is a self-signed certificate.
type authority struct {
	caFile, certFile, keyFile string
	pair                      tls.Certificate
	pool                      *x509.CertPool
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	a := &authority{certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), pool: x509.NewCertPool()}
	a.caFile = a.certFile
	for file, block := range map[string]*pem.Block{
		a.certFile: {Type: "CERTIFICATE", Bytes: der}, a.keyFile: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if a.pair, err = tls.LoadX509KeyPair(a.certFile, a.keyFile); err != nil {
		t.Fatal(err)
	}
	a.pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

func (a *authority) config(mutual bool) *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{a.pair}, ClientCAs: a.pool, MinVersion: tls.VersionTLS12}
	if mutual {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c
}
