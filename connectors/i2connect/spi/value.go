package spi

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// dateAndTime is a time in a zone. In the hour that a clock shows twice IsDST is
// set for the first one.
type dateAndTime struct {
	Local string `json:"localDateAndTime"`
	Zone  string `json:"timeZoneId"`
	IsDST bool   `json:"isDST"`
}

// The layouts of local times; the first is written.
const (
	localMillis  = "2006-01-02T15:04:05.999"
	localMinutes = "2006-01-02T15:04"
)

// valueOf reads a property of a record. Without a schema a value has the type that
// its JSON shows: text stays text.
func valueOf(raw jsontext.Value, pointer string) (any, error) {
	switch raw.Kind() {
	case 't', 'f':
		return raw.Kind() == 't', nil
	case '"':
		return events.Unmarshal[string](raw)
	case '0':
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return n, nil
		}
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			return nil, events.Errorf(events.CodeInvalid, pointer, "a number that no double holds")
		}
		return f, nil
	case '{':
		return objectValue(raw, pointer)
	default:
		return raw.Clone(), nil
	}
}

// objectValue reads a time in a zone, or a point, whose coordinates may be strings.
func objectValue(raw jsontext.Value, pointer string) (any, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, events.Errorf(events.CodeInvalid, pointer, "not valid JSON")
	}
	if members["localDateAndTime"] != nil {
		return parseTime(raw, "UTC", pointer)
	}
	texts, ok := stringsOf(members["coordinates"])
	if !ok {
		return raw.Clone(), nil
	}
	numbers := jsontext.Value("[" + strings.Join(texts, ",") + "]")
	if !numbers.IsValid() || json.Unmarshal(numbers, &[]float64{}) != nil {
		return nil, events.Errorf(events.CodeInvalid, pointer+"/coordinates", "expected numbers")
	}
	members["coordinates"] = numbers
	point, err := events.Marshal(members)
	return jsontext.Value(point), err
}

// stringsOf returns the items of an array of strings.
func stringsOf(raw jsontext.Value) (texts []string, ok bool) {
	return texts, raw.Kind() == '[' && json.Unmarshal(raw, &texts) == nil
}

// fieldValue reads the value of a condition in the type of its field. A time
// without a zone is one of the given zone.
func fieldValue(raw jsontext.Value, f *dataservice.Field, zone, pointer string) (any, error) {
	switch f.Type { //nolint:exhaustive // the others follow
	case dataservice.TypeJSON:
		return raw.Clone(), nil
	case dataservice.TypeTime:
		return parseTime(raw, zone, pointer)
	case dataservice.TypeLocalTime:
		t, err := parseTime(raw, zone, pointer)
		if err != nil {
			return nil, err
		}
		l, err := location(zone, pointer)
		return dataservice.LocalTime(t.In(l).Format(localMillis)), err
	}
	value, err := valueOf(raw, pointer)
	text, isText := value.(string)
	switch {
	case err != nil:
		return nil, err
	case isText && f.Type == dataservice.TypeClock && len(text) == len("15:04"):
		text += ":00"
	case !isText:
		return dataservice.Convert(value, f.Type, pointer)
	}
	if f.Type == dataservice.TypeDecimal {
		return dataservice.ParseText(text, f.Type, pointer)
	}
	return dataservice.Convert(text, f.Type, pointer)
}

// location returns a zone of the IANA database.
func location(zone, pointer string) (*time.Location, error) {
	l, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return time.UTC, events.Errorf(events.CodeInvalid, pointer, "%q is no time zone such as Europe/London", zone)
	}
	return l, nil
}

// parseTime reads a time with a zone, or one of the zone given.
func parseTime(raw jsontext.Value, zone, pointer string) (time.Time, error) {
	t := dateAndTime{Zone: zone}
	target := any(&t)
	if raw.Kind() == '"' {
		target = &t.Local
	}
	if err := json.Unmarshal(raw, target); err != nil {
		return time.Time{}, events.Errorf(events.CodeInvalid, pointer, "expected a date and time")
	}
	l, err := location(t.Zone, pointer+"/timeZoneId")
	if err != nil {
		return time.Time{}, err
	}
	wall, err := time.Parse(localMillis, t.Local)
	if err != nil {
		wall, err = time.Parse(localMinutes, t.Local)
	}
	if err != nil {
		return time.Time{}, events.Errorf(events.CodeInvalid, pointer, "expected a date and time such as 2021-12-30T23:59:59")
	}
	return resolve(wall, l, t.IsDST), nil
}

// resolve returns the time at which the clock of a zone shows what wall says. If it
// shows that twice, first chooses.
func resolve(wall time.Time, l *time.Location, first bool) time.Time {
	guess := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), l)
	found := []time.Time{guess}
	start, end := guess.ZoneBounds()
	for _, other := range []time.Time{start.Add(-time.Second), end} {
		_, offset := other.Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(l)
		if t.Format(localMillis) == wall.Format(localMillis) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, time.Time.Compare)
	if first {
		return found[0].UTC()
	}
	return found[len(found)-1].UTC()
}

// encode writes a value. Local times are those of the zone, of UTC if there is none.
func encode(value any, zone, pointer string) (jsontext.Value, error) {
	plain := value
	switch v := value.(type) {
	case time.Time:
		plain = dateAndTime{Local: v.UTC().Format(localMillis), Zone: "UTC"}
	case dataservice.LocalTime:
		return encodeLocal(v, zone, pointer)
	case dataservice.Clock:
		plain, _, _ = strings.Cut(string(v), ".")
	case dataservice.Decimal:
		if !regexp.MustCompile(`^-?\d{1,18}(\.\d{1,4})?$`).MatchString(string(v)) {
			return nil, events.Errorf(events.CodeUnsupported, pointer, "i2 has decimals of 18 digits before the point and 4 after it")
		}
		plain = string(v)
	case jsontext.Value:
		if v.Kind() != '{' {
			return nil, events.Errorf(events.CodeUnsupported, pointer, "i2 has no JSON documents but those of GeoJSON")
		}
	case []any:
		return nil, events.Errorf(events.CodeUnsupported, pointer, "i2 has no lists")
	}
	raw, err := events.Marshal(plain)
	if err != nil {
		return nil, events.Errorf(events.CodeUnsupported, pointer, "i2 has no such value")
	}
	return raw, nil
}

func encodeLocal(local dataservice.LocalTime, zone, pointer string) (jsontext.Value, error) {
	wall, err := time.Parse("2006-01-02T15:04:05", string(local))
	if err != nil {
		return nil, events.Errorf(events.CodeInvalid, pointer, "expected a local time")
	}
	text := wall.Format(localMillis)
	if zone == "" {
		return events.Marshal(text)
	}
	l, err := location(zone, pointer)
	if err != nil {
		return nil, err
	}
	return events.Marshal(dateAndTime{Local: text, Zone: zone, IsDST: resolve(wall, l, false).In(l).IsDST()})
}
