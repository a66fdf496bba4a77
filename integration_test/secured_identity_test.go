package integration_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// keep writes a file that only its owner can read, and returns its path.
func keep(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// authority is a private certificate authority.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

// signed is a certificate and its key, in files.
type signed struct{ certificate, key string }

func newAuthority(t *testing.T, dir, name string) *authority {
	t.Helper()
	a := &authority{key: newCertificateKey(t)}
	template := newTemplate(name)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.file = keep(t, dir, name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

// sign makes a certificate that names this machine, for a server or a client.
func (a *authority) sign(t *testing.T, dir, name string, usage x509.ExtKeyUsage) signed {
	t.Helper()
	key := newCertificateKey(t)
	template := newTemplate(name)
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{usage}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed{
		certificate: keep(t, dir, name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:         keep(t, dir, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	}
}

func newTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
}

func newCertificateKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// identity is a key pair of NATS, which signs others and is signed by others.
type identity struct {
	pair         nkeys.KeyPair
	public, seed string
}

func newIdentity(t *testing.T, create func() (nkeys.KeyPair, error)) identity {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return identity{pair: pair, public: public, seed: string(seed)}
}

// operator is the identity of an operator of NATS: it signs accounts, which sign users.
type operator struct {
	operator, system, account identity
	token                     string
	tokens                    map[string]string // of accounts
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	o := &operator{
		operator: newIdentity(t, nkeys.CreateOperator), system: newIdentity(t, nkeys.CreateAccount),
		account: newIdentity(t, nkeys.CreateAccount), tokens: map[string]string{},
	}
	claims := jwt.NewOperatorClaims(o.operator.public)
	claims.SystemAccount = o.system.public
	o.token = encoded(t, claims, o.operator)
	o.tokens[o.system.public] = encoded(t, jwt.NewAccountClaims(o.system.public), o.operator)
	account := jwt.NewAccountClaims(o.account.public)
	// Without these limits an account has no JetStream.
	account.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: 5 << 30, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	o.tokens[o.account.public] = encoded(t, account, o.operator)
	return o
}

// user is a user of the account, with its credentials file.
type user struct{ file, content, token, seed string }

func (o *operator) newUser(t *testing.T, dir, name string, change func(*jwt.UserClaims)) user {
	t.Helper()
	id := newIdentity(t, nkeys.CreateUser)
	claims := jwt.NewUserClaims(id.public)
	claims.Name = name
	if change != nil {
		change(claims)
	}
	u := user{token: encoded(t, claims, o.account), seed: id.seed}
	content, err := jwt.FormatUserConfig(u.token, []byte(u.seed))
	if err != nil {
		t.Fatal(err)
	}
	u.content, u.file = string(content), keep(t, dir, name+".creds", content)
	return u
}

func encoded(t *testing.T, claims jwt.Claims, by identity) string {
	t.Helper()
	token, err := claims.Encode(by.pair)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
