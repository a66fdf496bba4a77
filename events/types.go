package events

// The CloudEvents types of commands (imperative), change events and runtime
// events (past tense).
const (
	TypeCreateElement          = "io.camena.element.create.v1"
	TypeUpsertElement          = "io.camena.element.upsert.v1"
	TypeUpdateElement          = "io.camena.element.update.v1"
	TypeDeleteElement          = "io.camena.element.delete.v1"
	TypeRestoreElement         = "io.camena.element.restore.v1"
	TypePublishElement         = "io.camena.element.publish.v1"
	TypeWithdrawElement        = "io.camena.element.withdraw.v1"
	TypeRetypeElement          = "io.camena.element.retype.v1"
	TypeRehomeElement          = "io.camena.element.rehome.v1"
	TypeCreateFromTemplate     = "io.camena.element.fromtemplate.v1"
	TypeClassifyElement        = "io.camena.element.classify.v1"
	TypeDeclassifyElement      = "io.camena.element.declassify.v1"
	TypeLinkElements           = "io.camena.relationship.link.v1"
	TypeUpdateRelationship     = "io.camena.relationship.update.v1"
	TypeUnlinkElements         = "io.camena.relationship.unlink.v1"
	TypeLinkExternalID         = "io.camena.externalid.link.v1"
	TypeUnlinkExternalID       = "io.camena.externalid.unlink.v1"
	TypeConfirmSynchronization = "io.camena.externalid.confirm.v1"
	TypeApplyChangeSet         = "io.camena.changeset.apply.v1"
	TypeFenceConnector         = "io.camena.connector.fence.v1"
	TypeFlushCommands          = "io.camena.connector.flush.v1"

	TypeElementCreated      = "io.camena.element.created.v1"
	TypeElementUpdated      = "io.camena.element.updated.v1"
	TypeElementDeleted      = "io.camena.element.deleted.v1"
	TypeElementClassified   = "io.camena.element.classified.v1"
	TypeElementReclassified = "io.camena.element.reclassified.v1"
	TypeElementDeclassified = "io.camena.element.declassified.v1"
	TypeElementRestored     = "io.camena.element.restored.v1"
	TypeElementRetyped      = "io.camena.element.retyped.v1"
	TypeElementRehomed      = "io.camena.element.rehomed.v1"
	// TypeElementMoved ends the history of an element under its former type;
	// it goes on under the new one. Nothing is deleted.
	TypeElementMoved         = "io.camena.element.moved.v1"
	TypeRelationshipCreated  = "io.camena.relationship.created.v1"
	TypeRelationshipUpdated  = "io.camena.relationship.updated.v1"
	TypeRelationshipDeleted  = "io.camena.relationship.deleted.v1"
	TypeRelationshipRestored = "io.camena.relationship.restored.v1"
	TypeRelationshipRehomed  = "io.camena.relationship.rehomed.v1"
	TypeConnectorFenced      = "io.camena.connector.fenced.v1"

	TypeCycleDue        = "io.camena.cycle.due.v1"
	TypeCycleFinished   = "io.camena.cycle.finished.v1"
	TypeConnectorStatus = "io.camena.connector.status.v1"
	TypeDeadLetter      = "io.camena.deadletter.v1"
)

// ChangeTypes returns the types of the change events that tell of metadata and its
// types.
func ChangeTypes() []string {
	return []string{
		TypeElementCreated, TypeElementUpdated, TypeElementDeleted, TypeElementRestored, TypeElementClassified, TypeElementReclassified,
		TypeElementDeclassified, TypeElementRetyped, TypeElementRehomed, TypeRelationshipCreated, TypeRelationshipUpdated,
		TypeRelationshipDeleted, TypeRelationshipRestored, TypeRelationshipRehomed, TypeTypeDefined,
	}
}

// Extension attributes that Camena adds to its CloudEvents.
const (
	// ExtActor is the user or connector on whose behalf a command is sent.
	ExtActor = "actor"
	// ExtConnector is the id of the connector that sent a command.
	ExtConnector = "connector"
	// ExtGeneration is the generation of the assignment under which that
	// connector runs; commands of an older generation are refused.
	ExtGeneration = "generation"
	// ExtMetadataSource is the qualified name of the external source on whose
	// behalf a command is sent (Egeria: metadataSourceQualifiedName).
	ExtMetadataSource = "metadatasource"
	// ExtScope is the reconciliation scope of a source: a reconciliation deletes
	// only within its scope.
	ExtScope = "scope"
	// ExtOriginCategory is the origin category of metadata created on behalf of a
	// metadata source, EXTERNAL_SOURCE by default. Without a source it is always
	// LOCAL_COHORT.
	ExtOriginCategory = "origincategory"
	// ExtDryRun, if "true", makes the repository answer what a command would
	// change without changing it. "false" is the default.
	ExtDryRun = "dryrun"
	// ExtReplyTo is the NATS subject to which the outcome of a command goes.
	ExtReplyTo = "replyto"
	// ExtInSequence is, on a change event, the stream sequence of the command
	// on the in topic that caused it.
	ExtInSequence = "insequence"
	// ExtTraceParent is the W3C trace context (CloudEvents: distributed
	// tracing extension).
	ExtTraceParent = "traceparent"
)

// JSON is the content type of all data that Camena itself publishes.
const JSON = "application/json"
