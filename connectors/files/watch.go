package files

import (
	"context"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing must have changed before changes are looked at,
	// so that a file is looked at once it is written. impatience is how long
	// they wait at most.
	quiet      = 100 * time.Millisecond
	impatience = 500 * time.Millisecond
	// crowd is how many changed paths are kept apart: beyond, looking at all is
	// cheaper than remembering.
	crowd = 10_000
)

// watching is the operating system's notification of changes. Every refresh
// opens it anew, so that it holds no watch of a folder that was moved away and
// recovers from whatever went wrong before. The zero value is closed.
type watching struct {
	mu      sync.Mutex
	w       *fsnotify.Watcher
	stopped bool
	pump    sync.WaitGroup
}

// reopen begins anew: paths that change in the folders added from now on go to
// notice, what fails to fail.
func (n *watching) reopen(notice func(path string), fail func(error)) error {
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

func (n *watching) close() {
	if n.w != nil {
		_ = n.w.Close() // it never fails
		n.w = nil
	}
	n.pump.Wait()
}

// stop ends the notification for good.
func (n *watching) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = true
	n.close()
}

// add watches a folder, if notification is open.
func (n *watching) add(d disk, folder string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.w == nil {
		return nil
	}
	return d.Watch(n.w, folder)
}

// remove ends the watch of a folder that is gone. The operating system would go
// on to tell of it under its old path if it was moved.
func (n *watching) remove(folder string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.w != nil {
		_ = n.w.Remove(folder) // most are gone already
	}
}

// changes are the paths that may have changed since they were looked at.
type changes struct {
	mu          sync.Mutex
	paths       map[string]struct{}
	all         bool
	first, last time.Time
	wake        chan struct{}
}

func newChanges() *changes {
	return &changes{paths: map[string]struct{}{}, wake: make(chan struct{}, 1)}
}

// add notes that what is at rels may have changed; for the root, that all may.
func (c *changes) add(rels ...string) {
	if len(rels) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.paths) == 0 && !c.all {
		c.first = now
	}
	c.last = now
	for _, rel := range rels {
		c.all = c.all || rel == "" || len(c.paths) == crowd
		if c.all {
			clear(c.paths)
			break
		}
		c.paths[rel] = struct{}{}
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// wait returns true when there are changes to be looked at, false when ctx is done.
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

// rest returns how long the changes should be left alone.
func (c *changes) rest(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(c.last.Add(quiet).Sub(now), c.first.Add(impatience).Sub(now))
}

// take returns the changes and forgets them. For all, it returns the root.
func (c *changes) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var rels []string
	if c.all {
		rels = append(rels, "")
	}
	for rel := range c.paths {
		rels = append(rels, rel)
	}
	clear(c.paths)
	c.all = false
	return rels
}
