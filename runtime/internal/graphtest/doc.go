// Package graphtest is for tests of the metadata graph, and of what applies
// commands by it: it draws commands of every kind, about few elements, so that
// they meet, and has a simple [Model] of what they do.
//
// The model knows nothing of how the graph is made. Where both agree on random
// commands, whatever crashes meanwhile, both are likely right.
package graphtest
