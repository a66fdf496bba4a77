package events

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaskedSecret replaces a hidden secret.
const MaskedSecret = "***"

// SecretAttributes are the attributes of open metadata types that hold secrets.
func SecretAttributes() []string {
	return []string{"clearPassword", "encryptedPassword", "securedProperties"}
}

// secretEndings are the endings of names of secrets in free-form properties, such
// as configurationProperties.
func secretEndings() []string {
	return []string{"password", "passwd", "secret", "token", "apikey", "api_key", "privatekey", "private_key", "credential", "credentials"}
}

// IsSecret reports whether a property of this name holds a secret: it is one of
// [SecretAttributes], or ends like dbPassword or api_key.
func IsSecret(name string) bool {
	if slices.Contains(SecretAttributes(), name) {
		return true
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretEndings(), func(end string) bool { return strings.HasSuffix(name, end) })
}

// MaskSecrets returns a JSON value, such as an element or a change, with each
// secret text and number replaced by [MaskedSecret]. References to secrets, such
// as "env:NAME" and "file:/path", stay.
func MaskSecrets(v jsontext.Value) (jsontext.Value, error) {
	var out bytes.Buffer
	m := masker{dec: jsontext.NewDecoder(bytes.NewReader(v)), enc: jsontext.NewEncoder(&out)}
	if err := m.value(false); err != nil {
		return nil, err
	}
	if _, err := m.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, Errorf(CodeInvalid, "", "there is more than one JSON value")
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// masker copies JSON without its secrets.
type masker struct {
	dec *jsontext.Decoder
	enc *jsontext.Encoder
}

// value copies the next value and masks it if it is secret.
func (m masker) value(secret bool) error {
	t, err := m.dec.ReadToken()
	if err != nil {
		return err
	}
	kind := t.Kind()
	switch {
	case secret && (kind == '0' || kind == '"' && !isReference(t.String())):
		t = jsontext.String(MaskedSecret)
	case kind == '"':
		t = maskLogin(t)
	}
	if err := m.enc.WriteToken(t); err != nil || kind != '{' && kind != '[' {
		return err
	}
	for next := m.dec.PeekKind(); next != '}' && next != ']'; next = m.dec.PeekKind() {
		if err := m.member(kind, secret); err != nil {
			return err
		}
	}
	end, err := m.dec.ReadToken()
	if err != nil {
		return err
	}
	return m.enc.WriteToken(end)
}

// member copies the next member of an object, or item of an array.
func (m masker) member(of jsontext.Kind, secret bool) error {
	if of == '{' {
		name, err := m.dec.ReadToken()
		if err != nil {
			return err
		}
		secret = secret || IsSecret(name.String())
		if err := m.enc.WriteToken(name); err != nil {
			return err
		}
	}
	return m.value(secret)
}

// passwordInURL matches a URL up to its host; its group ends before the password.
var passwordInURL = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*:)[^\s/]*@`)

// maskLogin masks the passwords of URLs in a text.
func maskLogin(t jsontext.Token) jsontext.Token {
	text := t.String()
	if !strings.Contains(text, "://") || !strings.Contains(text, "@") {
		return t
	}
	return jsontext.String(passwordInURL.ReplaceAllString(text, "${1}"+MaskedSecret+"@"))
}

// isReference reports whether text refers to a secret.
func isReference(text string) bool {
	return strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:")
}
