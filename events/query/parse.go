package query

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// Parse reads a condition from text, such as
//
//	displayName = "orders" and (size > 10 or additionalProperties.owner in (anna, bea))
//
// A comparison is a property, an operator and a value. The operators are =, !=,
// <, <=, >, >=, ~ (or matches), contains, startsWith, endsWith, in with a list in
// parentheses, "is null" and "is not null". Conditions are joined with and, or,
// not and parentheses; and binds closer than or. Values are numbers, true, false,
// text in single or double quotes, and single words; a backslash in quotes escapes
// the next character. A property whose name is not a word stands in backquotes.
func Parse(text string) (events.Condition, error) {
	if !utf8.ValidString(text) {
		return events.Condition{}, invalid("", "the condition is not UTF-8")
	}
	p := &expression{text: text, tokens: regexp.MustCompile(tokens)}
	p.next()
	c, err := p.either(0)
	if err != nil {
		return events.Condition{}, err
	}
	if p.token.kind != tokenEnd {
		return events.Condition{}, p.unexpected("and, or, or the end")
	}
	return c, nil
}

// tokens has a group for each [tokenKind].
const tokens = `(?s)^(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\x60(?:[^\x60\\]|\\.)*\x60)|` +
	`([\pL\p{Nd}_.:\-+/@$#*%&;|{}]+)|(["'\x60])|(!=|<>|<=|>=|==|.))`

// expression is a recursive descent parser; token is the next token.
type expression struct {
	text   string
	tokens *regexp.Regexp
	at     int
	token  token
}

type token struct {
	kind tokenKind
	text string
	at   int
}

type tokenKind int

const (
	tokenEnd      tokenKind = iota
	tokenQuoted             // in ' or "
	tokenProperty           // in `
	tokenWord
	tokenBroken // a quote without its end
	tokenSign   // an operator, a parenthesis or a comma
)

// maxParentheses bounds the recursion.
const maxParentheses = 4 * MaxDepth

func (p *expression) next() {
	rest := strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace)
	p.at = len(p.text) - len(rest)
	p.token = token{at: p.at}
	for kind, text := range p.tokens.FindStringSubmatch(rest) {
		if text != "" {
			p.token.kind, p.token.text = tokenKind(kind), text
		}
	}
	p.at += len(p.token.text)
	if p.token.kind == tokenQuoted || p.token.kind == tokenProperty {
		p.token.text = unescaped(p.token.text[1 : len(p.token.text)-1])
	}
}

// unescaped drops the backslash before each character that one escapes.
func unescaped(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// is reports whether the next token is a sign, or a word whatever its case.
func (p *expression) is(text string) bool {
	return p.token.kind == tokenSign && p.token.text == text || p.token.kind == tokenWord && strings.EqualFold(p.token.text, text)
}

func (p *expression) took(text string) bool {
	if !p.is(text) {
		return false
	}
	p.next()
	return true
}

func (p *expression) unexpected(wanted string) error {
	found := fmt.Sprintf("%.64q", p.token.text)
	switch p.token.kind {
	case tokenEnd:
		found = "the end"
	case tokenBroken:
		wanted, found = "the closing quote", "the end"
	default:
	}
	return invalid("", "at character %d: expected %s, found %s", utf8.RuneCountInString(p.text[:p.token.at])+1, wanted, found)
}

func (p *expression) either(depth int) (events.Condition, error) {
	return p.joined(depth, "or", p.both, func(list []events.Condition) events.Condition { return events.Condition{Or: list} })
}

func (p *expression) both(depth int) (events.Condition, error) {
	return p.joined(depth, "and", p.single, func(list []events.Condition) events.Condition { return events.Condition{And: list} })
}

func (p *expression) joined(
	depth int, word string, read func(int) (events.Condition, error), join func([]events.Condition) events.Condition,
) (events.Condition, error) {
	var list []events.Condition
	for {
		c, err := read(depth)
		if err != nil {
			return events.Condition{}, err
		}
		list = append(list, c)
		if p.took(word) {
			continue
		}
		if len(list) == 1 {
			return c, nil
		}
		return join(list), nil
	}
}

func (p *expression) single(depth int) (events.Condition, error) {
	if depth > maxParentheses {
		return events.Condition{}, invalid("", "parentheses are nested deeper than %d levels", maxParentheses)
	}
	switch {
	case p.took("not"):
		c, err := p.single(depth + 1)
		return events.Condition{Not: &c}, err
	case p.took("("):
		c, err := p.either(depth + 1)
		if err == nil && !p.took(")") {
			err = p.unexpected(")")
		}
		return c, err
	default:
		return p.comparison()
	}
}

func (p *expression) comparison() (events.Condition, error) {
	if p.token.kind != tokenWord && p.token.kind != tokenProperty {
		return events.Condition{}, p.unexpected("a property")
	}
	c := events.Condition{Property: p.token.text}
	p.next()
	if p.took("is") {
		c.Operator = events.OpIsNull
		if p.took("not") {
			c.Operator = events.OpNotNull
		}
		if !p.took("null") {
			return c, p.unexpected("null")
		}
		return c, nil
	}
	var err error
	if c.Operator, err = p.operator(); err != nil {
		return c, err
	}
	if c.Operator == events.OpIn {
		c.Value, err = p.values()
	} else {
		c.Value, err = p.value()
	}
	return c, err
}

func (p *expression) operator() (events.Operator, error) {
	for _, o := range [...]struct {
		written string
		is      events.Operator
	}{
		{"=", events.OpEqual},
		{"==", events.OpEqual},
		{"!=", events.OpNotEqual},
		{"<>", events.OpNotEqual},
		{"<", events.OpLess},
		{"<=", events.OpLessOrEqual},
		{">", events.OpGreater},
		{">=", events.OpGreaterOrEqual},
		{"~", events.OpMatches},
		{"matches", events.OpMatches},
		{"contains", events.OpContains},
		{"startsWith", events.OpStartsWith},
		{"endsWith", events.OpEndsWith},
		{"in", events.OpIn},
	} {
		if p.took(o.written) {
			return o.is, nil
		}
	}
	return "", p.unexpected("an operator (=, !=, <, <=, >, >=, ~, contains, startsWith, endsWith, in, is null, is not null)")
}

func (p *expression) values() (jsontext.Value, error) {
	if !p.took("(") {
		return nil, p.unexpected("a list in parentheses")
	}
	list := jsontext.Value("[")
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v...)
		switch {
		case p.took(","):
			list = append(list, ',')
		case p.took(")"):
			return append(list, ']'), nil
		default:
			return nil, p.unexpected(", or )")
		}
	}
}

func (p *expression) value() (jsontext.Value, error) {
	t := p.token
	if t.kind != tokenWord && t.kind != tokenQuoted {
		return nil, p.unexpected("a value")
	}
	if t.kind == tokenWord {
		switch v := jsontext.Value(t.text); {
		case t.text == "true" || t.text == "false", v.Kind() == '0' && v.IsValid():
			p.next()
			return v, nil
		case strings.EqualFold(t.text, "null"):
			return nil, p.unexpected(`a value (for null, write "is null")`)
		}
	}
	p.next()
	return jsontext.AppendQuote(nil, t.text)
}

// IgnoreCase returns the condition with all its comparisons ignoring case.
func IgnoreCase(c *events.Condition) events.Condition {
	out := *c
	out.And, out.Or = ignoreCase(c.And), ignoreCase(c.Or)
	if c.Not != nil {
		inner := IgnoreCase(c.Not)
		out.Not = &inner
	}
	out.IgnoreCase = c.IgnoreCase || c.Property != ""
	return out
}

func ignoreCase(list []events.Condition) []events.Condition {
	out := slices.Clone(list)
	for i := range out {
		out[i] = IgnoreCase(&out[i])
	}
	return out
}
