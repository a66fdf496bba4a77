// Package host runs the connectors that are assigned to a node.
//
// # Instances
//
// An assignment brings an instance: New, Start and a first refresh. Then the bus
// calls: a schedule delivers a due cycle for every refresh, for the next engage,
// and for the next attempt after a failure. A connector has a goroutine while it
// works; one that waits has none, and costs some kilobytes.
//
//	             New              Start              refresh
//	assigned ──────────▶ INITIALIZED ──▶ REFRESHING ◀──────▶ WAITING
//	    │ fails              │ fails       │ fails      (RUNNING while it engages)
//	    ▼                    ▼             ▼
//	CONFIG_FAILED   INITIALIZE_FAILED    FAILED      each ends the instance
//	 waits for a         └─ back-off ──────┘
//	 new definition      then another instance
//
// Released or removed it becomes STOPPED, at the end of the node SHUTDOWN
// (Egeria: IntegrationConnectorStatus). Every failure ends the instance: it is
// disconnected, and a restart makes another one.
//
// # Cycles
//
// A scheduled refresh that is due while one runs is skipped, with the outcome
// "coalesced". A requested one (generation 0) is remembered, one at a time, and
// run afterwards, because the change it is about may have come after the running
// one looked. Refresh and engage may overlap. A request also starts a failed
// connector at once.
//
// # Calls that hang
//
// Every call into a connector has a goroutine, a deadline and a recover of its
// own. A call that does not return soon after its ctx has ended is abandoned:
// the connector's Context is closed, so that it can do no harm, and the status
// shows the call. No lock and no place is held meanwhile, so a connector that
// hangs delays neither other connectors, nor requests, nor the end of the node.
//
// # Fencing
//
// The heartbeat of the node is a lease on all that it runs. A host that could
// not renew it for [topics.SelfFence] closes the Contexts of its connectors and
// ends them, before another node can be given them. When it can renew again it
// starts what is still assigned to it.
package host
