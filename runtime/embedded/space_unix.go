//go:build linux || darwin || freebsd

package embedded

import "syscall"

// available returns how many bytes are free on the disk of a folder.
func available(dir string) (free int64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:gosec,unconvert // their types differ from system to system
}
