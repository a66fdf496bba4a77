package dataservice_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
)

// shop is a connector with everything: a table of orders in memory, and a service.
type shop struct {
	orders []dataservice.DataEntity
	// short makes it answer with a row too few.
	short bool
	work  func(ctx context.Context) error // while a service is asked
}

func (*shop) Form(context.Context) (dataservice.Form, error) {
	return dataservice.Form{Sections: []dataservice.FormSection{{Fields: []dataservice.Field{
		{ID: "password", Type: dataservice.TypeString, Required: true, Secret: true},
	}}}}, nil
}

func (*shop) Test(context.Context) error {
	return events.Errorf(events.CodeConnection, "/configuration/password", "the password is wrong")
}

func (*shop) Actions(context.Context) ([]dataservice.ActionDefinition, error) {
	return []dataservice.ActionDefinition{
		{Name: "Query", Known: dataservice.ActionQuery, Where: true, Sort: true},
		{Name: "Create", Known: dataservice.ActionCreate, Input: true, Bulk: true},
		{Name: "Close", Input: true},
	}, nil
}

func (s *shop) Objects(ctx context.Context) ([]dataservice.ObjectDefinition, error) {
	o, err := s.Object(ctx, "Orders")
	return []dataservice.ObjectDefinition{{Name: o.Name, Actions: o.Actions}}, err
}

func (*shop) Object(_ context.Context, name string) (*dataservice.ObjectDefinition, error) {
	switch name {
	case "Orders":
		return &dataservice.ObjectDefinition{Name: "Orders", Actions: []string{"Query", "Create"}, Properties: []dataservice.PropertyDefinition{
			{Name: "id", Type: dataservice.TypeInteger, Key: true, Required: true},
			{Name: "total", Type: dataservice.TypeDecimal, Nullable: true},
			{Name: "paid", Type: dataservice.TypeTime, Nullable: true},
			{Name: "tags", Type: dataservice.TypeString, MaxOccurs: -1},
			{Name: "lines", Type: "Lines", MaxOccurs: -1},
		}}, nil
	case "Lines":
		return &dataservice.ObjectDefinition{Name: "Lines", Actions: []string{}, Properties: []dataservice.PropertyDefinition{
			{Name: "article", Type: dataservice.TypeString},
		}}, nil
	default:
		return nil, nil //nolint:nilnil // there is none
	}
}

func (s *shop) Execute(_ context.Context, in dataservice.OperationInput) (r dataservice.OperationResult, err error) {
	for i := range in.Input {
		s.orders = append(s.orders, in.Input[i])
		r.Rows = append(r.Rows, dataservice.RowResult{Success: true, Affected: 1, Output: &in.Input[i]})
	}
	if s.short {
		r.Rows = r.Rows[1:]
	}
	return r, nil
}

func (s *shop) Query(_ context.Context, q dataservice.Query) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		var where *query.Matcher
		if q.Where != nil {
			var err error
			if where, err = query.Compile(q.Where, nil, ""); err != nil {
				yield(dataservice.DataEntity{}, err)
				return
			}
		}
		for i := range s.orders {
			if (where == nil || where.Match(&s.orders[i])) && !yield(s.orders[i], nil) {
				return
			}
		}
	}
}

func (*shop) Services(context.Context) ([]dataservice.ServiceDefinition, error) {
	form := dataservice.Form{Sections: []dataservice.FormSection{{Fields: []dataservice.Field{
		{ID: "color", Type: dataservice.TypeString, Required: true, Options: []dataservice.Option{{Value: "red"}, {Value: "blue"}}},
		{ID: "days", Type: dataservice.TypeInteger, Max: new(60.0), Default: dataservice.Values{"value": int64(7)}},
	}}}}
	return []dataservice.ServiceDefinition{{
		ID: "search", Name: "Search", Form: &form, Seeds: &dataservice.SeedConstraints{Max: 1, Objects: []dataservice.SeedObject{{Object: "Person"}}},
	}, {ID: "closed", Name: "Closed", Unavailable: "it needs a login"}}, nil
}

func (s *shop) Acquire(ctx context.Context, in dataservice.ServiceInput) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		if s.work != nil {
			if err := s.work(ctx); err != nil {
				yield(dataservice.DataEntity{}, err)
				return
			}
		}
		yield(dataservice.DataEntity{ID: "1", Object: "Person", Properties: in.Fields}, nil)
	}
}

// serve asks and returns the answer as JSON, part by part.
func serve(ctx context.Context, d *dataservice.Dispatcher, verb dataservice.Verb, call string) (parts []string, err error) {
	err = d.Serve(ctx, verb, []byte(call), func(v any) error {
		data, err := events.Marshal(v)
		parts = append(parts, string(data))
		return err
	})
	return parts, err
}

func dispatcher(connector any) *dataservice.Dispatcher {
	return &dataservice.Dispatcher{Capabilities: dataservice.CapabilitiesOf(connector)}
}

func TestOperationsAndQueries(t *testing.T) {
	t.Parallel()
	d := dispatcher(&shop{})
	rows, err := serve(t.Context(), d, dataservice.VerbExecute, `{"input": {"action": "CREATE", "input": [
		{"object": "Orders", "properties": {"id": 1, "total": 12.50, "paid": "2026-05-01T10:00:00+02:00", "tags": ["a"]}},
		{"object": "Orders", "properties": {"id": "two", "totals": 1}},
		{"object": "Lines", "properties": {"article": "x"}},
		{"object": "Nothing"},
		{"object": "Orders", "properties": {"id": 3, "total": null}, "children": {"lines": [{"properties": {"article": "y"}}]}}
	]}}`)
	if err != nil || len(rows) != 5 {
		t.Fatalf("got %v, %v", rows, err)
	}
	for i, want := range []bool{true, false, false, false, true} {
		r, err := events.Unmarshal[dataservice.RowResult]([]byte(rows[i]))
		if err != nil || r.Success != want || (r.Error == nil) != want {
			t.Errorf("row %d: %s, %v", i, rows[i], err)
		}
	}
	for where, want := range map[string][]int64{
		`{"property": "total", "operator": "eq", "value": 12.5}`:                                                                  {1},
		`{"property": "Orders.paid", "operator": "lt", "value": "2026-05-01T08:00:01Z"}`:                                          {1},
		`{"property": "total", "operator": "isNull"}`:                                                                             {3},
		`{"or": [{"property": "id", "operator": "gte", "value": 3}, {"property": "tags", "operator": "contains", "value": "a"}]}`: {1, 3},
	} {
		parts, err := serve(t.Context(), d, dataservice.VerbQuery, fmt.Sprintf(
			`{"input": {"root": {"object": "Orders", "properties": ["id"]}, "where": %s}}`, where))
		var got []int64
		for _, part := range parts {
			e, err := events.Unmarshal[dataservice.DataEntity]([]byte(part))
			id, ok := e.Properties["id"].(int64)
			if err != nil || !ok || len(e.Properties) != 1 {
				t.Fatalf("%s: %s, %v", where, part, err)
			}
			got = append(got, id)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v", where, got, err)
		}
	}
}

// What is wrong with a request as a whole is told with its place.
func TestRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		verb    dataservice.Verb
		call    string
		code    events.Code
		pointer string
	}{
		{"dance", `{}`, events.CodeUnsupported, ""},
		{dataservice.VerbActions, `{"inputs": {}}`, events.CodeInvalid, "/inputs"},
		{dataservice.VerbActions, `[`, events.CodeInvalid, ""},
		{dataservice.VerbObject, `{"input": {"name": "Nothing"}}`, events.CodeNotFound, "/input/name"},
		{dataservice.VerbTest, `{}`, events.CodeConnection, "/configuration/password"},
		{dataservice.VerbExecute, `{"input": {"action": "Insert", "input": []}}`, events.CodeUnsupported, "/input/action"},
		{dataservice.VerbExecute, `{"input": {"action": "Create", "input": []}}`, events.CodeInvalid, "/input/input"},
		{dataservice.VerbExecute, `{"input": {"action": "Close", "input": [{"object": "Orders"}, {"object": "Orders"}]}}`, events.CodeInvalid, "/input/input"},
		{dataservice.VerbExecute, `{"input": {"action": "Create", "input": [{"object": "Orders"}], "lookup": [null]}}`, events.CodeUnsupported, "/input/lookup"},
		{dataservice.VerbExecute, `{"input": {"action": "Create", "input": [{"object": "Orders"}], "multiple": true}}`, events.CodeUnsupported, "/input/multiple"},
		{dataservice.VerbQuery, `{"input": {"root": {"object": "Nothing"}}}`, events.CodeNotFound, "/input/root/object"},
		{dataservice.VerbQuery, `{"input": {"root": {"object": "Orders", "properties": ["id", "color"]}}}`, events.CodeInvalid, "/input/root/properties/1"},
		{dataservice.VerbQuery, `{"input": {"root": {"object": "Orders"}, "limit": -1}}`, events.CodeInvalid, "/input/limit"},
		{dataservice.VerbQuery, `{"input": {"root": {"object": "Orders"}, "where": {"property": "id", "operator": "eq", "value": "x"}}}`, events.CodeInvalid, "/input/where/value"},
		{dataservice.VerbQuery, `{"input": {"root": {"object": "Orders", "sort": [{"property": "color"}]}}}`, events.CodeInvalid, "/input/root/sort/0/property"},
		{dataservice.VerbAcquire, `{"input": {"service": "none"}}`, events.CodeNotFound, "/input/service"},
		{dataservice.VerbAcquire, `{"input": {"service": "closed"}}`, events.CodeUnsupported, "/input/service"},
		{dataservice.VerbAcquire, `{"input": {"service": "search"}}`, events.CodeInvalid, "/input/fields/color"},
		{dataservice.VerbAcquire, `{"input": {"service": "search", "fields": {"color": "pink"}}}`, events.CodeInvalid, "/input/fields/color"},
		{dataservice.VerbAcquire, `{"input": {"service": "search", "fields": {"color": "red", "days": 61}}}`, events.CodeInvalid, "/input/fields/days"},
		{dataservice.VerbAcquire, `{"input": {"service": "search", "fields": {"color": "red"}, "seeds": [{"object": "Car"}]}}`, events.CodeInvalid, "/input/seeds/0/object"},
		{dataservice.VerbAcquire, `{"input": {"service": "search", "fields": {"color": "red"}, "seeds": [{"object": "Person"}, {"object": "Person"}]}}`, events.CodeInvalid, "/input/seeds"},
		{dataservice.VerbStatus, `{"input": {"id": "none"}}`, events.CodeNotFound, "/input/id"},
		{dataservice.VerbCancel, `{"input": {"id": "none"}}`, events.CodeNotFound, "/input/id"},
	} {
		parts, err := serve(t.Context(), dispatcher(&shop{}), test.verb, test.call)
		if e := events.AsError(err); err == nil || e.Code != test.code || e.Pointer != test.pointer || len(parts) > 0 {
			t.Errorf("%s %s: got %v, %+v", test.verb, test.call, parts, err)
		}
	}
}

func TestWhatAConnectorDoesNotDo(t *testing.T) {
	t.Parallel()
	d := dispatcher(struct{}{})
	if d.Capabilities.Any() {
		t.Error("it has a capability")
	}
	for _, verb := range []dataservice.Verb{
		dataservice.VerbForm, dataservice.VerbTest, dataservice.VerbActions, dataservice.VerbObjects, dataservice.VerbObject,
		dataservice.VerbExecute, dataservice.VerbQuery, dataservice.VerbServices, dataservice.VerbAcquire,
	} {
		if _, err := serve(t.Context(), d, verb, `{}`); events.CodeOf(err) != events.CodeUnsupported {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

func TestAnAnswerWithTooFewRows(t *testing.T) {
	t.Parallel()
	_, err := serve(t.Context(), dispatcher(&shop{short: true}), dataservice.VerbExecute, `{"input": {"action": "Create", "input": [{"object": "Orders"}]}}`)
	if events.CodeOf(err) != events.CodeInternal {
		t.Errorf("got %v", err)
	}
}

func TestServicesFillInWhatIsGivenByDefault(t *testing.T) {
	t.Parallel()
	parts, err := serve(t.Context(), dispatcher(&shop{}), dataservice.VerbAcquire,
		`{"input": {"service": "search", "fields": {"color": "red"}, "seeds": [{"object": "Person", "properties": {"a": {"@json": {"b": 1}}}}]}}`)
	if diff := cmp.Diff([]string{`{"id":"1","object":"Person","properties":{"color":"red","days":7}}`}, parts); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A request that is under way can be asked for, and canceled; its deadline ends it.
func TestRequestsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := dispatcher(&shop{work: func(ctx context.Context) error {
			r, progress := dataservice.RequestOf(ctx)
			progress.Advance(1, 10)
			progress.Note(dataservice.Note{Severity: dataservice.SeverityWarning, Message: "for " + r.Caller.User})
			<-ctx.Done()
			return ctx.Err()
		}})
		ask := func(ctx context.Context, request string) <-chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := serve(ctx, d, dataservice.VerbAcquire, `{"request": `+request+`, "input": {"service": "search", "fields": {"color": "red"}}}`)
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		ended := ask(t.Context(), `{"id": "r1", "caller": {"user": "erin"}}`)
		status, err := serve(t.Context(), d, dataservice.VerbStatus, `{"input": {"id": "r1"}}`)
		want := `{"id":"r1","state":"STARTED","done":1,"total":10,"notes":[{"severity":"WARNING","message":"for erin"}]}`
		if err != nil || len(status) != 1 || status[0] != want {
			t.Errorf("got %s, %v", status, err)
		}
		if err := <-ask(t.Context(), `{"id": "r1"}`); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("the same id again: %v", err)
		}
		if _, err := serve(t.Context(), d, dataservice.VerbCancel, `{"input": {"id": "r1"}}`); err != nil {
			t.Error(err)
		}
		if err := <-ended; events.CodeOf(err) != events.CodeCanceled {
			t.Errorf("canceled: %v", err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := <-ask(soon, `{"id": "r1"}`); events.CodeOf(err) != events.CodeUnavailable || errors.Is(err, context.Canceled) {
			t.Errorf("after its deadline: %v", err)
		}
	})
}

func FuzzDispatch(f *testing.F) {
	f.Add("execute", []byte(`{"input": {"action": "Create", "input": [{"object": "Orders", "properties": {"id": 1}}]}}`))
	f.Add("query", []byte(`{"input": {"root": {"object": "Orders"}, "where": {"property": "id", "operator": "eq", "value": 1}}}`))
	f.Add("acquire", []byte(`{"input": {"service": "search", "fields": {"color": "red"}}}`))
	f.Fuzz(func(t *testing.T, verb string, data []byte) {
		d := dispatcher(&shop{})
		err := d.Serve(t.Context(), dataservice.Verb(verb), data, func(v any) error {
			raw, err := events.Marshal(v)
			if err == nil && !jsontext.Value(raw).IsValid() {
				t.Errorf("not JSON: %s", raw)
			}
			return err
		})
		if err != nil && events.CodeOf(err) == "" {
			t.Errorf("an error without a code: %v", err)
		}
	})
}
