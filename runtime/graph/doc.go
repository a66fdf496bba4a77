// Package graph applies commands to the metadata graph. It knows no bus.
//
// A [Pending] applies commands to an [index.Index], and keeps their changes until the
// index has them too. The result is a pure function of the state, the command and its
// [Request]: every writer that applies the same commands in the same order publishes
// the same events.
//
// Two packages below it hold the state. Package index is the present state, its history
// and the questions about it; it keeps a text index, which is package text. Neither
// knows this package. It sees of the index single records ([index.Lookup]), groups of
// records, fences and types, and hands it an [index.StateChange] for each event.
package graph
