// Package events is the vocabulary of Camena: the CloudEvents that travel on
// the bus and the metadata they carry. It knows no transport.
//
// # Envelope
//
// Everything published is an [Event], a CloudEvent 1.0. [Encode] and [Decode]
// map it to and from message headers and body as the CloudEvents NATS protocol
// binding says: binary mode ("ce-" headers, body is the data) is written,
// structured mode (a JSON document) is accepted too.
//
// # Commands and changes
//
// A command asks for a change of metadata and is named in the imperative
// ([TypeUpsertElement]); it is published to the in topic. A change event says
// that something changed and is named in the past ([TypeElementCreated]); it is
// published to the out topic and carries the new and the previous state
// (Egeria: OpenMetadataOutTopicEvent). The last change event of an element is
// its present state.
//
// # Decoding
//
// All decoding is strict: an unknown field, a wrong type, a missing field or a
// duplicate name is an [*Error] with a code, and with a JSON pointer to the
// place in the event's data, or with the name of the attribute.
package events
