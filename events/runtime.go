package events

import "time"

// Duration is a [time.Duration] that is written as "1m30s".
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return Errorf(CodeInvalid, "", "%q is not a duration such as 30s, 10m or 1h30m", text)
	}
	*d = Duration(v)
	return nil
}

// CycleKind says what a due cycle asks the host to do with a connector.
type CycleKind string

// The kinds of cycles.
const (
	CycleRefresh CycleKind = "refresh"
	CycleEngage  CycleKind = "engage"
	CycleRestart CycleKind = "restart"
)

// Cycle is the data of [TypeCycleDue]: what a schedule delivers when it fires,
// and what a user's "refresh now" sends.
type Cycle struct {
	// Connector is the id of the connector.
	Connector  string    `json:"connector"`
	Kind       CycleKind `json:"kind"`
	Generation uint64    `json:"generation,omitzero"`
	// Interval of the schedule, zero for one-shots and requests.
	Interval Duration `json:"interval,omitzero"`
	// Run is the id of the run when somebody waits for its outcome.
	Run string `json:"run,omitempty"`
	// Due is when a one-shot was to fire.
	Due time.Time `json:"due,omitzero"`
}

// Outcome is how a run ended.
type Outcome string

// The outcomes of runs.
const (
	OutcomeCompleted Outcome = "completed"
	OutcomeFailed    Outcome = "failed"
	OutcomeTimedOut  Outcome = "timed_out"
	OutcomeLost      Outcome = "lost"
	OutcomeCoalesced Outcome = "coalesced"
)

// CycleReport is the data of [TypeCycleFinished]: one run of a connector's
// refresh or engage, and what it changed (Egeria: IntegrationReport).
type CycleReport struct {
	Run       string    `json:"run"`
	Connector string    `json:"connector"`
	Name      string    `json:"name"`
	Node      string    `json:"node"`
	Kind      CycleKind `json:"kind"`
	Outcome   Outcome   `json:"outcome"`
	Error     string    `json:"error,omitempty"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	// Lateness is how long after its due time the run began.
	Lateness Duration `json:"lateness,omitzero"`
	Created  int64    `json:"created,omitzero"`
	Updated  int64    `json:"updated,omitzero"`
	Deleted  int64    `json:"deleted,omitzero"`
}

// ConnectorStatus is the state of a connector (Egeria:
// IntegrationConnectorStatus).
type ConnectorStatus string

// The statuses of a connector.
const (
	StatusInitialized      ConnectorStatus = "INITIALIZED"
	StatusWaiting          ConnectorStatus = "WAITING"
	StatusRefreshing       ConnectorStatus = "REFRESHING"
	StatusRunning          ConnectorStatus = "RUNNING"
	StatusStopped          ConnectorStatus = "STOPPED"
	StatusInitializeFailed ConnectorStatus = "INITIALIZE_FAILED"
	StatusConfigFailed     ConnectorStatus = "CONFIG_FAILED"
	StatusShutdown         ConnectorStatus = "SHUTDOWN"
	StatusFailed           ConnectorStatus = "FAILED"
)

// ConnectorReport is the present state of one connector on its node, kept in
// the status bucket under the connector's id (Egeria: IntegrationConnectorReport).
type ConnectorReport struct {
	Connector  string          `json:"connector"`
	Name       string          `json:"name"`
	Kind       string          `json:"kind"`
	Node       string          `json:"node"`
	Generation uint64          `json:"generation"`
	Status     ConnectorStatus `json:"status"`
	// Since is when the status was last changed.
	Since time.Time `json:"since"`
	// Error is the failing exception's message, and NextAttempt when the host
	// tries again.
	Error       string    `json:"error,omitempty"`
	Attempts    int       `json:"attempts,omitzero"`
	NextAttempt time.Time `json:"nextAttempt,omitzero"`
	LastRefresh time.Time `json:"lastRefresh,omitzero"`
	// Instance is that of the node that runs the connector: when the node has
	// another one, what the report says is past.
	Instance string `json:"instance,omitempty"`
	// Problems are what the connector itself reports as wrong while it goes on,
	// such as a folder that cannot be read.
	Problems   []string         `json:"problems,omitempty"`
	Statistics map[string]int64 `json:"statistics,omitzero"`
}

// RoleHost is the role of nodes that run connectors.
const RoleHost = "host"

// Node is what a node says of itself with every heartbeat.
type Node struct {
	Name string `json:"name"`
	// Instance is another one whenever the node starts to run connectors anew.
	Instance string    `json:"instance"`
	Roles    []string  `json:"roles"`
	Version  string    `json:"version"`
	Started  time.Time `json:"started"`
	// Kinds are the kinds of connectors that the node can run.
	Kinds      []string `json:"kinds,omitempty"`
	Connectors int      `json:"connectors"`
}

// Assignment gives a connector to a node, kept in the assignments bucket under
// the connector's id. Every change of node raises the generation.
type Assignment struct {
	Definition Definition `json:"definition"`
	// Node is empty while the connector is being taken from one node, before it
	// is given to another, and outside the time in which it is to run.
	Node string `json:"node,omitempty"`
	// From is the node that it is being taken from: that node reports STOPPED
	// under this generation when it no longer runs the connector.
	From       string `json:"from,omitempty"`
	Generation uint64 `json:"generation"`
}

// Definition is all that a host needs to run a connector, gathered from the
// metadata (Egeria: RegisteredIntegrationConnector and the connector's
// Connection).
type Definition struct {
	// ID is the guid of the RegisteredIntegrationConnector relationship.
	ID string `json:"id"`
	// Element is the guid of the IntegrationConnector element.
	Element string `json:"element"`
	Name    string `json:"name"`
	Group   string `json:"group,omitempty"`
	// Kind is the connector provider: which connector of the binary to run.
	Kind          string     `json:"kind"`
	Configuration Properties `json:"configuration,omitzero"`
	// Refresh is the schedule of refreshes: "@every 10m", a six-field cron
	// expression, or empty for at start and on request only.
	Refresh  string `json:"refresh,omitempty"`
	TimeZone string `json:"timeZone,omitempty"`
	// UsesBlockingCalls asks for engage calls.
	UsesBlockingCalls bool `json:"usesBlockingCalls,omitzero"`
	// MetadataSource makes what the connector catalogs belong to that source.
	MetadataSource           string                   `json:"metadataSource,omitempty"`
	PermittedSynchronization PermittedSynchronization `json:"permittedSynchronization,omitempty"`
	User                     string                   `json:"user,omitempty"`
	Start                    time.Time                `json:"startDate,omitzero"`
	Stop                     time.Time                `json:"stopDate,omitzero"`
}

// Equal reports whether two definitions say the same.
func (d *Definition) Equal(o *Definition) bool {
	return d.ID == o.ID && d.Element == o.Element && d.Name == o.Name && d.Group == o.Group &&
		d.Kind == o.Kind && d.Configuration.Equal(o.Configuration) &&
		d.Refresh == o.Refresh && d.TimeZone == o.TimeZone && d.UsesBlockingCalls == o.UsesBlockingCalls &&
		d.MetadataSource == o.MetadataSource && d.PermittedSynchronization == o.PermittedSynchronization &&
		d.User == o.User && d.Start.Equal(o.Start) && d.Stop.Equal(o.Stop)
}

// PermittedSynchronization is the permitted direction of synchronization (Egeria:
// PermittedSynchronization).
type PermittedSynchronization string

// The directions; empty is both.
const (
	SyncBoth PermittedSynchronization = "BOTH_DIRECTIONS"
	SyncTo   PermittedSynchronization = "TO_THIRD_PARTY"
	SyncFrom PermittedSynchronization = "FROM_THIRD_PARTY"
)

// Extension attributes of dead letters; the message body is the body of the
// message that could not be handled, as it came.
const (
	ExtReason        = "reason"
	ExtReasonCode    = "reasoncode"
	ExtReasonPointer = "reasonpointer"
	// ExtTold, if "true", says that the sender asked for the outcome, and so
	// hears of the refusal.
	ExtTold           = "told"
	ExtOriginStream   = "originstream"
	ExtOriginSubject  = "originsubject"
	ExtOriginSequence = "originsequence"
	// ExtOriginHeaders holds the headers of that message as a JSON object.
	ExtOriginHeaders = "originheaders"
)
