package query

import (
	"bytes"
	"cmp"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// operand is the value of a condition, prepared for comparisons.
type operand struct {
	kind jsontext.Kind
	// raw is canonical.
	raw jsontext.Value
	// text is the content of a string, in lower case if case does not matter.
	text string
	// when is the time of a string that is one.
	when   time.Time
	isTime bool
	// number is a number; small is the same as an integer, if isSmall.
	number  decimal
	small   int64
	isSmall bool
}

func newOperand(v jsontext.Value, ignoreCase bool, pointer string) (operand, error) {
	if len(v) == 0 {
		return operand{}, invalid(pointer, "missing: the value to compare with")
	}
	o := operand{kind: v.Kind(), raw: v.Clone()}
	if !o.raw.IsValid() {
		return o, invalid(pointer, "not valid JSON")
	}
	if o.kind == 'n' {
		return o, invalid(pointer, "nothing compares with null: use isNull or notNull")
	}
	if o.kind == '0' && len(v) > MaxNumber {
		return o, invalid(pointer, "the number is %d bytes long; at most %d are allowed", len(v), MaxNumber)
	}
	if err := events.Canonicalize(&o.raw); err != nil {
		return o, invalid(pointer, "%s", err)
	}
	if o.kind == '0' {
		o.number = decimalOf(o.raw)
		o.small, o.isSmall = smallInteger(o.raw)
	}
	if o.kind == '"' {
		o.text = textOf(o.raw, ignoreCase)
		o.when, o.isTime = timeOf(textOf(o.raw, false))
	}
	return o, nil
}

// equals reports whether a canonical value, not null, equals the operand.
func (o *operand) equals(v jsontext.Value, ignoreCase bool) bool {
	if normalKind(v.Kind()) != normalKind(o.kind) {
		return false
	}
	switch o.kind {
	case '"', '0':
		order, ok := o.compare(v, ignoreCase)
		return ok && order == 0
	default:
		return bytes.Equal(v, o.raw)
	}
}

// compare orders a value against the operand, if both are numbers or both are
// strings.
func (o *operand) compare(v jsontext.Value, ignoreCase bool) (order int, ok bool) {
	if v.Kind() != o.kind {
		return 0, false
	}
	if o.kind == '0' {
		return o.compareNumber(v), true
	}
	if o.isTime {
		if t, ok := timeOf(textOf(v, false)); ok {
			return t.Compare(o.when), true
		}
	}
	return strings.Compare(textOf(v, ignoreCase), o.text), true
}

func normalKind(k jsontext.Kind) jsontext.Kind {
	if k == 'f' {
		return 't'
	}
	return k
}

// textOf returns the content of a JSON string.
func textOf(v jsontext.Value, ignoreCase bool) string {
	var text string
	if bytes.IndexByte(v, '\\') < 0 {
		text = string(v[1 : len(v)-1])
	} else {
		unquoted, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return ""
		}
		text = string(unquoted)
	}
	if ignoreCase {
		return strings.ToLower(text)
	}
	return text
}

// timeOf reads an RFC 3339 time.
func timeOf(text string) (time.Time, bool) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(text) < shortest || text[4] != '-' || text[10] != 'T' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}

// compareNumber orders a number against the operand, which is a number.
func (o *operand) compareNumber(v []byte) int {
	if n, small := smallInteger(v); small && o.isSmall {
		return cmp.Compare(n, o.small)
	}
	return decimalOf(v).compare(o.number)
}

// compareNumbers compares JSON numbers exactly.
func compareNumbers(a, b []byte) int {
	x, small := smallInteger(a)
	y, both := smallInteger(b)
	if small && both {
		return cmp.Compare(x, y)
	}
	return decimalOf(a).compare(decimalOf(b))
}

func smallInteger(number []byte) (int64, bool) {
	const safe = 18 // digits, or a sign and 17
	if len(number) > safe || bytes.ContainsAny(number, ".eE") {
		return 0, false
	}
	n, err := strconv.ParseInt(string(number), 10, 64)
	return n, err == nil
}

// decimal is sign * 0.digits * 10^magnitude; digits begin and end without a
// zero, and zero has none.
type decimal struct {
	sign      int
	digits    []byte
	magnitude *big.Int
}

func decimalOf(number []byte) decimal {
	d := decimal{sign: 1, magnitude: new(big.Int)}
	if number[0] == '-' {
		d.sign, number = -1, number[1:]
	}
	if i := bytes.IndexAny(number, "eE"); i >= 0 {
		d.magnitude.SetString(exponentOf(number[i+1:]), 10)
		number = number[:i]
	}
	whole, fraction, _ := bytes.Cut(number, []byte{'.'})
	d.digits = append(append(make([]byte, 0, len(number)), whole...), fraction...)
	leading := len(d.digits) - len(bytes.TrimLeft(d.digits, "0"))
	d.magnitude.Add(d.magnitude, big.NewInt(int64(len(whole)-leading)))
	d.digits = bytes.TrimRight(d.digits[leading:], "0")
	if len(d.digits) == 0 {
		d.sign = 0
	}
	return d
}

// exponentOf returns the digits of an exponent, cut to a length that still exceeds
// the exponent of every operand.
func exponentOf(text []byte) string {
	sign, digits := "", bytes.TrimPrefix(text, []byte("+"))
	if rest, negative := bytes.CutPrefix(digits, []byte("-")); negative {
		sign, digits = "-", rest
	}
	digits = bytes.TrimLeft(digits, "0")
	return sign + "0" + string(digits[:min(len(digits), 2*MaxNumber)])
}

func (d decimal) compare(e decimal) int {
	if d.sign != e.sign || d.sign == 0 {
		return cmp.Compare(d.sign, e.sign)
	}
	return d.sign * cmp.Or(d.magnitude.Cmp(e.magnitude), bytes.Compare(d.digits, e.digits))
}
