// Package coordinator decides which node runs which connector. One coordinator
// works at a time, by a lease.
//
// # Level, not edge
//
// Events only wake it. What is wanted comes from the metadata (integration
// groups, their registered connectors, connections and connector types, read
// from the out topic), what there is from the buckets of nodes, assignments and
// status. [Plan] compares the two; what it returns is written to the
// assignments bucket, where the hosts see it. A lost or doubled event changes
// nothing.
//
// # Moving a connector
//
// A connector is taken from a living node in two steps: it is released, and
// given to the next node when the first has reported that it stopped. A dead
// node is not asked: it has fenced itself before its heartbeat ran out. Every
// step raises the generation, which the repository checks, so that a connector
// never runs effectively in two places.
//
// # Being unsure
//
// While NATS elects a leader nobody can renew anything. So a new coordinator
// waits for half the life of a lease before it takes a node that holds
// assignments, but has no heartbeat, for dead; and where no host is left it changes nothing
// until one is back.
//
// # Sources
//
// Types and rules follow Egeria's integration groups (type model, area 4,
// 0464): what is incomplete is not run, and is shown with the reason.
package coordinator
