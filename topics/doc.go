// Package topics declares every stream, subject, bucket and schedule of
// Camena, and nothing else does. It builds and parses names; it never connects.
//
// All names begin with the domain of an installation ("camena" by default), so
// that several installations share one NATS account.
//
//	camena.in.<source>                                commands
//	camena.out.element.<Type>.<guid>                  change events of elements: the store
//	camena.out.relationship.<Type>.<guid>             change events of relationships: the store
//	camena.out.fence.<connector>                      the generation a connector is fenced to
//	camena.out.type.<name>                            an open metadata type
//	camena.cycles.schedule.<connector>.<kind>         schedules
//	camena.cycles.due.<node>.<connector>              due cycles
//	camena.cycles.coordinator.schedule.<name>         the coordinator's own schedules
//	camena.cycles.coordinator.due                     what they wake it with
//	camena.cycles.coordinator.schedule.<name>         schedules of the coordinator itself
//	camena.cycles.coordinator.due                     what they deliver
//	camena.ops.status.<connector>                     status changes
//	camena.ops.cycle.<connector>                      outcomes of runs
//	camena.dlq.<stream>.<sequence>                    dead letters
//	camena.api.<service>.<verb>                       request and reply
package topics
