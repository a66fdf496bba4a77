package dataservice

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events/query"
)

// Type is the type of a property: one of these, or the name of an object, whose
// entities are children.
type Type string

// The types of values.
const (
	TypeBoolean   Type = "boolean"
	TypeInteger   Type = "integer" // of 64 bits
	TypeDouble    Type = "double"
	TypeDecimal   Type = "decimal"
	TypeString    Type = "string"
	TypeTime      Type = "time"
	TypeLocalTime Type = "localTime"
	TypeDate      Type = "date"
	TypeClock     Type = "clock"
	TypeGUID      Type = "guid"
	TypeBytes     Type = "bytes"
	TypeJSON      Type = "json"
	TypeList      Type = "list"
)

// typeInfo is what a type is called in errors, and what conditions compare.
type typeInfo struct {
	noun string
	kind query.Kind
}

func types() map[Type]typeInfo {
	return map[Type]typeInfo{
		TypeBoolean: {"true or false", query.Boolean}, TypeInteger: {"a whole number of 64 bits", query.Number},
		TypeDouble: {"a number", query.Number}, TypeDecimal: {"a decimal number", query.Number},
		TypeString: {"a string", query.String}, TypeTime: {"a time such as 2006-01-02T15:04:05Z", query.Time},
		TypeLocalTime: {"a time without a zone such as 2006-01-02T15:04:05", query.String},
		TypeDate:      {"a day such as 2006-01-02", query.String}, TypeClock: {"a time of day such as 15:04:05", query.String},
		TypeGUID: {"a guid", query.String}, TypeBytes: {"bytes in base64", query.String},
		TypeJSON: {"a JSON document", query.Any}, TypeList: {"a list", query.Array},
	}
}

// IsValue reports whether the type is that of a value; otherwise it names an object.
func (t Type) IsValue() bool { return types()[t].noun != "" }

// kind is what conditions compare.
func (t Type) kind() query.Kind { return types()[t].kind }

func (t Type) noun() string {
	if noun := types()[t].noun; noun != "" {
		return noun
	}
	return "an entity of " + string(t)
}

// typeOf returns the type of a value.
func typeOf(value any) Type {
	switch value.(type) {
	case bool:
		return TypeBoolean
	case int64:
		return TypeInteger
	case float64:
		return TypeDouble
	case Decimal:
		return TypeDecimal
	case string:
		return TypeString
	case time.Time:
		return TypeTime
	case LocalTime:
		return TypeLocalTime
	case Date:
		return TypeDate
	case Clock:
		return TypeClock
	case uuid.UUID:
		return TypeGUID
	case []byte:
		return TypeBytes
	case jsontext.Value:
		return TypeJSON
	case []any:
		return TypeList
	default:
		return ""
	}
}
