package topics

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Limits are the sizes of streams that an operator may set.
type Limits struct {
	// Replicas of every stream and bucket, 1 to 5.
	Replicas int
	// History is the number of states kept for each element.
	History int
	// InBytes is the size of the in topic; it refuses commands beyond it.
	InBytes int64
	// OpsAge is the retention of status changes and reports.
	OpsAge time.Duration
	// DeadLetterAge is the retention of dead letters.
	DeadLetterAge time.Duration
	// DedupWindow is the time in which a repeated event is recognized. It must
	// exceed the longest failover.
	DedupWindow time.Duration
}

// DefaultLimits returns the default limits, for one replica.
func DefaultLimits() Limits {
	return Limits{
		Replicas: 1, History: 64, InBytes: 4 << 30,
		OpsAge: 7 * 24 * time.Hour, DeadLetterAge: 30 * 24 * time.Hour, DedupWindow: 2 * time.Minute,
	}
}

// maxConsumers lifts the server's default of 1,000 consumers per stream.
const maxConsumers = 100_000

// The times of leases and heartbeats.
const (
	// LeaseTTL is the time to live of a lease or heartbeat.
	LeaseTTL = 5 * time.Second
	// Heartbeat is the interval of renewals.
	Heartbeat = time.Second
	// SelfFence is the time after its last successful renewal at which a node stops
	// its connectors, before its lease can expire for others.
	SelfFence = 4 * time.Second
)

// InStream is the name of the stream of commands.
func (t Topics) InStream() string { return t.upper("IN") }

// OutStream is the name of the stream of change events, which is the store.
func (t Topics) OutStream() string { return t.upper("OUT") }

// CyclesStream is the name of the stream of schedules and due cycles.
func (t Topics) CyclesStream() string { return t.upper("CYCLES") }

// OpsStream is the name of the stream of status changes, reports and audit.
func (t Topics) OpsStream() string { return t.upper("OPS") }

// DeadLetterStream is the name of the stream of dead letters.
func (t Topics) DeadLetterStream() string { return t.upper("DLQ") }

func (t Topics) upper(name string) string { return strings.ToUpper(t.domain) + "_" + name }

// Streams declares every stream.
func (t Topics) Streams(l Limits) []jetstream.StreamConfig {
	stream := func(name, topic, description string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Description: description, Subjects: []string{t.join(topic, ">")},
			Storage: jetstream.FileStorage, Replicas: l.Replicas, MaxConsumers: maxConsumers,
			AllowDirect: true, Duplicates: l.DedupWindow,
		}
	}
	in := stream(t.InStream(), "in", "Camena: commands")
	in.MaxBytes = l.InBytes
	in.Discard = jetstream.DiscardNew
	in.AllowAtomicPublish = true

	out := stream(t.OutStream(), "out", "Camena: change events, the store of metadata")
	out.MaxMsgsPerSubject = int64(l.History)
	out.AllowAtomicPublish = true
	out.AllowMsgTTL = true // for tombstones
	out.AllowRollup = true // for tombstones of purged elements

	cycles := stream(t.CyclesStream(), "cycles", "Camena: schedules and due cycles")
	cycles.AllowMsgSchedules = true
	cycles.AllowMsgTTL = true
	cycles.AllowRollup = true

	ops := stream(t.OpsStream(), "ops", "Camena: status changes, reports, audit")
	ops.MaxAge = l.OpsAge

	dlq := stream(t.DeadLetterStream(), "dlq", "Camena: dead letters")
	dlq.MaxAge = l.DeadLetterAge
	return []jetstream.StreamConfig{in, out, cycles, ops, dlq}
}

// NodesBucket holds a heartbeat per node.
func (t Topics) NodesBucket() string { return t.domain + "-nodes" }

// LeasesBucket holds the leases of roles that one node has at a time.
func (t Topics) LeasesBucket() string { return t.domain + "-leases" }

// AssignmentsBucket holds the node of each connector.
func (t Topics) AssignmentsBucket() string { return t.domain + "-assignments" }

// StatusBucket holds the state of each connector.
func (t Topics) StatusBucket() string { return t.domain + "-status" }

// PositionsBucket holds the positions of connectors.
func (t Topics) PositionsBucket() string { return t.domain + "-positions" }

// Buckets declares every key-value bucket.
func (t Topics) Buckets(l Limits) []jetstream.KeyValueConfig {
	bucket := func(name, description string) jetstream.KeyValueConfig {
		return jetstream.KeyValueConfig{
			Bucket: name, Description: description, History: 1,
			Storage: jetstream.FileStorage, Replicas: l.Replicas,
		}
	}
	live := func(name, description string) jetstream.KeyValueConfig {
		c := bucket(name, description)
		c.TTL = LeaseTTL
		// Watchers get a marker when a key expires.
		c.LimitMarkerTTL = LeaseTTL
		return c
	}
	return []jetstream.KeyValueConfig{
		live(t.NodesBucket(), "Camena: a heartbeat per node"),
		live(t.LeasesBucket(), "Camena: roles that one node has at a time"),
		bucket(t.AssignmentsBucket(), "Camena: which node runs which connector"),
		bucket(t.StatusBucket(), "Camena: the present state of every connector"),
		bucket(t.PositionsBucket(), "Camena: how far connectors have read"),
	}
}

// The services that answer requests, and their verbs.
const (
	RepositoryService = "repository"
	// VerbLoadProgress is answered by nodes that do not answer anything else yet.
	VerbLoadProgress = "reading"
	// VerbWriterStatus is answered by the node that writes.
	VerbWriterStatus = "writing"

	// CoordinatorLease and RepositoryLease are keys of the leases bucket.
	CoordinatorLease = "coordinator"
	RepositoryLease  = "repository"
)
