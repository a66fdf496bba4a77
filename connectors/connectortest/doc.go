// Package connectortest is the conformance kit for connectors: an in-memory
// [Repository] to test them on, and [Run], which checks one promise of the
// contract after the other.
//
// A connector is finished when this passes:
//
//	func TestContract(t *testing.T) {
//		connectortest.Run(t, mine.Factory(), connectortest.Fixture{
//			ThirdParty: func(tb testing.TB) connectortest.ThirdParty { … },
//		})
//	}
//
// The repository does with commands and questions what the real one does, by the
// same code: an element whose type does not have a property, or two ends that may
// not be related, are refused here too. It knows the types that Camena ships;
// those that a connector brings stand in [Fixture] or are given to
// [NewRepository].
//
// Every [Behavior] is derived from a sentence of the package comment of
// [github.com/camena-io/camena/connectors]. Whether a connector catalogs
// rightly, the kit tells without knowing the third party: what a connector
// arrives at step by step must be what a new one makes of an empty repository.
// Whether that is the right picture of the third party is for the connector's
// own tests to say.
package connectortest
