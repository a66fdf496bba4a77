package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/camena-io/camena/runtime/egeria"
)

// Limits of the printed report; the report file has everything.
const (
	mostShown   = 100
	mostMissing = 12
)

// show prints the result of a file.
func (i *importer) show(one *egeria.Result) error {
	if i.output.json() {
		return nil // all files are printed together
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

// showRefused prints refused items: those that refer to the same missing element
// together, the others one by one.
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

// showMissing prints the missing elements, and returns the number of items that are
// refused because of them.
func showMissing(one *egeria.Result, out io.Writer) (refused int) {
	all := one.Missing()
	if len(all) == 0 {
		return 0
	}
	for _, m := range all {
		refused += m.Items
	}
	fmt.Fprintf(out, "  %s refused for want of %s, which neither the archive nor the repository has:\n",
		plural(refused, "item"), plural(len(all), "element"))
	for _, m := range all[:min(len(all), mostMissing)] {
		fmt.Fprintln(out, "    "+printable(m.String()))
	}
	if more := len(all) - mostMissing; more > 0 {
		fmt.Fprintf(out, "    ... and %s; --report FILE has them all\n", plural(more, "more element"))
	}
	if d := one.Header.DependsOn; len(d) > 0 {
		fmt.Fprintf(out, "    The archive says on which archives it depends; import those first: %s\n", printable(strings.Join(d, ", ")))
	}
	return refused
}

func importTable(one *egeria.Result) *table {
	t := newTable("KIND", "FOUND", "CHANGED", "UNCHANGED", "SKIPPED", "REFUSED")
	if one.Check {
		t = newTable("KIND", "FOUND", "TO TAKE", "SKIPPED", "REFUSED")
	}
	notDone := 0
	for _, kind := range egeria.Kinds() {
		c, ok := one.Counts[kind]
		if !ok {
			continue
		}
		d := one.Done[kind]
		numbers := []int{c.Found, d.Changed, d.Unchanged, c.Skipped, c.Refused, one.NotDone(kind)}
		if one.Check {
			numbers = []int{c.Found, c.Taken, c.Skipped, c.Refused}
		}
		notDone += one.NotDone(kind)
		row := []string{string(kind)}
		for _, n := range numbers {
			row = append(row, strconv.Itoa(n))
		}
		t.add(row...)
	}
	if notDone > 0 && !one.Check { // without a header the column is not shown
		t.header = append(t.header, "NOT DONE")
	}
	return t
}

// losses lists the parts of items that no command can carry, and the reasons of skips.
func losses(one *egeria.Result) (lines []string) {
	for _, l := range egeria.Losses() {
		if n := one.Lost[egeria.Loss(l[0])]; n > 0 {
			lines = append(lines, fmt.Sprintf("not kept, of %s: %s", plural(n, "item"), l[1]))
		}
	}
	if reasons := one.Skips(); len(reasons) > 0 {
		lines = append(lines, "skipped: "+strings.Join(reasons, "; "))
	}
	return lines
}

// summarize writes the results of all files to the report and, as a document, to the
// output.
func (i *importer) summarize(all []*egeria.Result) error {
	if err := i.writeReport(all); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if i.output.json() {
		return i.output.print(i.p.stdout, all)
	}
	return nil
}

func (i *importer) writeReport(all []*egeria.Result) error {
	return (&output{form: outputJSON, secrets: true}).print(i.report, all)
}
