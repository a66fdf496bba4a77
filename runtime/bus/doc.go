// Package bus connects to NATS: it creates what package topics declares, publishes
// with deduplication and back-pressure, follows streams in order, holds leases, keeps
// buckets, arms schedules, and asks and answers questions. It knows nothing of what
// is sent; package client does.
//
// # Promises
//
// Publishing returns when the bus has stored the event, durably and once: a
// publisher that repeats an event under its id does not store it twice. Events
// published together are stored in their order or not at all. While a stream
// is full, or NATS cannot be reached, publishing waits until ctx is done.
//
// Following delivers in stream order, without gap, and goes on after
// reconnects. Nothing here gives up on its own: the caller decides by ctx.
package bus
