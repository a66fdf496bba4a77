package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	cells "github.com/jedib0t/go-pretty/v6/text"
	terminal "golang.org/x/term"
)

// table collects rows and prints them aligned. One with a header is a list, one
// without is a sheet, a line a value.
type table struct {
	header []string
	rows   [][]string
	form   string
	// wide is how many columns, the last ones, only the form wide has.
	wide int
}

func newTable(header ...string) *table { return &table{header: header} }

// withWide adds columns that only the form wide has.
func (t *table) withWide(header ...string) *table {
	t.header, t.wide = append(t.header, header...), len(header)
	return t
}

func (t *table) add(row ...string) { t.rows = append(t.rows, row) }

// known adds names and values to a sheet; it leaves out empty values.
func (t *table) known(pairs ...string) *table {
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			t.add(pair...)
		}
	}
	return t
}

// list returns the table with a row for each item.
func list[T any](t *table, items []T, row func(*T) []string) *table {
	for i := range items {
		t.add(row(&items[i])...)
	}
	return t
}

const (
	// gap is between two columns.
	gap = "  "
	// minCell is how much of a cell remains on a narrow terminal.
	minCell = 8
)

// print prints the table, or says that there is none of what it would list. On a
// terminal the cells of a list are cut to fit, unless the form is wide.
func (t *table) print(w io.Writer, none string) error {
	if len(t.rows) == 0 && t.form != outputName {
		_, err := fmt.Fprintln(w, none)
		return err
	}
	lines := t.lines()
	if width := terminalWidth(w); width > 0 && len(t.header) > 0 && t.form == outputTable {
		cut(lines, width)
	}
	columns := columnWidths(lines)
	var out strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			line[i] = cells.Pad(cell, columns[i], ' ')
		}
		out.WriteString(strings.TrimRight(strings.Join(line, gap), " ") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// lines returns the header and the rows as they are shown. The form name has only the
// qualified names, or the first column.
func (t *table) lines() [][]string {
	rows, from, to := t.rows, 0, len(t.header)-t.wide
	switch {
	case t.form == outputName:
		from = max(0, slices.Index(t.header, "QUALIFIED NAME"))
		to = from + 1
	case t.form == outputWide:
		to = len(t.header)
		fallthrough
	case len(t.header) > 0:
		rows = append([][]string{t.header}, rows...)
	}
	lines := make([][]string, len(rows))
	for i, row := range rows {
		if len(t.header) > 0 {
			row = row[from:to]
		}
		for _, cell := range row {
			lines[i] = append(lines[i], printable(cell))
		}
	}
	return lines
}

// columnWidths returns the width of the longest cell of each column.
func columnWidths(lines [][]string) (columns []int) {
	for _, line := range lines {
		for i, cell := range line {
			if i == len(columns) {
				columns = append(columns, 0)
			}
			columns[i] = max(columns[i], cells.StringWidth(cell))
		}
	}
	return columns
}

// cut cuts the longest cells so that all columns fit into the width.
func cut(lines [][]string, width int) {
	columns := columnWidths(lines)
	limit := slices.Max(columns)
	for ; limit > minCell; limit-- {
		total := len(gap) * (len(columns) - 1)
		for _, c := range columns {
			total += min(c, limit)
		}
		if total <= width {
			break
		}
	}
	for _, line := range lines {
		for i, cell := range line {
			line[i] = cells.Snip(cell, limit, "…")
		}
	}
}

// terminalWidth returns how many columns the terminal has that w is, 0 if it is none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, _ := terminal.GetSize(int(file.Fd())) // 0 if it is none
	return width
}

// printable shows what would move the cursor or the colors of a terminal, such
// as a line break in a file's name, as an escape.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }) < 0 {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// plural is a number of things.
func plural[N int | uint64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}
