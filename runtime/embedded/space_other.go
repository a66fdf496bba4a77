//go:build !linux && !darwin && !freebsd

package embedded

// available cannot tell how much is free here.
func available(string) (free int64, known bool) { return 0, false }
