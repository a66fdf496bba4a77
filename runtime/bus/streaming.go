package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/events"
)

// A stream is a request of any size and an answer without end. The request is sent to
// the subject of a service, the answer to the reply subject; every message of the
// service names a subject of its own, to which the rest of the request goes.
// Both sides say what a message is in a header, send a part only after the other
// side has made room for it, and show once a second that they are there. The side
// that hears nothing for some seconds ends the stream.

// MaxRequest is how large a request may be that is sent in parts.
const MaxRequest = 64 << 20

// Headers of streams.
const (
	// headerStream says what a message of a stream is.
	headerStream = "Camena-Stream"
	// headerWithin, on a request, is the time that the caller has.
	headerWithin = "Camena-Within"
)

// What a message of a stream is.
const (
	streamOpen   = "open"   // the first part of a request
	streamReady  = "ready"  // the service has it
	streamPart   = "part"   // of the request, or of the answer
	streamMore   = "more"   // room for one more part
	streamHere   = "here"   // nothing but a sign of life
	streamCancel = "cancel" // the answer is not wanted any more
	streamEnd    = "end"    // of the answer, with an error or without
)

const (
	signOfLife = time.Second
	silence    = 5 * signOfLife
)

// ErrCanceled is the cause of a context that ends because the other side does not
// want the answer any more.
var ErrCanceled = errors.New("the caller has canceled the request")

// stream is one side of a stream.
type stream struct {
	bus      *Bus
	name     string // of the other side, for errors
	to, from string
	in       <-chan *nats.Msg
	room     chan struct{} // one for each part that may be sent
}

func newStream(b *Bus, name, to, from string, in <-chan *nats.Msg) *stream {
	s := &stream{bus: b, name: name, to: to, from: from, in: in, room: make(chan struct{}, partsAhead)}
	for range partsAhead {
		s.room <- struct{}{}
	}
	return s
}

func (s *stream) say(kind string, data []byte) error {
	m := nats.NewMsg(s.to)
	m.Reply, m.Data = s.from, data
	m.Header.Set(headerStream, kind)
	return s.bus.conn.PublishMsg(m)
}

// part sends a part when there is room for it.
func (s *stream) part(ctx context.Context, data []byte) error {
	select {
	case <-s.room:
		return s.say(streamPart, data)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// more takes note that the other side has room.
func (s *stream) more() {
	select {
	case s.room <- struct{}{}:
	default: // more than there were parts
	}
}

// attend hands over what the other side says, and gives signs of life, until ctx
// is done. It ends ctx when the other side is silent.
func (s *stream) attend(ctx context.Context, end context.CancelCauseFunc, take func(*nats.Msg)) {
	tick := time.NewTicker(signOfLife)
	defer tick.Stop()
	closed := s.bus.conn.StatusChanged(nats.CLOSED)
	defer s.bus.conn.RemoveStatusListener(closed)
	heard := time.Now()
	for {
		select {
		case m := <-s.in:
			if isNobody(m) {
				end(nobody(s.name, nats.ErrNoResponders))
				continue
			}
			heard = time.Now()
			take(m)
		case <-tick.C:
			// A process that was suspended looks at what has arrived first.
			if time.Since(heard) > silence && len(s.in) == 0 {
				end(nobody(s.name, nats.ErrTimeout))
			} else if s.to != "" && s.say(streamHere, nil) != nil {
				end(ErrClosed)
			}
		case <-closed:
			end(ErrClosed)
		case <-ctx.Done():
			return
		}
	}
}

// Stream sends a request to a service and yields the parts of its answer as they
// come; the service makes no more of them than are taken. When the loop ends early,
// or ctx does, the service is told. A refusal is an [*events.Error], as of [Call].
func (b *Bus) Stream(ctx context.Context, subject string, request []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if len(request) > MaxRequest {
			yield(nil, events.Errorf(events.CodeTooLarge, "", "the request has %d bytes; at most %d MiB are allowed", len(request), MaxRequest>>20))
			return
		}
		reply, in, forget := b.Replies(4 * partsAhead)
		defer forget()
		ctx, end := context.WithCancelCause(ctx)
		defer end(nil)
		c := &call{stream: newStream(b, subject, "", reply, in), ready: make(chan struct{}), parts: make(chan []byte, partsAhead), end: end}
		if err := c.open(ctx, subject, request); err != nil {
			yield(nil, err)
			return
		}
		var group sync.WaitGroup
		group.Go(func() { c.attend(ctx, end, c.take) })
		group.Go(func() { c.upload(ctx, request) })
		defer func() {
			end(nil)
			group.Wait()
			c.cancel()
		}()
		c.parted(ctx, yield)
	}
}

// call is the side of a stream that asks.
type call struct {
	*stream
	ready chan struct{} // closed when the service has the first part
	parts chan []byte
	end   context.CancelCauseFunc
	ended bool // by the service
}

// parted yields the parts of the answer.
func (c *call) parted(ctx context.Context, yield func([]byte, error) bool) {
	for {
		select {
		case part := <-c.parts:
			if !yield(part, nil) {
				return
			}
			if err := c.say(streamMore, nil); err != nil {
				c.end(err)
			}
		case <-ctx.Done():
			c.rest(yield, context.Cause(ctx))
			return
		}
	}
}

// errEnd is the cause of an answer that ended well.
var errEnd = errors.New("the answer has ended")

func (c *call) open(ctx context.Context, subject string, request []byte) error {
	m := nats.NewMsg(subject)
	m.Reply, m.Data = c.from, request[:min(len(request), c.bus.partSize())]
	m.Header.Set(headerStream, streamOpen)
	m.Header.Set(headerParts, strconv.Itoa(partsOf(len(request), c.bus.partSize())))
	if until, ok := ctx.Deadline(); ok {
		m.Header.Set(headerWithin, time.Until(until).String())
	}
	if err := c.bus.conn.PublishMsg(m); err != nil {
		return fmt.Errorf("ask %s: %w", subject, err)
	}
	return nil
}

func partsOf(size, part int) int { return max((size+part-1)/part, 1) }

// upload sends the rest of the request.
func (c *call) upload(ctx context.Context, request []byte) {
	select {
	case <-c.ready:
	case <-ctx.Done():
		return
	}
	size := c.bus.partSize()
	for at := size; at < len(request); at += size {
		if err := c.part(ctx, request[at:min(at+size, len(request))]); err != nil {
			c.end(err)
			return
		}
	}
}

// take takes what the service says.
func (c *call) take(m *nats.Msg) {
	if c.to == "" && m.Reply != "" {
		c.to = m.Reply
		close(c.ready)
	}
	switch m.Header.Get(headerStream) {
	case streamPart:
		select {
		case c.parts <- m.Data:
		default:
			c.end(broken(m.Subject)) // it did not wait for room
		}
	case streamMore:
		c.more()
	case streamEnd, "": // "" is a refusal of a service that knows no streams
		c.ended = true
		c.end(cmp.Or(refusalOf(m), errEnd))
	}
}

// rest yields what has arrived before the end, and the error if it was not a good one.
func (c *call) rest(yield func([]byte, error) bool, cause error) {
	for {
		select {
		case part := <-c.parts:
			if !yield(part, nil) {
				return
			}
		default:
			if !errors.Is(cause, errEnd) {
				yield(nil, cause)
			}
			return
		}
	}
}

// cancel tells the service that the answer is not wanted, unless it has ended. Nothing
// else runs any more.
func (c *call) cancel() {
	if c.to == "" || c.ended {
		return
	}
	if err := c.say(streamCancel, nil); err != nil {
		c.bus.set.Logger.Debug("cancel", slog.Any("error", err))
	}
}

// StreamHandler gets a whole request. Each call of send is a part of the answer, at
// most as large as a message, and waits until the caller has room for it. The
// context has the caller's deadline; it ends with the cause [ErrCanceled] when the
// caller does not want the answer, and when it is gone.
type StreamHandler func(ctx context.Context, request []byte, send func([]byte) error) error

// AnswerStream makes a handler of a service verb whose answers are streams. A
// plain NATS request without the headers of a stream is answered too, with one
// message. Each request is handled in a goroutine of its own, until ctx is done.
func AnswerStream(ctx context.Context, b *Bus, handle StreamHandler) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		header := r.Headers()
		ctx, cancel := ctx, func() {}
		if text := header.Get(headerWithin); text != "" {
			within, err := time.ParseDuration(text)
			if err != nil {
				Refuse(b, r, events.Errorf(events.CodeInvalid, headerWithin, "%q is not a duration such as 30s", text))
				return
			}
			ctx, cancel = context.WithTimeout(ctx, within)
		}
		parts := 1
		if header.Get(headerStream) == streamOpen {
			var err error
			if parts, err = strconv.Atoi(header.Get(headerParts)); err != nil || parts < 1 || parts > MaxRequest/b.partSize()+1 {
				cancel()
				Refuse(b, r, events.Errorf(events.CodeInvalid, headerParts, "not a number of parts that fit into %d MiB", MaxRequest>>20))
				return
			}
		}
		go func() {
			defer cancel()
			if header.Get(headerStream) == streamOpen {
				b.answerStream(ctx, r.Reply(), r.Data(), parts, handle)
			} else {
				b.answerOnce(ctx, r, handle)
			}
		}()
	})
}

// answerOnce answers a plain request.
func (b *Bus) answerOnce(ctx context.Context, r micro.Request, handle StreamHandler) {
	var answer []byte
	err := handle(ctx, r.Data(), func(part []byte) error {
		if answer = append(answer, part...); len(answer) > b.partSize() {
			return events.Errorf(events.CodeTooLarge, "", "the answer does not fit into a message: ask for less, or for a stream, with the headers %s: %s and %s: 1",
				headerStream, streamOpen, headerParts)
		}
		return nil
	})
	m := nats.NewMsg(r.Reply())
	m.Data = answer
	if err != nil {
		err = setRefusal(m, err)
	}
	if err = cmp.Or(err, b.conn.PublishMsg(m)); err != nil {
		b.set.Logger.WarnContext(ctx, "answer", slog.String("subject", r.Subject()), slog.Any("error", err))
	}
}

func (b *Bus) answerStream(ctx context.Context, reply string, first []byte, parts int, handle StreamHandler) {
	from, in, forget, err := b.expectConfirmations(4 * partsAhead)
	if err != nil {
		b.set.Logger.WarnContext(ctx, "answer", slog.Any("error", err))
		return
	}
	defer forget()
	s := newStream(b, reply, reply, from, in)
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	upload := make(chan []byte, partsAhead)
	attending := make(chan struct{})
	go func() {
		defer close(attending)
		s.attend(ctx, end, s.takeFor(upload, end))
	}()
	request, err := s.receive(ctx, first, parts, upload)
	if err == nil {
		err = handle(ctx, request, func(data []byte) error { return s.part(ctx, data) })
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, ErrCanceled) {
		return // nobody waits for the end
	}
	if err := s.finish(err); err != nil {
		b.set.Logger.WarnContext(ctx, "answer", slog.Any("error", err))
	}
	end(nil)
	<-attending
}

// takeFor takes what the caller says.
func (s *stream) takeFor(upload chan<- []byte, end context.CancelCauseFunc) func(*nats.Msg) {
	return func(m *nats.Msg) {
		switch m.Header.Get(headerStream) {
		case streamMore:
			s.more()
		case streamCancel:
			end(ErrCanceled)
		case streamPart:
			select {
			case upload <- m.Data:
			default:
				end(broken(s.from)) // it did not wait for room
			}
		}
	}
}

// receive joins the parts of a request.
func (s *stream) receive(ctx context.Context, first []byte, parts int, upload <-chan []byte) ([]byte, error) {
	if err := s.say(streamReady, nil); err != nil || parts == 1 {
		return first, err
	}
	request := append([]byte(nil), first...)
	for range parts - 1 {
		select {
		case data := <-upload:
			if request = append(request, data...); len(request) > MaxRequest {
				return nil, events.Errorf(events.CodeTooLarge, "", "the request is larger than %d MiB", MaxRequest>>20)
			}
			if err := s.say(streamMore, nil); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return request, nil
}

// finish ends the answer, with an error or without.
func (s *stream) finish(err error) error {
	m := nats.NewMsg(s.to)
	m.Reply = s.from
	m.Header.Set(headerStream, streamEnd)
	if err != nil {
		if err := setRefusal(m, err); err != nil {
			return err
		}
	}
	return s.bus.conn.PublishMsg(m)
}
