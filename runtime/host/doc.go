// Package host runs the connectors that are assigned to a node.
//
// # Life of a connector
//
// An assignment brings New, Start and a first refresh; then the bus calls: a
// schedule delivers a due cycle for every refresh, for the next engage, and for
// the next attempt after a failure. Nothing here waits in a goroutine for its
// time to come, and a connector that has nothing to do costs some kilobytes.
//
//	             New              Start              refresh
//	assigned ──────────▶ INITIALIZED ──▶ REFRESHING ◀──────▶ WAITING
//	    │ fails              │ fails       │ fails      (RUNNING while it engages)
//	    ▼                    ▼             ▼
//	CONFIG_FAILED   INITIALIZE_FAILED    FAILED      each ends the connector's value
//	 waits for a         └─ back-off ──────┘
//	 new definition      then a new value from New
//
// Released or removed it becomes STOPPED, at the end of the node SHUTDOWN
// (Egeria: IntegrationConnectorStatus). Whatever fails ends the value: it is
// disconnected, and a restart makes another one.
//
// # Cycles
//
// A scheduled refresh that is due while one runs is skipped, with the outcome
// "coalesced". One that somebody asked for (generation 0) is remembered, one at
// a time, and run afterwards, because what was to be seen may have come after
// the running one looked. Refresh and engage may overlap. A request also starts
// a failed connector at once.
//
// # Patience
//
// Every call into a connector has a goroutine, a deadline and a recover of its
// own. A call that does not return soon after its ctx has ended is abandoned:
// the connector's Context is closed, so that it can do no harm, and the status
// says so. No lock is held and no slot is kept meanwhile, so a connector that
// hangs blocks neither its neighbors, nor requests, nor the end of the node.
//
// # Fencing
//
// The heartbeat of the node is a lease on all that it runs. A host that could
// not renew it for [topics.SelfFence] closes the Contexts of its connectors and
// ends them, before anybody else can be given them; when it can renew again it
// starts what is still assigned to it.
package host
