package connectors_test

import (
	"context"
	"fmt"
	"time"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

// A connector that synchronizes both ways asks for each thing what is to be
// done, does it, and records that both sides are the same now.
func ExampleContext_Synchronize() {
	c := connectors.NewContext(connectortest.NewRepository().Settings(events.Definition{ID: "1", Name: "wiki"}))
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	page := connectors.Pair{
		Open:       connectors.Side{Presence: connectors.Active, Changed: noon},
		ThirdParty: connectors.Side{Presence: connectors.Active, Changed: noon},
	}
	decide := func(what string) {
		d := c.Synchronize("Page::home", page)
		fmt.Printf("%s: %s\n", what, d.Action)
	}
	decide("cataloged")

	link := page.Synchronized(noon)
	page.Link = &link
	page.ThirdParty.Changed = noon.Add(time.Hour)
	decide("edited in the wiki")

	page.Open.Changed = noon.Add(2 * time.Hour)
	decide("and in open metadata, before the connector came by")
	fmt.Println(c.Problems())

	link.Permitted = events.SyncTo // a steward lets open metadata win
	decide("resolved")

	page.ThirdParty.Changed = noon.Add(3 * time.Hour) // as the write returned it
	link = page.Synchronized(noon.Add(3 * time.Hour))
	decide("written")
	if err := c.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// cataloged: NO_ACTION
	// edited in the wiki: UPDATE_INSTANCE_IN_OPEN_METADATA
	// and in open metadata, before the connector came by: CONFLICT
	// map[conflict Page::home:changed in open metadata and changed in the third party since it was last synchronized]
	// resolved: UPDATE_INSTANCE_IN_THIRD_PARTY
	// written: NO_ACTION
}
