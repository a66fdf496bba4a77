package graph

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// A placeholder is written ~{name}~.
const (
	placeholderBegin = "~{"
	placeholderEnd   = "}~"
)

// placeholders fills the placeholders of a template.
type placeholders struct {
	values map[string]string
	used   map[string]bool
}

func newPlaceholders(c *events.FromTemplate) placeholders {
	return placeholders{values: c.Placeholders, used: map[string]bool{}}
}

func (p placeholders) fill(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, placeholderBegin)
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, placeholderEnd)
		if !closed {
			b.WriteString(placeholderBegin + rest)
			return b.String(), nil
		}
		value, ok := p.values[name]
		p.used[name] = true
		if !ok {
			return "", events.Errorf(events.CodeInvalid, "/placeholders", "the template needs a value for %q", name)
		}
		b.WriteString(value)
		text = after
	}
}

// checkUsed refuses values of placeholders that the template does not have: they may
// be misspelled.
func (p placeholders) checkUsed() error {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !p.used[name] {
			return events.Errorf(events.CodeInvalid, string(jsontext.Pointer("/placeholders").AppendToken(name)), "the template has no placeholder %q", name)
		}
	}
	return nil
}

// fillProperties fills the placeholders in all text of properties.
func (p placeholders) fillProperties(in events.Properties) (events.Properties, error) {
	if !bytes.Contains(in.Raw(), []byte(placeholderBegin)) {
		return in, nil
	}
	var b bytes.Buffer
	dec, enc := jsontext.NewDecoder(bytes.NewReader(in.Raw())), jsontext.NewEncoder(&b)
	for dec.PeekKind() != 0 {
		token, err := dec.ReadToken()
		if err != nil {
			return in, err
		}
		if token.Kind() == '"' {
			filled, err := p.fill(token.String())
			if err != nil {
				return in, err
			}
			token = jsontext.String(filled)
		}
		err = enc.WriteToken(token)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return in, events.Errorf(events.CodeInvalid, "/placeholders", "with these, two keys of a map would be %q", token.String())
		}
		if err != nil {
			return in, err
		}
	}
	return events.ParseProperties(b.Bytes())
}
