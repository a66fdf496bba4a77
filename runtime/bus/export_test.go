package bus

// Exported for tests.
var (
	Attempt   = attempt
	Older     = older
	RedactURL = redactURL
)
