// Package index holds the present state of the metadata graph in memory, and answers
// questions about it. It knows no bus and no commands.
//
// [Index.Read] turns an event of the out topic into a [StateChange], which
// [Index.Commit] applies. A [Record] is the state of one element or relationship; it
// never changes, so readers need no lock for the records they have found. The caller
// that follows the out topic commits; any goroutine may read and ask.
//
// [Index.Answer] answers questions. Former states and deleted elements are not in
// memory but in the [Log] of the events that the index was made of.
package index
