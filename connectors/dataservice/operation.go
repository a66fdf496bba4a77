package dataservice

import "github.com/camena-io/camena/events"

// MaxBulk is the largest number of entities in one operation.
const MaxBulk = 10_000

// OperationInput asks for an action on entities.
type OperationInput struct {
	Action string       `json:"action"`
	Input  []DataEntity `json:"input"`
	// Lookup says which entities Input[i] changes, at the same index. Without one
	// the key properties of the input say it.
	Lookup []*events.Condition `json:"lookup,omitempty"`
	// Multiple permits that a lookup matches several entities.
	Multiple bool `json:"multiple,omitzero"`
	// Test: nothing is to stay.
	Test bool `json:"test,omitzero"`
}

// OperationResult has one row for each entity of the input, in the same order. A
// bad row stops no other.
type OperationResult struct {
	Rows []RowResult `json:"rows"`
}

// RowResult is what became of one entity of the input.
type RowResult struct {
	Success bool `json:"success"`
	// Affected is the number of entities that were changed.
	Affected int         `json:"affected"`
	Output   *DataEntity `json:"output,omitempty"`
	Error    *RowError   `json:"error,omitempty"`
}

// RowError is what the data store has against one entity.
type RowError struct {
	Number      ErrorNumber `json:"number,omitzero"`
	Description string      `json:"description"`
	Detail      string      `json:"detail,omitempty"`
}

// ErrorNumber tells a program what is wrong with a row.
type ErrorNumber int

// The numbers that callers know (Scribe: ErrorNumber).
const (
	// NoRowsFound: the lookup matched nothing. The row is a success that changed nothing.
	NoRowsFound ErrorNumber = 17
	// TooManyRows: the lookup matched several entities, and that was not permitted.
	TooManyRows ErrorNumber = 18
	// DuplicateKey: an entity has that key already.
	DuplicateKey ErrorNumber = 2601
)

// Error returns the description.
func (e *RowError) Error() string { return e.Description }
