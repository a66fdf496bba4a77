package egeria

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// section is one of the arrays of an archive.
type section int

const (
	attributeTypes section = iota
	newTypes
	typePatches
	entities
	relationships
	classifications
	sections
)

// kind returns the kind of the items of a section.
func (s section) kind() Kind {
	return [...]Kind{KindType, KindType, KindPatch, KindElement, KindRelationship, KindClassification}[s]
}

const (
	header        = "/archiveProperties"
	typeStore     = "/archiveTypeStore"
	instanceStore = "/archiveInstanceStore"
)

// pointer returns the place of the section.
func (s section) pointer() string {
	return [...]string{
		typeStore + "/attributeTypeDefs", typeStore + "/newTypeDefs", typeStore + "/typeDefPatches",
		instanceStore + "/entities", instanceStore + "/relationships", instanceStore + "/classifications",
	}[s]
}

// item is one value in a section of an archive. Its text is valid until the next item
// is read.
type item struct {
	section section
	index   int
	raw     jsontext.Value
	line    int64
	offset  int64
}

// key tells items apart, and the classifications of an entity, which count from 1.
type key struct {
	section        section
	index          int
	classification int
}

func (i *item) key() key { return key{section: i.section, index: i.index} }

// classification returns the key of a classification of the item.
func (i *item) classification(index int) key { return key{i.section, i.index, index + 1} }

// place returns the place of a value within the item.
func (i *item) place(pointer string) Place {
	within := offsetOf(i.raw, pointer)
	return Place{
		Line:    i.line + int64(bytes.Count(i.raw[:within], []byte("\n"))),
		Offset:  i.offset + int64(within),
		Pointer: itemAt(i.section.pointer(), i.index) + short(pointer),
	}
}

// visitor takes what a scan finds.
type visitor struct {
	// header, if set, takes the properties of the archive.
	header func(raw jsontext.Value) error
	// enter reports for each section whether its items are read or skipped.
	enter func(section) bool
	// item takes an item that is read.
	item func(*item) error
	// skip, if set, takes the size of an item that is skipped.
	skip func(s section, index int, where Place, size int64)
	// without are items to skip although their section is read.
	without map[key]bool
}

// scan reads an archive once.
type scan struct {
	visitor

	dec   *jsontext.Decoder
	in    *input
	limit int64
	// seen are the pointers of the stores and sections that were read.
	seen map[string]bool
}

// DamageError says what is wrong with an archive as a whole.
type DamageError struct {
	Where  Place
	Reason string
}

// Error names the place and what is wrong.
func (e *DamageError) Error() string { return e.Where.String() + ": " + e.Reason }

// scan reads the archive from its beginning. An error is a [*DamageError] if the
// archive is its cause.
func (a *Archive) scan(ctx context.Context, limit int64, progress func(int), v visitor) error {
	in, err := a.text(ctx, progress)
	if err != nil {
		if isDamage(err) {
			return stop(Place{Line: 1}, fmt.Sprintf("the compressed file is damaged: %s", err))
		}
		return err
	}
	s := &scan{visitor: v, in: in, limit: limit, seen: map[string]bool{}}
	s.dec = jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := s.document(); err != nil {
		return s.damage(err)
	}
	return nil
}

func (s *scan) document() error {
	begin := s.here()
	if kind := s.peek(); kind != '{' {
		if _, err := s.token(); err != nil {
			return err
		}
		return stop(begin, "this is no open metadata archive: expected an object, found "+kindName(kind))
	}
	if err := s.members(); err != nil {
		return err
	}
	if len(s.seen) == 0 {
		return stop(begin, "this is no open metadata archive: it has neither archiveProperties nor archiveTypeStore nor archiveInstanceStore")
	}
	end := s.here()
	if _, err := s.token(); !errors.Is(err, io.EOF) {
		if err != nil {
			return err
		}
		return stop(end, "something follows the end of the archive")
	}
	return nil
}

// members reads the members of an object.
func (s *scan) members() error {
	if _, err := s.token(); err != nil {
		return err
	}
	for {
		token, err := s.token()
		if err != nil || token.Kind() == '}' {
			return err
		}
		if err := s.member(string(s.dec.StackPointer())); err != nil {
			return err
		}
	}
}

// member reads a member of the archive or of one of its stores.
func (s *scan) member(pointer string) error {
	switch pointer {
	case "/class":
		return s.class()
	case "/headerVersion":
		return s.version()
	case "/specversion":
		return stop(s.here(), "this is a CloudEvent, as in an export of Camena, and no open metadata archive")
	case header:
		return s.once(pointer, '{', s.properties)
	case typeStore, instanceStore:
		return s.once(pointer, '{', s.members)
	}
	for sec := range sections {
		if pointer == sec.pointer() {
			return s.once(pointer, '[', func() error { return s.items(sec) })
		}
	}
	return s.skipValue()
}

// once reads a value that an archive has once, if it is not null. A value of another
// kind would leave it unknown what the archive holds.
func (s *scan) once(pointer string, kind jsontext.Kind, read func() error) error {
	if s.seen[pointer] {
		return stop(s.here(), "the same name occurs twice: it is not known which one counts")
	}
	s.seen[pointer] = true
	switch found := s.peek(); found {
	case kind:
		return read()
	case 'n', 0:
		return s.skipValue()
	default:
		return stop(s.here(), fmt.Sprintf("expected %s, found %s", kindName(kind), kindName(found)))
	}
}

func (s *scan) class() error {
	begin := s.here()
	token, err := s.value()
	if err != nil {
		return err
	}
	if token.Kind() != '"' {
		return stop(begin, "expected the name of a class, found "+kindName(token.Kind()))
	}
	if name := unquote(token); simpleName(name) != "OpenMetadataArchive" {
		return stop(begin, fmt.Sprintf("this is %q, which is no open metadata archive: expected OpenMetadataArchive", short(name)))
	}
	return nil
}

func (s *scan) version() error {
	begin := s.here()
	raw, err := s.value()
	if err != nil {
		return err
	}
	if text := string(raw); text != "0" && text != "1" && text != "null" {
		return stop(begin, fmt.Sprintf("the archive is of version %s; only version 1 can be read", short(text)))
	}
	return nil
}

// properties reads the header. A fault in it stops the import: the header names the
// owner of everything.
func (s *scan) properties() error {
	if s.header == nil {
		return s.skipValue()
	}
	where := s.here()
	raw, err := s.value()
	if err != nil {
		return err
	}
	err = s.header(raw)
	if err == nil {
		return nil
	}
	f := faultOf(err)
	within := offsetOf(raw, f.pointer)
	where.Line += int64(bytes.Count(raw[:within], []byte("\n")))
	where.Offset += int64(within)
	where.Pointer = short(where.Pointer + f.pointer)
	return stop(where, "the header of the archive cannot be read: "+f.reason)
}

func (s *scan) items(sec section) error {
	wanted := s.enter(sec)
	if _, err := s.token(); err != nil {
		return err
	}
	for index := 0; s.peek() != ']'; index++ {
		i := &item{section: sec, index: index, offset: s.begin()}
		i.line = s.in.lineAt(i.offset)
		if !wanted || s.without[i.key()] {
			if err := s.skipValue(); err != nil {
				return err
			}
			if s.skip != nil {
				s.skip(sec, index, i.place(""), s.dec.InputOffset()-i.offset)
			}
			continue
		}
		var err error
		if i.raw, err = s.value(); err != nil {
			return err
		}
		if err := s.item(i); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// here returns the place of the next value.
func (s *scan) here() Place {
	begin := s.begin()
	return Place{Line: s.in.lineAt(begin), Offset: begin, Pointer: short(string(s.dec.StackPointer()))}
}

// stop ends the scan.
func stop(where Place, reason string) error { return &DamageError{Where: where, Reason: reason} }

// allow lets the decoder read one more value.
func (s *scan) allow() {
	offset := s.dec.InputOffset()
	s.in.lineAt(offset)
	s.in.limit = offset + s.limit
}

func (s *scan) peek() jsontext.Kind {
	s.allow()
	return s.dec.PeekKind()
}

func (s *scan) token() (jsontext.Token, error) {
	s.allow()
	return s.dec.ReadToken()
}

func (s *scan) value() (jsontext.Value, error) {
	s.allow()
	return s.dec.ReadValue()
}

// skipValue skips a value of any length.
func (s *scan) skipValue() error {
	for depth := s.dec.StackDepth(); ; {
		if _, err := s.token(); err != nil {
			return err
		}
		if s.dec.StackDepth() == depth {
			return nil
		}
	}
}

// begin returns the offset of the next value.
func (s *scan) begin() int64 {
	s.peek()
	rest := s.dec.UnreadBuffer()
	return s.dec.InputOffset() + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n:,")))
}

// damage returns a [*DamageError] for an error that the archive causes, and other
// errors as they are.
func (s *scan) damage(err error) error {
	if _, ok := errors.AsType[*DamageError](err); ok {
		return err
	}
	where := Place{Offset: s.in.read, Pointer: short(string(s.dec.StackPointer()))}
	var reason string
	syntax, isSyntax := errors.AsType[*jsontext.SyntacticError](err)
	if isSyntax {
		where.Pointer = short(string(syntax.JSONPointer))
	} else if errors.Unwrap(err) != nil {
		err = errors.Unwrap(err) // the decoder only adds that it was reading
	}
	switch {
	case isSyntax && !errors.Is(err, io.ErrUnexpectedEOF):
		where.Offset, reason = syntax.ByteOffset, fmt.Sprintf("this is not JSON: %s", syntax.Err)
	case isSyntax:
		reason = "the archive ends here, in the middle: it is truncated"
	case errors.Is(err, errTooLarge):
		reason = fmt.Sprintf("%s, %d bytes", errTooLarge, s.limit)
	case errors.Is(err, io.EOF):
		reason = "the file is empty"
	case isDamage(err):
		reason = fmt.Sprintf("the compressed file is damaged here: %s", err)
	default:
		return err
	}
	where.Line = s.in.lineAt(where.Offset)
	return stop(where, reason)
}

// isDamage reports whether an error says that a file is truncated or corrupt.
func isDamage(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader)
}

// simpleName returns the name of a Java class without its package, which older
// archives have.
func simpleName(class string) string { return class[strings.LastIndexAny(class, ".$")+1:] }

// unquote returns the text of a valid JSON string.
func unquote(value jsontext.Value) string {
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}
