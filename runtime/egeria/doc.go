// Package egeria reads, checks and loads open metadata archives of Egeria.
//
// [Open] takes an open metadata archive as Egeria publishes them: one JSON
// document of type definitions, entities, relationships and classifications,
// plain or compressed by gzip. It is read as a stream, as often as needed, so
// its size does not matter.
//
// [Archive.Check] reads it from end to end: it finds out whether the JSON is
// whole, and of each item whether it can be understood, its type is known and
// what it refers to exists. The [Report] has each fault with its line and JSON
// pointer; a fault stops nothing else, unless the document is truncated or not
// JSON. The [Plan] then yields the commands, in an order in which they can be
// applied: types, elements, classifications, relationships. The commands state
// the wanted result, with the guids of the archive, so that sending them again
// changes nothing.
//
// An [Importer] sends the commands to a repository, or rehearses that: a check
// applies the same commands by the same rules to a copy of the repository's
// state, so that it reports what the import would. Archived elements that an
// archive would only restore and archive again stay as they are: the importer
// finds them by trying the archive on such a copy.
package egeria
