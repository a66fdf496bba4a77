package spi

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// Form is the configuration of a client of the type FORM.
type Form struct {
	// Mandatory: at least one condition must be given.
	Mandatory bool      `json:"mandatory,omitzero"`
	Sections  []Section `json:"sections"`
}

// Section is a part of a form.
type Section struct {
	Title      string      `json:"title,omitempty"`
	Conditions []Condition `json:"conditions"`
}

// Condition is one entry of a form.
type Condition struct {
	ID             string            `json:"id"`
	Label          string            `json:"label"`
	LogicalType    string            `json:"logicalType"`
	Description    string            `json:"description,omitempty"`
	Mandatory      bool              `json:"mandatory,omitzero"`
	Default        jsontext.Value    `json:"defaultValue,omitempty"`
	MinValue       *float64          `json:"minValue,omitzero"`
	MaxValue       *float64          `json:"maxValue,omitzero"`
	MaxLength      *MaxLength        `json:"maxStringLength,omitzero"`
	Validation     *StringValidation `json:"extraStringValidation,omitzero"`
	PossibleValues []PossibleValue   `json:"possibleValues,omitempty"`
}

// MaxLength bounds a text, in code units of UTF-16 or in bytes of UTF-8: a text has
// no more characters than either.
type MaxLength struct {
	Size  int    `json:"size"`
	Units string `json:"units,omitempty"`
}

// StringValidation is an expression that a text must match.
type StringValidation struct {
	Regex   string `json:"regex"`
	Message string `json:"message"`
}

// PossibleValue is a value to choose.
type PossibleValue struct {
	Value       string `json:"value"`
	DisplayName string `json:"displayName,omitempty"`
}

// The logical types with a meaning of their own.
const (
	selectedFrom  = "SELECTED_FROM"
	suggestedFrom = "SUGGESTED_FROM"
	singleLine    = "SINGLE_LINE_STRING"
	multipleLines = "MULTIPLE_LINE_STRING"
	integer       = "INTEGER"
)

func logicalTypes() map[string]dataservice.Type {
	return map[string]dataservice.Type{
		singleLine: dataservice.TypeString, multipleLines: dataservice.TypeString, selectedFrom: dataservice.TypeString, suggestedFrom: dataservice.TypeString,
		"DATE": dataservice.TypeDate, "TIME": dataservice.TypeClock, "DATE_AND_TIME": dataservice.TypeLocalTime, "BOOLEAN": dataservice.TypeBoolean,
		integer: dataservice.TypeInteger, "DOUBLE": dataservice.TypeDouble, "DECIMAL": dataservice.TypeDecimal,
		"GEOSPATIAL": dataservice.TypeJSON, "GEOSPATIAL_AREA": dataservice.TypeJSON,
	}
}

// logicalType returns what i2 calls the type of a field, "" if it has none.
func logicalType(f *dataservice.Field) string {
	if len(f.Options) > 0 {
		if f.Type != dataservice.TypeString {
			return ""
		}
		return map[bool]string{true: suggestedFrom, false: selectedFrom}[f.Open]
	}
	if f.Type == dataservice.TypeString && f.Lines {
		return multipleLines
	}
	return map[dataservice.Type]string{
		dataservice.TypeString: singleLine, dataservice.TypeGUID: singleLine, dataservice.TypeDate: "DATE", dataservice.TypeClock: "TIME",
		dataservice.TypeLocalTime: "DATE_AND_TIME", dataservice.TypeTime: "DATE_AND_TIME", dataservice.TypeBoolean: "BOOLEAN",
		dataservice.TypeInteger: integer, dataservice.TypeDouble: "DOUBLE", dataservice.TypeDecimal: "DECIMAL",
	}[f.Type]
}

// form converts the form; its findings point below it.
func (f *Form) form() (form dataservice.Form, found []Finding) {
	ids := map[string]bool{}
	for i, s := range f.Sections {
		at := "/sections/" + strconv.Itoa(i)
		if s.Conditions == nil {
			found = append(found, errorAt(at, "a section needs conditions"))
		}
		section := dataservice.FormSection{Title: s.Title, Fields: []dataservice.Field{}}
		for j := range s.Conditions {
			c, at := &s.Conditions[j], at+"/conditions/"+strconv.Itoa(j)
			field, wrong := c.field()
			found = append(found, below(at, wrong)...)
			if ids[c.ID] {
				found = append(found, errorAt(at+"/id", "the condition %q is there twice", c.ID))
			}
			ids[c.ID] = true
			section.Fields = append(section.Fields, field)
		}
		form.Sections = append(form.Sections, section)
	}
	return form, found
}

// field converts a condition; its findings point below it.
func (c *Condition) field() (f dataservice.Field, found []Finding) {
	f = dataservice.Field{
		ID: c.ID, Label: c.Label, Description: c.Description, Type: logicalTypes()[c.LogicalType], Required: c.Mandatory,
		Lines: c.LogicalType == multipleLines, Open: c.LogicalType == suggestedFrom, Min: c.MinValue, Max: c.MaxValue,
	}
	switch {
	case c.ID == "":
		found = append(found, errorAt("/id", "missing"))
	case f.Type == "":
		found = append(found, errorAt("/logicalType", "%q is no logical type", c.LogicalType))
	case c.LogicalType == selectedFrom && len(c.PossibleValues) == 0:
		found = append(found, errorAt("/possibleValues", "missing for %s", selectedFrom))
	case c.MinValue != nil && c.MaxValue != nil && *c.MinValue > *c.MaxValue:
		found = append(found, errorAt("/minValue", "%v is more than the maximum, %v", *c.MinValue, *c.MaxValue))
	}
	for _, v := range c.PossibleValues {
		f.Options = append(f.Options, dataservice.Option{Value: v.Value, Label: v.DisplayName})
	}
	if c.MaxLength != nil {
		f.MaxLength = c.MaxLength.Size
	}
	found = append(found, c.pattern(&f)...)
	if len(found) == 0 && !isNull(c.Default) {
		found = c.fillDefault(&f)
	}
	return f, found
}

// pattern takes over the expression. One that is valid only in the gateway's
// dialect is left to the connector.
func (c *Condition) pattern(f *dataservice.Field) []Finding {
	if c.Validation == nil {
		return nil
	}
	_, err := regexp.Compile(c.Validation.Regex)
	e, _ := errors.AsType[*syntax.Error](err)
	switch {
	case err == nil:
		f.Pattern, f.Message = c.Validation.Regex, c.Validation.Message
		return nil
	case e != nil && slices.Contains([]syntax.ErrorCode{
		syntax.ErrInvalidPerlOp, syntax.ErrInvalidEscape, syntax.ErrInvalidRepeatOp, syntax.ErrInvalidRepeatSize,
	}, e.Code):
		return []Finding{warningAt("/extraStringValidation/regex", "only the connector checks the expression: %s", e.Code)}
	default:
		return []Finding{errorAt("/extraStringValidation/regex", "not a regular expression: %s", err)}
	}
}

func (c *Condition) fillDefault(f *dataservice.Field) []Finding {
	value, err := fieldValue(c.Default, f, "UTC", "/defaultValue")
	if err != nil {
		return []Finding{errorAt("/defaultValue", "not a value of the type %s", c.LogicalType)}
	}
	strict := *f
	strict.Open = false
	form := dataservice.Form{Sections: []dataservice.FormSection{{Fields: []dataservice.Field{strict}}}}
	filled, mistakes := form.Fill(dataservice.Values{c.ID: value}, "")
	if len(mistakes) > 0 {
		return []Finding{errorAt("/defaultValue", "%s", events.AsError(mistakes[0]).Message)}
	}
	f.Default = dataservice.Values{"value": filled[c.ID]}
	return nil
}

// formOf converts a form that a person can fill in.
func formOf(form *dataservice.Form, zone string) (Form, error) {
	if form.Authorize != "" {
		return Form{}, events.Errorf(events.CodeUnsupported, "/authorize", "i2 has no form that leads to another address")
	}
	converted := Form{Sections: []Section{}}
	for i, s := range form.Sections {
		section := Section{Title: s.Title, Conditions: []Condition{}}
		for j := range s.Fields {
			c, err := conditionOf(&s.Fields[j], zone)
			if err != nil {
				return Form{}, under("/sections/"+strconv.Itoa(i)+"/fields/"+strconv.Itoa(j), err)
			}
			section.Conditions = append(section.Conditions, c)
		}
		converted.Sections = append(converted.Sections, section)
	}
	return converted, nil
}

func conditionOf(f *dataservice.Field, zone string) (c Condition, err error) {
	c = Condition{
		ID: f.ID, Label: f.Label, LogicalType: logicalType(f), Description: f.Description, Mandatory: f.Required, MinValue: f.Min, MaxValue: f.Max,
	}
	switch {
	case c.LogicalType == "":
		return c, events.Errorf(events.CodeUnsupported, "/type", "i2 has no condition of the type %s", f.Type)
	case f.Secret:
		return c, events.Errorf(events.CodeUnsupported, "/secret", "i2 shows what is given in a condition")
	}
	if c.Label == "" {
		c.Label = f.ID
	}
	for _, o := range f.Options {
		c.PossibleValues = append(c.PossibleValues, PossibleValue{Value: o.Value, DisplayName: o.Label})
	}
	if f.MaxLength > 0 {
		c.MaxLength = &MaxLength{Size: f.MaxLength}
	}
	if f.Pattern != "" {
		c.Validation = &StringValidation{Regex: f.Pattern, Message: f.Message}
		if f.Message == "" {
			c.Validation.Message = "The value must match " + f.Pattern
		}
	}
	if value := f.Default["value"]; value != nil {
		c.Default, err = encode(value, zone, "/default/value")
	}
	return c, err
}
