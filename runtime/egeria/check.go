package egeria

import (
	"context"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Settings of a check.
type Settings struct {
	// TypeDef returns the definition of a type of the repository. If it is nil, every
	// type counts as known, and only types of the archive can be patched.
	TypeDef func(name string) (events.TypeDef, bool)
	// Elements returns those of the guids that are elements of the repository. If it is
	// nil, the repository counts as empty.
	Elements func(ctx context.Context, guids []string) ([]string, error)
	// Progress hears how many bytes are read of how many; the archive is read several
	// times.
	Progress func(done, total int64)
	// MaxItem is the limit of an item in bytes of JSON, 64 MiB by default.
	MaxItem int64
	// MaxCommand is the limit of the commands of an item together, in bytes of JSON;
	// there is none by default.
	MaxCommand int
	// UnknownProperties says what becomes of properties that a type does not have.
	UnknownProperties events.UnknownProperties
}

const defaultMaxItem = 64 << 20

// lookups is how many items wait until what they refer to is looked up in the repository.
const lookups = 500

// Plan is a checked archive.
type Plan struct {
	Report Report

	archive  *Archive
	settings Settings
	// order has the sections in the order of the archive.
	order []section
	types []placedType
	defs  map[string]events.TypeDef
	// dropped are the items that are not taken, and the classifications that are not
	// taken although their element is.
	dropped map[key]bool
	// deferred are the anchors that are set after all elements are there.
	deferred        map[key]bool
	deferredAnchors []*Step
	// anchors has the anchor of each element that the archive anchors.
	anchors map[uuid.UUID]uuid.UUID
	// mementos says that the archive archives elements, anchorsDeferred that some may
	// come before their anchors.
	mementos, anchorsDeferred bool
	meter                     meter
}

// MindsArchived reports whether the outcome of the steps depends on what the
// repository has archived. An element that the archive archives need not be restored
// and archived again; and an anchor must be restored before what it anchors.
func (p *Plan) MindsArchived() bool { return p.mementos || p.anchorsDeferred }

// meter adds up the bytes of several scans.
type meter struct {
	done, total int64
	progress    func(done, total int64)
}

func (m *meter) add(n int) {
	m.done += int64(n)
	if m.progress != nil {
		m.progress(min(m.done, m.total), m.total)
	}
}

// begin begins a number of scans.
func (m *meter) begin(scans int, size int64) { m.done, m.total = 0, int64(scans)*size }

// Check reads the archive and finds out what can be taken. The report of the plan has
// what is wrong with the archive; an error has another cause.
func (a *Archive) Check(ctx context.Context, settings Settings) (*Plan, error) {
	if settings.MaxItem <= 0 {
		settings.MaxItem = defaultMaxItem
	}
	p := &Plan{
		Report:  Report{Counts: map[Kind]Count{}},
		archive: a, settings: settings, defs: map[string]events.TypeDef{},
		dropped: map[key]bool{}, deferred: map[key]bool{}, anchors: map[uuid.UUID]uuid.UUID{},
		meter: meter{progress: settings.Progress},
	}
	p.meter.begin(1, a.size)
	err := p.look(ctx)
	if err == nil {
		err = p.check(ctx)
	}
	if !p.mementos {
		p.anchors = nil // only mementos need them
	}
	err = p.keep(err)
	return p, err
}

// keep puts damage into the report.
func (p *Plan) keep(err error) error {
	b, ok := errors.AsType[*DamageError](err)
	if !ok {
		return err
	}
	p.Report.Broken = &Finding{Outcome: Refused, Kind: KindArchive, Where: b.Where, Reason: b.Reason}
	return nil
}

// look counts the items.
func (p *Plan) look(ctx context.Context) error {
	return p.archive.scan(ctx, p.settings.MaxItem, p.meter.add, visitor{
		header: func(raw jsontext.Value) (err error) {
			p.Report.Header, err = parseHeader(raw)
			return err
		},
		enter: func(s section) bool {
			p.order = append(p.order, s)
			return false
		},
		skip: func(s section, index int, where Place, size int64) {
			p.Report.count(s.kind(), found, 1)
			if size > p.settings.MaxItem {
				p.drop(key{section: s, index: index}, Finding{Outcome: Refused, Kind: s.kind(), Where: where, Reason: tooLarge(size, p.settings.MaxItem)})
			}
		},
	})
}

// check checks the items: types, then elements, then items that refer to elements.
func (p *Plan) check(ctx context.Context) error {
	passes := p.passes([]section{attributeTypes, newTypes, typePatches}, []section{entities}, []section{relationships, classifications})
	p.meter.begin(len(passes), p.archive.size)
	c := newChecker(p)
	for _, pass := range passes {
		if err := p.read(ctx, pass, func(i *item) error { return c.item(ctx, i) }); err != nil {
			return err
		}
	}
	return c.finish(ctx, stageDone)
}

// passes returns the sections to read in each scan, so that the stages follow each
// other whatever the order in the file.
func (p *Plan) passes(stages ...[]section) [][]section {
	var passes [][]section
	last := -1
	for _, stage := range stages {
		first, end := len(p.order), -1
		var present []section
		for at, s := range p.order {
			if slices.Contains(stage, s) {
				first, end = min(first, at), at
				present = append(present, s)
			}
		}
		switch {
		case present == nil:
			continue
		case passes == nil || first < last:
			passes = append(passes, present)
		default:
			passes[len(passes)-1] = append(passes[len(passes)-1], present...)
		}
		last = end
	}
	return passes
}

// read scans the archive for the items of some sections.
func (p *Plan) read(ctx context.Context, wanted []section, each func(*item) error) error {
	return p.archive.scan(ctx, p.settings.MaxItem, p.meter.add, visitor{
		without: p.dropped,
		enter:   func(s section) bool { return slices.Contains(wanted, s) },
		item:    each,
	})
}

// drop leaves an item out for the reason in f.
func (p *Plan) drop(k key, f Finding) {
	p.dropped[k] = true
	p.Report.add(f)
}
