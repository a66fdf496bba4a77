package events

import (
	"maps"
	"slices"
	"time"
)

// Duration is a [time.Duration] with the text form "1m30s".
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

// CycleKind is the action of a due cycle.
type CycleKind string

// The kinds of cycles.
const (
	CycleRefresh CycleKind = "refresh"
	CycleEngage  CycleKind = "engage"
	CycleRestart CycleKind = "restart"
)

// Cycle is the data of [TypeCycleDue], sent by a schedule or by a user who asks
// for a refresh.
type Cycle struct {
	// Connector is the id of the connector.
	Connector  string    `json:"connector"`
	Kind       CycleKind `json:"kind"`
	Generation uint64    `json:"generation,omitzero"`
	// Interval of the schedule, zero for one-shots and requests.
	Interval Duration `json:"interval,omitzero"`
	// Run is the id of the run if its outcome is waited for.
	Run string `json:"run,omitempty"`
	// Due is the due time of a one-shot.
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
	// Lateness is the time from the due time to the start.
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
	// Error is the last error; NextAttempt is the time of the next attempt.
	Error       string    `json:"error,omitempty"`
	Attempts    int       `json:"attempts,omitzero"`
	NextAttempt time.Time `json:"nextAttempt,omitzero"`
	LastRefresh time.Time `json:"lastRefresh,omitzero"`
	// Instance is the instance of the node. The report is outdated if the node has
	// another one now.
	Instance string `json:"instance,omitempty"`
	// Problems are reported by a running connector, such as an unreadable folder.
	Problems   []string         `json:"problems,omitempty"`
	Statistics map[string]int64 `json:"statistics,omitzero"`
}

// RoleHost is the role of nodes that run connectors.
const RoleHost = "host"

// Node is the heartbeat of a node.
type Node struct {
	Name string `json:"name"`
	// Instance changes whenever the node starts running connectors again.
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
	// Node is empty while the connector moves from one node to another, and
	// outside its start and stop dates.
	Node string `json:"node,omitempty"`
	// From is the former node, which reports STOPPED under this generation when it
	// no longer runs the connector.
	From       string `json:"from,omitempty"`
	Generation uint64 `json:"generation"`
}

// Definition is what a host needs to run a connector, read from the metadata
// (Egeria: RegisteredIntegrationConnector and the connector's Connection).
type Definition struct {
	// ID is the guid of the RegisteredIntegrationConnector relationship.
	ID string `json:"id"`
	// Element is the guid of the IntegrationConnector element.
	Element string `json:"element"`
	Name    string `json:"name"`
	Group   string `json:"group,omitempty"`
	// Kind is the kind of connector (Egeria: connector provider).
	Kind          string     `json:"kind"`
	Configuration Properties `json:"configuration,omitzero"`
	// Endpoint is the network address that the connection leads to.
	Endpoint string `json:"endpoint,omitempty"`
	// Targets are what the connector is to work on, ordered by id.
	Targets []CatalogTarget `json:"catalogTargets,omitempty"`
	// Refresh is the refresh schedule: "@every 10m", or a cron expression of six
	// fields; empty: only at start and on request.
	Refresh  string `json:"refresh,omitempty"`
	TimeZone string `json:"timeZone,omitempty"`
	// UsesBlockingCalls enables engage calls.
	UsesBlockingCalls bool `json:"usesBlockingCalls,omitzero"`
	// MetadataSource owns what the connector catalogs.
	MetadataSource           string                   `json:"metadataSource,omitempty"`
	PermittedSynchronization PermittedSynchronization `json:"permittedSynchronization,omitempty"`
	User                     string                   `json:"user,omitempty"`
	Start                    time.Time                `json:"startDate,omitzero"`
	Stop                     time.Time                `json:"stopDate,omitzero"`
}

// Equal reports whether two definitions are equal.
func (d *Definition) Equal(o *Definition) bool {
	return d.ID == o.ID && d.Element == o.Element && d.Name == o.Name && d.Group == o.Group &&
		d.Kind == o.Kind && d.Configuration.Equal(o.Configuration) && d.Endpoint == o.Endpoint &&
		slices.EqualFunc(d.Targets, o.Targets, func(a, b CatalogTarget) bool { return a.Equal(&b) }) &&
		d.Refresh == o.Refresh && d.TimeZone == o.TimeZone && d.UsesBlockingCalls == o.UsesBlockingCalls &&
		d.MetadataSource == o.MetadataSource && d.PermittedSynchronization == o.PermittedSynchronization &&
		d.User == o.User && d.Start.Equal(o.Start) && d.Stop.Equal(o.Stop)
}

// CatalogTarget is an element that a connector is to work on, and what counts for
// it instead of what the connector's definition says (Egeria: CatalogTarget).
type CatalogTarget struct {
	// ID is the guid of the CatalogTarget relationship.
	ID string `json:"id"`
	// Element is the guid of the element, Connection which of its connections to use.
	Element    string `json:"element"`
	Connection string `json:"connection,omitempty"`
	Name       string `json:"name,omitempty"`
	// Templates are guids of templates by the name that the connector has for them.
	Templates                map[string]string        `json:"templates,omitempty"`
	Configuration            Properties               `json:"configuration,omitzero"`
	MetadataSource           string                   `json:"metadataSource,omitempty"`
	PermittedSynchronization PermittedSynchronization `json:"permittedSynchronization,omitempty"`
	// Delete is what becomes of elements whose originals are gone.
	Delete DeleteMethod `json:"deleteMethod,omitempty"`
	// Problem says why the target cannot be worked on.
	Problem string `json:"problem,omitempty"`
}

// Equal reports whether two targets are equal.
func (c *CatalogTarget) Equal(o *CatalogTarget) bool {
	return c.ID == o.ID && c.Element == o.Element && c.Connection == o.Connection && c.Name == o.Name &&
		maps.Equal(c.Templates, o.Templates) && c.Configuration.Equal(o.Configuration) &&
		c.MetadataSource == o.MetadataSource && c.PermittedSynchronization == o.PermittedSynchronization && c.Delete == o.Delete &&
		c.Problem == o.Problem
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

// Extension attributes of dead letters. The body is that of the original message.
const (
	ExtReason        = "reason"
	ExtReasonCode    = "reasoncode"
	ExtReasonPointer = "reasonpointer"
	// ExtTold, if "true": the sender waited for the outcome and got the reason.
	ExtTold           = "told"
	ExtOriginStream   = "originstream"
	ExtOriginSubject  = "originsubject"
	ExtOriginSequence = "originsequence"
	// ExtOriginHeaders holds the headers of that message as a JSON object.
	ExtOriginHeaders = "originheaders"
)
