package query_test

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// table is a table of a third-party technology. Its rows are no elements.
type table struct{}

type record map[string]any

// Value implements [query.Row].
func (r record) Value(path string) jsontext.Value {
	v, ok := r[path]
	if !ok {
		return nil
	}
	raw, err := events.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}

// Values implements [query.Types].
func (table) Values(path, pointer string) ([]query.Value, error) {
	columns := map[string]query.Kind{"city": query.String, "amount": query.Number, "paid": query.Time}
	kind, ok := columns[path]
	if !ok {
		return nil, events.Errorf(events.CodeInvalid, pointer, "the table has no column %q", path)
	}
	return []query.Value{{Kind: kind}}, nil
}

// The conditions of elements serve any rows.
func Example() {
	orders := []record{
		{"city": "Rome", "amount": 7.5, "paid": "2026-03-01T00:00:00Z"},
		{"city": "Ostia", "amount": 120},
		{"city": "Rome", "amount": 99},
	}
	condition, err := query.Parse(`paid is null and (amount >= 100 or city = Rome)`)
	if err != nil {
		fmt.Println(err)
		return
	}
	matcher, err := query.Compile(&condition, table{}, "/where")
	if err != nil {
		fmt.Println(err)
		return
	}
	sorter, err := query.NewSorter([]events.SortKey{{Property: "amount"}}, table{}, "/sort")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sorter.Compare(sorter.Place(orders[0]), sorter.Place(orders[1])))
	for _, order := range orders {
		if matcher.Match(order) {
			fmt.Println(order["city"], order["amount"])
		}
	}
	for _, text := range []string{"amount > many", "town = Rome"} {
		if condition, err = query.Parse(text); err == nil {
			_, err = query.Compile(&condition, table{}, "/where")
		}
		fmt.Println(err)
	}
	// Output:
	// -1
	// Ostia 120
	// Rome 99
	// /where/value: amount is compared with a number; found a string
	// /where/property: the table has no column "town"
}
