package events

// Types asks for the definitions of types, in the order of their names.
type Types struct {
	// Defined leaves out the types that are as Camena ships them.
	Defined bool `json:"defined,omitzero"`
	Page
}

// TypesAnswer answers [Types].
type TypesAnswer struct {
	// Sequence of the out topic that the answer reflects.
	Sequence uint64      `json:"sequence"`
	Types    []KnownType `json:"types"`
	// Next is the After of the next page; empty at the end.
	Next string `json:"next,omitempty"`
}

// KnownType is a type that the repository knows.
type KnownType struct {
	TypeDef
	// Defined says that the definition came by [DefineTypes]; Camena ships the
	// others.
	Defined bool `json:"defined,omitzero"`
}
