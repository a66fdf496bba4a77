package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
)

type answers = iter.Seq2[dataservice.DataEntity, error]

// rows are how entities are printed.
type rows struct {
	p       *program
	form    string
	within  time.Duration
	columns []string // in this order; by default those of the first entity, sorted
	written bool     // the header of CSV
}

const (
	outputLines = "ndjson"
	outputCSV   = "csv"
)

func (r *rows) flags(cmd *cobra.Command) {
	forms := []string{outputTable, outputLines, outputCSV, outputJSON, outputYAML}
	r.form, r.within = outputTable, time.Minute
	cmd.Flags().VarP(oneOf(&r.form, outputTable, forms), "output", "o", "how to print: "+strings.Join(forms, ", ")+"; ndjson and csv print what comes at once")
	cmd.Flags().DurationVar(&r.within, "timeout", r.within, "how long it may take")
}

// prints makes a command print the entities that ask returns.
func (r *rows) prints(cmd *cobra.Command, ask func(context.Context, *client.Client, []string) (answers, error)) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.p.withBus(cmd.Context(), r.within, func(ctx context.Context, b *bus.Bus) error {
			found, err := ask(ctx, client.New(b, source), args)
			if err != nil {
				return explain(err)
			}
			return explain(r.print(found))
		})
	}
	return cmd
}

func (r *rows) print(found answers) error {
	var gathered []map[string]any
	for e, err := range found {
		if err != nil {
			return err
		}
		if r.columns == nil {
			r.columns = slices.Sorted(maps.Keys(e.Plain()))
		}
		switch r.form {
		case outputLines:
			err = r.line(e.Plain())
		case outputCSV:
			err = r.csv(e.Plain())
		default:
			gathered = append(gathered, e.Plain())
		}
		if err != nil {
			return err
		}
	}
	switch r.form {
	case outputJSON, outputYAML:
		return (&output{form: r.form, secrets: true}).print(r.p.stdout, append([]map[string]any{}, gathered...))
	case outputTable:
		t := newTable(r.columns...)
		for _, row := range gathered {
			t.add(r.cells(row)...)
		}
		return t.print(r.p.stdout, "no rows")
	default:
		return nil
	}
}

func (r *rows) line(row map[string]any) error {
	data, err := events.Marshal(row)
	if err == nil {
		_, err = r.p.stdout.Write(append(data, '\n'))
	}
	return err
}

func (r *rows) csv(row map[string]any) error {
	w := csv.NewWriter(r.p.stdout)
	if !r.written {
		r.written = true
		if err := w.Write(r.columns); err != nil {
			return err
		}
	}
	if err := w.Write(r.cells(row)); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// cells are the values of a row as text: null is empty.
func (r *rows) cells(row map[string]any) []string {
	cells := make([]string, len(r.columns))
	for i, name := range r.columns {
		value, ok := row[name].(jsontext.Value)
		switch {
		case !ok:
			data, err := events.Marshal(row[name])
			if err == nil && row[name] != nil {
				cells[i] = string(data)
			}
		case value.Kind() == '"':
			cells[i], _ = events.Unmarshal[string](value)
		case value.Kind() != 'n':
			cells[i] = string(value)
		}
	}
	return cells
}

func (p *program) queryCommand() *cobra.Command {
	var q dataservice.Query
	var sort []string
	r := &rows{p: p}
	cmd := &cobra.Command{
		Use: "query NAME OBJECT", Short: "Query the entities of a running connector",
		Long: `Query the entities of an object of a running connector. --where compares properties as in "camena elements list":
name = "x", size > 10, owner in (anna, bea), paid is null; put together with and, or, not and parentheses.`,
		Example: `  camena query orders-db orders --where 'total > 100 and paid is null' --select id,total --order-by -total --limit 20
  camena query orders-db orders -o ndjson > orders.ndjson`,
	}
	f := cmd.Flags()
	f.Var(conditionOf(&q.Where, "stringArray"), "where", "only those of which this is true; several must all be true")
	f.StringSliceVar(&q.Root.Properties, "select", nil, "only these properties, in this order; default: all")
	f.StringSliceVar(&sort, "order-by", nil, "order by these properties; one with a minus before it descends")
	f.Var(atLeast(0, &q.Limit), "limit", "at most so many; 0: all")
	r.flags(cmd)
	return r.prints(cmd, func(ctx context.Context, c *client.Client, args []string) (answers, error) {
		q.Root.Object, r.columns = args[1], q.Root.Properties
		for _, key := range sort {
			property, descending := strings.CutPrefix(key, "-")
			q.Root.Sort = append(q.Root.Sort, events.SortKey{Property: property, Descending: descending})
		}
		connection := c.Connection(args[0])
		if r.columns == nil {
			o, err := client.One[dataservice.ObjectDefinition](ctx, connection, dataservice.VerbObject, dataservice.ObjectInput{Name: args[1]})
			if err != nil {
				return nil, err
			}
			for i := range o.Properties {
				r.columns = append(r.columns, o.Properties[i].Name)
			}
		}
		return client.Many[dataservice.DataEntity](ctx, connection, dataservice.VerbQuery, q), nil
	})
}

func (p *program) execCommand() *cobra.Command {
	var set map[string]string
	var file string
	var test bool
	cmd := &cobra.Command{
		Use: "exec NAME ACTION OBJECT", Short: "Perform an action on entities of a running connector",
		Long: `Perform an action on one entity, whose properties --set gives, or on all those of a file: JSON objects, one after
the other. A row that is refused stops no other; the command then exits with 1.`,
		Example: `  camena exec orders-db Create orders --set id=17 --set total=12.50
  camena exec orders-db Create orders -f orders.ndjson`,
	}
	cmd.Flags().StringToStringVar(&set, "set", nil, "a property, as name=value; may be given again")
	cmd.Flags().StringVarP(&file, "file", "f", "", "a file of JSON objects; - for the standard input")
	cmd.Flags().BoolVar(&test, "test", false, "try it only: nothing is to stay")
	cmd.MarkFlagsMutuallyExclusive("set", "file")
	o := &output{}
	return p.shows(time.Minute, cmd, o, func(ctx context.Context, c *client.Client, args []string) (*view, error) {
		connection := c.Connection(args[0])
		in := dataservice.OperationInput{Action: args[1], Test: test}
		var err error
		if file != "" {
			in.Input, err = p.entities(file, args[2])
		} else {
			in.Input, err = typed(ctx, connection, args[2], set)
		}
		if err != nil {
			return nil, err
		}
		results, err := all[dataservice.RowResult](ctx, connection, dataservice.VerbExecute, in)
		v, refused := resultsView(results)
		if err == nil && refused > 0 {
			err = cmp.Or(p.show(o, v), fmt.Errorf("refused: %s", plural(refused, "row")))
		}
		return v, err
	})
}

func resultsView(results []dataservice.RowResult) (v *view, refused int) {
	t := newTable("ROW", "RESULT", "AFFECTED", "WHY")
	for i := range results {
		row := []string{number(int64(i + 1)), "done", number(int64(results[i].Affected)), "-"}
		if e := results[i].Error; e != nil {
			row[3] = e.Description
		}
		if !results[i].Success {
			row[1], refused = "refused", refused+1
		}
		t.add(row...)
	}
	return &view{document: results, tables: []*table{t}}, refused
}

// typed returns an entity of text, each value in the type of its property. What the
// object does not have is left to the connector to refuse.
func typed(ctx context.Context, c *client.Connection, object string, set map[string]string) ([]dataservice.DataEntity, error) {
	o, err := client.One[dataservice.ObjectDefinition](ctx, c, dataservice.VerbObject, dataservice.ObjectInput{Name: object})
	if err != nil {
		return nil, err
	}
	values := dataservice.Values{}
	for name, text := range set {
		values[name] = text
		if p := o.Property(name); p != nil {
			if values[name], err = dataservice.ParseText(text, p.Type, ""); err != nil {
				return nil, fmt.Errorf("--set %s: %w", name, err)
			}
		}
	}
	return []dataservice.DataEntity{{Object: object, Properties: values}}, nil
}

// entities reads JSON objects, one after the other.
func (p *program) entities(file, object string) (all []dataservice.DataEntity, err error) {
	var data []byte
	if file == "-" {
		data, err = io.ReadAll(p.stdin)
	} else {
		data, err = os.ReadFile(file) //nolint:gosec // the user names the file
	}
	if err != nil {
		return nil, err
	}
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		raw, err := dec.ReadValue()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		var values dataservice.Values
		if err == nil {
			values, err = events.Unmarshal[dataservice.Values](raw)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, object %d: %w", file, len(all)+1, err)
		}
		all = append(all, dataservice.DataEntity{Object: object, Properties: values})
	}
}
