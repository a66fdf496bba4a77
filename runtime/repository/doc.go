// Package repository turns commands into change events and answers questions
// about the metadata.
//
// # Writing
//
// One repository node at a time has the lease of the writer. It reads the in
// topic in stream order, without acknowledgements, applies each command to the
// present state, and publishes the change events to the out topic, each with
// the expectation of being the very next message there and with the in-sequence
// that caused it. The out topic is the store: there is no second write. The
// writer's position is the in-sequence of the last change event, so a restart or
// a failover applies nothing twice and skips nothing, and a deposed writer's
// next publish fails its expectation. What is published but not yet
// acknowledged is kept apart from the committed state; when a publish fails it
// is dropped, the end of the out topic is read again, and writing goes on from
// there.
//
// A command that changes nothing publishes nothing. The events of one command,
// and of one change set, are published as one atomic batch. A command that can
// never be applied goes to the dead letters with its reason.
//
// # Reading
//
// Every repository node follows the out topic into an index in memory and
// answers questions from it. An answer names the out-sequence that it reflects;
// a question may ask for at least some sequence. The index is never the truth:
// it is rebuilt from the stream.
//
// What a command leads to, and how a question is answered, is in package
// [github.com/camena-io/camena/runtime/graph], which knows no bus.
package repository
