// Package graph is the metadata graph: what commands do to it, an index of it,
// and questions about it. It knows no bus.
//
// An [Index] holds the committed state in memory and answers questions. What a
// change event says becomes a [Fact], which [Index.Commit] takes over.
//
// A [Pending] applies commands to an index, and keeps apart what they lead to
// until the index has it too. That is a pure function of the state, the command
// and its [Request]: whoever applies the same commands in the same order arrives
// at the same events.
//
// What is gone, and what was before, is only in the [Log] that the index was
// made of: restorations and questions about former times read it there.
package graph
