package egeria

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Result is what became of an archive.
type Result struct {
	File   string `json:"file"`
	Source string `json:"source,omitempty"`
	Check  bool   `json:"check,omitzero"`
	Report
	// Done is what the repository did, or would do, with what the report counts as taken.
	Done map[Kind]Done `json:"done"`
	// Failure is the text of Err, which ended the import before its end.
	Failure string `json:"failure,omitempty"`
	Err     error  `json:"-"`
}

// Done counts applied items.
type Done struct {
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
}

// NewResult returns the result of an archive in a file, which cannot be imported if
// there is an error.
func NewResult(file string, err error) *Result {
	r := &Result{File: file, Done: map[Kind]Done{}}
	r.fail(err)
	return r
}

func (r *Result) fail(err error) {
	// The report names the file.
	if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == r.File {
		err = e.Err
	}
	if err != nil {
		r.Err, r.Failure = err, err.Error()
	}
}

// Refused returns how many items are refused.
func (r *Result) Refused() (n int) { return r.sum(func(c Count) int { return c.Refused }) }

// Found returns how many items there are.
func (r *Result) Found() (n int) { return r.sum(func(c Count) int { return c.Found }) }

func (r *Result) sum(of func(Count) int) (n int) {
	for _, c := range r.Counts {
		n += of(c)
	}
	return n
}

// NotDone returns how many items of a kind were neither applied nor refused.
func (r *Result) NotDone(kind Kind) int {
	c, d := r.Counts[kind], r.Done[kind]
	return c.Found - c.Skipped - c.Refused - d.Changed - d.Unchanged
}

// Took reports whether the repository has, or would have, something of the archive.
func (r *Result) Took() bool {
	for _, d := range r.Done {
		if d.Changed+d.Unchanged > 0 {
			return !r.Check || r.Err == nil
		}
	}
	return false
}

// Interrupted reports whether the import was interrupted.
func (r *Result) Interrupted() bool { return errors.Is(r.Err, context.Canceled) }

// Severity ranks failures, 0 is none: it is worse that an archive was not read than
// that items are refused.
func (r *Result) Severity() int {
	switch {
	case r.Interrupted():
		return 4
	case r.Err != nil && r.Took():
		return 3
	case r.Err != nil || r.Broken != nil:
		return 2
	case r.Refused() > 0:
		return 1
	default:
		return 0
	}
}

// Missing is an element that items refer to and neither archive nor repository has.
type Missing struct {
	Stub
	// Counts is how many items of each kind refer to it, Items how many in all.
	Counts map[Kind]int
	Items  int
	// First is the place of the first of them.
	First Place
}

// Missing returns the missing elements, those with most items first.
func (r *Report) Missing() (all []*Missing) {
	byGUID := map[string]*Missing{}
	for _, f := range r.Findings {
		if f.Missing.GUID == "" {
			continue
		}
		m := byGUID[f.Missing.GUID]
		if m == nil {
			m = &Missing{Stub: f.Missing, Counts: map[Kind]int{}, First: f.Where}
			byGUID[f.Missing.GUID], all = m, append(all, m)
		}
		m.Counts[f.Kind]++
		m.Items++
	}
	slices.SortStableFunc(all, func(a, b *Missing) int { return b.Items - a.Items })
	return all
}

// String names the element and what refers to it.
func (m *Missing) String() string {
	text := cmp.Or(m.QualifiedName, m.GUID)
	if m.Type != "" {
		text += " (" + m.Type + ")"
	}
	if m.QualifiedName != "" {
		text += " " + m.GUID
	}
	var items []string
	for _, kind := range Kinds() {
		if n := m.Counts[kind]; n > 0 {
			items = append(items, plural(n, kind))
		}
	}
	first := "at "
	if m.Items > 1 {
		first = "the first at "
	}
	return text + ": " + strings.Join(items, ", ") + ", " + first + m.First.String()
}

func plural(n int, kind Kind) string {
	if n == 1 {
		return "1 " + string(kind)
	}
	return fmt.Sprintf("%d %ss", n, kind)
}

// Skips says how many items were skipped for each reason.
func (r *Report) Skips() []string {
	count := map[string]int{}
	var order []string
	for _, f := range r.Findings {
		if f.Outcome != Skipped {
			continue
		}
		reason, _, _ := strings.Cut(f.Reason, ": at line ")
		count[reason]++
		if count[reason] == 1 {
			order = append(order, reason)
		}
	}
	for n, reason := range order {
		order[n] = fmt.Sprintf("%d: %s", count[reason], reason)
	}
	return order
}
