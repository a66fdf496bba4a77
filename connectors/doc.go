// Package connectors is the contract between Camena and a connector.
//
// A connector is a Go value that catalogues, follows or serves one kind of
// third-party technology. It is listed as a [Factory] in a [Set]; a host makes
// one value for every IntegrationConnector that is assigned to its node.
//
// # Life
//
// New, then Start, then any number of Refresh, Engage and Changed calls, then
// Disconnect. New and the checks of the configuration do no I/O. Start is
// called before anything else, once for each value, and gets the [Context];
// what it begins in the background ends with the context's ctx or in
// Disconnect. Every call gets a ctx; when it is done the connector returns, at
// the latest within a second. Disconnect is called exactly once for every value
// whose Start was called, also when Start failed; after it the Context refuses
// all calls with [ErrDisconnected]. A value is never used again: a restart
// makes a new one (Egeria: integration connector, lifecycle).
//
// # Capabilities
//
// What a connector can do beyond [Connector] it says by implementing
// [Refresher], [Engager] or [Listener]. The runtime looks in one place.
//
// # Delivery
//
// A command that [Context.Send] or [Context.Apply] returned nil for is durable.
// It is applied exactly once and in the order in which it was sent. A command
// that changes nothing causes no event, so connectors may say what they see as
// often as they like. Positions are to be saved after the commands they cover.
//
// A listener is told the changes in order. After a restart or a move it goes on
// behind the last change that it handled, so that it misses none that the out
// topic still holds; after a crash it may be told those of the last second again
// ([Context.Listen]). One that begins with the present state ([Filter]) is told
// of everything once, as it is, and then every change. A slow listener is behind;
// it holds up nobody else.
//
// # Synchronization
//
// A connector that writes to the third party, too, reads for each thing what open
// metadata knows of it ([Context.Counterpart]), asks [Context.Synchronize] what is
// to be done, does it and records it ([Context.RecordSynchronized],
// [Context.ForgetSynchronized]). If both sides have changed it is a conflict:
// the connector leaves that thing alone and goes on with the others, its status
// shows it, and a steward decides.
//
// # Errors
//
// A plain error means: it did not work this time, try again with back-off.
// [RetryAfter] says when. [Permanent] says that trying again is pointless
// before the configuration changes. A change that a listener fails on is handed
// over again, which its status shows; one that it fails on ten times, or with
// [Permanent], becomes a dead letter, and the next one follows. [RetryAfter]
// does not count: it waits. A panic is an error like a plain one. None
// of them touches other connectors. After ctx is done, whatever is returned is
// not counted as a failure.
//
// # Concurrency
//
// Refresh is never called while another Refresh of the same value runs, and
// neither is Engage or Changed during itself; but a Refresh may overlap with an
// Engage or a Changed. All methods of [Context] are safe for concurrent use.
//
// # Secrets
//
// Configuration that must not be seen is a [Secret]: it is given by reference,
// read when needed, and prints as "[redacted]".
package connectors
