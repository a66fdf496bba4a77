package dataservice

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// Form is what a person fills in: to connect (Scribe: PreConnect) or to ask a
// service (i2: FORM).
type Form struct {
	// Authorize, instead of sections, is the address at which the person permits
	// the connection (OAuth).
	Authorize string        `json:"authorize,omitempty"`
	Sections  []FormSection `json:"sections,omitempty"`
}

// FormSection is a part of a form.
type FormSection struct {
	Title  string  `json:"title,omitempty"`
	Fields []Field `json:"fields"`
}

// Field is one entry of a form (i2: condition).
type Field struct {
	ID          string `json:"id"`
	Label       string `json:"label,omitempty"`
	Description string `json:"description,omitempty"`
	Type        Type   `json:"type"`
	Required    bool   `json:"required,omitzero"`
	// Secret: what is typed is not shown, and appears in no error.
	Secret bool `json:"secret,omitzero"`
	// Lines: the text may have several lines.
	Lines   bool   `json:"lines,omitzero"`
	Default Values `json:"default,omitempty"` // with one value, of the name "value"
	// Options are the values to choose from; with Open others are taken too.
	Options []Option `json:"options,omitempty"`
	Open    bool     `json:"open,omitzero"`
	// Min and Max bound a number, MaxLength the characters of a text.
	Min       *float64 `json:"min,omitempty"`
	Max       *float64 `json:"max,omitempty"`
	MaxLength int      `json:"maxLength,omitzero"`
	// Pattern is a regular expression (RE2) that matches in the text; Message is
	// what a person is told where it does not.
	Pattern string `json:"pattern,omitempty"`
	Message string `json:"message,omitempty"`
}

// Option is a value to choose.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// fields returns all fields by id.
func (f *Form) fields() map[string]*Field {
	all := map[string]*Field{}
	for i := range f.Sections {
		for j := range f.Sections[i].Fields {
			all[f.Sections[i].Fields[j].ID] = &f.Sections[i].Fields[j]
		}
	}
	return all
}

// Fill checks what was filled in, gives the values their types, and adds those
// that are given by default. All mistakes are told at once.
func (f *Form) Fill(values Values, pointer string) (Values, []error) {
	fields := f.fields()
	filled := Values{}
	var mistakes []error
	for _, id := range slices.Sorted(maps.Keys(values)) {
		field, ok := fields[id]
		if !ok {
			mistakes = append(mistakes, invalid(pointer+"/"+id, "there is no field %q%s", id, suggest.Nearest(id, slices.Collect(maps.Keys(fields)))))
			continue
		}
		value, err := field.check(values[id], pointer+"/"+id)
		if err != nil {
			mistakes = append(mistakes, err)
		}
		if value != nil {
			filled[id] = value
		}
	}
	for _, id := range slices.Sorted(maps.Keys(fields)) {
		if _, given := values[id]; given {
			continue
		}
		if value := fields[id].Default["value"]; value != nil {
			filled[id] = value
		} else if fields[id].Required {
			mistakes = append(mistakes, invalid(pointer+"/"+id, "missing: %s", fields[id].name()))
		}
	}
	return filled, mistakes
}

func (f *Field) name() string {
	if f.Label != "" {
		return f.Label
	}
	return f.ID
}

// check returns the value in the field's type.
func (f *Field) check(value any, pointer string) (any, error) {
	if value == nil {
		if f.Required {
			return nil, invalid(pointer, "missing: %s", f.name())
		}
		return nil, nil //nolint:nilnil // null is as good as absent
	}
	converted, err := Convert(value, f.Type, pointer)
	if err != nil {
		return nil, err
	}
	switch v := converted.(type) {
	case string:
		return v, f.checkText(v, pointer)
	case int64:
		return v, f.checkNumber(float64(v), pointer)
	case float64:
		return v, f.checkNumber(v, pointer)
	default:
		return v, nil
	}
}

func (f *Field) checkText(text, pointer string) error {
	options := make([]string, len(f.Options))
	for i, o := range f.Options {
		options[i] = o.Value
	}
	switch {
	case len(options) > 0 && !f.Open && !slices.Contains(options, text):
		return invalid(pointer, "%s is none of %s", f.name(), strings.Join(options, ", "))
	case f.MaxLength > 0 && utf8.RuneCountInString(text) > f.MaxLength:
		return invalid(pointer, "%s is longer than %d characters", f.name(), f.MaxLength)
	case !f.Lines && strings.ContainsAny(text, "\r\n"):
		return invalid(pointer, "%s is one line", f.name())
	case f.Pattern == "":
		return nil
	}
	pattern, err := regexp.Compile(f.Pattern)
	if err != nil {
		return events.Errorf(events.CodeInternal, pointer, "the pattern of %s is no regular expression: %s", f.name(), err)
	}
	if !pattern.MatchString(text) {
		if f.Message != "" {
			return invalid(pointer, "%s", f.Message)
		}
		return invalid(pointer, "%s does not match %s", f.name(), f.Pattern)
	}
	return nil
}

func (f *Field) checkNumber(n float64, pointer string) error {
	switch {
	case f.Min != nil && n < *f.Min:
		return invalid(pointer, "%s is less than %v", f.name(), *f.Min)
	case f.Max != nil && n > *f.Max:
		return invalid(pointer, "%s is more than %v", f.name(), *f.Max)
	default:
		return nil
	}
}
