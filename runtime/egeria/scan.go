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

// kind returns what the items of a section are.
func (s section) kind() Kind {
	switch s {
	case typePatches:
		return KindPatch
	case entities:
		return KindElement
	case relationships:
		return KindRelationship
	case classifications:
		return KindClassification
	default:
		return KindType
	}
}

// pointer returns where the section stands.
func (s section) pointer() string {
	switch s {
	case attributeTypes:
		return "/archiveTypeStore/attributeTypeDefs"
	case newTypes:
		return "/archiveTypeStore/newTypeDefs"
	case typePatches:
		return "/archiveTypeStore/typeDefPatches"
	case entities:
		return "/archiveInstanceStore/entities"
	case relationships:
		return "/archiveInstanceStore/relationships"
	default:
		return "/archiveInstanceStore/classifications"
	}
}

// item is one value in an array of an archive. Its text is valid until the next
// one is read.
type item struct {
	section section
	index   int
	raw     jsontext.Value
	line    int64
	offset  int64
}

// key tells items apart.
type key struct {
	section section
	index   int
}

func (i *item) key() key { return key{i.section, i.index} }

// place returns where a value within the item stands.
func (i *item) place(pointer string) Place {
	within := offsetOf(i.raw, pointer)
	return Place{
		Line:    i.line + int64(bytes.Count(i.raw[:within], []byte("\n"))),
		Offset:  i.offset + int64(within),
		Pointer: itemAt(i.section.pointer(), i.index) + short(pointer),
	}
}

// visitor is told what a scan meets. A nil function wants to hear nothing.
type visitor struct {
	header func(raw jsontext.Value) error
	// enter hears of each section; it is read if enter returns true, else passed over.
	enter func(section) bool
	// item takes an item that is read.
	item func(*item) error
	// skip hears of an item that is passed over, and how long it is.
	skip func(s section, index int, where Place, size int64)
	// without are items to pass over although their section is read.
	without map[key]bool
}

// scan reads an archive once.
type scan struct {
	visitor

	dec   *jsontext.Decoder
	in    *input
	limit int64
	// stores are those that were there, seen the sections.
	stores map[string]bool
	seen   [sections]bool
}

// DamageError says where an archive is not what it should be.
type DamageError struct {
	Where  Place
	Reason string
}

// Error names the place and what is wrong.
func (e *DamageError) Error() string { return e.Where.String() + ": " + e.Reason }

// scan reads the archive from its beginning. It fails with a [*DamageError] if the
// archive is to blame.
func (a *Archive) scan(ctx context.Context, limit int64, progress func(int), v visitor) error {
	in, err := a.text(ctx, progress)
	if err != nil {
		if isDamage(err) {
			return &DamageError{Where: Place{Line: 1}, Reason: fmt.Sprintf("the compressed file is damaged: %s", err)}
		}
		return err
	}
	s := &scan{visitor: v, in: in, limit: limit, stores: map[string]bool{}}
	s.dec = jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := s.document(); err != nil {
		return s.blame(err)
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
	if err := s.members(s.archiveMember); err != nil {
		return err
	}
	if len(s.stores) == 0 {
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

func (s *scan) archiveMember(name string) error {
	switch name {
	case "class":
		return s.class()
	case "headerVersion":
		return s.version()
	case "specversion":
		return stop(s.here(), "this is a CloudEvent, as in what camena export writes: camena restore reads that")
	case "archiveProperties", "archiveTypeStore", "archiveInstanceStore":
		return s.store(name)
	default:
		return s.pass()
	}
}

// store reads one of the parts of an archive.
func (s *scan) store(name string) error {
	if s.stores[name] {
		return stop(s.here(), twiceHere)
	}
	s.stores[name] = true
	there, err := s.isThere('{', "an object")
	switch {
	case err != nil:
		return err
	case !there:
		return s.pass()
	case name == "archiveProperties":
		return s.properties()
	default:
		return s.members(s.storeMember)
	}
}

const twiceHere = "the same name occurs twice: it is not known which one counts"

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

// properties reads the header. What is wrong with it is wrong with all that is
// imported, which belongs to whom the header names.
func (s *scan) properties() error {
	if s.header == nil {
		return s.pass()
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

func (s *scan) storeMember(string) error {
	pointer := string(s.dec.StackPointer())
	for sec := range sections {
		if pointer == sec.pointer() {
			return s.section(sec)
		}
	}
	return s.pass()
}

func (s *scan) section(sec section) error {
	if s.seen[sec] {
		return stop(s.here(), twiceHere)
	}
	s.seen[sec] = true
	there, err := s.isThere('[', "an array")
	switch {
	case err != nil:
		return err
	case !there:
		return s.pass()
	default:
		return s.items(sec)
	}
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
			if err := s.pass(); err != nil {
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

// members reads an object; each takes the value of the member of that name.
func (s *scan) members(each func(name string) error) error {
	if _, err := s.token(); err != nil {
		return err
	}
	for {
		token, err := s.token()
		if err != nil {
			return err
		}
		if token.Kind() == '}' {
			return nil
		}
		if err := each(token.String()); err != nil {
			return err
		}
	}
}

// isThere reports whether the next value is there: null is as good as absent. One
// of another kind makes it unknown what the archive holds.
func (s *scan) isThere(kind jsontext.Kind, want string) (bool, error) {
	found := s.peek()
	if found != kind && found != 'n' && found != 0 {
		return false, stop(s.here(), fmt.Sprintf("expected %s, found %s", want, kindName(found)))
	}
	return found == kind, nil
}

// here returns where the next value stands.
func (s *scan) here() Place {
	begin := s.begin()
	return Place{Line: s.in.lineAt(begin), Offset: begin, Pointer: short(string(s.dec.StackPointer()))}
}

// stop ends the scan because of what stands there.
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

// pass reads over a value of any length.
func (s *scan) pass() error {
	for depth := s.dec.StackDepth(); ; {
		if _, err := s.token(); err != nil {
			return err
		}
		if s.dec.StackDepth() == depth {
			return nil
		}
	}
}

// begin returns where the next value begins.
func (s *scan) begin() int64 {
	s.peek()
	rest := s.dec.UnreadBuffer()
	return s.dec.InputOffset() + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n:,")))
}

// blame finds out whether an error is the archive's, and where in it.
func (s *scan) blame(err error) error {
	if _, ok := errors.AsType[*DamageError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*jsontext.SyntacticError](err); !ok && errors.Unwrap(err) != nil {
		err = errors.Unwrap(err) // the decoder only adds that it was reading
	}
	end := Place{Offset: s.in.read, Pointer: short(string(s.dec.StackPointer()))}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		where := Place{Offset: e.ByteOffset, Pointer: short(string(e.JSONPointer))}
		if !errors.Is(e.Err, io.ErrUnexpectedEOF) {
			where.Line = s.in.lineAt(where.Offset)
			return &DamageError{Where: where, Reason: fmt.Sprintf("this is not JSON: %s", e.Err)}
		}
		end.Pointer = where.Pointer
	}
	end.Line = s.in.lineAt(end.Offset)
	switch {
	case errors.Is(err, errTooLarge):
		return &DamageError{Where: end, Reason: fmt.Sprintf("%s, %d bytes", errTooLarge, s.limit)}
	case errors.Is(err, io.EOF):
		return &DamageError{Where: end, Reason: "the file is empty"}
	case isDamage(err):
		reason := "the archive ends here, in the middle: it is truncated"
		if _, ok := errors.AsType[*jsontext.SyntacticError](err); !ok {
			reason = fmt.Sprintf("the compressed file is damaged here: %s", err)
		}
		return &DamageError{Where: end, Reason: reason}
	default:
		return err
	}
}

// isDamage reports whether an error says that a file is not what it was.
func isDamage(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader)
}

// simpleName returns the name of a Java class without its package: older
// archives give it in full.
func simpleName(class string) string { return class[strings.LastIndexAny(class, ".$")+1:] }

// unquote returns the text of a JSON string that is known to be valid.
func unquote(value jsontext.Value) string {
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}
