package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
)

// The forms of output.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputYAML  = "yaml"
)

// output is the flag -o of a command.
type output struct {
	form string
	// secrets are shown as they are.
	secrets bool
}

func (o *output) flag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.form, "output", "o", outputTable, "table, json or yaml")
	checkFirst(cmd, func(*cobra.Command) error {
		if !slices.Contains([]string{outputTable, outputJSON, outputYAML}, o.form) {
			return fmt.Errorf("--output: %q is none of table, json, yaml", o.form)
		}
		return nil
	})
}

// secretFlag is for commands that show what may hold secrets.
func (o *output) secretFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.secrets, "show-secrets", false, "show passwords and securedProperties, too, instead of "+events.MaskedSecret)
}

// json reports whether a document is wanted instead of a table.
func (o *output) json() bool { return o.form != outputTable }

// print prints v as a document.
func (o *output) print(w io.Writer, v any) error {
	data, err := events.Marshal(v)
	if err != nil {
		return err
	}
	return o.printDocument(w, data)
}

func (o *output) printDocument(w io.Writer, data jsontext.Value) (err error) {
	if !o.secrets {
		if data, err = events.MaskSecrets(data); err != nil {
			return err
		}
	}
	if o.form == outputYAML {
		return writeYAML(w, data)
	}
	return writeJSON(w, data)
}

// masked are properties as they are shown.
func (o *output) masked(p events.Properties) events.Properties {
	if o.secrets {
		return p
	}
	shown, err := events.MaskSecrets(p.Raw())
	if err != nil {
		return events.Properties{}
	}
	return events.CanonicalProperties(shown)
}

// table collects rows and prints them aligned.
type table struct {
	header []string
	rows   [][]string
}

func newTable(header ...string) *table { return &table{header: header} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print prints the table, or says that there is none of what it would list.
func (t *table) print(w io.Writer, none string) error {
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(w, none)
		return err
	}
	var text strings.Builder
	aligned := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	if len(t.header) > 0 {
		fmt.Fprintln(aligned, strings.Join(t.header, "\t"))
	}
	for _, row := range t.rows {
		for i, cell := range row {
			row[i] = printable(cell)
			if len(t.header) > 0 && isTerminal(w) {
				row[i] = cut(row[i])
			}
		}
		fmt.Fprintln(aligned, strings.Join(row, "\t"))
	}
	if err := aligned.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// maxCell is how wide a cell of a list may be on a terminal. A sheet, which has no
// header, and what goes elsewhere, is whole.
const maxCell = 80

func cut(cell string) string {
	if runes := []rune(cell); len(runes) > maxCell {
		return string(runes[:maxCell-1]) + "…"
	}
	return cell
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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

func writeJSON(w io.Writer, text jsontext.Value) error {
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s\n", text)
	return err
}

// when shows a time of the recent past by the clock, others by the date too.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	t = t.Local()
	if time.Since(t).Abs() < 12*time.Hour {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
