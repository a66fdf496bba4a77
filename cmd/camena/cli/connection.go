package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/runtime/client"
)

// nothing is the input of verbs that take none.
type nothing = struct{}

// all gathers what comes.
func all[A, I any](ctx context.Context, c *client.Connection, verb dataservice.Verb, input I) (answers []A, err error) {
	answers = []A{}
	for a, err := range client.Many[A](ctx, c, verb, input) {
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	return answers, nil
}

func (p *program) connectionCommand() *cobra.Command {
	form := p.shows(answerTime, &cobra.Command{
		Use: "form NAME", Short: "Show what the connection of a connector needs", Example: "  camena connection form orders-db",
	}, &output{}, func(ctx context.Context, c *client.Client, args []string) (*view, error) {
		f, err := client.One[dataservice.Form](ctx, c.Connection(args[0]), dataservice.VerbForm, nothing{})
		return formView(&f), err
	})
	test := p.shows(answerTime, &cobra.Command{
		Use: "test NAME", Short: "Reach the third party of a connector", Example: "  camena connection test orders-db",
		Long: `Reach the third party of a running connector with its present configuration. If that fails, it says what is wrong,
and exits with 1.`,
	}, &output{}, testConnection)
	return group(&cobra.Command{
		Use: "connection", Short: "Look at the connection of a connector, and test it",
		Example: "  camena connection test orders-db",
	}, form, test)
}

func formView(f *dataservice.Form) *view {
	t := newTable("FIELD", "TYPE", "REQUIRED", "LABEL", "VALUES")
	for _, section := range f.Sections {
		list(t, section.Fields, func(field *dataservice.Field) []string {
			var values []string
			for _, o := range field.Options {
				values = append(values, o.Value)
			}
			return []string{field.ID, string(field.Type), yesNo(field.Required), orDash(field.Label), orDash(strings.Join(values, ", "))}
		})
	}
	v := &view{document: f, tables: []*table{t}}
	if f.Authorize != "" {
		v.tables, v.lines = nil, []string{"permit the connection at " + f.Authorize}
	}
	return v
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "-"
}

func (p *program) describeCommand() *cobra.Command {
	return p.shows(answerTime, &cobra.Command{
		Use: "describe NAME [OBJECT]", Short: "Show what can be done with a running connector",
		Long:    "Show the actions and objects of a running connector, or the properties of one object.",
		Example: "  camena describe orders-db\n  camena describe orders-db orders -o json",
	}, &output{}, func(ctx context.Context, c *client.Client, args []string) (*view, error) {
		connection := c.Connection(args[0])
		if len(args) == 2 {
			o, err := client.One[dataservice.ObjectDefinition](ctx, connection, dataservice.VerbObject, dataservice.ObjectInput{Name: args[1]})
			return objectView(&o), err
		}
		actions, err := all[dataservice.ActionDefinition](ctx, connection, dataservice.VerbActions, nothing{})
		if err != nil {
			return nil, err
		}
		objects, err := all[dataservice.ObjectDefinition](ctx, connection, dataservice.VerbObjects, nothing{})
		what := list(newTable("ACTION", "INPUT", "LOOKUP", "BULK", "DESCRIPTION"), actions, func(a *dataservice.ActionDefinition) []string {
			return []string{a.Name, yesNo(a.Input), yesNo(a.Lookup), yesNo(a.Bulk), orDash(a.Description)}
		})
		with := list(newTable("OBJECT", "ACTIONS", "DESCRIPTION"), objects, func(o *dataservice.ObjectDefinition) []string {
			return []string{o.Name, orDash(strings.Join(o.Actions, ", ")), orDash(o.Description)}
		})
		return &view{document: map[string]any{"actions": actions, "objects": objects}, tables: []*table{what, with}}, err
	})
}

func objectView(o *dataservice.ObjectDefinition) *view {
	t := list(newTable("PROPERTY", "TYPE", "KEY", "REQUIRED", "NULL", "DESCRIPTION"), o.Properties, func(p *dataservice.PropertyDefinition) []string {
		return []string{p.Name, string(p.Type), yesNo(p.Key), yesNo(p.Required), yesNo(p.Nullable), orDash(p.Description)}
	})
	return &view{document: o, tables: []*table{t}}
}

func (p *program) servicesCommand() *cobra.Command {
	services := p.shows(answerTime, &cobra.Command{
		Use: "list NAME", Short: "List the services of a connector", Example: "  camena services list registry",
	}, &output{list: true}, func(ctx context.Context, c *client.Client, args []string) (*view, error) {
		found, err := all[dataservice.ServiceDefinition](ctx, c.Connection(args[0]), dataservice.VerbServices, nothing{})
		t := list(newTable("SERVICE", "NAME", "FIELDS", "RETURNS"), found, func(s *dataservice.ServiceDefinition) []string {
			var fields []string
			for _, section := range serviceForm(s).Sections {
				for _, f := range section.Fields {
					fields = append(fields, f.ID)
				}
			}
			return []string{s.ID, s.Name, orDash(strings.Join(fields, ", ")), orDash(strings.Join(s.Results, ", "))}
		})
		return &view{document: found, tables: []*table{t}, none: "the connector has no services"}, err
	})
	return group(&cobra.Command{
		Use: "services", Aliases: []string{"service"}, Short: "Ask the services of a connector", Example: "  camena services run registry all",
	}, services, p.serviceRunCommand())
}

func serviceForm(s *dataservice.ServiceDefinition) *dataservice.Form {
	if s.Form == nil {
		return &dataservice.Form{}
	}
	return s.Form
}

func (p *program) serviceRunCommand() *cobra.Command {
	var set map[string]string
	r := &rows{p: p}
	cmd := &cobra.Command{
		Use: "run NAME SERVICE", Short: "Ask a service, and print what it returns as it comes",
		Example: "  camena services run registry all\n  camena services run registry search --set color=red -o ndjson",
	}
	cmd.Flags().StringToStringVar(&set, "set", nil, "a field of its form, as name=value; may be given again")
	r.flags(cmd)
	return r.prints(cmd, func(ctx context.Context, c *client.Client, args []string) (answers, error) {
		connection := c.Connection(args[0])
		found, err := all[dataservice.ServiceDefinition](ctx, connection, dataservice.VerbServices, nothing{})
		if err != nil {
			return nil, err
		}
		in := dataservice.ServiceInput{Service: args[1], Fields: dataservice.Values{}}
		i := slices.IndexFunc(found, func(s dataservice.ServiceDefinition) bool { return s.ID == args[1] })
		for name, text := range set {
			in.Fields[name] = text
			if i < 0 {
				continue
			}
			if in.Fields[name], err = fieldValue(serviceForm(&found[i]), name, text); err != nil {
				return nil, fmt.Errorf("--set %s: %w", name, err)
			}
		}
		return client.Many[dataservice.DataEntity](ctx, connection, dataservice.VerbAcquire, in), nil
	})
}

// fieldValue reads a value as the field of the form has it; the service refuses what
// the form does not have.
func fieldValue(f *dataservice.Form, name, text string) (any, error) {
	for _, section := range f.Sections {
		for _, field := range section.Fields {
			if field.ID == name {
				return dataservice.ParseText(text, field.Type, "")
			}
		}
	}
	return text, nil
}
