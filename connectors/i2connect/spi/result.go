package spi

import (
	"errors"
	"io"
	"iter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/events"
)

// maxWaiting bounds the bytes of links that wait for the entities.
const maxWaiting = 64 << 20

// Validation is the answer of a validation; a message says what is wrong.
type Validation struct {
	ErrorMessage string `json:"errorMessage,omitempty"`
}

// MessageError is the error message of a result.
type MessageError string

// Error returns the message.
func (e MessageError) Error() string { return string(e) }

// Item is a record of a result.
type Item struct {
	Record
	Link bool
	// Pointer is its place in the result.
	Pointer string
}

// results reads a result.
type results struct {
	dec     *jsontext.Decoder
	yield   func(Item, error) bool
	counts  map[string]int
	read    bool // the entities
	waiting []jsontext.Value
	size    int
}

// errStopped ends the reading of a result of which no more is wanted.
var errStopped = errors.New("no more is wanted")

// ReadData yields the records of a result as they come, entities before links. An
// error message in it is a [MessageError], which may come after records: they are then
// to be ignored.
func ReadData(r io.Reader) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		d := results{dec: jsontext.NewDecoder(r), yield: yield, counts: map[string]int{}}
		if err := d.all(); err != nil && !errors.Is(err, errStopped) {
			yield(Item{}, err)
		}
	}
}

func (d *results) all() error {
	if d.dec.PeekKind() != '{' {
		if _, err := d.dec.ReadToken(); err != nil && !errors.Is(err, io.EOF) {
			return decodeError(err)
		}
		return events.Errorf(events.CodeInvalid, "", "the result is not a JSON object; an empty body is none either")
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return decodeError(err)
	}
	for d.dec.PeekKind() == '"' {
		name, err := d.dec.ReadToken()
		if err == nil {
			err = d.member(name.String())
		}
		if err != nil {
			return decodeError(err)
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return decodeError(err)
	}
	if _, err := d.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return events.Errorf(events.CodeInvalid, "", "the result goes on after its end")
	}
	return d.flush()
}

func (d *results) member(name string) error {
	switch name {
	case "entities", "links":
		return d.records(name == "links")
	case "errorMessage":
		var message string
		if err := json.UnmarshalDecode(d.dec, &message); err != nil {
			return err
		}
		if message != "" {
			return MessageError(message)
		}
		return nil
	default:
		return d.dec.SkipValue()
	}
}

func (d *results) records(links bool) error {
	if d.dec.PeekKind() == 'n' {
		return d.dec.SkipValue()
	}
	if token, err := d.dec.ReadToken(); err != nil || token.Kind() != '[' {
		return errors.Join(err, events.Errorf(events.CodeInvalid, string(d.dec.StackPointer()), "expected an array"))
	}
	for d.dec.PeekKind() != ']' {
		raw, err := d.dec.ReadValue()
		if err == nil {
			err = d.record(raw, links)
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	if links {
		return nil
	}
	d.read = true
	return d.flush()
}

// record yields a record; a link waits until the entities were read.
func (d *results) record(raw jsontext.Value, link bool) error {
	if link && !d.read {
		if d.size += len(raw); d.size > maxWaiting {
			return events.Errorf(events.CodeTooLarge, "/links", "links before the entities are larger than %d MiB", maxWaiting>>20)
		}
		d.waiting = append(d.waiting, raw.Clone())
		return nil
	}
	list := map[bool]string{true: "links", false: "entities"}[link]
	pointer := itemPointer(list, d.counts[list])
	d.counts[list]++
	r, err := Decode[Record](raw)
	if err != nil {
		return under(pointer, err)
	}
	if !d.yield(Item{r, link, pointer}, nil) {
		return errStopped
	}
	return nil
}

// flush yields the links that wait.
func (d *results) flush() error {
	d.read = true
	waiting := d.waiting
	d.waiting = nil
	for _, raw := range waiting {
		if err := d.record(raw, true); err != nil {
			return err
		}
	}
	return nil
}
