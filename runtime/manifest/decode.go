package manifest

import (
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// decode reads an object strictly into a T. The error names every mistake in its
// fields.
func decode[T any](at place, value jsontext.Value) (T, error) {
	var none T
	errs := at.faultsIn("", false)
	if value.Kind() != '{' && len(errs) == 0 {
		return none, at.invalid("", "expected fields such as \"name: value\"")
	}
	var members [][]byte
	for m := events.MembersOf(value); m.Next(); {
		data, err := decodeField[T](at, m.Name(), m.Value())
		errs, members = append(errs, err), append(members, data)
	}
	if err := errors.Join(errs...); err != nil {
		return none, err
	}
	v, err := events.Unmarshal[T](object(members...))
	if err != nil {
		return none, at.located(pointerOf(err), err)
	}
	return v, nil
}

// decodeField returns a field as a member of a JSON object, if a T has it. Where
// a T holds text, a plain value such as 3.10 is text.
func decodeField[T any](at place, name string, value jsontext.Value) ([]byte, error) {
	pointer := member("", name)
	err := errors.Join(at.faultsIn(pointer, true)...)
	if err == nil && value.Kind() == 'n' {
		return nil, at.invalid(pointer, "expected a value, found nothing")
	}
	data := field(name, value)
	if err == nil {
		if _, err = events.Unmarshal[T](object(data)); err == nil {
			return data, nil
		}
		err = at.located(pointerOf(err), suggestField[T](name, err))
	}
	if source := at.nodes[at.pointer+pointer]; source.plain {
		quoted, quoteErr := events.Marshal(source.text)
		data = field(name, quoted)
		if _, again := events.Unmarshal[T](object(data)); quoteErr == nil && again == nil {
			return data, nil
		}
	}
	return nil, err
}

func member(pointer, name string) string {
	return string(jsontext.Pointer(pointer).AppendToken(name))
}

func field(name string, value jsontext.Value) []byte {
	quoted, err := jsontext.AppendQuote(nil, name)
	if err != nil {
		return nil // a name that is in the document is valid
	}
	return append(append(quoted, ':'), value...)
}

func object(members ...[]byte) []byte {
	var b []byte
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, m...)
	}
	return append(append([]byte{'{'}, b...), '}')
}

// suggestField adds the field of a T that an unknown one may stand for.
func suggestField[T any](name string, err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok || e.Pointer != member("", name) || !strings.HasPrefix(e.Message, "unknown field") {
		return err
	}
	var names []string
	for f := range reflect.TypeFor[T]().Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, tag)
	}
	return events.Errorf(e.Code, e.Pointer, "unknown field%s", suggest.Nearest(name, names))
}
