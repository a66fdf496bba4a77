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
	switch t {
	case dataservice.TypeBoolean:
		return s == "t"
	case dataservice.TypeInteger:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case dataservice.TypeDouble:
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case dataservice.TypeDecimal:
		if jsontext.Value(text).Kind() == '0' {
			return dataservice.Decimal(s)
		}
	case dataservice.TypeTime:
		if at, err := time.Parse("2006-01-02 15:04:05.999999Z07", s); err == nil {
			return at.UTC()
		}
	case dataservice.TypeLocalTime:
		if day, clock, ok := strings.Cut(s, " "); ok && len(day) == len(time.DateOnly) {
			return dataservice.LocalTime(day + "T" + clock)
		}
	case dataservice.TypeDate:
		if len(s) == len(time.DateOnly) {
			return dataservice.Date(s)
		}
	case dataservice.TypeClock:
		return dataservice.Clock(s)
	case dataservice.TypeGUID:
		if id, err := uuid.Parse(s); err == nil {
			return id
		}
	case dataservice.TypeBytes:
		if b, err := hex.DecodeString(strings.TrimPrefix(s, `\x`)); err == nil {
			return b
		}
	case dataservice.TypeJSON:
		return jsontext.Value(s)
	}
	return s
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
