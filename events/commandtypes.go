package events

// CommandType is a row of the table of commands.
type CommandType struct {
	// Type is the CloudEvents type under which the command travels.
	Type string
	// Does is what the command does, as an imperative sentence without a period.
	Does string
	// Done is the past tense, to follow the name of what was changed.
	Done string
	// Removes says that the command removes its subject, which need not be there.
	Removes bool
	// Cascades says that other elements and relationships may change with the subject.
	Cascades bool
	// InChangeSet says that the command may stand in a [ChangeSet].
	InChangeSet bool
	// AnyDirection says that a connector may send the command although its permitted
	// synchronization is TO_THIRD_PARTY.
	AnyDirection bool
	// New returns an empty command.
	New func() Command
}

// CommandTypes returns the table of commands, in the order of the documentation. A
// new command is a row here and a handler in the repository.
func CommandTypes() []CommandType {
	table := commandTable()
	return table[:]
}

// commandTable is an array, so that looking up a row allocates nothing.
func commandTable() [22]CommandType {
	return [...]CommandType{
		{Type: TypeCreateElement, Does: "Create an element that must not exist yet", Done: "created", InChangeSet: true, New: func() Command { return new(Create) }},
		{Type: TypeUpsertElement, Does: "Create an element, or make it what is given", Done: "upserted", InChangeSet: true, New: func() Command { return new(Upsert) }},
		{Type: TypeUpdateElement, Does: "Change properties of an element that must exist", Done: "updated", InChangeSet: true, New: func() Command { return new(Update) }},
		{Type: TypeDeleteElement, Does: "Delete an element and its relationships", Done: "deleted", Removes: true, Cascades: true, InChangeSet: true, New: func() Command { return new(Delete) }},
		{Type: TypeRestoreElement, Does: "Restore an element that was deleted or archived", Done: "restored", Cascades: true, InChangeSet: true, New: func() Command { return new(Restore) }},
		{Type: TypePublishElement, Does: "Put an element into the zones in which consumers see it", Done: "published", InChangeSet: true, New: func() Command { return new(Publish) }},
		{Type: TypeWithdrawElement, Does: "Put an element back into the zones of what is not published", Done: "withdrawn", InChangeSet: true, New: func() Command { return new(Withdraw) }},
		{Type: TypeRetypeElement, Does: "Change the type of an element", Done: "retyped", InChangeSet: true, New: func() Command { return new(Retype) }},
		{Type: TypeRehomeElement, Does: "Move an element or relationship to another metadata source", Done: "rehomed", InChangeSet: true, New: func() Command { return new(Rehome) }},
		{Type: TypeCreateFromTemplate, Does: "Create an element as a copy of a template", Done: "created", Cascades: true, InChangeSet: true, New: func() Command { return new(FromTemplate) }},
		{Type: TypeClassifyElement, Does: "Add a classification to an element, or change the one it has", Done: "classified", InChangeSet: true, New: func() Command { return new(Classify) }},
		{Type: TypeDeclassifyElement, Does: "Remove a classification from an element", Done: "declassified", InChangeSet: true, New: func() Command { return new(Declassify) }},
		{Type: TypeLinkElements, Does: "Relate two elements, or change their relationship", Done: "linked", InChangeSet: true, New: func() Command { return new(Link) }},
		{Type: TypeUpdateRelationship, Does: "Change properties of a relationship that must exist", Done: "updated", InChangeSet: true, New: func() Command { return new(UpdateRelationship) }},
		{Type: TypeUnlinkElements, Does: "Remove a relationship", Done: "unlinked", Removes: true, InChangeSet: true, New: func() Command { return new(Unlink) }},
		{Type: TypeLinkExternalID, Does: "Record the identifier that an element has in another system", Done: "linked", InChangeSet: true, AnyDirection: true, New: func() Command { return new(LinkExternalID) }},
		{Type: TypeUnlinkExternalID, Does: "Remove the identifier that an element has in another system", Done: "unlinked", Removes: true, InChangeSet: true, AnyDirection: true, New: func() Command { return new(UnlinkExternalID) }},
		{Type: TypeConfirmSynchronization, Does: "Record that an element and its counterpart in another system are the same", Done: "confirmed", InChangeSet: true, AnyDirection: true, New: func() Command { return new(ConfirmSynchronization) }},
		{Type: TypeDefineTypes, Does: "Add types, or change them compatibly", Done: "defined", New: func() Command { return new(DefineTypes) }},
		{Type: TypeApplyChangeSet, Does: "Apply several commands all together or not at all", Done: "applied", New: func() Command { return new(ChangeSet) }},
		{Type: TypeFenceConnector, Does: "Refuse later commands of a connector's older generations", Done: "fenced", New: func() Command { return new(Fence) }},
		{Type: TypeFlushCommands, Does: "Change nothing; the outcome follows those of all commands sent before", Done: "flushed", New: func() Command { return new(Flush) }},
	}
}

// CommandTypeOf returns the row of a CloudEvents type.
func CommandTypeOf(eventType string) (CommandType, bool) {
	table := commandTable()
	for i := range table {
		if table[i].Type == eventType {
			return table[i], true
		}
	}
	return CommandType{}, false
}
