package events

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Operator says how a [Condition] compares what a property holds with its value.
type Operator string

// The operators. A property that is missing, or null, satisfies only OpIsNull
// and OpNotEqual.
const (
	OpEqual          Operator = "eq"
	OpNotEqual       Operator = "neq"
	OpLess           Operator = "lt"
	OpLessOrEqual    Operator = "lte"
	OpGreater        Operator = "gt"
	OpGreaterOrEqual Operator = "gte"
	// OpIn: it equals one of the values of an array.
	OpIn Operator = "in"
	// OpContains: it is a string with that text in it, or an array with that item.
	OpContains   Operator = "contains"
	OpStartsWith Operator = "startsWith"
	OpEndsWith   Operator = "endsWith"
	// OpMatches: it is a string in which that regular expression (RE2) finds
	// something; ^ and $ make it match the whole.
	OpMatches Operator = "matches"
	OpIsNull  Operator = "isNull"
	OpNotNull Operator = "notNull"
)

// Condition is true or false of an element, relationship or classification. It
// is one of: And, Or, Not, or the comparison of a Property.
//
// Numbers are compared exactly, whatever their size. Strings that are times
// (RFC 3339) are compared as times with one that is a time, all others byte by
// byte. What is of another kind than the value does not satisfy the condition.
type Condition struct {
	And []Condition `json:"and,omitempty"`
	Or  []Condition `json:"or,omitempty"`
	Not *Condition  `json:"not,omitempty"`
	// Property is the path of what is compared: the name of an attribute; with
	// dots, a path into it (additionalProperties.owner); and what begins with
	// "header." is in the header (header.versions.updateTime), as are guid and
	// qualifiedName; header.versions.changeTime is the updateTime or, where there is
	// none yet, the createTime. The repository refuses what no type has, unless
	// [AnyProperty] stands before it.
	Property string         `json:"property,omitempty"`
	Operator Operator       `json:"operator,omitempty"`
	Value    jsontext.Value `json:"value,omitzero"`
	// IgnoreCase compares strings without regard to case.
	IgnoreCase bool `json:"ignoreCase,omitzero"`
}

// Compare returns the condition that compares a property with a Go value. The
// error of a value that JSON cannot express shows when the condition is used.
func Compare(property string, operator Operator, value any) Condition {
	c := Condition{Property: property, Operator: operator}
	if raw, err := Marshal(value); err == nil && value != nil {
		c.Value = raw
	}
	return c
}

// The limits of conditions, so that none takes the repository long to decide.
const (
	MaxConditions      = 256  // in one another and side by side
	MaxConditionDepth  = 16   // in one another
	MaxConditionValues = 1000 // of one OpIn
	MaxPattern         = 1024 // bytes of a regular expression
	MaxPath            = 256  // bytes of a property's path
	MaxNumber          = 1000 // bytes of a number
)

// Matcher decides a [Condition].
type Matcher struct {
	root  node
	watch *watch
}

// Watch makes over be asked before each comparison, with how many bytes it looks
// at: when over says so, nothing more is compared, and what [Matcher.Match] says
// means nothing.
func (m *Matcher) Watch(over func(bytes int) bool) { m.watch.over = over }

// watch is what the comparisons of a condition have in common.
type watch struct{ over func(bytes int) bool }

func (w *watch) ends(s State) bool { return w.over != nil && w.over(len(s.raw)) }

// Match reports whether the condition is true of a state.
func (m *Matcher) Match(s State) bool { return m.root.match(s) }

// node is one condition, ready to be decided.
type node interface{ match(s State) bool }

// Compile checks the condition, which stands at a pointer, and returns what
// decides it.
func (c *Condition) Compile(pointer string) (*Matcher, error) {
	compiling := compiler{watch: &watch{}}
	root, err := compiling.compile(c, pointer, 1)
	if err != nil {
		return nil, err
	}
	return &Matcher{root: root, watch: compiling.watch}, nil
}

// compiler counts the conditions.
type compiler struct {
	size  int
	watch *watch
}

func (k *compiler) compile(c *Condition, pointer string, depth int) (node, error) {
	k.size++
	switch {
	case depth > MaxConditionDepth:
		return nil, Errorf(CodeInvalid, pointer, "conditions stand in each other deeper than %d levels", MaxConditionDepth)
	case k.size > MaxConditions:
		return nil, Errorf(CodeInvalid, pointer, "these are more than %d conditions", MaxConditions)
	}
	if err := c.single(pointer); err != nil {
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
		return no{inner}, err
	default:
		return c.comparison(pointer, k.watch)
	}
}

// single checks that the condition is exactly one of what it can be.
func (c *Condition) single(pointer string) error {
	kinds := 0
	for _, is := range [...]bool{c.And != nil, c.Or != nil, c.Not != nil, c.Property != "" || c.Operator != ""} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return Errorf(CodeInvalid, pointer, "the condition is empty: give and, or, not, or a property with an operator")
	case kinds > 1:
		return Errorf(CodeInvalid, pointer, "give only one of and, or, not, and a property with an operator")
	case c.Property == "" && c.Operator == "" && (c.Value != nil || c.IgnoreCase):
		return Errorf(CodeInvalid, pointer, "value and ignoreCase belong to a property with an operator")
	default:
		return nil
	}
}

func (k *compiler) list(conditions []Condition, pointer string, depth int) ([]node, error) {
	if len(conditions) == 0 {
		return nil, Errorf(CodeInvalid, pointer, "give at least one condition")
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
	no   struct{ inner node }
)

func (l all) match(s State) bool {
	for _, n := range l {
		if !n.match(s) {
			return false
		}
	}
	return true
}

func (l some) match(s State) bool {
	for _, n := range l {
		if n.match(s) {
			return true
		}
	}
	return false
}

func (n no) match(s State) bool { return !n.inner.match(s) }

// comparison is a property with an operator.
type comparison struct {
	path       path
	operator   Operator
	values     []operand // one, but for OpIn
	pattern    *regexp.Regexp
	ignoreCase bool
	watch      *watch
}

func (c *Condition) comparison(pointer string, w *watch) (node, error) {
	p, err := parsePath(c.Property, pointer+"/property")
	if err != nil {
		return nil, err
	}
	n := &comparison{path: p, operator: c.Operator, ignoreCase: c.IgnoreCase, watch: w}
	switch c.Operator {
	case OpIsNull, OpNotNull:
		if c.Value != nil {
			return nil, Errorf(CodeInvalid, pointer+"/value", "%s takes no value", string(c.Operator))
		}
		return n, nil
	case OpIn:
		n.values, err = c.operands(pointer + "/value")
		return n, err
	case OpMatches:
		n.pattern, err = c.regexp(pointer + "/value")
		return n, err
	default:
		v, err := c.operand(pointer)
		n.values = []operand{v}
		return n, err
	}
}

// operand reads the one value of an operator and checks that it suits it.
func (c *Condition) operand(pointer string) (operand, error) {
	v, err := newOperand(c.Value, c.IgnoreCase, pointer+"/value")
	switch c.Operator {
	case OpEqual, OpNotEqual, OpContains:
	case OpLess, OpLessOrEqual, OpGreater, OpGreaterOrEqual:
		if err == nil && v.kind != '0' && v.kind != '"' {
			err = Errorf(CodeInvalid, pointer+"/value", "%s compares with a number or a string, not with %s", string(c.Operator), kindName(v.kind))
		}
	case OpStartsWith, OpEndsWith:
		if err == nil && v.kind != '"' {
			err = Errorf(CodeInvalid, pointer+"/value", "%s takes a string, not %s", string(c.Operator), kindName(v.kind))
		}
	case "":
		return v, Errorf(CodeInvalid, pointer+"/operator", "missing: eq, neq, lt, lte, gt, gte, in, contains, startsWith, endsWith, matches, isNull or notNull")
	default:
		return v, Errorf(CodeInvalid, pointer+"/operator", "%s is no operator: use eq, neq, lt, lte, gt, gte, in, contains, startsWith, "+
			"endsWith, matches, isNull or notNull", quoted(string(c.Operator)))
	}
	return v, err
}

func (c *Condition) operands(pointer string) ([]operand, error) {
	if c.Value.Kind() != '[' {
		return nil, Errorf(CodeInvalid, pointer, "in takes an array of values")
	}
	items, err := Unmarshal[[]jsontext.Value](c.Value)
	if err != nil {
		return nil, Errorf(CodeInvalid, pointer, "%s", err)
	}
	if len(items) > MaxConditionValues {
		return nil, Errorf(CodeInvalid, pointer, "these are %d values; in takes at most %d", len(items), MaxConditionValues)
	}
	list := make([]operand, len(items))
	for i := range items {
		if list[i], err = newOperand(items[i], c.IgnoreCase, pointer+"/"+strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (c *Condition) regexp(pointer string) (*regexp.Regexp, error) {
	if c.Value.Kind() != '"' {
		return nil, Errorf(CodeInvalid, pointer, "matches takes a string with a regular expression")
	}
	pattern := unquote(c.Value)
	if len(pattern) > MaxPattern {
		return nil, Errorf(CodeInvalid, pointer, "the regular expression is %d bytes long; at most %d are allowed", len(pattern), MaxPattern)
	}
	if c.IgnoreCase {
		pattern = "(?i)" + pattern
	}
	r, err := regexp.Compile(pattern)
	if err != nil {
		return nil, Errorf(CodeInvalid, pointer, "the regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return r, nil
}

func (n *comparison) match(s State) bool {
	if n.watch.ends(s) {
		return false
	}
	v := s.value(&n.path)
	if v.Kind() == 'n' {
		v = nil
	}
	switch n.operator {
	case OpIsNull:
		return v == nil
	case OpNotNull:
		return v != nil
	case OpNotEqual:
		return v == nil || !n.values[0].equals(v, n.ignoreCase)
	default:
		return v != nil && n.holds(v)
	}
}

// holds decides the operators that need something to compare.
func (n *comparison) holds(v jsontext.Value) bool {
	switch n.operator {
	case OpEqual, OpIn:
		return n.isOneOf(v)
	case OpContains:
		return n.contains(v)
	case OpStartsWith:
		return v.Kind() == '"' && strings.HasPrefix(textOf(v, n.ignoreCase), n.values[0].text)
	case OpEndsWith:
		return v.Kind() == '"' && strings.HasSuffix(textOf(v, n.ignoreCase), n.values[0].text)
	case OpMatches:
		return v.Kind() == '"' && n.pattern.MatchString(textOf(v, false))
	default:
		order, ok := n.values[0].compare(v, n.ignoreCase)
		return ok && n.operator.accepts(order)
	}
}

// accepts reports whether a value that stands so to another satisfies it.
func (o Operator) accepts(order int) bool {
	switch o {
	case OpLess:
		return order < 0
	case OpLessOrEqual:
		return order <= 0
	case OpGreater:
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
	for m := MembersOf(v); m.Next(); {
		if want.equals(m.Value(), n.ignoreCase) {
			return true
		}
	}
	return false
}
