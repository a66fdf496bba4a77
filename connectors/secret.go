package connectors

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

const redacted = "[redacted]"

// Secret is a configuration value that must not be seen. It is given as a reference,
// "env:NAME" or "file:/path", and read when it is needed, so that a rotated secret needs
// no restart. Printed, encoded or logged it is "[redacted]".
type Secret struct {
	// A pointer, since package fmt shows the fields of unexported fields.
	reference *string
}

// ErrSecretForm is returned for a secret that is not a reference.
var ErrSecretForm = errors.New(`a secret is given by reference, as "env:NAME" or "file:/path"`)

// UnmarshalText reads the reference. It refuses any other value without repeating it in
// the error.
func (s *Secret) UnmarshalText(text []byte) error {
	scheme, rest, ok := strings.Cut(string(text), ":")
	if !ok || rest == "" || scheme != "env" && scheme != "file" {
		return ErrSecretForm
	}
	reference := string(text)
	s.reference = &reference
	return nil
}

// Reveal reads the secret.
func (s Secret) Reveal() (string, error) {
	if s.IsZero() {
		return "", ErrSecretForm
	}
	if name, ok := strings.CutPrefix(*s.reference, "env:"); ok {
		v, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("secret: the environment variable %s is not set", name)
		}
		return v, nil
	}
	b, err := os.ReadFile(strings.TrimPrefix(*s.reference, "file:"))
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// IsZero reports whether no secret was given.
func (s Secret) IsZero() bool { return s.reference == nil }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
