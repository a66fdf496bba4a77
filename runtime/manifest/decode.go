package manifest

import (
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml/ast"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/suggest"
)

// decode reads a mapping strictly into a T. The error names every mistake in its
// fields.
func decode[T any](at place, n ast.Node) (T, error) {
	var none T
	if err := at.checkMerges(n); err != nil {
		return none, err
	}
	var errs []error
	var members [][]byte
	seen := map[string]bool{}
	for _, p := range at.pairs(n) {
		name := at.key(p)
		if seen[name] {
			errs = append(errs, at.errorAt(p.Key, "%q is given twice", name))
			continue
		}
		seen[name] = true
		data, err := decodeField[T](at, name, p.Value)
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
func decodeField[T any](at place, name string, n ast.Node) ([]byte, error) {
	value, err := at.json(n)
	if err == nil && value.Kind() == 'n' {
		return nil, at.invalid(member("", name), "expected a value, found nothing")
	}
	data := field(name, value)
	if err == nil {
		if _, err = events.Unmarshal[T](object(data)); err == nil {
			return data, nil
		}
		err = at.located(pointerOf(err), suggestField[T](name, err))
	}
	if text, plain := scalar(at.resolve(n)); plain {
		quoted, quoteErr := events.Marshal(text)
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
