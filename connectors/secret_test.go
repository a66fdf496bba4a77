package connectors_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

type secretConfig struct {
	User     string            `json:"user"`
	Password connectors.Secret `json:"password"`
	hidden   connectors.Secret
}

const reference = "file:/run/secrets/hunter2"

func secretOf(tb testing.TB, reference string) connectors.Secret {
	tb.Helper()
	var s connectors.Secret
	if err := s.UnmarshalText([]byte(reference)); err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	s := secretOf(t, reference)
	cfg := secretConfig{User: "u", Password: s, hidden: s}
	for _, v := range []any{s, &s, cfg, &cfg, []connectors.Secret{s}, map[string]connectors.Secret{"k": s}, struct{ E error }{errors.New(s.String())}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%T", "%10v", "%c"} {
			printed := fmt.Sprintf(verb, v)
			if strings.Contains(printed, "hunter2") || strings.Contains(printed, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("%s of %T prints %s", verb, v, printed)
			}
		}
		ours, errOurs := events.Marshal(v)
		theirs, errTheirs := json.Marshal(v)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).InfoContext(t.Context(), "text", slog.Any("v", v))
		slog.New(slog.NewJSONHandler(&log, nil)).InfoContext(t.Context(), "json", slog.Any("v", v))
		for _, written := range []string{string(ours), string(theirs), log.String(), fmt.Sprint(errOurs, errTheirs)} {
			if strings.Contains(written, "hunter2") {
				t.Errorf("%T is written as %s", v, written)
			}
		}
	}
	if got := fmt.Sprintf("%v %d %#v", s, s, s); got != "[redacted] [redacted] [redacted]" {
		t.Errorf("got %s", got)
	}
}

func TestReveal(t *testing.T) {
	t.Setenv("CAMENA_TEST_SECRET", "from the environment")
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from a file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for reference, want := range map[string]string{"env:CAMENA_TEST_SECRET": "from the environment", "file:" + file: "from a file"} {
		s := secretOf(t, reference)
		if got, err := s.Reveal(); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", reference, got, err, want)
		}
		if s.IsZero() {
			t.Errorf("%s counts as none", reference)
		}
	}
	if err := os.WriteFile(file, []byte("rotated"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := secretOf(t, "file:"+file).Reveal(); err != nil || got != "rotated" {
		t.Errorf("after rotation: got %q, %v", got, err)
	}
	if _, err := secretOf(t, "env:CAMENA_TEST_NO_SECRET").Reveal(); err == nil || !strings.Contains(err.Error(), "CAMENA_TEST_NO_SECRET") {
		t.Errorf("got %v", err)
	}
	if _, err := secretOf(t, "file:"+file+"x").Reveal(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	var none connectors.Secret
	if _, err := none.Reveal(); !errors.Is(err, connectors.ErrSecretForm) || !none.IsZero() {
		t.Errorf("got %v", err)
	}
}

func TestASecretInClearIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"hunter2", "hunter2:x", "env:", "", 4711, true, []string{"hunter2"}, map[string]any{"hunter": "hunter2"}} {
		_, err := connectors.DecodeConfig[secretConfig](events.Props(map[string]any{"user": "u", "password": value}))
		if err == nil || !connectors.IsPermanent(err) {
			t.Fatalf("%v: got %v, want a permanent error", value, err)
		}
		message := err.Error()
		if !strings.HasPrefix(message, "configuration/password: expected a string") || strings.Contains(message, "hunter2") || strings.Contains(message, "4711") {
			t.Errorf("got %s", message)
		}
	}
}

func FuzzSecret(f *testing.F) {
	for _, text := range []string{"", "env:", "env:HOME", "file:/dev/null", "file:", ":", "hunter2", "ENV:X", "env:a:b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s connectors.Secret
		err := s.UnmarshalText([]byte(text))
		if err != nil {
			if !errors.Is(err, connectors.ErrSecretForm) || err.Error() != connectors.ErrSecretForm.Error() || !s.IsZero() {
				t.Fatal(err)
			}
			return
		}
		if scheme, rest, _ := strings.Cut(text, ":"); rest == "" || scheme != "env" && scheme != "file" {
			t.Fatalf("%q is taken for a reference", text)
		}
		if s.IsZero() || fmt.Sprintf("%+v %d", s, s) != "[redacted] [redacted]" {
			t.Fatalf("%q is printed", text)
		}
	})
}
