// Package connectors is the contract between Camena and a connector.
//
// A connector is a Go value that catalogs, follows or serves one kind of third-party
// technology. It is listed as a [Factory] in a [Set]; a host makes one value for every
// IntegrationConnector that is assigned to its node.
//
// # Lifecycle
//
// The calls are New, Start, any number of Refresh, Engage and Changed, and Disconnect.
// New and the checks of the configuration do no I/O. Start is called once for each
// value and gets the [Context]; background work that it begins ends with the context's
// ctx or in Disconnect. When the ctx of a call is done, the connector returns within a
// second. Disconnect is called exactly once for every value whose Start was called,
// also after a failed Start; then the Context refuses all calls with
// [ErrDisconnected]. A value is never used again: a restart makes a new one (Egeria:
// integration connector, lifecycle).
//
// # Capabilities
//
// A connector implements [Refresher], [Engager] or [Listener] for what it can do
// beyond [Connector].
//
// # Delivery
//
// A command is durable after [Context.Send] or [Context.Apply] returned nil. Commands
// are applied exactly once, in the order in which they were sent. A command that
// changes nothing causes no event, so a connector may send what it sees as often as it
// likes. Save a position after the commands that it covers.
//
// A listener gets the changes in order. After a restart or a move it continues after
// the last change that it handled, and misses none that the out topic still holds;
// after a crash it may get those of the last second again ([Context.Listen]). With
// Present in its [Filter] it gets the present state of everything once, and then every
// change. A slow listener delays nobody else.
//
// # Synchronization
//
// A connector that also writes to the third party reads, for each thing, what open
// metadata knows of it ([Context.Counterpart]), asks [Context.Synchronize] what to do,
// does it and records it ([Context.RecordSynchronized], [Context.ForgetSynchronized]).
// If both sides changed, that is a conflict: the connector leaves that thing alone and
// continues with the others, its status shows it, and a steward decides.
//
// # Errors
//
// After an error the call is tried again with back-off. [RetryAfter] sets the delay.
// [Permanent] stops the attempts until the configuration changes. A change on which a
// listener fails is delivered again, and the connector's status shows it; after ten
// failures, or [Permanent], it becomes a dead letter, and the next one follows.
// [RetryAfter] waits and does not count. A panic counts as an error. None of them
// affects other connectors. An error that is returned after ctx is done does not count.
//
// # Concurrency
//
// Refresh, Engage and Changed of one value never run concurrently with themselves, but
// may run concurrently with each other. All methods of [Context] are safe for
// concurrent use.
//
// # Secrets
//
// Configuration that must not be seen is a [Secret]: it is given by reference, read
// when needed, and prints as "[redacted]".
package connectors
