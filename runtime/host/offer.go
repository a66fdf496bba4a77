package host

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
)

// asked is what a connector is asked for; emit takes the parts of the answer.
type asked func(ctx context.Context, verb dataservice.Verb, request []byte, emit func(any) error) error

// offer lets others ask a connector for what it can do, as long as the instance
// lasts. A connector that can do nothing takes no subscription.
func (r *runner) offer(i *instance, kind, name string) error {
	d := &dataservice.Dispatcher{Capabilities: dataservice.CapabilitiesOf(i.connector)}
	if !d.Capabilities.Any() {
		return nil
	}
	if factory, ok := r.engine.set.Connectors.Factory(kind); ok && len(factory.Fields) > 0 {
		form := factory.Form()
		d.Declared = &form
	}
	stop, err := r.engine.set.Offer(i.ctx, name, func(ctx context.Context, verb dataservice.Verb, request []byte, emit func(any) error) error {
		return r.answer(ctx, i, string(verb), func(ctx context.Context) error { return d.Serve(ctx, verb, request, emit) })
	})
	if err != nil {
		return err
	}
	context.AfterFunc(i.ctx, stop)
	return nil
}

// answer lets the connector answer one request. It returns soon after the
// deadline of the request, whatever the connector does.
func (r *runner) answer(ctx context.Context, i *instance, verb string, serve func(context.Context) error) error {
	t := &r.engine.set.Timing
	err := call(ctx, t.Request, t.Grace, serve)
	r.logPanic(ctx, verb, err)
	switch {
	case err == nil || events.CodeOf(err) != "":
		return err
	case i.ctx.Err() != nil:
		return events.Errorf(events.CodeUnavailable, "", "%s", context.Cause(i.ctx)) //nolint:contextcheck // a request has the context of the instance
	case errors.Is(err, errAbandoned):
		r.log.WarnContext(ctx, "abandoned a request to a connector", slog.String("verb", verb))
		return events.Errorf(events.CodeUnavailable, "", "the connector did not answer in time, and goes on")
	}
	if _, panicked := errors.AsType[*panicError](err); panicked {
		return events.Errorf(events.CodeInternal, "", "the connector panicked; the log of the node says where")
	}
	return events.Errorf(events.CodeUnavailable, "", "%s", err)
}

// offerOn returns a function that offers connectors on the bus: each is a micro
// service of its own, which all nodes share that run a connector of the name.
func offerOn(b *bus.Bus, version string) func(context.Context, string, asked) (func(), error) {
	return func(ctx context.Context, name string, ask asked) (func(), error) {
		service, err := micro.AddService(b.Conn(), micro.Config{
			Name: "camena-connection", Version: "0.1.0", Description: "Answers for a connector",
			Metadata: map[string]string{"connector": name, "camena": version},
		})
		if err != nil {
			return nil, err
		}
		stop := func() { _ = service.Stop() }
		endpoint := micro.HandlerFunc(func(r micro.Request) {
			verb := dataservice.Verb(r.Subject()[strings.LastIndexByte(r.Subject(), '.')+1:])
			bus.AnswerStream(ctx, b, func(ctx context.Context, request []byte, send func([]byte) error) error {
				l := lines{send: send}
				if err := ask(ctx, verb, request, l.add); err != nil {
					return errors.Join(l.flush(), err)
				}
				return l.flush()
			}).Handle(r)
		})
		if err := service.AddEndpoint("connection", endpoint, micro.WithEndpointSubject(b.Topics().Connection(name, "*"))); err != nil {
			stop()
			return nil, err
		}
		return stop, nil
	}
}

const (
	// lineRoom is how much is gathered before it is sent, and the largest part.
	lineRoom = 64 << 10
	// lineWait is how long something waits for more at most, when there is more.
	lineWait = 50 * time.Millisecond
)

// lines sends values as lines of JSON, several in a part.
type lines struct {
	send  func([]byte) error
	data  []byte
	since time.Time // the first value waits
}

func (l *lines) add(value any) error {
	data, err := events.Marshal(value)
	if err != nil {
		return events.Errorf(events.CodeInternal, "", "the connector answered with what JSON cannot express: %s", err)
	}
	if len(l.data) == 0 {
		l.since = time.Now()
	}
	l.data = append(append(l.data, data...), '\n')
	if len(l.data) < lineRoom && time.Since(l.since) < lineWait {
		return nil
	}
	return l.flush()
}

func (l *lines) flush() error {
	data := l.data
	l.data = nil
	for len(data) > 0 {
		n := min(len(data), lineRoom)
		if err := l.send(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
