// Package query decides conditions: it parses them, checks them, matches rows
// and sorts rows.
//
// A [Row] is anything that has a value at a path. The elements of the repository
// are rows ([State]); a connector can use the same conditions for the rows of a
// table or for decoded JSON. [Types] tells what values the rows may hold, so that
// a condition that no row can satisfy is refused; without it, conditions are
// checked for their form only.
package query
