package bus

// Exported for tests.
var (
	Older     = older
	RedactURL = redactURL
)
