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

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

const (
	// batch is how many commands are sent together.
	batch = 500
	// After a failure the tree is compared again, after a pause that doubles.
	firstPause = time.Second
	lastPause  = time.Minute
)

// follow reports changes until ctx is done.
func (f *connector) follow(ctx context.Context) {
	pause := firstPause
	for f.changes.wait(ctx) {
		err := f.report(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, connectors.ErrDisconnected):
			return
		case err == nil:
			pause = firstPause
			f.c.Problem("notification", "")
			continue
		}
		f.c.Problem("notification", "changes could not be reported, so the whole tree is compared: "+err.Error())
		f.changes.add("")
		select {
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		case <-ctx.Done():
			return
		}
	}
}

// report looks at what may have changed and sends what has.
func (f *connector) report(ctx context.Context) error {
	release, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer release()
	if f.tree == nil {
		return nil // the first refresh is still to come and will see it all
	}
	rels := f.changes.take()
	if slices.Contains(rels, "") {
		return f.compare(ctx)
	}
	if _, err := f.root(); err != nil {
		return err // all seems deleted, but it is only out of sight
	}
	r := &reporter{connector: f, scan: f.scan(), out: outbox{c: f.c, scope: f.scope()}}
	slices.Sort(rels)
	if err := r.report(ctx, rels); err != nil {
		return err
	}
	f.troubles.show(f.c.Problem)
	f.show(f.gauges["skipped"])
	return nil
}

// reporter turns changed paths into commands.
type reporter struct {
	*connector
	scan *scan
	out  outbox
}

// report sends deletions first: of a folder that was renamed, the old name's
// watches must be gone before the new name's are made.
func (r *reporter) report(ctx context.Context, rels []string) error {
	present := map[string]entry{}
	for _, rel := range rels {
		if r.tree.at(parentOf(rel)) == nil {
			continue // its folder is not catalogued, or is to be scanned as a whole
		}
		r.troubles.clear(rel)
		e, ok, err := r.scan.look(rel)
		switch {
		case err == nil && ok:
			present[rel] = e
		case err == nil, errors.Is(err, fs.ErrNotExist):
			r.fileGone(ctx, rel)
			r.folderGone(ctx, rel)
		default:
			r.troubles.add(unreadable, rel, reason(err))
		}
	}
	for _, rel := range rels {
		e, ok := present[rel]
		parent := r.tree.at(parentOf(rel))
		if !ok || parent == nil || e.unseen {
			continue
		}
		if e.folder {
			r.fileGone(ctx, rel)
		} else {
			r.folderGone(ctx, rel)
		}
		if err := r.there(ctx, rel, &e, parent); err != nil {
			return err
		}
	}
	return r.out.flush(ctx)
}

// fileGone deletes the file that is catalogued at rel, if any.
func (r *reporter) fileGone(ctx context.Context, rel string) {
	parent, name := r.tree.at(parentOf(rel)), path.Base(rel)
	if _, known := parent.file(name); known {
		delete(parent.files, name)
		r.deleted(ctx, rel, false)
	}
}

// folderGone deletes the folder that is catalogued at rel, if any, and all in it.
func (r *reporter) folderGone(ctx context.Context, rel string) {
	parent, name := r.tree.at(parentOf(rel)), path.Base(rel)
	if old := parent.child(name); old != nil {
		delete(parent.folders, name)
		old.missing(nil, rel, func(rel string, folder bool) { r.deleted(ctx, rel, folder) })
	}
}

func (r *reporter) deleted(ctx context.Context, rel string, folder bool) {
	name := r.naming.fileName(rel)
	if folder {
		r.watching.remove(r.naming.path(rel))
		name = r.naming.folderName(rel)
	}
	r.out.put(ctx, &events.Delete{Element: events.ByName(name)})
}

// there reports the file or folder at rel. A folder is scanned as a whole, also
// a known one: it may be another one of the same name.
func (r *reporter) there(ctx context.Context, rel string, e *entry, parent *folder) error {
	old := parent.child(e.name)
	now := newFolder()
	if err := r.scan.entry(ctx, rel, e, parent, now, func(i *item) bool { return r.found(ctx, i) }); err != nil {
		return errors.Join(err, r.out.err)
	}
	maps.Copy(parent.files, now.files)
	for name, sub := range now.folders {
		old.missing(sub, rel, func(rel string, folder bool) { r.deleted(ctx, rel, folder) })
		parent.folders[name] = sub
	}
	return nil
}

// found sends what is new in an item.
func (r *reporter) found(ctx context.Context, i *item) bool {
	if i.unchanged || i.unseen {
		return true
	}
	element, err := r.naming.element(i)
	if err != nil {
		r.out.err = err
		return false
	}
	r.out.put(ctx, &events.Upsert{Element: *element})
	if link := r.naming.link(i); link != nil {
		r.out.put(ctx, &events.Link{Relationship: *link})
	}
	return r.out.err == nil
}

// outbox sends commands in batches. After an error it sends nothing more.
type outbox struct {
	c       *connectors.Context
	scope   string
	pending []events.Command
	err     error
}

func (o *outbox) put(ctx context.Context, cmd events.Command) {
	o.pending = append(o.pending, cmd)
	if len(o.pending) >= batch {
		_ = o.flush(ctx) // o.err keeps it
	}
}

func (o *outbox) flush(ctx context.Context) error {
	if o.err != nil || len(o.pending) == 0 {
		return o.err
	}
	o.err = o.c.SendIn(ctx, o.scope, o.pending...)
	o.c.Count("notified", int64(len(o.pending)))
	o.pending = o.pending[:0]
	return o.err
}

// isAtOrBelow reports whether a qualified name is that of what name names, or
// of something in it.
func isAtOrBelow(qualifiedName, name string) bool {
	rest, ok := strings.CutPrefix(qualifiedName, name)
	return ok && (rest == "" || rest[0] == '/')
}
