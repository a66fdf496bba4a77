package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/manifest"
)

// The forms of output. Only lists have wide and name.
const (
	outputTable = "table"
	outputWide  = "wide"
	outputName  = "name"
	outputJSON  = "json"
	outputYAML  = "yaml"
)

// output is the flag -o of a command.
type output struct {
	form string
	// list says that the command prints a list of named things, masks that its output
	// may hold secrets.
	list, masks bool
	// stream prints documents that follow each other: a line of JSON each, or YAML
	// with a line of dashes before.
	stream bool
	// secrets are shown as they are.
	secrets bool
}

func (o *output) flag(cmd *cobra.Command) {
	forms := []string{outputTable, outputJSON, outputYAML}
	if o.list {
		forms = []string{outputTable, outputWide, outputName, outputJSON, outputYAML}
	}
	o.form = outputTable
	cmd.Flags().VarP(oneOf(&o.form, outputTable, forms), "output", "o", "how to print: "+strings.Join(forms, ", "))
	if o.masks {
		cmd.Flags().BoolVar(&o.secrets, "show-secrets", false, "show passwords and securedProperties, too, instead of "+events.MaskedSecret)
	}
}

// json reports whether a document is wanted instead of a table.
func (o *output) json() bool { return o.form == outputJSON || o.form == outputYAML }

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
	switch {
	case o.form == outputYAML && o.stream:
		fmt.Fprintln(w, "---")
		fallthrough
	case o.form == outputYAML:
		return manifest.WriteYAML(w, data)
	case !o.stream:
		if err := data.Indent(jsontext.WithIndent("  ")); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
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

// view is what a command shows: a document, or tables and lines instead.
type view struct {
	document any
	tables   []*table
	none     string // instead of an empty table
	lines    []string
	note     string // on the standard error
}

func (v *view) addLine(format string, args ...any) {
	v.lines = append(v.lines, fmt.Sprintf(format, args...))
}

func (p *program) show(o *output, v *view) error {
	if v.note != "" {
		defer fmt.Fprintln(p.stderr, v.note)
	}
	if o.json() {
		return o.print(p.stdout, v.document)
	}
	for i, t := range v.tables {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		t.form = o.form
		if err := t.print(p.stdout, v.none); err != nil {
			return err
		}
	}
	_, err := io.WriteString(p.stdout, strings.Join(append(v.lines, ""), "\n"))
	return err
}

// shows makes a command print what ask returns within a time; 0 is no limit.
func (p *program) shows(within time.Duration, cmd *cobra.Command, o *output, ask func(context.Context, *client.Client, []string) (*view, error)) *cobra.Command {
	o.flag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.withBus(cmd.Context(), within, func(ctx context.Context, b *bus.Bus) error {
			v, err := ask(ctx, client.New(b, source), args)
			if err != nil {
				return explain(err)
			}
			return p.show(o, v)
		})
	}
	return cmd
}

// reporter adds the flag -o to a command, and returns what prints its report.
func (p *program) reporter(cmd *cobra.Command) func(document any, rows [][]string) error {
	o := &output{}
	o.flag(cmd)
	return func(document any, rows [][]string) error {
		return p.show(o, &view{document: document, tables: []*table{{rows: rows}}})
	}
}

// when shows a time of the recent past by the clock, others by the date too.
func when(t time.Time) string {
	if time.Since(t).Abs() < 12*time.Hour {
		return t.Local().Format(time.TimeOnly)
	}
	return orDash(timestamp(t))
}

func orDash(text string) string { return cmp.Or(text, "-") }

func number(n int64) string { return strconv.FormatInt(n, 10) }
