package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// So many refusals are shown of one file, and so many elements that are missing.
const (
	mostShown   = 100
	mostMissing = 12
)

// show tells what became of a file.
func (i *importer) show(one *egeria.Result) error {
	if i.output.json() {
		return nil // it comes in one piece
	}
	out := i.p.stdout
	title := one.File
	if one.Header.Name != "" {
		title += ": " + one.Header.Name
	}
	if one.Source != "" && one.Source != one.Header.Name {
		title += ", for " + one.Source
	}
	fmt.Fprintln(out, printable(title))
	showRefused(one, out)
	wrong := trouble(one)
	if one.Broken != nil || one.Err != nil {
		fmt.Fprintln(out, "  "+printable(wrong))
	}
	if len(one.Counts) == 0 && wrong != "" || one.Broken != nil {
		return nil
	}
	if err := importTable(one).print(out, "the archive holds nothing"); err != nil {
		return err
	}
	for _, line := range losses(one) {
		fmt.Fprintln(out, line)
	}
	return nil
}

// showRefused tells what was refused: what refers to the same missing element
// together, the rest one by one.
func showRefused(one *egeria.Result, out io.Writer) {
	shown := showMissing(one, out)
	lines := 0
	for _, f := range one.Findings {
		if f.Outcome != egeria.Refused || f.Missing.GUID != "" {
			continue
		}
		shown++
		lines++
		fmt.Fprintln(out, "  "+printable(f.String()))
		if lines == mostShown {
			break
		}
	}
	if more := one.Refused() - shown; more > 0 && one.Broken == nil {
		fmt.Fprintf(out, "  ... and %d more refused; --report FILE has them all\n", more)
	}
}

// absent is an element that items of an archive refer to.
type absent struct {
	egeria.Stub
	count map[egeria.Kind]int
	items int
	first egeria.Place
}

// absentees are the elements that are missing, most wanted first.
func absentees(one *egeria.Result) []*absent {
	byGUID := map[string]*absent{}
	var all []*absent
	for _, f := range one.Findings {
		if f.Missing.GUID == "" {
			continue
		}
		a := byGUID[f.Missing.GUID]
		if a == nil {
			a = &absent{Stub: f.Missing, count: map[egeria.Kind]int{}, first: f.Where}
			byGUID[f.Missing.GUID] = a
			all = append(all, a)
		}
		a.count[f.Kind]++
		a.items++
	}
	slices.SortStableFunc(all, func(a, b *absent) int { return b.items - a.items })
	return all
}

// String names the element and what refers to it.
func (a *absent) String() string {
	text := cmp.Or(a.QualifiedName, a.GUID)
	if a.Type != "" {
		text += " (" + a.Type + ")"
	}
	if a.QualifiedName != "" {
		text += " " + a.GUID
	}
	var wanted []string
	for _, kind := range kinds() {
		if n := a.count[kind]; n > 0 {
			wanted = append(wanted, plural(n, string(kind)))
		}
	}
	first := "at "
	if a.items > 1 {
		first = "the first at "
	}
	return text + ": " + strings.Join(wanted, ", ") + ", " + first + a.first.String()
}

// showMissing tells which elements are missing and how many items are refused for
// that, and returns how many.
func showMissing(one *egeria.Result, out io.Writer) (refused int) {
	all := absentees(one)
	if len(all) == 0 {
		return 0
	}
	for _, a := range all {
		refused += a.items
	}
	fmt.Fprintf(out, "  %s refused for want of %s, which neither the archive nor the repository has:\n",
		plural(refused, "item"), plural(len(all), "element"))
	for _, a := range all[:min(len(all), mostMissing)] {
		fmt.Fprintln(out, "    "+printable(a.String()))
	}
	if more := len(all) - mostMissing; more > 0 {
		fmt.Fprintf(out, "    ... and %s; --report FILE has them all\n", plural(more, "more element"))
	}
	if d := one.Header.DependsOn; len(d) > 0 {
		fmt.Fprintf(out, "    The archive says on which archives it depends; import those first: %s\n", printable(strings.Join(d, ", ")))
	}
	return refused
}

// kinds are in the order in which they are shown.
func kinds() []egeria.Kind {
	return []egeria.Kind{
		egeria.KindType, egeria.KindPatch, egeria.KindElement, egeria.KindClassification, egeria.KindRelationship,
	}
}

func importTable(one *egeria.Result) *table {
	t := newTable("KIND", "FOUND", "CHANGED", "UNCHANGED", "SKIPPED", "REFUSED")
	notDone := 0
	for kind := range one.Counts {
		notDone += one.NotDone(kind)
	}
	switch {
	case one.Check:
		t = newTable("KIND", "FOUND", "TO TAKE", "SKIPPED", "REFUSED")
	case notDone > 0:
		t.header = append(t.header, "NOT DONE")
	}
	for _, kind := range kinds() {
		c, ok := one.Counts[kind]
		if !ok {
			continue
		}
		d := egeria.Done{}
		if done := one.Done[kind]; done != nil {
			d = *done
		}
		numbers := []int{c.Found, d.Changed, d.Unchanged, c.Skipped, c.Refused, one.NotDone(kind)}
		switch {
		case one.Check:
			numbers = []int{c.Found, c.Taken, c.Skipped, c.Refused}
		case notDone == 0:
			numbers = numbers[:5]
		}
		cells := []string{string(kind)}
		for _, n := range numbers {
			cells = append(cells, strconv.Itoa(n))
		}
		t.add(cells...)
	}
	return t
}

// losses tells of what no command can carry.
func losses(one *egeria.Result) []string {
	var lines []string
	for _, l := range []struct {
		loss egeria.Loss
		what string
	}{
		{egeria.LostVersions, "who created and changed them, when and how often (the repository counts anew)"},
		{egeria.LostMaintainers, "who maintains them"},
		{egeria.LostLicense, "the licence of the very item"},
		{egeria.LostStatus, "a status other than ACTIVE"},
		{egeria.LostHome, "that they were at home elsewhere than in the archive"},
		{egeria.LostPropagation, "that the classification came along a relationship"},
	} {
		if n := one.Lost[l.loss]; n > 0 {
			lines = append(lines, fmt.Sprintf("not kept, of %s: %s", plural(n, "item"), l.what))
		}
	}
	if reasons := skips(one); len(reasons) > 0 {
		lines = append(lines, "skipped: "+strings.Join(reasons, "; "))
	}
	return lines
}

// plural is a number of things.
func plural[N int | uint64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

// skips says why items were skipped, and how many.
func skips(one *egeria.Result) []string {
	count := map[string]int{}
	var order []string
	for _, f := range one.Findings {
		if f.Outcome != egeria.Skipped {
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

// summarize writes what became of all files, where it was asked for.
func (i *importer) summarize(all []*egeria.Result) error {
	if err := i.writeReport(all); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if i.output.json() {
		return i.output.print(i.p.stdout, all)
	}
	return nil
}

// openReport opens the file of the report, before anything is imported.
func (i *importer) openReport() (err error) {
	if i.reportFile == "" {
		return nil
	}
	if i.report, err = os.OpenFile(i.reportFile, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	return nil
}

func (i *importer) writeReport(all []*egeria.Result) error {
	if i.report == nil {
		return nil
	}
	data, err := events.Marshal(all)
	if err != nil {
		return err
	}
	text := jsontext.Value(data)
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	// A pipe or a terminal cannot be cut, nor need it be.
	if info, err := i.report.Stat(); err == nil && info.Mode().IsRegular() {
		if err := i.report.Truncate(0); err != nil {
			return err
		}
	}
	_, err = i.report.Write(slices.Concat([]byte(text), []byte("\n")))
	return err
}
