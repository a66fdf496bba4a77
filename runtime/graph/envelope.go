package graph

import "github.com/camena-io/camena/events"

const (
	// maxAttribute bounds what the envelope of a command may bring into the
	// headers of events: the server takes 64 KiB of them in all, encoded.
	maxAttribute = 4 << 10
	// maxTrace is more than a W3C trace context has.
	maxTrace = 256
)

// CheckEnvelope refuses attributes that no event could carry, and drops a trace
// context that is none: it is never a reason to refuse a command.
func CheckEnvelope(e *events.Event) error {
	if len(e.Extension(events.ExtTraceParent)) > maxTrace {
		e.SetExtension(events.ExtTraceParent, "")
	}
	for _, name := range [...]string{events.ExtActor, events.ExtMetadataSource, events.ExtScope, events.ExtConnector} {
		if err := notLong(name, e.Extension(name)); err != nil {
			return err
		}
	}
	if err := notLong("id", e.ID); err != nil {
		return err
	}
	if err := notLong("source", e.Source); err != nil {
		return err
	}
	if err := checkCategory(e); err != nil {
		return err
	}
	return checkDryRun(e.Extension(events.ExtDryRun))
}

// checkCategory lets an origin category say of what kind a metadata source is:
// LOCAL_COHORT is where there is none.
func checkCategory(e *events.Event) error {
	category, source := e.Extension(events.ExtOriginCategory), e.Extension(events.ExtMetadataSource)
	switch events.OriginCategory(category) {
	case "":
		return nil
	case events.OriginLocal:
		if source != "" {
			return events.Errorf(events.CodeInvalid, events.ExtOriginCategory, "what belongs to a metadata source, %.100q, is not %s", source, category)
		}
		return nil
	case events.OriginExternal, events.OriginContentPack, events.OriginExportArchive:
		if source == "" {
			return events.Errorf(events.CodeInvalid, events.ExtOriginCategory, "%s is where a metadata source is; name it as %s", category, events.ExtMetadataSource)
		}
		return nil
	default:
		return events.Errorf(events.CodeInvalid, events.ExtOriginCategory, "%.100q is none of %s, %s, %s, %s", category,
			events.OriginExternal, events.OriginContentPack, events.OriginExportArchive, events.OriginLocal)
	}
}

func checkDryRun(value string) error {
	if value != "" && value != "true" && value != "false" {
		return events.Errorf(events.CodeInvalid, events.ExtDryRun, `%.100q is neither "true" nor "false"`, value)
	}
	return nil
}

func notLong(name, value string) error {
	if len(value) > maxAttribute {
		return events.Errorf(events.CodeInvalid, name, "it is %d bytes long; at most %d are allowed", len(value), maxAttribute)
	}
	return nil
}
