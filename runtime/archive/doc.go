// Package archive reads open metadata archives.
//
// [Open] takes an open metadata archive as Egeria publishes them: one JSON
// document of type definitions, entities, relationships and classifications,
// plain or compressed by gzip. It is read as a stream, as often as needed, so
// that its size does not matter.
//
// [Archive.Check] reads it once from end to end and sends nothing: it finds out
// whether the JSON is whole, whether each item can be understood, whether its
// type is known and whether what it refers to exists. What is wrong stands in
// the [Report], with the line and the JSON pointer, and stops nothing else; a
// document that ends too early or is not JSON stops everything. Then
// [Plan.Steps] yields the commands, in an order in which they can be applied:
// types, elements, classifications, relationships. The commands say how things
// shall be, with the guids of the archive, so that sending them twice changes
// nothing the second time. Only elements that are archived would be restored and
// archived again, which is the last that steps do: [Plan.MindsArchived] says whether
// that may be, and [Step.Changes] what the steps would change about them otherwise.
package archive
