package native

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3gen"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/runtime/gateway"
)

// Document returns the OpenAPI document of the API. It is made of the table of
// routes, so that both are the same.
func Document() (*openapi3.T, error) {
	d := &openapi3.T{
		OpenAPI: "3.0.3", Paths: openapi3.NewPaths(),
		Info: &openapi3.Info{
			Title: "Camena", Version: "1",
			Description: "Ask the connectors that run: what they can do, operations, queries and services. " +
				"The header Request-Id names a request, so that it can be asked for and canceled while it runs.",
		},
		Components: &openapi3.Components{Schemas: openapi3.Schemas{}},
	}
	generator := openapi3gen.NewGenerator(
		openapi3gen.CreateComponentSchemas(openapi3gen.ExportComponentSchemasOptions{ExportComponentSchemas: true, ExportTopLevelSchema: true}),
		openapi3gen.SchemaCustomizer(anyValue))
	schema := func(value any) (*openapi3.SchemaRef, error) {
		return generator.NewSchemaRefForValue(value, d.Components.Schemas)
	}
	problem, err := schema(gateway.Problem{})
	if err != nil {
		return nil, err
	}
	for _, r := range routes() {
		operation, err := r.operation(schema, problem)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		d.AddOperation(base+r.path, r.method, operation)
	}
	return d, nil
}

// anyValue leaves open what a JSON value may be.
func anyValue(_ string, t reflect.Type, _ reflect.StructTag, schema *openapi3.Schema) error {
	switch t {
	case reflect.TypeFor[jsontext.Value]():
		*schema = openapi3.Schema{Description: "Any JSON value."}
	case reflect.TypeFor[dataservice.Values]():
		*schema = openapi3.Schema{
			Type: &openapi3.Types{"object"}, AdditionalProperties: openapi3.AdditionalProperties{Has: new(true)},
			Description: `Values by name. What JSON has no form for is an object with one member, such as {"@time": "2006-01-02T15:04:05Z"}.`,
		}
	}
	return nil
}

func (r *route) operation(schema func(any) (*openapi3.SchemaRef, error), problem *openapi3.SchemaRef) (*openapi3.Operation, error) {
	o := openapi3.NewOperation()
	o.Summary, o.OperationID = r.does, string(r.verb)
	for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(base+r.path, -1) {
		o.AddParameter(openapi3.NewPathParameter(name[1]).WithSchema(openapi3.NewStringSchema()))
	}
	o.AddParameter(openapi3.NewQueryParameter("timeout").WithSchema(openapi3.NewStringSchema()).WithDescription("how long it may take, such as 30s"))
	if r.takes != nil {
		in, err := schema(r.takes)
		if err != nil {
			return nil, err
		}
		o.RequestBody = &openapi3.RequestBodyRef{Value: openapi3.NewRequestBody().WithRequired(true).WithContent(openapi3.NewContentWithJSONSchemaRef(in))}
	}
	status, answer := http.StatusNoContent, openapi3.NewResponse().WithDescription("It was done.")
	if r.gives != nil {
		out, err := schema(r.gives)
		if err != nil {
			return nil, err
		}
		status, answer = http.StatusOK, r.answer(out)
	}
	o.AddResponse(status, answer)
	o.Responses.Set("default", &openapi3.ResponseRef{Value: openapi3.NewResponse().WithDescription("A problem.").
		WithContent(openapi3.NewContentWithSchemaRef(problem, []string{"application/problem+json"}))})
	return o, nil
}

func (r *route) answer(one *openapi3.SchemaRef) *openapi3.Response {
	switch {
	case r.many:
		return openapi3.NewResponse().WithDescription("One a line. After an error the last line is {\"problem\": …}, and the transfer is broken off.").
			WithContent(openapi3.NewContentWithSchemaRef(one, []string{lines}))
	case r.list:
		all := openapi3.NewArraySchema()
		all.Items = one
		return openapi3.NewResponse().WithDescription("All of them.").WithContent(openapi3.NewContentWithJSONSchema(all))
	default:
		return openapi3.NewResponse().WithDescription("It.").WithContent(openapi3.NewContentWithJSONSchemaRef(one))
	}
}
