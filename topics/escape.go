package topics

import (
	"errors"
	"fmt"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// Escape makes any text one subject token and key of a bucket: letters, digits,
// "-" and "_" stand for themselves, every other byte becomes "=" and two hex
// digits; the empty text becomes "=". [Unescape] reverses it.
func Escape(text string) string {
	if text == "" {
		return "="
	}
	i := 0
	for i < len(text) && plain(text[i]) {
		i++
	}
	if i == len(text) {
		return text
	}
	var b strings.Builder
	for _, c := range []byte(text) {
		if plain(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('=')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// Unescape reverses [Escape] and refuses what Escape cannot have written.
func Unescape(token string) (string, error) {
	if token == "=" {
		return "", nil
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		switch {
		case plain(c):
			b.WriteByte(c)
		case c == '=' && i+2 < len(token):
			hi, lo := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
			escaped := byte(hi<<4 | lo) //nolint:gosec // two hex digits fit a byte
			if hi < 0 || lo < 0 || plain(escaped) {
				return "", fmt.Errorf("token %q: bad escape at %d", token, i)
			}
			b.WriteByte(escaped)
			i += 2
		default:
			return "", fmt.Errorf("token %q: %q is not allowed at %d", token, c, i)
		}
	}
	if b.Len() == 0 {
		return "", errors.New("empty token")
	}
	return b.String(), nil
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
