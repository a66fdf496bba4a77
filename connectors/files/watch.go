package files

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// Changes are looked at after a quietPeriod without further changes, so that
	// a file is complete, but at most maxDelay after the first one.
	quietPeriod = 100 * time.Millisecond
	maxDelay    = 500 * time.Millisecond
	// Beyond maxPaths changed paths, comparing the whole tree is cheaper.
	maxPaths = 10_000
)

// watcher delivers the operating system's notifications of changes. Every
// refresh reopens it: so it holds no watch of a folder that was moved away, and
// recovers from earlier errors. The zero value is closed.
type watcher struct {
	mu      sync.Mutex
	w       *fsnotify.Watcher
	stopped bool
	pump    sync.WaitGroup
}

// reopen drops all watches. It calls notice for every changed path in folders
// added from now on, and fail for errors.
func (n *watcher) reopen(notice func(path string), fail func(error)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.close()
	if n.stopped {
		return nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	n.w = w
	n.pump.Go(func() {
		for {
			select {
			case e, ok := <-w.Events:
				if !ok {
					return
				}
				notice(e.Name)
			case err, ok := <-w.Errors:
				if !ok {
					return
				}
				fail(err)
			}
		}
	})
	return nil
}

func (n *watcher) close() {
	if n.w != nil {
		_ = n.w.Close() // it never fails
		n.w = nil
	}
	n.pump.Wait()
}

// stop ends notifications for good.
func (n *watcher) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = true
	n.close()
}

// add watches a folder, unless the watcher is closed.
func (n *watcher) add(d disk, folder string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.w == nil {
		return nil
	}
	return d.Watch(n.w, folder)
}

// remove ends the watch of a folder that is gone. If it was moved, the operating
// system would otherwise report it under its old path.
func (n *watcher) remove(folder string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.w != nil {
		_ = n.w.Remove(folder) // most are gone already
	}
}

// changes collects the paths that may have changed; "" stands for the whole tree.
type changes struct {
	mu          sync.Mutex
	paths       map[string]struct{}
	first, last time.Time
	wake        chan struct{}
}

func newChanges() *changes {
	return &changes{paths: map[string]struct{}{}, wake: make(chan struct{}, 1)}
}

// add adds paths.
func (c *changes) add(rels ...string) {
	if len(rels) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.paths) == 0 {
		c.first = now
	}
	c.last = now
	for _, rel := range rels {
		if len(c.paths) == maxPaths {
			clear(c.paths)
			rel = ""
		}
		c.paths[rel] = struct{}{}
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// wait returns true when changes are due, false when ctx is done.
func (c *changes) wait(ctx context.Context) bool {
	select {
	case <-c.wake:
	case <-ctx.Done():
		return false
	}
	for {
		rest := c.rest(time.Now())
		if rest <= 0 {
			return true
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return false
		}
	}
}

// rest returns the time until changes are due.
func (c *changes) rest(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(c.last.Add(quietPeriod).Sub(now), c.first.Add(maxDelay).Sub(now))
}

// take returns and clears the paths.
func (c *changes) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	rels := slices.Collect(maps.Keys(c.paths))
	clear(c.paths)
	return rels
}
