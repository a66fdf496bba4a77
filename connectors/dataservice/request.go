package dataservice

import "context"

// Caller is who a request is made for.
type Caller struct {
	User   string   `json:"user,omitempty"`
	Groups []string `json:"groups,omitempty"`
	// Language is that of the texts to answer with, as in Accept-Language.
	Language string `json:"language,omitempty"`
}

// Request is what comes with everything that a connector is asked. Its deadline is
// that of the context.
type Request struct {
	// ID identifies the request: its status can be asked for, and it can be canceled.
	ID     string `json:"id,omitempty"`
	Caller Caller `json:"caller,omitzero"`
}

// Status is how far a request is (i2: async query status; Scribe: process; Google:
// long-running operation).
type Status struct {
	ID    string `json:"id"`
	State State  `json:"state"`
	// Done of Total are the entities that were handled; a Total of 0 is not known.
	Done  int64  `json:"done,omitzero"`
	Total int64  `json:"total,omitzero"`
	Notes []Note `json:"notes,omitempty"`
	Error string `json:"error,omitempty"`
}

// State is the state of a request.
type State string

// The states of a request. All but the first are final.
const (
	StateStarted   State = "STARTED"
	StateSucceeded State = "SUCCEEDED"
	StateFailed    State = "FAILED"
	StateCanceled  State = "CANCELED"
)

// Note is something that a person should know about a request (i2: substatus).
type Note struct {
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// Severity says how bad it is.
type Severity string

// The severities.
const (
	SeverityInformation Severity = "INFORMATION"
	SeverityWarning     Severity = "WARNING"
	SeverityError       Severity = "ERROR"
	SeveritySuccess     Severity = "SUCCESS"
)

// Progress takes what a connector has to tell about a request while it works on it.
type Progress interface {
	// Advance says how many entities are handled; a total of 0 is not known.
	Advance(done, total int64)
	Note(n Note)
}

type requestKey struct{}

type requestValue struct {
	request  Request
	progress Progress
}

// WithRequest returns a context for the work on a request.
func WithRequest(ctx context.Context, r Request, p Progress) context.Context {
	return context.WithValue(ctx, requestKey{}, requestValue{r, p})
}

// RequestOf returns the request that a context is for, and where its progress can
// be told; outside of a request both say and take nothing.
func RequestOf(ctx context.Context) (Request, Progress) {
	v, ok := ctx.Value(requestKey{}).(requestValue)
	if !ok || v.progress == nil {
		return v.request, silent{}
	}
	return v.request, v.progress
}

type silent struct{}

func (silent) Advance(int64, int64) {}

func (silent) Note(Note) {}
