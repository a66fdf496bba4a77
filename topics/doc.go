// Package topics declares all streams, subjects, buckets and schedules of Camena.
// It builds and parses names; it never connects.
//
// All names begin with the domain of an installation ("camena" by default), so
// that several installations can share one NATS account.
//
//	camena.in.<source>                                commands
//	camena.out.element.<Type>.<guid>                  change events of elements: the store
//	camena.out.relationship.<Type>.<guid>             change events of relationships: the store
//	camena.out.fence.<connector>                      the fenced generation of a connector
//	camena.out.type.<name>                            an open metadata type
//	camena.cycles.schedule.<connector>.<kind>         schedules
//	camena.cycles.due.<node>.<connector>              due cycles
//	camena.cycles.coordinator.schedule.<name>         schedules of the coordinator
//	camena.cycles.coordinator.due                     due schedules of the coordinator
//	camena.cycles.repository.schedule.<name>          schedules of the writer
//	camena.cycles.repository.due                      due schedules of the writer
//	camena.ops.status.<connector>                     status changes
//	camena.ops.cycle.<connector>                      outcomes of runs
//	camena.dlq.<stream>.<sequence>                    dead letters
//	camena.api.<service>.<verb>                       request and reply
package topics
