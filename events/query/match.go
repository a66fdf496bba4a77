package query

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// The limits of a condition. They bound the time that one row takes.
const (
	MaxConditions = 256  // in one condition, at any depth
	MaxDepth      = 16   // of conditions in conditions
	MaxValues     = 1000 // of one OpIn
	MaxPattern    = 1024 // bytes of a regular expression
	MaxPath       = 256  // bytes of a property's path
	MaxNumber     = 1000 // bytes of a number
)

// Row is what a [Matcher] decides about and a [Sorter] orders.
type Row interface {
	// Value returns the value at the path of a property as canonical JSON, nil if
	// there is none. [events.Marshal] of a value made of maps, slices and scalars
	// is canonical.
	Value(path string) jsontext.Value
}

// Matcher decides an [events.Condition]. It is safe for concurrent use.
type Matcher struct{ root node }

// Match reports whether the condition is true of a row.
func (m *Matcher) Match(r Row) bool { return m.root.match(r) }

// node is one compiled condition.
type node interface{ match(r Row) bool }

// Compile checks a condition against the types of the rows, and prepares it.
// Without types only its form is checked. The pointer is the condition's place;
// errors point at the part that is wrong.
func Compile(c *events.Condition, types Types, pointer string) (*Matcher, error) {
	k := compiler{types: types}
	root, err := k.compile(c, pointer, 1)
	if err != nil {
		return nil, err
	}
	return &Matcher{root: root}, nil
}

// compiler counts the conditions.
type compiler struct {
	types Types
	size  int
}

func (k *compiler) compile(c *events.Condition, pointer string, depth int) (node, error) {
	k.size++
	switch {
	case depth > MaxDepth:
		return nil, invalid(pointer, "conditions are nested more than %d levels deep", MaxDepth)
	case k.size > MaxConditions:
		return nil, invalid(pointer, "more than %d conditions", MaxConditions)
	}
	if err := checkShape(c, pointer); err != nil {
		return nil, err
	}
	switch {
	case c.And != nil:
		list, err := k.list(c.And, pointer+"/and", depth)
		return all(list), err
	case c.Or != nil:
		list, err := k.list(c.Or, pointer+"/or", depth)
		return some(list), err
	case c.Not != nil:
		inner, err := k.compile(c.Not, pointer+"/not", depth+1)
		return not{inner}, err
	}
	n, err := newComparison(c, pointer)
	if err != nil || k.types == nil {
		return n, err
	}
	err = n.checkTypes(k.types, c, pointer)
	return n, err
}

func invalid(pointer, format string, args ...any) error {
	return events.Errorf(events.CodeInvalid, pointer, format, args...)
}

// checkShape checks that the condition is exactly one of the four forms.
func checkShape(c *events.Condition, pointer string) error {
	forms := 0
	for _, is := range [...]bool{c.And != nil, c.Or != nil, c.Not != nil, c.Property != "" || c.Operator != ""} {
		if is {
			forms++
		}
	}
	switch {
	case forms == 0:
		return invalid(pointer, "the condition is empty: give and, or, not, or a property with an operator")
	case forms > 1:
		return invalid(pointer, "give only one of and, or, not, and a property with an operator")
	case c.Property == "" && c.Operator == "" && (c.Value != nil || c.IgnoreCase):
		return invalid(pointer, "value and ignoreCase belong to a property with an operator")
	default:
		return nil
	}
}

func (k *compiler) list(conditions []events.Condition, pointer string, depth int) ([]node, error) {
	if len(conditions) == 0 {
		return nil, invalid(pointer, "give at least one condition")
	}
	nodes := make([]node, 0, len(conditions))
	for i := range conditions {
		n, err := k.compile(&conditions[i], pointer+"/"+strconv.Itoa(i), depth+1)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

type (
	all  []node
	some []node
	not  struct{ inner node }
)

func (l all) match(r Row) bool {
	return !slices.ContainsFunc(l, func(n node) bool { return !n.match(r) })
}

func (l some) match(r Row) bool {
	return slices.ContainsFunc(l, func(n node) bool { return n.match(r) })
}

func (n not) match(r Row) bool { return !n.inner.match(r) }

// comparison is a property with an operator.
type comparison struct {
	path       string
	operator   events.Operator
	values     []operand // one, but for OpIn
	pattern    *regexp.Regexp
	ignoreCase bool
}

func checkPath(path, pointer string) error {
	switch {
	case path == "":
		return invalid(pointer, "missing: the property to compare")
	case len(path) > MaxPath:
		return invalid(pointer, "the path is %d bytes long; at most %d are allowed", len(path), MaxPath)
	default:
		return nil
	}
}

func newComparison(c *events.Condition, pointer string) (*comparison, error) {
	if err := checkPath(c.Property, pointer+"/property"); err != nil {
		return nil, err
	}
	n := &comparison{path: c.Property, operator: c.Operator, ignoreCase: c.IgnoreCase}
	var err error
	switch c.Operator {
	case events.OpIsNull, events.OpNotNull:
		if c.Value != nil {
			return nil, invalid(pointer+"/value", "%s takes no value", string(c.Operator))
		}
	case events.OpIn:
		n.values, err = operandsOf(c, pointer+"/value")
	case events.OpMatches:
		n.pattern, err = patternOf(c, pointer+"/value")
	default:
		n.values, err = operandOf(c, pointer)
	}
	return n, err
}

const operators = "eq, neq, lt, lte, gt, gte, in, contains, startsWith, endsWith, matches, isNull or notNull"

// operandOf reads the value of an operator and checks that it suits the operator.
func operandOf(c *events.Condition, pointer string) ([]operand, error) {
	v, err := newOperand(c.Value, c.IgnoreCase, pointer+"/value")
	switch c.Operator {
	case events.OpEqual, events.OpNotEqual, events.OpContains:
	case events.OpLess, events.OpLessOrEqual, events.OpGreater, events.OpGreaterOrEqual:
		if err == nil && v.kind != '0' && v.kind != '"' {
			err = invalid(pointer+"/value", "%s compares with a number or a string; found %s", string(c.Operator), Describe(v.raw))
		}
	case events.OpStartsWith, events.OpEndsWith:
		if err == nil && v.kind != '"' {
			err = invalid(pointer+"/value", "%s takes a string; found %s", string(c.Operator), Describe(v.raw))
		}
	case "":
		err = invalid(pointer+"/operator", "missing: "+operators)
	default:
		err = invalid(pointer+"/operator", "%.64q is not an operator: use "+operators, string(c.Operator))
	}
	return []operand{v}, err
}

func operandsOf(c *events.Condition, pointer string) ([]operand, error) {
	if c.Value.Kind() != '[' {
		return nil, invalid(pointer, "in takes an array of values")
	}
	items, err := events.Unmarshal[[]jsontext.Value](c.Value)
	if err != nil {
		return nil, invalid(pointer, "%s", err)
	}
	if len(items) > MaxValues {
		return nil, invalid(pointer, "%d values; in takes at most %d", len(items), MaxValues)
	}
	list := make([]operand, len(items))
	for i := range items {
		if list[i], err = newOperand(items[i], c.IgnoreCase, pointer+"/"+strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func patternOf(c *events.Condition, pointer string) (*regexp.Regexp, error) {
	v, err := newOperand(c.Value, false, pointer)
	switch {
	case err != nil:
		return nil, err
	case v.kind != '"':
		return nil, invalid(pointer, "matches takes a string with a regular expression")
	}
	pattern := v.text
	if len(pattern) > MaxPattern {
		return nil, invalid(pointer, "the regular expression is %d bytes long; at most %d are allowed", len(pattern), MaxPattern)
	}
	if c.IgnoreCase {
		pattern = "(?i)" + pattern
	}
	r, err := regexp.Compile(pattern)
	if err != nil {
		return nil, invalid(pointer, "the regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return r, nil
}

func (n *comparison) match(r Row) bool {
	v := r.Value(n.path)
	if v.Kind() == 'n' {
		v = nil
	}
	switch n.operator {
	case events.OpIsNull:
		return v == nil
	case events.OpNotNull:
		return v != nil
	case events.OpNotEqual:
		return v == nil || !n.values[0].equals(v, n.ignoreCase)
	default:
		return v != nil && n.holds(v)
	}
}

// holds decides the operators that need a value to compare.
func (n *comparison) holds(v jsontext.Value) bool {
	switch n.operator {
	case events.OpEqual, events.OpIn:
		return n.isOneOf(v)
	case events.OpContains:
		return n.contains(v)
	case events.OpStartsWith:
		return v.Kind() == '"' && strings.HasPrefix(textOf(v, n.ignoreCase), n.values[0].text)
	case events.OpEndsWith:
		return v.Kind() == '"' && strings.HasSuffix(textOf(v, n.ignoreCase), n.values[0].text)
	case events.OpMatches:
		return v.Kind() == '"' && n.pattern.MatchString(textOf(v, false))
	default:
		order, ok := n.values[0].compare(v, n.ignoreCase)
		return ok && accepts(n.operator, order)
	}
}

// accepts reports whether an order satisfies the operator.
func accepts(o events.Operator, order int) bool {
	switch o {
	case events.OpLess:
		return order < 0
	case events.OpLessOrEqual:
		return order <= 0
	case events.OpGreater:
		return order > 0
	default:
		return order >= 0
	}
}

func (n *comparison) isOneOf(v jsontext.Value) bool {
	for i := range n.values {
		if n.values[i].equals(v, n.ignoreCase) {
			return true
		}
	}
	return false
}

func (n *comparison) contains(v jsontext.Value) bool {
	want := &n.values[0]
	if v.Kind() == '"' {
		return want.kind == '"' && strings.Contains(textOf(v, n.ignoreCase), want.text)
	}
	if v.Kind() != '[' {
		return false
	}
	for m := events.MembersOf(v); m.Next(); {
		if want.equals(m.Value(), n.ignoreCase) {
			return true
		}
	}
	return false
}
