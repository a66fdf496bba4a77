// Package coordinator decides which node runs which connector. One coordinator
// works at a time, by a lease.
//
// # Level, not edge
//
// Events only wake it. The desired state comes from the metadata (registered
// connectors, read from the out topic), the present state from the buckets of
// nodes, assignments and status. [Plan] compares the two and returns steps,
// which are written to the assignments bucket, where the hosts read them. A lost
// or repeated event changes nothing.
//
// # Moving a connector
//
// A connector leaves a living node in two steps: it is released, and assigned
// to the next node when the first has reported that it stopped. A dead node is
// not asked: it fenced itself before its heartbeat ran out. Every step raises
// the generation, which the repository checks, so that a connector never runs
// effectively in two places.
//
// # Grace period
//
// While NATS elects a leader no node can renew its heartbeat. So a new
// coordinator waits for half the duration of a lease before it takes a node that
// has assignments, but no heartbeat, for dead. While no host is alive it changes
// nothing.
//
// # Sources
//
// Types and rules follow Egeria's integration groups (type model, area 4,
// 0464): what is incomplete is not run, and is shown with the reason.
package coordinator
