package dataservice_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// scalar draws a value of any type.
func scalar() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
		rapid.SampledFrom([]dataservice.Decimal{"0", "5", "-12.50", "0.1000000000000000055511151231257827", "1e400", "123456789012345678901234567890"}).AsAny(),
		rapid.Custom(func(t *rapid.T) any {
			zone := time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "minutes")*60)
			return time.Unix(rapid.Int64Range(-1<<34, 1<<36).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).In(zone)
		}),
		rapid.SampledFrom([]dataservice.LocalTime{"2026-05-01T08:00:00", "2026-05-01T08:00:00.25"}).AsAny(),
		rapid.SampledFrom([]dataservice.Date{"2026-05-01", "0001-01-01"}).AsAny(),
		rapid.SampledFrom([]dataservice.Clock{"00:00:00", "23:59:59.999999"}).AsAny(),
		rapid.Custom(func(t *rapid.T) any {
			return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "guid"))
		}),
		rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.Map(rapid.SampledFrom([]string{`{}`, `{"a":[1,2.50,null]}`, `{"@time":"x"}`, `"text"`, `null`, `1.0`}), func(s string) any { return jsontext.Value(s) }),
	)
}

// Values arrive as they were sent: type, digits, offset and all.
func TestValuesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(scalar(), 0, 3).Draw(t, "items")
		want := dataservice.Values{"value": scalar().Draw(t, "value"), "list": items, "@time": "a name is only a name"}
		data, err := events.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := events.Unmarshal[dataservice.Values](data)
		if err != nil {
			t.Fatalf("%s: %s", data, err)
		}
		sameTime := cmp.Comparer(func(a, b time.Time) bool {
			return a.Format(time.RFC3339Nano) == b.Format(time.RFC3339Nano)
		})
		sameFloat := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b })
		if diff := cmp.Diff(want, got, sameTime, sameFloat); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", data, diff)
		}
	})
}

func TestPlainJSON(t *testing.T) {
	t.Parallel()
	got, err := events.Unmarshal[dataservice.Values]([]byte(
		`{"whole": 5, "exact": 0.10, "huge": 9223372036854775808, "text": "t", "no": null, "document": {"a": 1}, "items": [1, {"@date": "2026-05-01"}]}`))
	want := dataservice.Values{
		"whole": int64(5), "exact": dataservice.Decimal("0.10"), "huge": dataservice.Decimal("9223372036854775808"), "text": "t", "no": nil,
		"document": jsontext.Value(`{"a": 1}`), "items": []any{int64(1), dataservice.Date("2026-05-01")},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestValuesThatAreWrong(t *testing.T) {
	t.Parallel()
	for data, pointer := range map[string]string{
		`{"a": {"@time": "yesterday"}}`:        "/a/@time",
		`{"a": {"@date": "2026-02-30"}}`:       "/a/@date",
		`{"a": {"@guid": "x"}}`:                "/a/@guid",
		`{"a": {"@bytes": "%"}}`:               "/a/@bytes",
		`{"a": {"@decimal": "01"}}`:            "/a/@decimal",
		`{"a": {"@decimal": 1}}`:               "/a/@decimal",
		`{"a": {"@string": "1"}}`:              "/a/@string",
		`{"a": {"@": "1"}}`:                    "/a/@",
		`{"a": [1, [{"@clock": "25:00:00"}]]}`: "/a/1/0/@clock",
	} {
		_, err := events.Unmarshal[dataservice.Values]([]byte(data))
		if e := events.AsError(err); err == nil || e.Code != events.CodeInvalid || e.Pointer != pointer {
			t.Errorf("%s: got %+v", data, e)
		}
	}
	if _, err := events.Marshal(dataservice.Values{"a": struct{}{}}); err == nil {
		t.Error("a Go type that is none of those of Values was encoded")
	}
}

func TestConvert(t *testing.T) {
	t.Parallel()
	guid := uuid.MustParse("0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10")
	for _, test := range []struct {
		value any
		to    dataservice.Type
		want  any // nil: refused
	}{
		{int64(5), dataservice.TypeDecimal, dataservice.Decimal("5")},
		{int64(5), dataservice.TypeDouble, 5.0},
		{int64(1<<53 + 1), dataservice.TypeDouble, nil},
		{dataservice.Decimal("0.1"), dataservice.TypeDouble, 0.1},
		{dataservice.Decimal("1e400"), dataservice.TypeDouble, nil},
		{dataservice.Decimal("5.0"), dataservice.TypeInteger, nil},
		{"5", dataservice.TypeInteger, nil},
		{"5", dataservice.TypeDecimal, nil},
		{"2026-05-01", dataservice.TypeDate, dataservice.Date("2026-05-01")},
		{"2026-05-01T08:00:00", dataservice.TypeTime, nil},
		{"2026-05-01T08:00:00", dataservice.TypeLocalTime, dataservice.LocalTime("2026-05-01T08:00:00")},
		{guid.String(), dataservice.TypeGUID, guid},
		{"aGk=", dataservice.TypeBytes, []byte("hi")},
		{true, dataservice.TypeString, nil},
		{true, dataservice.TypeJSON, jsontext.Value("true")},
		{int64(1), dataservice.TypeBoolean, nil},
		{int64(1), "Customers", nil},
	} {
		got, err := dataservice.Convert(test.value, test.to, "/a")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v to %s: %v (-want +got):\n%s", test.value, test.to, err, diff)
		}
		if e := events.AsError(err); test.want == nil && (err == nil || e.Pointer != "/a" || strings.Contains(e.Message, "hi")) {
			t.Errorf("%v to %s: got %+v", test.value, test.to, e)
		}
	}
	if got, err := dataservice.Convert(nil, dataservice.TypeDate, "/a"); got != nil || err != nil {
		t.Errorf("null: got %v, %v", got, err)
	}
}

func FuzzValues(f *testing.F) {
	f.Add([]byte(`{"a": {"@decimal": "1"}, "b": [null, {"@json": {"x": 1}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := events.Unmarshal[dataservice.Values](data)
		if err != nil {
			return
		}
		again, err := events.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := events.Unmarshal[dataservice.Values](again)
		if err != nil {
			t.Fatalf("%s: %s", again, err)
		}
		twice, err := events.Marshal(second)
		if err != nil || !bytes.Equal(twice, again) {
			t.Errorf("%s becomes %s, %v", again, twice, err)
		}
	})
}
