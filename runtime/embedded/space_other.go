//go:build !linux && !darwin && !freebsd

package embedded

// available reports that the free space is unknown on this system.
func available(string) (free int64, known bool) { return 0, false }
