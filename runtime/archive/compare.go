package archive

import (
	"slices"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// Changes reports whether the step would change an element of the repository,
// but for restoring, archiving and anchoring it. It is for what is archived, of which
// a dry run of the commands would not tell. An error says why the repository would
// refuse the step if the element were not archived.
func (s *Step) Changes(e *events.Element, types *opentypes.Registry) (bool, error) {
	for _, c := range s.Commands {
		if changes, err := commandChanges(c, e, types); err != nil || changes {
			return changes, err
		}
	}
	return false, nil
}

func commandChanges(c events.Command, e *events.Element, types *opentypes.Registry) (bool, error) {
	switch c := c.(type) {
	case *events.Upsert:
		return upsertChanges(c, e, types)
	case *events.Update:
		return !sameSet(c.Zones, e.Header.Zones), nil
	case *events.Classify:
		return classifyChanges(&c.Classification, e, types)
	case *events.Delete:
		// Who archives it without a process does not mind which one did.
		m := e.Classification(events.Memento)
		return m == nil || c.ArchiveProcess != "" && m.Properties.String("archiveProcess") != c.ArchiveProcess, nil
	default:
		return true, nil
	}
}

func upsertChanges(c *events.Upsert, e *events.Element, types *opentypes.Registry) (bool, error) {
	if c.Merge { // it brings an anchor only
		return false, nil
	}
	spec := &c.Element
	typ, err := types.Element(spec.Type, "/element/type")
	if err != nil {
		return false, err
	}
	differs, err := differ(typ, spec.Properties, e.Properties, opentypes.CheckOptions{
		Pointer: "/element/properties", Lenient: c.UnknownProperties == events.KeepUnknown,
	})
	return err == nil && (differs || spec.Zones != nil && !sameSet(spec.Zones, e.Header.Zones) ||
		spec.Effectivity != nil && !spec.Effectivity.Equal(e.Header.Effectivity)), err
}

func classifyChanges(want *events.Classification, e *events.Element, types *opentypes.Registry) (bool, error) {
	typ, err := types.Classification(want.Name, "/classification/classificationName")
	if err != nil {
		return false, err
	}
	if err := typ.CheckClassifies(&e.Header.Type, "/classification/classificationName"); err != nil {
		return false, err
	}
	var have events.Classification
	is := e.Classification(want.Name)
	if is != nil {
		have = *is
	}
	differs, err := differ(typ, want.Properties, have.Properties, opentypes.CheckOptions{Pointer: "/classification/properties"})
	return err == nil && (is == nil || differs || !want.Effectivity.Equal(have.Effectivity)), err
}

// differ compares properties that are wanted with those that are there, in the form
// in which the repository keeps them.
func differ(typ *opentypes.Type, want, have events.Properties, o opentypes.CheckOptions) (bool, error) {
	want, err := typ.Check(want, o)
	if err != nil {
		return false, err
	}
	if want, err = want.WithoutNulls(); err != nil {
		return false, err
	}
	return !want.Equal(have), nil
}

// sameSet reports whether two lists have the same elements, in whatever order.
func sameSet(a, b []string) bool {
	set := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
	return slices.Equal(set(a), set(b))
}
