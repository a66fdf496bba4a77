package files

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

const (
	// batch is the number of commands sent together.
	batch = 500
	// After a failure the whole tree is compared again, after a pause that doubles.
	firstPause = time.Second
	lastPause  = time.Minute
)

// follow reports changes until ctx is done.
func (f *connector) follow(ctx context.Context) {
	pauses := &backoff.ExponentialBackOff{InitialInterval: firstPause, MaxInterval: lastPause, Multiplier: 2}
	report := func() (struct{}, error) { return struct{}{}, f.report(ctx) }
	failed := func(err error, _ time.Duration) {
		f.c.Problem("notification", "changes could not be reported; the whole tree is compared: "+err.Error())
		f.changes.add("")
	}
	for f.changes.wait(ctx) {
		_, err := backoff.Retry(ctx, report, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(failed))
		if err != nil {
			return // ctx is done
		}
		f.c.Problem("notification", "")
	}
}

// report inspects the noticed paths and sends what changed.
func (f *connector) report(ctx context.Context) error {
	if err := f.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer f.turn.Release(1)
	if f.tree == nil {
		return nil // the first refresh will see everything
	}
	rels := f.changes.take()
	if slices.Contains(rels, "") {
		return f.compare(ctx)
	}
	if _, err := f.root(); err != nil {
		return err // everything would seem deleted
	}
	r := &reporter{connector: f, scan: f.scan(), out: sender{c: f.c, scope: f.scope()}}
	slices.Sort(rels)
	if err := r.report(ctx, rels); err != nil {
		return err
	}
	f.problems.show(f.c.Problem)
	f.show(f.shown["skipped"])
	return nil
}

// reporter turns changed paths into commands.
type reporter struct {
	*connector
	scan *scan
	out  sender
}

// report sends deletions first: the watches of a renamed folder must be removed
// under the old name before they are added under the new one.
func (r *reporter) report(ctx context.Context, rels []string) error {
	present := map[string]entry{}
	for _, rel := range rels {
		if r.tree.at(parentOf(rel)) == nil {
			continue // its folder is not cataloged, or is scanned as a whole
		}
		r.problems.clear(rel)
		e, ok, err := r.scan.look(rel)
		switch {
		case err == nil && ok:
			present[rel] = e
		case err == nil, errors.Is(err, fs.ErrNotExist):
			r.remove(ctx, rel, true, true)
		default:
			r.problems.add(unreadable, rel, reason(err))
		}
	}
	for _, rel := range rels {
		e, ok := present[rel]
		parent := r.tree.at(parentOf(rel))
		if !ok || parent == nil || e.unseen {
			continue
		}
		r.remove(ctx, rel, e.folder, !e.folder)
		if err := r.sendPresent(ctx, rel, &e, parent); err != nil {
			return err
		}
	}
	return r.out.flush(ctx)
}

// remove deletes the cataloged file at rel, if any, and the folder with its content.
func (r *reporter) remove(ctx context.Context, rel string, file, folder bool) {
	parent, name := r.tree.at(parentOf(rel)), path.Base(rel)
	if _, known := parent.file(name); known && file {
		delete(parent.files, name)
		r.sendDelete(ctx, rel, false)
	}
	if old := parent.child(name); old != nil && folder {
		delete(parent.folders, name)
		old.missing(nil, rel, func(rel string, folder bool) { r.sendDelete(ctx, rel, folder) })
	}
}

func (r *reporter) sendDelete(ctx context.Context, rel string, folder bool) {
	if folder {
		r.watcher.remove(r.namer.path(rel))
	}
	r.out.put(ctx, &events.Delete{Element: events.ByName(r.namer.name(rel, folder))})
}

// sendPresent reports the file or folder at rel. It scans a known folder as a
// whole too: it may be another folder of the same name.
func (r *reporter) sendPresent(ctx context.Context, rel string, e *entry, parent *folder) error {
	old := parent.child(e.name)
	now := newFolder()
	if err := r.scan.entry(ctx, rel, e, parent, now, func(i *item) error { return r.send(ctx, i) }); err != nil {
		return err
	}
	maps.Copy(parent.files, now.files)
	for name, sub := range now.folders {
		old.missing(sub, rel, func(rel string, folder bool) { r.sendDelete(ctx, rel, folder) })
		parent.folders[name] = sub
	}
	return nil
}

// send sends a new or changed item.
func (r *reporter) send(ctx context.Context, i *item) error {
	if i.unchanged || i.unseen {
		return nil
	}
	element, err := r.namer.element(i)
	if err != nil {
		return err
	}
	r.out.put(ctx, &events.Upsert{Element: *element})
	if i.rel != "" {
		r.out.put(ctx, &events.Link{Relationship: *r.namer.link(i.rel, i.folder)})
	}
	return r.out.err
}

// sender sends commands in batches. After an error it sends nothing.
type sender struct {
	c       *connectors.Context
	scope   string
	pending []events.Command
	err     error
}

func (o *sender) put(ctx context.Context, cmd events.Command) {
	o.pending = append(o.pending, cmd)
	if len(o.pending) >= batch {
		_ = o.flush(ctx) // o.err keeps it
	}
}

func (o *sender) flush(ctx context.Context) error {
	if o.err != nil || len(o.pending) == 0 {
		return o.err
	}
	o.err = o.c.SendIn(ctx, o.scope, o.pending...)
	o.c.Count("notified", int64(len(o.pending)))
	o.pending = o.pending[:0]
	return o.err
}

// isAtOrBelow reports whether a qualified name is name or lies below it.
func isAtOrBelow(qualifiedName, name string) bool {
	rest, ok := strings.CutPrefix(qualifiedName, name)
	return ok && (rest == "" || rest[0] == '/')
}
