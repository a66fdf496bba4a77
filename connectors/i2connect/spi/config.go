package spi

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// Config is what a connector answers about itself.
type Config struct {
	// Version is the least version of the SPI that the connector requires.
	Version            *string        `json:"version,omitzero"`
	SchemaURL          string         `json:"schemaUrl,omitempty"`
	ChartingSchemesURL string         `json:"chartingSchemesUrl,omitempty"`
	SchemaShortName    string         `json:"schemaShortName,omitempty"`
	GatewaySchema      string         `json:"gatewaySchema,omitempty"`
	UserConfigURL      string         `json:"userConfigUrl,omitempty"`
	Defaults           *Defaults      `json:"defaultValues,omitempty"`
	Services           []Service      `json:"services,omitempty"`
	ClientConfigs      []ClientConfig `json:"clientConfigs,omitempty"`
	AuthConfigs        []AuthConfig   `json:"authConfigs,omitempty"`
}

// Defaults hold for all services and records that do not say otherwise.
type Defaults struct {
	TimeZoneID          string `json:"timeZoneId,omitempty"`
	LinkDirection       string `json:"linkDirection,omitempty"`
	EntityTypeID        string `json:"entityTypeId,omitempty"`
	EntityTypeLocation  string `json:"entityTypeLocation,omitempty"`
	LinkTypeID          string `json:"linkTypeId,omitempty"`
	LinkTypeLocation    string `json:"linkTypeLocation,omitempty"`
	ResultIDsPersistent *bool  `json:"resultIdsPersistent,omitzero"`
}

// Service is a service of a connector.
type Service struct {
	ID                  string           `json:"id"`
	Name                string           `json:"name"`
	Description         string           `json:"description,omitempty"`
	ResultItemTypeIDs   ResultTypes      `json:"resultItemTypeIds,omitempty"`
	ResultIDsPersistent *bool            `json:"resultIdsPersistent,omitzero"`
	ClientConfigType    string           `json:"clientConfigType,omitempty"` // in 1.0 and 1.1
	ClientConfigID      string           `json:"clientConfigId,omitempty"`
	AuthConfigID        string           `json:"authConfigId,omitempty"`
	SeedConstraints     *SeedConstraints `json:"seedConstraints,omitzero"`
	// AcquireURL is that of a synchronous service; an asynchronous one has Async.
	AcquireURL  string `json:"acquireUrl,omitempty"`
	Async       *Async `json:"async,omitzero"`
	ValidateURL string `json:"validateUrl,omitempty"`
}

// Async says where the queries of an asynchronous service are.
type Async struct {
	QueriesResource          string `json:"queriesResource,omitempty"`
	PollingIntervalInSeconds *int32 `json:"pollingIntervalInSeconds,omitzero"`
}

// The locations of types, in the order in which a type without one is looked for.
const (
	LocationConnector = "CONNECTOR"
	LocationGateway   = "GATEWAY"
	LocationInfoStore = "INFOSTORE"
	locationOther     = "OTHER" // of seeds only
)

func locations() []string { return []string{LocationConnector, LocationGateway, LocationInfoStore} }

// ResultTypes are the ids of the types that a service returns, by location. Those
// of old connectors, which send an array, have none.
type ResultTypes map[string][]string

// UnmarshalJSONFrom reads an object, or the array of old connectors.
func (t *ResultTypes) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return json.UnmarshalDecode(dec, (*map[string][]string)(t))
	}
	var ids []string
	err := json.UnmarshalDecode(dec, &ids)
	*t = ResultTypes{"": ids}
	return err
}

// SeedConstraints say which records a service takes; none of them means any number
// of entities.
type SeedConstraints struct {
	ConnectorIDs []string   `json:"connectorIds,omitempty"`
	Min          *int       `json:"min,omitzero"`
	Max          *int       `json:"max,omitzero"`
	SeedTypes    *SeedTypes `json:"seedTypes,omitzero"`
}

// SeedTypes are the types of records that a service takes.
type SeedTypes struct {
	AllowedTypes          string              `json:"allowedTypes,omitempty"`
	ItemTypes             []SeedItemType      `json:"itemTypes,omitempty"`
	SemanticPropertyTypes map[string][]string `json:"semanticPropertyTypes,omitempty"`
}

// The kinds of records that a service takes.
const (
	seedsEntity = "ENTITY"
	seedsLink   = "LINK"
)

// SeedItemType is a type of records that a service takes, with bounds.
type SeedItemType struct {
	ID           string `json:"id"`
	Min          *int   `json:"min,omitzero"`
	Max          *int   `json:"max,omitzero"`
	TypeLocation string `json:"typeLocation,omitempty"`
}

// The types of client configurations.
const (
	clientNone        = "NONE"
	clientForm        = "FORM"
	clientCustom      = "CUSTOM"
	clientVisualQuery = "VISUAL_QUERY"
)

// ClientConfig says what a client asks a person for.
type ClientConfig struct {
	ID     string         `json:"id"`
	Type   string         `json:"type,omitempty"` // may be absent in 1.0 and 1.1
	Config jsontext.Value `json:"config,omitempty"`
}

// AuthConfig says how a person logs in.
type AuthConfig struct {
	ID       string `json:"id"`
	LoginURL string `json:"loginUrl,omitempty"`
}

// Decode reads what a connector sends, tolerantly: unknown fields are ignored, and
// null is as good as absent. An error points at the field, and repeats no value.
func Decode[T any](data []byte) (v T, err error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return v, events.Errorf(events.CodeInvalid, "", "the body is empty; JSON is expected")
	}
	err = decodeError(json.Unmarshal(data, &v))
	return v, err
}

func decodeError(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		if inner, ok := errors.AsType[*events.Error](e.Err); ok {
			return events.Errorf(inner.Code, string(e.JSONPointer)+inner.Pointer, "%s", inner.Message)
		}
		return events.Errorf(events.CodeInvalid, string(e.JSONPointer), "a JSON %s is not expected here", e.JSONKind)
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return events.Errorf(events.CodeInvalid, string(e.JSONPointer), "not valid JSON at byte %d", e.ByteOffset)
	}
	return err
}

// isNull reports whether a value is absent or null.
func isNull(raw jsontext.Value) bool { return len(raw) == 0 || raw.Kind() == 'n' }
