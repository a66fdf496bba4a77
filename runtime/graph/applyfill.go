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

func (m *templateCopy) fill(text string) (string, error) {
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
		value, ok := m.command.Placeholders[name]
		m.used[name] = true
		if !ok {
			return "", events.Errorf(events.CodeInvalid, "/placeholders", "the template needs a value for %q", name)
		}
		b.WriteString(value)
		text = after
	}
}

// unused refuses placeholders that nothing has that is copied: they may be misspelt.
func (m *templateCopy) unused() error {
	for _, name := range slices.Sorted(maps.Keys(m.command.Placeholders)) {
		if !m.used[name] {
			return events.Errorf(events.CodeInvalid, string(jsontext.Pointer("/placeholders").AppendToken(name)), "the template has no placeholder %q", name)
		}
	}
	return nil
}

// sameKeys says that two keys of a map have become the same.
func sameKeys(err error, key jsontext.Token) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return events.Errorf(events.CodeInvalid, "/placeholders", "with these, two keys of a map would be %q", key.String())
	}
	return err
}

// fillProperties fills the placeholders in all text of properties.
func (m *templateCopy) fillProperties(p events.Properties) (events.Properties, error) {
	if !bytes.Contains(p.Raw(), []byte(placeholderBegin)) {
		return p, nil
	}
	var b bytes.Buffer
	dec, enc := jsontext.NewDecoder(bytes.NewReader(p.Raw())), jsontext.NewEncoder(&b)
	for dec.PeekKind() != 0 {
		t, err := dec.ReadToken()
		if err != nil {
			return p, err
		}
		if t.Kind() == '"' {
			filled, err := m.fill(t.String())
			if err != nil {
				return p, err
			}
			t = jsontext.String(filled)
		}
		if err := enc.WriteToken(t); err != nil {
			return p, sameKeys(err, t)
		}
	}
	return events.ParseProperties(b.Bytes())
}
