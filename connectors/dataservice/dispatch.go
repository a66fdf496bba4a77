package dataservice

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/camena-io/camena/events"
)

// Verb is what a connector is asked for.
type Verb string

// The verbs, with their input and what they answer.
const (
	VerbForm     Verb = "form"     // none; a Form
	VerbTest     Verb = "test"     // none; nothing
	VerbActions  Verb = "actions"  // none; ActionDefinitions
	VerbObjects  Verb = "objects"  // none; ObjectDefinitions
	VerbObject   Verb = "object"   // ObjectInput; an ObjectDefinition
	VerbExecute  Verb = "execute"  // OperationInput; RowResults
	VerbQuery    Verb = "query"    // Query; DataEntities
	VerbServices Verb = "services" // none; ServiceDefinitions
	VerbAcquire  Verb = "acquire"  // ServiceInput; DataEntities
	VerbStatus   Verb = "status"   // RequestInput; a Status
	VerbCancel   Verb = "cancel"   // RequestInput; a Status
)

// Call is a request as it travels.
type Call[T any] struct {
	Request Request `json:"request,omitzero"`
	Input   T       `json:"input,omitzero"`
}

// ObjectInput names an object.
type ObjectInput struct {
	Name string `json:"name"`
}

// RequestInput names a request.
type RequestInput struct {
	ID string `json:"id"`
}

// Dispatcher lets one connector answer requests. It does for all of them what a
// connector need not do itself: it decodes and checks, keeps to definitions, and
// knows which requests are under way.
type Dispatcher struct {
	Capabilities Capabilities
	// Declared is the form of the connection that the configuration declares.
	Declared *Form

	mu      sync.Mutex
	running map[string]*running
}

// Serve answers one request: it calls emit with each part of the answer, in order.
// A request with an id can be asked for and canceled while it runs.
func (d *Dispatcher) Serve(ctx context.Context, verb Verb, data []byte, emit func(any) error) error {
	serve, ok := map[Verb]func(context.Context, []byte, func(any) error) error{
		VerbForm: d.form, VerbTest: d.test, VerbActions: d.actions, VerbObjects: d.objects, VerbObject: d.object, VerbExecute: d.execute,
		VerbQuery: d.query, VerbServices: d.services, VerbAcquire: d.acquire, VerbStatus: d.status, VerbCancel: d.cancel,
	}[verb]
	if !ok {
		return events.Errorf(events.CodeUnsupported, "", "there is no verb %q", verb)
	}
	return serve(ctx, data, emit)
}

// handle decodes a call and does the work for it as a request that is under way.
func handle[T any](ctx context.Context, d *Dispatcher, data []byte, work func(context.Context, T) error) (err error) {
	c, err := events.Unmarshal[Call[T]](data)
	if err != nil {
		return err
	}
	ctx, done, err := d.begin(ctx, &c.Request)
	if err != nil {
		return err
	}
	defer done()
	return tell(ctx, work(ctx, c.Input))
}

// tell returns an error that says why a request ended.
func tell(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return events.Errorf(events.CodeUnavailable, "", "the connector did not answer in time: %s", err)
	case errors.Is(context.Cause(ctx), errCanceled):
		return events.Errorf(events.CodeCanceled, "", "the request was canceled")
	default:
		return err
	}
}

func unsupported(what string) error {
	return events.Errorf(events.CodeUnsupported, "", "this kind of connector has no %s", what)
}

func (d *Dispatcher) form(ctx context.Context, data []byte, emit func(any) error) error {
	return handle(ctx, d, data, func(ctx context.Context, _ struct{}) error {
		switch {
		case d.Capabilities.Former != nil:
			form, err := d.Capabilities.Former.Form(ctx)
			if err != nil {
				return err
			}
			return emit(form)
		case d.Declared != nil:
			return emit(d.Declared)
		default:
			return unsupported("form for its connection")
		}
	})
}

func (d *Dispatcher) test(ctx context.Context, data []byte, _ func(any) error) error {
	if d.Capabilities.Tester == nil {
		return unsupported("test of its connection")
	}
	return handle(ctx, d, data, func(ctx context.Context, _ struct{}) error { return d.Capabilities.Tester.Test(ctx) })
}

func (d *Dispatcher) actions(ctx context.Context, data []byte, emit func(any) error) error {
	if d.Capabilities.Describer == nil {
		return unsupported("actions")
	}
	return handle(ctx, d, data, func(ctx context.Context, _ struct{}) error {
		all, err := d.Capabilities.Describer.Actions(ctx)
		return emitAll(all, err, emit)
	})
}

func (d *Dispatcher) objects(ctx context.Context, data []byte, emit func(any) error) error {
	if d.Capabilities.Describer == nil {
		return unsupported("objects")
	}
	return handle(ctx, d, data, func(ctx context.Context, _ struct{}) error {
		all, err := d.Capabilities.Describer.Objects(ctx)
		return emitAll(all, err, emit)
	})
}

func emitAll[T any](all []T, err error, emit func(any) error) error {
	for i := range all {
		if err == nil {
			err = emit(&all[i])
		}
	}
	return err
}

func (d *Dispatcher) object(ctx context.Context, data []byte, emit func(any) error) error {
	return handle(ctx, d, data, func(ctx context.Context, in ObjectInput) error {
		object, err := d.definition(ctx, in.Name, "/input/name")
		if err != nil {
			return err
		}
		return emit(object)
	})
}

// definition returns the definition of an object that must exist.
func (d *Dispatcher) definition(ctx context.Context, name, pointer string) (*ObjectDefinition, error) {
	if d.Capabilities.Describer == nil {
		return nil, unsupported("objects")
	}
	object, err := d.Capabilities.Describer.Object(ctx, name)
	if err == nil && object == nil {
		err = events.Errorf(events.CodeNotFound, pointer, "there is no object %q", name)
	}
	return object, err
}

func (d *Dispatcher) query(ctx context.Context, data []byte, emit func(any) error) error {
	if d.Capabilities.Querier == nil {
		return unsupported("queries")
	}
	return handle(ctx, d, data, func(ctx context.Context, q Query) error {
		if err := d.checkQuery(ctx, &q); err != nil {
			return err
		}
		n := 0
		for entity, err := range d.Capabilities.Querier.Query(ctx, q) {
			n++
			if err == nil && q.Limit > 0 && n > q.Limit {
				return nil
			}
			if err == nil {
				entity.project(q.Root.Properties)
				err = emit(&entity)
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

func (d *Dispatcher) checkQuery(ctx context.Context, q *Query) error {
	if q.Native != "" {
		return nil
	}
	object, err := d.definition(ctx, q.Root.Object, "/input/root/object")
	if err != nil {
		return err
	}
	return at("/input", q.Check(object))
}

// at puts a pointer before that of an error.
func at(pointer string, err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return &events.Error{Code: e.Code, Message: e.Message, Pointer: pointer + e.Pointer}
	}
	return err
}

func (d *Dispatcher) services(ctx context.Context, data []byte, emit func(any) error) error {
	if d.Capabilities.Servicer == nil {
		return unsupported("services")
	}
	return handle(ctx, d, data, func(ctx context.Context, _ struct{}) error {
		all, err := d.Capabilities.Servicer.Services(ctx)
		return emitAll(all, err, emit)
	})
}

func (d *Dispatcher) acquire(ctx context.Context, data []byte, emit func(any) error) error {
	if d.Capabilities.Servicer == nil {
		return unsupported("services")
	}
	return handle(ctx, d, data, func(ctx context.Context, in ServiceInput) error {
		if err := d.checkService(ctx, &in); err != nil {
			return err
		}
		for entity, err := range d.Capabilities.Servicer.Acquire(ctx, in) {
			if err == nil {
				err = emit(&entity)
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

func (d *Dispatcher) checkService(ctx context.Context, in *ServiceInput) error {
	all, err := d.Capabilities.Servicer.Services(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].ID == in.Service {
			if reason := all[i].Unavailable; reason != "" {
				return events.Errorf(events.CodeUnsupported, "/input/service", "the service %q cannot be asked: %s", in.Service, reason)
			}
			return at("/input", together(all[i].Check(in)))
		}
	}
	return events.Errorf(events.CodeNotFound, "/input/service", "there is no service %q", in.Service)
}

// together makes one error of several mistakes. It points at the first.
func together(mistakes []error) error {
	if len(mistakes) < 2 {
		return errors.Join(mistakes...)
	}
	first := events.AsError(mistakes[0])
	texts := make([]string, len(mistakes))
	for i, mistake := range mistakes {
		texts[i] = mistake.Error()
	}
	return events.Errorf(first.Code, first.Pointer, "%d mistakes: %s", len(mistakes), strings.Join(texts, "; "))
}

func (d *Dispatcher) execute(ctx context.Context, data []byte, emit func(any) error) error {
	if d.Capabilities.Operator == nil {
		return unsupported("operations")
	}
	return handle(ctx, d, data, func(ctx context.Context, in OperationInput) error {
		if err := d.checkOperation(ctx, &in); err != nil {
			return at("/input", err)
		}
		rows, sound := d.normalize(ctx, &in)
		if len(sound) > 0 {
			done, err := d.Capabilities.Operator.Execute(ctx, in)
			if err != nil {
				return err
			}
			if len(done.Rows) != len(sound) {
				return events.Errorf(events.CodeInternal, "", "the connector answered with %d rows for %d; that is a defect of it", len(done.Rows), len(sound))
			}
			for i, row := range sound {
				rows[row] = done.Rows[i]
			}
		}
		return emitAll(rows, nil, emit)
	})
}

// checkOperation checks what is wrong with an operation as a whole, and takes the
// name of the action as the connector spells it.
func (d *Dispatcher) checkOperation(ctx context.Context, in *OperationInput) error {
	if d.Capabilities.Describer == nil {
		return unsupported("actions")
	}
	actions, err := d.Capabilities.Describer.Actions(ctx)
	if err != nil {
		return err
	}
	for i := range actions {
		if a := &actions[i]; strings.EqualFold(a.Name, in.Action) {
			in.Action = a.Name
			return a.check(in)
		}
	}
	return events.Errorf(events.CodeUnsupported, "/action", "there is no action %q", in.Action)
}

func (a *ActionDefinition) check(in *OperationInput) error {
	switch {
	case len(in.Input) == 0:
		return invalid("/input", "missing: the entities")
	case len(in.Input) > MaxBulk:
		return events.Errorf(events.CodeTooLarge, "/input", "%d entities; at most %d are allowed", len(in.Input), MaxBulk)
	case len(in.Input) > 1 && !a.Bulk:
		return invalid("/input", "%s takes one entity at a time; found %d", a.Name, len(in.Input))
	case len(in.Lookup) > 0 && !a.Lookup:
		return events.Errorf(events.CodeUnsupported, "/lookup", "%s takes no lookup", a.Name)
	case len(in.Lookup) > 0 && len(in.Lookup) != len(in.Input):
		return invalid("/lookup", "%d conditions for %d entities", len(in.Lookup), len(in.Input))
	case in.Multiple && !a.Multiple:
		return events.Errorf(events.CodeUnsupported, "/multiple", "%s changes one entity for each lookup", a.Name)
	default:
		return nil
	}
}

// normalize checks each entity of the input, and leaves the sound ones in it. It
// returns a row for each entity, filled for those that are not sound, and the
// indexes of the sound ones.
func (d *Dispatcher) normalize(ctx context.Context, in *OperationInput) (rows []RowResult, sound []int) {
	rows = make([]RowResult, len(in.Input))
	known := map[string]*ObjectDefinition{}
	objects := func(name string) (*ObjectDefinition, error) {
		object, ok := known[name]
		if !ok {
			var err error
			if object, err = d.Capabilities.Describer.Object(ctx, name); err != nil {
				return nil, err
			}
			known[name] = object
		}
		return object, nil
	}
	entities, lookups := in.Input, in.Lookup
	in.Input, in.Lookup = nil, nil
	for i := range entities {
		mistakes := Normalize(&entities[i], objects, "/input/input/"+strconv.Itoa(i))
		if object := known[entities[i].Object]; object != nil && !allows(object, in.Action) {
			mistakes = append(mistakes, events.Errorf(events.CodeUnsupported, "", "%s has no action %s", object.Name, in.Action))
		}
		if err := together(mistakes); err != nil {
			rows[i].Error = &RowError{Description: err.Error()}
			continue
		}
		sound = append(sound, i)
		in.Input = append(in.Input, entities[i])
		if len(lookups) > 0 {
			in.Lookup = append(in.Lookup, lookups[i])
		}
	}
	return rows, sound
}

func allows(o *ObjectDefinition, action string) bool {
	for _, name := range o.Actions {
		if strings.EqualFold(name, action) {
			return true
		}
	}
	return false
}

// running is a request that is under way.
type running struct {
	mu     sync.Mutex
	state  Status
	cancel context.CancelCauseFunc
}

var errCanceled = errors.New("the request was canceled")

// maxNotes bounds the notes of a request; the first ones stay.
const maxNotes = 100

// Advance implements [Progress].
func (r *running) Advance(done, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Done, r.state.Total = done, total
}

// Note implements [Progress].
func (r *running) Note(n Note) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.state.Notes) < maxNotes {
		r.state.Notes = append(r.state.Notes, n)
	}
}

func (r *running) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	s.Notes = append([]Note(nil), s.Notes...)
	return s
}

// begin takes note of a request.
func (d *Dispatcher) begin(ctx context.Context, r *Request) (_ context.Context, done func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	work := &running{state: Status{ID: r.ID, State: StateStarted}, cancel: cancel}
	ctx = WithRequest(ctx, *r, work)
	if r.ID == "" {
		return ctx, func() { cancel(nil) }, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running[r.ID] != nil {
		cancel(nil)
		return nil, nil, events.Errorf(events.CodeConflict, "/request/id", "a request with the id %q is under way", r.ID)
	}
	if d.running == nil {
		d.running = map[string]*running{}
	}
	d.running[r.ID] = work
	return ctx, func() {
		d.mu.Lock()
		delete(d.running, r.ID)
		d.mu.Unlock()
		cancel(nil)
	}, nil
}

func (d *Dispatcher) status(_ context.Context, data []byte, emit func(any) error) error {
	r, err := d.find(data)
	if err != nil {
		return err
	}
	return emit(r.status())
}

func (d *Dispatcher) cancel(_ context.Context, data []byte, emit func(any) error) error {
	r, err := d.find(data)
	if err != nil {
		return err
	}
	r.cancel(errCanceled)
	return emit(r.status())
}

func (d *Dispatcher) find(data []byte) (*running, error) {
	c, err := events.Unmarshal[Call[RequestInput]](data)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.running[c.Input.ID]; r != nil {
		return r, nil
	}
	return nil, events.Errorf(events.CodeNotFound, "/input/id", "no request %q is under way", c.Input.ID)
}

// project leaves an entity with exactly the properties that are asked for.
func (e *DataEntity) project(names []string) {
	if len(names) == 0 {
		return
	}
	projected := make(Values, len(names))
	for _, name := range names {
		if value, ok := e.Properties[name]; ok {
			projected[name] = value
		}
	}
	e.Properties = projected
}
