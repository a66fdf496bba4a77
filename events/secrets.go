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
	if !v.IsValid() {
		return nil, Errorf(CodeInvalid, "", "not one JSON value")
	}
	var out bytes.Buffer
	m, enc := masker{dec: jsontext.NewDecoder(bytes.NewReader(v))}, jsontext.NewEncoder(&out)
	for {
		t, err := m.dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimRight(out.Bytes(), "\n"), nil
		}
		if err != nil {
			return nil, err
		}
		if err := enc.WriteToken(m.mask(t)); err != nil {
			return nil, err
		}
	}
}

// masker masks the tokens of a decoder. secretIn is the depth of the object of which
// a secret member is read, 0 if none is.
type masker struct {
	dec      *jsontext.Decoder
	secretIn int
}

func (m *masker) mask(t jsontext.Token) jsontext.Token {
	depth := m.dec.StackDepth()
	parent, read := m.dec.StackIndex(depth)
	isName := parent == '{' && read%2 == 1
	if depth < m.secretIn || isName && depth == m.secretIn {
		m.secretIn = 0
	}
	switch kind := t.Kind(); {
	case isName && m.secretIn == 0 && IsSecret(t.String()):
		m.secretIn = depth
	case isName:
	case m.secretIn > 0 && (kind == '0' || kind == '"' && !isReference(t.String())):
		return jsontext.String(MaskedSecret)
	case kind == '"':
		return maskLogin(t)
	}
	return t
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
