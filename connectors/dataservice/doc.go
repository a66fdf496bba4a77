// Package dataservice is the model by which a connector says what it can do and
// does it: actions on objects, queries, and services with a form. Scribe's
// actions and objects, the actions and entities of Google's custom connectors and
// the services of i2 Connect are all expressed in it.
//
// The package is pure: it holds definitions, values, requests and results, the
// interfaces of connectors that offer them, and the checks that every connector
// shares. How requests travel is not its concern.
package dataservice
