// Package spi has the wire types of i2 Connect's REST SPI, versions 1.0 to 1.4: the
// configuration of a connector, requests and results. It decodes what real
// connectors send, checks configurations, resolves defaults, and converts all of
// it to the model of package dataservice and back.
//
// A type of i2 has an id and a location, the schema that it is defined in. In the
// model both are the name of an object: INFOSTORE/ET1. Without a location it is a
// type of the connector's own schema. What a record of i2 has beside what the model
// knows, such as the direction of a link, is a property whose name begins with @:
// @linkDirection.
//
// i2 keeps milliseconds of times and seconds of clocks; the rest is cut off.
// Schemas are not read: a text that only a schema would tell to be a date is text.
package spi
