package connectors_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// wiki is a small third party: pages by title, each with the date of its last
// change by the wiki's own clock, which is far behind.
type wiki struct {
	mu    sync.Mutex
	pages map[string]page
	clock time.Time
}

type page struct {
	text    string
	changed time.Time
}

func newWiki() *wiki {
	return &wiki{pages: map[string]page{}, clock: time.Date(2001, 1, 15, 0, 0, 0, 0, time.UTC)}
}

// write returns what the wiki says of the page from now on.
func (w *wiki) write(title, text string) connectors.Side {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(time.Hour)
	w.pages[title] = page{text: text, changed: w.clock}
	return connectors.Side{Presence: connectors.Active, Changed: w.clock}
}

func (w *wiki) remove(title string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pages, title)
}

func (w *wiki) read(title string) (text string, side connectors.Side) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, there := w.pages[title]
	if !there {
		return "", connectors.Side{}
	}
	return p.text, connectors.Side{Presence: connectors.Active, Changed: p.changed}
}

func (w *wiki) titles() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.pages))
}

// The scope in which titles are unique, and what begins the names of elements.
const (
	wikiScope = "InventoryCatalog::wiki"
	termName  = "GlossaryTerm::"
)

// glossary keeps the terms of a glossary and the pages of a wiki the same.
type glossary struct {
	c    *connectors.Context
	wiki *wiki
	// permitted is the direction of the catalog target.
	permitted events.PermittedSynchronization
}

func (g *glossary) Start(_ context.Context, c *connectors.Context) error {
	g.c = c
	return nil
}

func (*glossary) Disconnect(context.Context) error { return nil }

// Refresh goes through everything that either side has.
func (g *glossary) Refresh(ctx context.Context) error {
	titles := g.wiki.titles()
	for term, err := range g.c.Find(ctx, events.Find{Type: "GlossaryTerm"}) {
		if err != nil {
			return err
		}
		titles = append(titles, term.Header.QualifiedName[len(termName):])
	}
	slices.Sort(titles)
	var failed []error
	for _, title := range slices.Compact(titles) {
		failed = append(failed, g.synchronize(ctx, title)) // one that fails holds up no other
	}
	return errors.Join(failed...)
}

// synchronize reads both sides of one thing, and does what is to be done.
func (g *glossary) synchronize(ctx context.Context, title string) error {
	thing, err := g.c.Counterpart(ctx, events.ExternalID{
		Element: events.ByName(termName + title), Scope: events.ByName(wikiScope), Identifier: title,
	})
	if err != nil {
		return err
	}
	var text string
	text, thing.ThirdParty = g.wiki.read(title)
	thing.Permitted = g.permitted
	switch d := g.c.Synchronize(title, thing.Pair); d.Action {
	case connectors.CreateInOpenMetadata, connectors.UpdateInOpenMetadata:
		_, err = g.c.RecordSynchronized(ctx, thing, term(thing, title, text))
	case connectors.DeleteFromOpenMetadata:
		_, err = g.c.ForgetSynchronized(ctx, thing, &events.Delete{Element: thing.ID.Element})
	case connectors.CreateInThirdParty, connectors.UpdateInThirdParty:
		thing.ThirdParty = g.wiki.write(title, thing.Element.Properties.String("description"))
		_, err = g.c.RecordSynchronized(ctx, thing)
	case connectors.DeleteFromThirdParty:
		g.wiki.remove(title)
		_, err = g.c.ForgetSynchronized(ctx, thing)
	case connectors.ActionNone, connectors.ActionConflict: // the one is well, the other one a person's
	}
	return err
}

// term is the command that makes the element what the page is.
func term(thing *connectors.Counterpart, title, text string) events.Command {
	spec := events.ElementSpec{
		Type: "GlossaryTerm", QualifiedName: termName + title, Properties: events.Props(map[string]any{"displayName": title, "description": text}),
	}
	if thing.Element == nil {
		return &events.Create{Element: spec}
	}
	return &events.Upsert{Element: spec, Merge: true, Expectation: events.Expectation{ExpectedVersion: thing.Element.Header.Versions.Version}}
}
