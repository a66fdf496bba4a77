package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/archive"
)

// mostShown is how many refusals are shown of one file.
const mostShown = 100

// show tells what became of a file.
func (i *importing) show(one *imported) error {
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
	shown := 0
	for _, f := range one.Findings {
		if f.Outcome != archive.Refused {
			continue
		}
		shown++
		if shown <= mostShown {
			fmt.Fprintln(out, "  "+printable(f.String()))
		}
	}
	if more := one.refused() - min(shown, mostShown); more > 0 && shown > 0 {
		fmt.Fprintf(out, "  ... and %d more; --report FILE has them all\n", more)
	}
	if err := one.table().print(out, "the archive holds nothing"); err != nil {
		return err
	}
	for _, line := range one.losses() {
		fmt.Fprintln(out, line)
	}
	return nil
}

// kinds are in the order in which they are shown.
func kinds() []archive.Kind {
	return []archive.Kind{
		archive.KindArchive, archive.KindType, archive.KindPatch, archive.KindElement, archive.KindClassification, archive.KindRelationship,
	}
}

func (one *imported) table() *table {
	t := newTable("KIND", "FOUND", "CHANGED", "UNCHANGED", "SKIPPED", "REFUSED")
	missing := one.missing()
	switch {
	case one.Check:
		t = newTable("KIND", "FOUND", "TO TAKE", "SKIPPED", "REFUSED")
	case missing > 0:
		t.header = append(t.header, "NOT DONE")
	}
	for _, kind := range kinds() {
		c, ok := one.Counts[kind]
		if !ok {
			continue
		}
		cells := []string{string(kind), strconv.Itoa(c.Found)}
		d := one.of(kind)
		if one.Check {
			cells = append(cells, strconv.Itoa(c.Taken))
		} else {
			cells = append(cells, strconv.Itoa(d.Changed), strconv.Itoa(d.Unchanged))
		}
		cells = append(cells, strconv.Itoa(c.Skipped), strconv.Itoa(c.Refused))
		if missing > 0 && !one.Check {
			cells = append(cells, strconv.Itoa(one.missingOf(kind)))
		}
		t.add(cells...)
	}
	return t
}

func (one *imported) of(kind archive.Kind) done {
	if d := one.Done[kind]; d != nil {
		return *d
	}
	return done{}
}

// missingOf is how many items were neither applied nor refused.
func (one *imported) missingOf(kind archive.Kind) int {
	c, d := one.Counts[kind], one.of(kind)
	return c.Found - c.Skipped - c.Refused - d.Changed - d.Unchanged
}

func (one *imported) missing() (n int) {
	if one.Check {
		return 0
	}
	for kind := range one.Counts {
		n += one.missingOf(kind)
	}
	return n
}

// losses tells of what no command can carry.
func (one *imported) losses() []string {
	var lines []string
	for _, l := range []struct {
		loss archive.Loss
		what string
	}{
		{archive.LostVersions, "who created and changed them, when and how often (the repository counts anew)"},
		{archive.LostMaintainers, "who maintains them"},
		{archive.LostLicense, "the licence of the very item"},
		{archive.LostStatus, "a status other than ACTIVE"},
		{archive.LostHome, "that they were at home elsewhere than in the archive"},
		{archive.LostPropagation, "that the classification came along a relationship"},
	} {
		if n := one.Lost[l.loss]; n > 0 {
			lines = append(lines, fmt.Sprintf("not kept, of %s: %s", plural(n, "item"), l.what))
		}
	}
	if reasons := one.skips(); len(reasons) > 0 {
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
func (one *imported) skips() []string {
	count := map[string]int{}
	var order []string
	for _, f := range one.Findings {
		if f.Outcome != archive.Skipped {
			continue
		}
		reason, _, _ := strings.Cut(f.Reason, " at line ")
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
func (i *importing) summarize(all []*imported) error {
	if i.reportFile != "" {
		data, err := events.Marshal(all)
		if err != nil {
			return err
		}
		text := jsontext.Value(data)
		if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
			return err
		}
		if err := os.WriteFile(i.reportFile, slices.Concat([]byte(text), []byte("\n")), 0o600); err != nil {
			return fmt.Errorf("the report: %w", err)
		}
	}
	if i.output.json() {
		return printJSON(i.p.stdout, all)
	}
	return nil
}
