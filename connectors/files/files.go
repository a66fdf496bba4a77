package files

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/sync/semaphore"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// Kind names the connector in configuration.
const Kind = "files"

// Factory makes the connector.
func Factory() connectors.Factory { return newFactory(system{}) }

func newFactory(d disk) connectors.Factory {
	return connectors.Configured(Kind, "Catalogs the folders and files of a tree and follows its changes.", func(cfg configuration) (connectors.Connector, error) {
		if err := cfg.validate(); err != nil {
			return nil, connectors.Permanent(fmt.Errorf("configuration%w", err))
		}
		cfg.Path = filepath.Clean(cfg.Path)
		return &connector{cfg: cfg, disk: d, turn: semaphore.NewWeighted(1), changes: newChanges()}, nil
	})
}

// connector is one instance. Refreshes and reports of single changes exclude
// each other, so that an older state is never sent after a newer one.
type connector struct {
	cfg     configuration
	disk    disk
	namer   namer
	c       *connectors.Context
	changes *changes
	watcher watcher
	turn    *semaphore.Weighted
	// The holder of turn owns the fields below.
	tree     *folder // nil before the first refresh
	problems problems
	shown    map[string]int64
}

var _ connectors.Refresher = (*connector)(nil)

// Start implements [connectors.Connector].
func (f *connector) Start(_ context.Context, c *connectors.Context) error {
	f.c, f.shown = c, map[string]int64{}
	f.namer = namer{root: f.cfg.Path, host: f.cfg.HostName}
	if f.namer.host == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("host name (set hostName in the configuration instead): %w", err)
		}
		f.namer.host = host
	}
	if _, err := f.root(); err != nil {
		return err
	}
	if !f.cfg.PollOnly {
		c.Go(f.follow)
	}
	return nil
}

// Disconnect implements [connectors.Connector]. The Context ends what follows changes.
func (f *connector) Disconnect(context.Context) error {
	f.watcher.stop()
	return nil
}

// Refresh implements [connectors.Refresher]: it compares the whole tree.
func (f *connector) Refresh(ctx context.Context) error {
	if err := f.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer f.turn.Release(1)
	return f.compare(ctx)
}

// root returns the root folder. A root that is missing or no folder is also
// shown as a problem.
func (f *connector) root() (os.FileInfo, error) {
	info, err := os.Stat(f.namer.root)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", f.namer.root)
	}
	if err != nil {
		err = fmt.Errorf("root of the tree: %w", err)
		f.c.Problem("root", err.Error())
		return nil, err
	}
	f.c.Problem("root", "")
	return info, nil
}

// compare makes the catalog equal to the tree. It covers the changes noticed so
// far; changes noticed from here on are looked at afterwards.
func (f *connector) compare(ctx context.Context) error {
	noticed := f.changes.take()
	root, err := f.root()
	if err == nil {
		err = f.compareFrom(ctx, root)
	}
	if err != nil {
		f.changes.add(noticed...)
		return err
	}
	f.c.Problem("overflow", "")
	return nil
}

func (f *connector) compareFrom(ctx context.Context, root os.FileInfo) error {
	f.problems = problems{}
	if err := f.openWatcher(); err != nil {
		f.problems.add(unwatched, "", reason(err))
	}
	s := f.scan()
	var now *folder
	_, err := f.c.Reconcile(ctx, f.scope(), func(yield func(connectors.Wanted, error) bool) {
		var err error
		now, err = s.folder(ctx, "", f.tree, func(i *item) error {
			if !f.want(ctx, i, yield) {
				return errStopped
			}
			return nil
		})
		if err == nil {
			err = f.checkRoot(root)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(connectors.Wanted{}, err)
		}
	})
	f.problems.show(f.c.Problem)
	if err != nil {
		return err
	}
	f.tree = now
	f.show(s.skipped)
	return nil
}

func (f *connector) openWatcher() error {
	if f.cfg.PollOnly {
		return nil
	}
	return f.watcher.reopen(func(path string) {
		if rel, ok := f.namer.relative(path); ok {
			f.changes.add(rel)
		}
	}, func(err error) {
		f.c.Count("overflows", 1)
		f.c.Problem("overflow", "notifications of changes were lost; the whole tree is compared: "+err.Error())
		f.changes.add("")
	})
}

// checkRoot fails if the root is no longer the scanned folder: everything in a
// root that was moved away seems deleted.
func (f *connector) checkRoot(before os.FileInfo) error {
	now, err := f.root()
	if err == nil && !os.SameFile(before, now) {
		err = fmt.Errorf("root of the tree: %s was replaced by another folder during the scan", f.namer.root)
	}
	return err
}

// want yields the element and relationship of an item.
func (f *connector) want(ctx context.Context, i *item, yield func(connectors.Wanted, error) bool) bool {
	if i.unseen {
		return f.wantStored(ctx, i.rel, yield)
	}
	element, err := f.namer.element(i)
	if err != nil {
		return yield(connectors.Wanted{}, err)
	}
	return yield(connectors.Wanted{Element: element}, nil) &&
		(i.rel == "" || yield(connectors.Wanted{Relationship: f.namer.link(i.rel, i.folder)}, nil))
}

// wantStored yields what the repository holds at rel and below, so that it stays.
func (f *connector) wantStored(ctx context.Context, rel string, yield func(connectors.Wanted, error) bool) bool {
	for e, err := range f.cataloged(ctx, rel) {
		if err != nil {
			return yield(connectors.Wanted{}, err)
		}
		for _, w := range f.namer.stored(e) {
			if !yield(w, nil) {
				return false
			}
		}
	}
	return true
}

// cataloged yields the elements that the repository holds at rel and below.
func (f *connector) cataloged(ctx context.Context, rel string) iter.Seq2[*events.Element, error] {
	return func(yield func(*events.Element, error) bool) {
		for _, name := range [...]string{f.namer.name(rel, true), f.namer.name(rel, false)} {
			q := events.Find{Source: f.c.Definition().MetadataSource, Scope: f.scope(), NamePrefix: name}
			q.Limit = events.MaxPage
			for e, err := range events.All(ctx, f.c, &q) {
				if err == nil && !isAtOrBelow(e.Header.QualifiedName, name) {
					continue
				}
				if !yield(e, err) {
					return
				}
			}
		}
	}
}

// scope is the reconciliation scope of the connector: the name of its root.
func (f *connector) scope() string { return f.namer.name("", true) }

func (f *connector) scan() *scan {
	return &scan{namer: f.namer, cfg: &f.cfg, disk: f.disk, watcher: &f.watcher, problems: f.problems}
}

// show sets the statistics to the present numbers.
func (f *connector) show(skipped int64) {
	folders, files := f.tree.count()
	for name, value := range map[string]int64{"folders": folders, "files": files, "skipped": skipped} {
		f.c.Count(name, value-f.shown[name])
		f.shown[name] = value
	}
}
