package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
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
	for term, err := range events.All(ctx, g.c, &events.Find{Type: "GlossaryTerm"}) {
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

// A two-way connector asks, for each thing, what open metadata knows of it, adds
// what the third party has, does what is to be done, and records the outcome.
func ExampleContext_Counterpart() {
	ctx := context.Background()
	c := connectors.NewContext(connectortest.NewRepository().Settings(events.Definition{ID: "1", Name: "wiki"}))
	g := &glossary{c: c, wiki: newWiki()}
	id := events.ExternalID{Element: events.ByName(termName + "order"), Scope: events.ByName(wikiScope), Identifier: "order"}
	edit := func(text string) error {
		_, err := c.Apply(ctx, &events.Update{Element: id.Element, Properties: events.Props(map[string]any{"description": text})})
		return err
	}
	refresh := func(what string, err error) {
		if err = errors.Join(err, g.Refresh(ctx)); err != nil {
			fmt.Println(err)
		}
		text, _ := g.wiki.read("order")
		term, err := c.Element(ctx, id.Element)
		if events.CodeOf(err) == events.CodeNotFound {
			term = &events.Element{}
		}
		fmt.Printf("%s: term %q, page %q\n", what, term.Properties.String("description"), text)
	}
	_, err := c.Apply(ctx, &events.Create{Element: events.ElementSpec{Type: "InventoryCatalog", QualifiedName: wikiScope}})

	g.wiki.write("order", "A wish.")
	refresh("a new page", err)
	refresh("edited by a steward", edit("A wish to buy."))

	g.wiki.write("order", "A command.")
	refresh("edited on both sides", edit("A contract."))
	fmt.Println(c.Problems())

	_, err = c.Apply(ctx, &events.LinkExternalID{ExternalID: id, Link: events.Props(map[string]any{"permittedSynchronization": events.SyncTo})})
	refresh("the steward lets open metadata win", err)
	fmt.Println(c.Problems())

	g.wiki.remove("order")
	_, err = c.Apply(ctx, &events.LinkExternalID{ExternalID: id, Link: events.Props(map[string]any{"permittedSynchronization": nil})})
	refresh("removed from the wiki", err)
	if err := c.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// a new page: term "A wish.", page "A wish."
	// edited by a steward: term "A wish to buy.", page "A wish to buy."
	// edited on both sides: term "A contract.", page "A command."
	// map[conflict order:changed in open metadata and changed in the third party since it was last synchronized]
	// the steward lets open metadata win: term "A contract.", page "A contract."
	// map[]
	// removed from the wiki: term "", page ""
}
