package postgres

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// valueOf reads a value as PostgreSQL writes it in text. What the type has no form
// for, such as a numeric NaN or a date before Christ, is a string.
func valueOf(text []byte, t dataservice.Type) any {
	if text == nil {
		return nil
	}
	s := string(text)
	if value, ok := read(s, t); ok {
		return value
	}
	return s
}

func read(s string, t dataservice.Type) (value any, ok bool) {
	var err error
	switch t {
	case dataservice.TypeBoolean:
		return s == "t", true
	case dataservice.TypeInteger:
		value, err = strconv.ParseInt(s, 10, 64)
	case dataservice.TypeDouble:
		value, err = strconv.ParseFloat(s, 64)
	case dataservice.TypeDecimal:
		return dataservice.Decimal(s), jsontext.Value(s).Kind() == '0'
	case dataservice.TypeTime:
		at, err := time.Parse("2006-01-02 15:04:05.999999Z07", s)
		return at.UTC(), err == nil
	case dataservice.TypeLocalTime:
		day, clock, ok := strings.Cut(s, " ")
		return dataservice.LocalTime(day + "T" + clock), ok && len(day) == len(time.DateOnly)
	case dataservice.TypeDate:
		return dataservice.Date(s), len(s) == len(time.DateOnly)
	case dataservice.TypeClock:
		return dataservice.Clock(s), true
	case dataservice.TypeGUID:
		value, err = uuid.Parse(s)
	case dataservice.TypeBytes:
		value, err = hex.DecodeString(strings.TrimPrefix(s, `\x`))
	case dataservice.TypeJSON:
		return jsontext.Value(s), true
	default:
		return s, true
	}
	return value, err == nil
}

// argument returns a value as a parameter in text, nil for null.
func argument(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case uuid.UUID:
		return v.String()
	case []byte:
		return `\x` + hex.EncodeToString(v)
	case jsontext.Value:
		return string(v)
	case dataservice.Decimal:
		return string(v)
	case dataservice.LocalTime:
		return string(v)
	case dataservice.Date:
		return string(v)
	case dataservice.Clock:
		return string(v)
	default:
		return value
	}
}

// literal returns the value of a condition as a parameter.
func literal(raw jsontext.Value) (string, error) {
	if raw.Kind() == '"' {
		return events.Unmarshal[string](raw)
	}
	return string(raw), nil
}
