// Package text searches the texts of many items for a part of a text.
//
// An [Index] keeps folded copies of the texts, one after the other in blocks of
// memory. A filter of each block tells which runs of four bytes occur in it, so
// that most blocks are skipped.
//
// A change is only queued by [Index.Replace], which costs the writer little. Queued
// changes take effect when there are many, when none has come for a while, and at
// the start of every search.
package text
