package postgres_test

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/postgres"
	"github.com/camena-io/camena/connectors/postgres/postgrestest"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

var server postgrestest.Server

func TestMain(m *testing.M) {
	if err := os.Setenv("CAMENA_TEST_PASSWORD", postgrestest.Password); err != nil {
		panic(err)
	}
	os.Exit(server.Run(m)) //nolint:forbidigo // as testing says
}

const schema = `
CREATE TABLE orders (
	id bigint PRIMARY KEY, customer varchar(20) NOT NULL, total numeric(12,2), rate float8, paid timestamptz, placed timestamp,
	day date, at time, key uuid, data bytea, doc jsonb, open boolean NOT NULL DEFAULT true, tags text[]);
COMMENT ON TABLE orders IS 'What was ordered';
COMMENT ON COLUMN orders.total IS 'In CHF';
CREATE TABLE "odd ""name" ("a ""b" text);
CREATE VIEW totals AS SELECT customer, sum(total) AS total FROM orders GROUP BY customer;`

// connect returns a connector to a database of its own.
func connect(t *testing.T) (*postgres.Connector, *url.URL) {
	t.Helper()
	at := server.New(t)
	postgrestest.Exec(t, at, schema)
	c, err := start(t.Context(), at, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c, at
}

// start starts a connector whose configuration has some fields of its own.
func start(ctx context.Context, at *url.URL, fields string) (*postgres.Connector, error) {
	password, _ := at.User.Password()
	if err := os.Setenv("CAMENA_TEST_PASSWORD", password); err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		return nil, err
	}
	values := map[string]any{
		"host": at.Hostname(), "port": port, "database": at.Path[1:], "user": at.User.Username(), "password": "env:CAMENA_TEST_PASSWORD",
	}
	for field := range strings.FieldsSeq(fields) {
		name, value, _ := strings.Cut(field, "=")
		values[name] = value
	}
	if other, ok := values["port"].(string); ok {
		if values["port"], err = strconv.Atoi(other); err != nil {
			return nil, err
		}
	}
	made, err := postgres.Factory().New(events.Props(values))
	if err != nil {
		return nil, err
	}
	c, ok := made.(*postgres.Connector)
	if !ok {
		return nil, errors.New("the factory makes something else")
	}
	err = c.Start(ctx, nil)
	return c, err
}

func ask[A any](t *testing.T, c *postgres.Connector, verb dataservice.Verb, input any) (answers []A, err error) {
	t.Helper()
	call, err := events.Marshal(map[string]any{"input": input})
	if err != nil {
		t.Fatal(err)
	}
	d := dataservice.Dispatcher{Capabilities: dataservice.CapabilitiesOf(c)}
	err = d.Serve(t.Context(), verb, call, func(v any) error {
		data, err := events.Marshal(v)
		if err != nil {
			return err
		}
		a, err := events.Unmarshal[A](data)
		answers = append(answers, a)
		return err
	})
	return answers, err
}

func order(id int64, more dataservice.Values) dataservice.DataEntity {
	values := dataservice.Values{"id": id, "customer": "erin"}
	maps.Copy(values, more)
	return dataservice.DataEntity{Object: "orders", Properties: values}
}

func create(t *testing.T, c *postgres.Connector, rows ...dataservice.DataEntity) []dataservice.RowResult {
	t.Helper()
	results, err := ask[dataservice.RowResult](t, c, dataservice.VerbExecute, dataservice.OperationInput{Action: "Create", Input: rows})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestTablesAreDescribed(t *testing.T) {
	t.Parallel()
	c, _ := connect(t)
	objects, err := ask[dataservice.ObjectDefinition](t, c, dataservice.VerbObjects, struct{}{})
	want := []dataservice.ObjectDefinition{
		{Name: `odd "name`, Actions: []string{"Query", "Create"}},
		{Name: "orders", Description: "What was ordered", Actions: []string{"Query", "Create"}},
		{Name: "totals", Actions: []string{"Query"}},
	}
	if diff := cmp.Diff(want, objects); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	orders, err := ask[dataservice.ObjectDefinition](t, c, dataservice.VerbObject, dataservice.ObjectInput{Name: "orders"})
	if err != nil || len(orders) != 1 || len(orders[0].Properties) != 13 {
		t.Fatalf("got %+v, %v", orders, err)
	}
	for _, want := range []dataservice.PropertyDefinition{
		{Name: "id", Type: dataservice.TypeInteger, Presentation: "int8", Key: true, Required: true},
		{Name: "customer", Type: dataservice.TypeString, Presentation: "varchar", Size: 20, Required: true},
		{Name: "total", Description: "In CHF", Type: dataservice.TypeDecimal, Presentation: "numeric", Precision: 12, Scale: 2, Nullable: true},
		{Name: "open", Type: dataservice.TypeBoolean, Presentation: "bool"},
		{Name: "tags", Type: dataservice.TypeString, Presentation: "text[]", Nullable: true, NoInput: true},
	} {
		if diff := cmp.Diff(&want, orders[0].Property(want.Name)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if _, err := ask[dataservice.ObjectDefinition](t, c, dataservice.VerbObject, dataservice.ObjectInput{Name: "none"}); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("got %v", err)
	}
}

// Values come back as they were given: each type, each digit.
func TestValuesOfAllTypes(t *testing.T) {
	t.Parallel()
	c, _ := connect(t)
	given := order(9_007_199_254_740_993, dataservice.Values{
		"customer": `O'Brien "x" \ $1`, "total": dataservice.Decimal("1234567890.10"), "rate": 0.1, "open": false,
		"paid": time.Date(2026, 5, 1, 8, 0, 0, 250_000_000, time.FixedZone("", 7200)), "placed": dataservice.LocalTime("2026-05-01T08:00:00"),
		"day": dataservice.Date("2026-05-01"), "at": dataservice.Clock("23:59:59.5"), "key": uuid.MustParse("0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10"),
		"data": []byte{0, 1, 255}, "doc": jsontext.Value(`{"a":[1.50,null]}`),
	})
	want := order(9_007_199_254_740_993, given.Properties)
	want.Properties["paid"] = time.Date(2026, 5, 1, 6, 0, 0, 250_000_000, time.UTC)
	want.Properties["tags"] = nil
	rows := create(t, c, given)
	if !rows[0].Success || rows[0].Affected != 1 {
		t.Fatalf("got %+v", rows[0].Error)
	}
	if diff := cmp.Diff(&want, rows[0].Output); diff != "" {
		t.Errorf("returned (-want +got):\n%s", diff)
	}
	found, err := ask[dataservice.DataEntity](t, c, dataservice.VerbQuery, dataservice.Query{Root: dataservice.QueryEntity{Object: "orders"}})
	if diff := cmp.Diff([]dataservice.DataEntity{want}, found); err != nil || diff != "" {
		t.Errorf("found: %v (-want +got):\n%s", err, diff)
	}
}

// A bad row stops no other, and says what PostgreSQL has against it.
func TestRowsThatPostgreSQLRefuses(t *testing.T) {
	t.Parallel()
	c, _ := connect(t)
	rows := create(t, c, order(1, nil), order(1, nil), order(2, dataservice.Values{"customer": strings.Repeat("x", 21)}),
		order(3, dataservice.Values{"customer": nil}), order(4, dataservice.Values{"color": "red"}), order(5, dataservice.Values{"total": dataservice.Decimal("1e12")}), order(6, nil))
	for i, want := range []bool{true, false, false, false, false, false, true} {
		if rows[i].Success != want || want != (rows[i].Error == nil) {
			t.Errorf("row %d: %+v %+v", i, rows[i], rows[i].Error)
		}
	}
	if rows[1].Error.Number != dataservice.DuplicateKey || strings.Contains(rows[1].Error.Description+rows[1].Error.Detail, "erin") {
		t.Errorf("a duplicate: %+v", rows[1].Error)
	}
	tested, err := ask[dataservice.RowResult](t, c, dataservice.VerbExecute,
		dataservice.OperationInput{Action: "Create", Test: true, Input: []dataservice.DataEntity{order(7, nil)}})
	found, queryErr := ask[dataservice.DataEntity](t, c, dataservice.VerbQuery, dataservice.Query{Root: dataservice.QueryEntity{Object: "orders"}})
	if err != nil || queryErr != nil || !tested[0].Success || len(found) != 2 {
		t.Errorf("after a test: %+v, %v, %d rows, %v", tested, err, len(found), queryErr)
	}
}

// PostgreSQL decides conditions as the engine of conditions does.
func TestConditionsArePushedDown(t *testing.T) {
	t.Parallel()
	c, _ := connect(t)
	var all []dataservice.DataEntity
	for i, more := range []dataservice.Values{
		{"total": dataservice.Decimal("10.50"), "paid": time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC), "open": false},
		{"total": dataservice.Decimal("-1"), "customer": "Étienne", "day": dataservice.Date("2026-05-01")},
		{"customer": "a_b%c", "rate": 2.5},
		{"customer": ""},
		{"total": dataservice.Decimal("10.5"), "customer": "erin'; DROP TABLE orders; --"[:20]},
	} {
		all = append(all, order(int64(i), more))
	}
	create(t, c, all...)
	stored, err := ask[dataservice.DataEntity](t, c, dataservice.VerbQuery, dataservice.Query{
		Root: dataservice.QueryEntity{Object: "orders", Sort: []events.SortKey{{Property: "id"}}},
	})
	if err != nil || len(stored) != len(all) {
		t.Fatalf("%d rows, %v", len(stored), err)
	}
	comparison := rapid.Custom(func(t *rapid.T) events.Condition {
		literals := map[string][]any{
			"id": {0, 2, 99}, "total": {10.5, -1, 0}, "customer": {"erin", "", "a", "%", "_", "É", "'"}, "rate": {2.5, 0},
			"paid": {"2026-05-01T08:00:00Z", "2026-05-01T10:00:00+02:00", "2027-01-01T00:00:00Z"}, "open": {true, false},
		}
		name := rapid.SampledFrom([]string{"id", "total", "customer", "rate", "paid", "open"}).Draw(t, "property")
		operators := []events.Operator{events.OpEqual, events.OpNotEqual, events.OpIsNull, events.OpNotNull, events.OpIn}
		switch name {
		case "customer":
			operators = append(operators, events.OpContains, events.OpStartsWith, events.OpEndsWith)
		case "open":
		default:
			operators = append(operators, events.OpLess, events.OpLessOrEqual, events.OpGreater, events.OpGreaterOrEqual)
		}
		operator := rapid.SampledFrom(operators).Draw(t, "operator")
		literal := rapid.SampledFrom(literals[name])
		switch operator {
		case events.OpIsNull, events.OpNotNull:
			return events.Condition{Property: name, Operator: operator}
		case events.OpIn:
			return events.Compare(name, operator, rapid.SliceOfN(literal, 1, 3).Draw(t, "values"))
		default:
			return events.Compare(name, operator, literal.Draw(t, "value"))
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		first := comparison.Draw(rt, "condition")
		where := first
		switch rapid.IntRange(0, 3).Draw(rt, "form") {
		case 0:
			where = events.Condition{Not: &first}
		case 1:
			where = events.Condition{And: []events.Condition{first, comparison.Draw(rt, "and")}}
		case 2:
			where = events.Condition{Or: []events.Condition{first, comparison.Draw(rt, "or")}}
		}
		matcher, err := query.Compile(&where, nil, "")
		if err != nil {
			rt.Fatal(err)
		}
		var want []any
		for i := range stored {
			if matcher.Match(&stored[i]) {
				want = append(want, stored[i].Properties["id"])
			}
		}
		found, err := ask[dataservice.DataEntity](t, c, dataservice.VerbQuery, dataservice.Query{
			Root: dataservice.QueryEntity{Object: "orders", Properties: []string{"id"}, Sort: []events.SortKey{{Property: "id"}}}, Where: &where,
		})
		var got []any
		for i := range found {
			got = append(got, found[i].Properties["id"])
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			rt.Fatalf("%+v: %v (-want +got):\n%s", where, err, diff)
		}
	})
}

// A query that is canceled ends in PostgreSQL, too.
func TestACanceledQueryEndsInPostgreSQL(t *testing.T) {
	t.Parallel()
	c, at := connect(t)
	postgrestest.Exec(t, at, `CREATE VIEW slow AS SELECT pg_sleep(60)::text AS nothing`)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for _, err := range c.Query(ctx, dataservice.Query{Root: dataservice.QueryEntity{Object: "slow"}}) {
			ended <- err
		}
	}()
	watch, err := pgx.Connect(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watch.Close(context.Background()) })
	running := func() (n int) {
		const of = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'camena' AND datname = current_database() AND state = 'active' AND query LIKE '%slow%'`
		if err := watch.QueryRow(t.Context(), of).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "the query runs", func() bool { return running() == 1 })
	cancel()
	if err := <-ended; err == nil {
		t.Error("a canceled query ends well")
	}
	eventually(t, "the query has ended", func() bool { return running() == 0 })
	if err := c.Test(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// What is wrong with a connection is told by its field, without secrets.
func TestConnectionsThatAreWrong(t *testing.T) {
	t.Parallel()
	_, at := connect(t)
	for fields, pointer := range map[string]string{
		"database=nowhere": "/database", "user=nobody": "/user", "host=127.0.0.2 port=1": "/host", "host=no.such.host.invalid": "/host",
	} {
		_, err := start(t.Context(), at, fields)
		if e, ok := errors.AsType[*events.Error](err); !ok || e.Code != events.CodeConnection || e.Pointer != pointer || strings.Contains(err.Error(), "pa55") {
			t.Errorf("%s: %v", fields, err)
		}
	}
	for configuration, pointer := range map[string]string{
		`{"database": "d", "user": "u"}`:                                       "/host",
		`{"host": "h", "user": "u"}`:                                           "/database",
		`{"host": "h", "database": "d", "user": "u", "port": 70000}`:           "/port",
		`{"host": "h", "database": "d", "user": "u", "password": "pa55"}`:      "/password",
		`{"host": "h", "database": "d", "user": "u", "pasword": "env:SECRET"}`: "/pasword",
	} {
		p, err := events.ParseProperties([]byte(configuration))
		if err != nil {
			t.Fatal(err)
		}
		_, err = postgres.Factory().New(p)
		if e, ok := errors.AsType[*events.Error](err); !ok || e.Pointer != pointer || strings.Contains(err.Error(), "pa55") {
			t.Errorf("%s: %v", configuration, err)
		}
	}
}
