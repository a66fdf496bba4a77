package events

import "cmp"

// Command is the data of one of the command events; [CommandTypes] lists them.
type Command interface {
	// EventType is the CloudEvents type under which the command travels.
	EventType() string
	// Validate checks what can be checked without the repository.
	Validate() error
}

// EventType returns [TypeCreateElement].
func (*Create) EventType() string { return TypeCreateElement }

// EventType returns [TypeUpsertElement].
func (*Upsert) EventType() string { return TypeUpsertElement }

// EventType returns [TypeUpdateElement].
func (*Update) EventType() string { return TypeUpdateElement }

// EventType returns [TypeClassifyElement].
func (*Classify) EventType() string { return TypeClassifyElement }

// EventType returns [TypeDeclassifyElement].
func (*Declassify) EventType() string { return TypeDeclassifyElement }

// EventType returns [TypeLinkElements].
func (*Link) EventType() string { return TypeLinkElements }

// EventType returns [TypeUpdateRelationship].
func (*UpdateRelationship) EventType() string { return TypeUpdateRelationship }

// EventType returns [TypeUnlinkElements].
func (*Unlink) EventType() string { return TypeUnlinkElements }

// EventType returns [TypeApplyChangeSet].
func (*ChangeSet) EventType() string { return TypeApplyChangeSet }

// EventType returns [TypeFenceConnector].
func (*Fence) EventType() string { return TypeFenceConnector }

// EventType returns [TypeFlushCommands].
func (*Flush) EventType() string { return TypeFlushCommands }

// Validate implements [Command].
func (*Flush) Validate() error { return nil }

// Validate checks the element's spec.
func (c *Upsert) Validate() error {
	return cmp.Or(c.UnknownProperties.validate("/unknownProperties"), c.Element.Validate("/element"))
}

// Validate checks the element's spec.
func (c *Create) Validate() error {
	return cmp.Or(
		c.UnknownProperties.validate("/unknownProperties"),
		CheckTypedName("/element/qualifiedName", c.Element.QualifiedName),
		c.Element.Validate("/element"),
	)
}

// Validate checks the reference.
func (c *Update) Validate() error {
	return cmp.Or(
		c.UnknownProperties.validate("/unknownProperties"),
		validateZones(c.Zones, "/zones"),
		validateEffectivity(c.Effectivity, "/effectivity"),
		c.Element.Validate("/element"),
	)
}

// Validate checks the reference and the classification's name.
func (c *Classify) Validate() error {
	return cmp.Or(
		validateMark(c.Classification.Name, "/classification/classificationName"),
		c.Classification.Effectivity.Validate("/classification"),
		c.Element.Validate("/element"),
	)
}

// Validate checks the reference and the classification's name.
func (c *Declassify) Validate() error {
	return cmp.Or(validateMark(c.ClassificationName, "/classificationName"), c.Element.Validate("/element"))
}

// Validate checks the relationship's spec.
func (c *Link) Validate() error { return c.Relationship.Validate("/relationship") }

// Validate checks that the relationship is named in one of the two ways.
func (c *UpdateRelationship) Validate() error {
	return cmp.Or(validateEffectivity(c.Effectivity, "/effectivity"), c.Relationship.Validate("/relationship"))
}

// Validate checks that the relationship is named in one of the two ways.
func (c *Unlink) Validate() error { return c.Ref().Validate("") }

// Validate decodes and checks every step.
func (c *ChangeSet) Validate() error {
	_, err := c.Steps()
	return err
}

// Steps returns the commands of the set, decoded and checked.
func (c *ChangeSet) Steps() ([]Command, error) {
	if len(c.Commands) == 0 {
		return nil, Errorf(CodeInvalid, "/commands", "a change set needs at least one command")
	}
	if len(c.Commands) > MaxSteps {
		return nil, Errorf(CodeTooLarge, "/commands", "the change set has %d commands; at most %d can be applied at once", len(c.Commands), MaxSteps)
	}
	if len(c.decoded) == len(c.Commands) {
		return c.decoded, nil
	}
	steps := make([]Command, len(c.Commands))
	for i := range c.Commands {
		var err error
		if steps[i], err = c.Commands[i].Command(i); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// Validate checks that connector and generation are there.
func (c *Fence) Validate() error {
	if c.Connector == "" {
		return Errorf(CodeInvalid, "/connector", "missing: the id of the connector")
	}
	if c.Generation == 0 {
		return Errorf(CodeInvalid, "/generation", "missing: generations count from 1")
	}
	return nil
}

// NewChangeSet packs commands into a change set.
func NewChangeSet(commands ...Command) (*ChangeSet, error) {
	set := &ChangeSet{}
	for _, c := range commands {
		data, err := Marshal(c)
		if err != nil {
			return nil, invalidJSON(err)
		}
		set.Commands = append(set.Commands, Step{Type: c.EventType(), Data: data})
	}
	if err := set.Validate(); err != nil {
		return nil, err
	}
	return set, nil
}

// Command decodes the step, which is the i-th of its change set.
func (s *Step) Command(i int) (Command, error) {
	pointer := itemAt("/commands", i)
	if t, ok := CommandTypeOf(s.Type); ok && !t.InChangeSet {
		return nil, Errorf(CodeInvalid, pointer+"/type", "%s cannot stand in a change set", s.Type)
	}
	c, err := decodeCommand(s.Type, s.Data)
	if err != nil {
		e := invalidJSON(err)
		if e.Pointer == ExtType {
			return nil, Errorf(e.Code, pointer+"/type", "%s", e.Message)
		}
		return nil, &Error{Code: e.Code, Message: e.Message, Pointer: pointer + "/data" + e.Pointer}
	}
	return c, nil
}

// DecodeCommand decodes the data of a command event strictly, and validates it.
// The command may keep references to the data.
func DecodeCommand(e *Event) (Command, error) { return decodeCommand(e.Type, e.Data) }

func decodeCommand(typeName string, data []byte) (Command, error) {
	if typeName == TypeUpsertElement {
		if c, ok := quickUpsert(data); ok {
			return validated(c)
		}
	}
	t, ok := CommandTypeOf(typeName)
	if !ok {
		return nil, Errorf(CodeInvalid, ExtType, "%q is not a command; see the documentation of the in topic for the types it takes", typeName)
	}
	c := t.New()
	if err := unmarshal(data, c); err != nil {
		return nil, err
	}
	if set, ok := c.(*ChangeSet); ok { // validating decodes the steps; keep them
		var err error
		set.decoded, err = set.Steps()
		return set, err
	}
	return validated(c)
}

func validated(c Command) (Command, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}
