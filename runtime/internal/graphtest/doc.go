// Package graphtest is for tests of the metadata graph and of its users. It draws
// commands of every kind about a few elements, so that they interact, and has a simple
// [Model] of their effects.
//
// The model shares with the graph only package events and the types, none of its code.
// If both agree on random commands, through any crash, both are probably right.
package graphtest
