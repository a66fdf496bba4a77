package files

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// Kind names the connector in configuration.
const Kind = "files"

// Factory makes the connector.
func Factory() connectors.Factory { return factoryOn(system{}) }

func factoryOn(d disk) connectors.Factory {
	return connectors.Factory{
		Kind:        Kind,
		Description: "Catalogues the folders and files of a tree, and follows its changes.",
		New: func(p events.Properties) (connectors.Connector, error) {
			cfg, err := decode(p)
			if err != nil {
				return nil, err
			}
			return &connector{cfg: cfg, disk: d, turn: make(chan struct{}, 1), changes: newChanges()}, nil
		},
	}
}

// connector is one value of the connector. Refreshes and the reports of single
// changes take turns, so that none sends an older state after a newer one.
type connector struct {
	cfg      configuration
	disk     disk
	naming   naming
	c        *connectors.Context
	changes  *changes
	watching watching
	stop     context.CancelFunc
	followed chan struct{} // closed when follow has returned
	turn     chan struct{}
	// The rest belongs to whose turn it is.
	tree     *folder // nil before the first refresh
	troubles troubles
	gauges   map[string]int64
}

var _ connectors.Refresher = (*connector)(nil)

// Start implements [connectors.Connector].
func (f *connector) Start(ctx context.Context, c *connectors.Context) error {
	f.c, f.gauges = c, map[string]int64{}
	f.naming = naming{root: f.cfg.Path, host: f.cfg.HostName}
	if f.naming.host == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("host name, which the configuration may give as hostName: %w", err)
		}
		f.naming.host = host
	}
	if _, err := f.root(); err != nil {
		return err
	}
	if f.cfg.PollOnly {
		return nil
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop, f.followed = stop, make(chan struct{})
	c.Go(func(life context.Context) {
		defer close(f.followed)
		defer context.AfterFunc(life, stop)()
		f.follow(following)
	})
	return nil
}

// Disconnect implements [connectors.Connector].
func (f *connector) Disconnect(ctx context.Context) error {
	f.watching.stop()
	if f.stop == nil {
		return nil
	}
	f.stop()
	select {
	case <-f.followed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Refresh implements [connectors.Refresher]: it compares the whole tree.
func (f *connector) Refresh(ctx context.Context) error {
	release, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer release()
	return f.compare(ctx)
}

// begin waits for its turn.
func (f *connector) begin(ctx context.Context) (release func(), err error) {
	select {
	case f.turn <- struct{}{}:
		return func() { <-f.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// root returns what is at the root. It must be a folder; that it is none, is
// shown as a problem.
func (f *connector) root() (os.FileInfo, error) {
	info, err := os.Stat(f.naming.root)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", f.naming.root)
	}
	if err != nil {
		err = fmt.Errorf("root of the tree: %w", err)
		f.c.Problem("root", err.Error())
		return nil, err
	}
	f.c.Problem("root", "")
	return info, nil
}

// compare makes the catalogue what the tree is. Changes noticed before are
// covered by that, those noticed from here on are looked at afterwards.
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
	f.troubles = troubles{}
	if err := f.openWatching(); err != nil {
		f.troubles.add(unwatched, "", reason(err))
	}
	s := f.scan()
	var now *folder
	_, err := f.c.Reconcile(ctx, f.scope(), func(yield func(connectors.Wanted, error) bool) {
		var err error
		now, err = s.folder(ctx, "", f.tree, func(i *item) bool { return f.want(ctx, i, yield) })
		if err == nil {
			err = f.stillThere(root)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(connectors.Wanted{}, err)
		}
	})
	f.troubles.show(f.c.Problem)
	if err != nil {
		return err
	}
	f.tree = now
	f.show(s.skipped)
	return nil
}

func (f *connector) openWatching() error {
	if f.cfg.PollOnly {
		return nil
	}
	return f.watching.reopen(func(path string) {
		if rel, ok := f.naming.relative(path); ok {
			f.changes.add(rel)
		}
	}, func(err error) {
		f.c.Count("overflows", 1)
		f.c.Problem("overflow", "notifications of changes were lost, the whole tree is compared: "+err.Error())
		f.changes.add("")
	})
}

// stillThere makes sure that what was scanned was the tree to the end: of a
// root that is moved away, everything seems deleted.
func (f *connector) stillThere(before os.FileInfo) error {
	now, err := f.root()
	if err == nil && !os.SameFile(before, now) {
		err = fmt.Errorf("root of the tree: %s became another folder meanwhile", f.naming.root)
	}
	return err
}

// want yields what an item is in the catalogue.
func (f *connector) want(ctx context.Context, i *item, yield func(connectors.Wanted, error) bool) bool {
	if i.unseen {
		return f.wantAgain(ctx, i.rel, yield)
	}
	element, err := f.naming.element(i)
	if err != nil {
		return yield(connectors.Wanted{}, err)
	}
	link := f.naming.link(i)
	return yield(connectors.Wanted{Element: element}, nil) &&
		(link == nil || yield(connectors.Wanted{Relationship: link}, nil))
}

// wantAgain yields what the repository holds of what is at rel and below.
func (f *connector) wantAgain(ctx context.Context, rel string, yield func(connectors.Wanted, error) bool) bool {
	for e, err := range f.catalogued(ctx, rel) {
		if err != nil {
			return yield(connectors.Wanted{}, err)
		}
		for _, w := range f.naming.again(e) {
			if !yield(w, nil) {
				return false
			}
		}
	}
	return true
}

// catalogued yields what the repository holds of rel and below.
func (f *connector) catalogued(ctx context.Context, rel string) iter.Seq2[*events.Element, error] {
	return func(yield func(*events.Element, error) bool) {
		for _, name := range [...]string{f.naming.folderName(rel), f.naming.fileName(rel)} {
			q := events.Find{Source: f.c.Definition().MetadataSource, Scope: f.scope(), NamePrefix: name}
			q.Limit = events.MaxPage
			for e, err := range f.c.Find(ctx, q) {
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

// scope is what one connector catalogues: the name of its root.
func (f *connector) scope() string { return f.naming.folderName("") }

func (f *connector) scan() *scan {
	return &scan{naming: f.naming, cfg: &f.cfg, disk: f.disk, watching: &f.watching, troubles: &f.troubles}
}

// show makes the statistics say what is there.
func (f *connector) show(skipped int64) {
	folders, files := f.tree.count()
	for name, value := range map[string]int64{"folders": folders, "files": files, "skipped": skipped} {
		f.c.Count(name, value-f.gauges[name])
		f.gauges[name] = value
	}
}
