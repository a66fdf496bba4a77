// Package opentypes is the registry of open metadata types: what types there
// are, what they inherit, and what metadata of a type must look like (Egeria:
// open metadata type system).
//
// A [Registry] never changes; [Registry.Apply] returns another one. A change
// leaves all metadata valid that was: types and attributes are added, never
// taken away, and what they accept only grows.
//
// [Builtin] has the types that Camena ships. They are written in types/*.yaml,
// each file the YAML of an [events.DefineTypes]; types.json is made of them by
// the tests, since JSON is read many times faster.
package opentypes
