// Package opentypes is the registry of open metadata types: their inheritance,
// and the validation of metadata (Egeria: open metadata type system).
//
// A [Registry] is immutable; [Registry.Apply] returns a new one. A change keeps
// all stored metadata valid: types and attributes are added, never removed, and
// accept more, never less.
//
// [Builtin] returns the types that Camena ships. Their source is types/*.yaml,
// each file an [events.DefineTypes]. The tests make types.json of it, because
// JSON is read many times faster.
package opentypes
