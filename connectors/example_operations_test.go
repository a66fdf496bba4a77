package connectors_test

import (
	"context"
	"fmt"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// Commands that belong together are applied all together or not at all.
func ExampleContext_ApplyAll() {
	ctx := context.Background()
	repository := connectortest.NewRepository()
	c := connectors.NewContext(repository.Settings(events.Definition{ID: "1", Name: "orders"}))

	result, err := c.ApplyAll(ctx,
		&events.Upsert{Element: events.ElementSpec{Type: "Topic", QualifiedName: "Topic::orders"}},
		&events.Upsert{Element: events.ElementSpec{Type: "Topic", QualifiedName: "Topic::invoices"}},
		&events.Link{Relationship: events.RelationshipSpec{
			Type: "DataFlow", End1: events.ByName("Topic::orders"), End2: events.ByName("Topic::invoices"),
		}},
	)
	fmt.Println(result.Changed, len(result.Steps), err)

	_, err = c.ApplyAll(ctx,
		&events.Delete{Element: events.ByName("Topic::orders")},
		&events.Update{Element: events.ByName("Topic::bills")},
	)
	fmt.Println(events.CodeOf(err))
	for _, e := range repository.Elements() {
		fmt.Println(e.Header.QualifiedName)
	}
	if err := c.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// true 3 <nil>
	// not_found
	// Topic::invoices
	// Topic::orders
}

// A dry run tells what would change.
func ExampleContext_DryRun() {
	ctx := context.Background()
	repository := connectortest.NewRepository()
	c := connectors.NewContext(repository.Settings(events.Definition{ID: "1", Name: "orders"}))
	create := &events.Create{Element: events.ElementSpec{Type: "Topic", QualifiedName: "Topic::orders"}}

	result, err := c.DryRun(ctx, create)
	fmt.Println(result.Preview[0].Type, len(repository.Elements()), err)
	_, err = c.Apply(ctx, create)
	fmt.Println(len(repository.Elements()), err)
	_, err = c.DryRun(ctx, create)
	fmt.Println(events.CodeOf(err))
	if err := c.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// io.camena.element.created.v1 0 <nil>
	// 1 <nil>
	// conflict
}
