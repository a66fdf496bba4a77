package graph

import "github.com/camena-io/camena/events"

const (
	// maxAttribute bounds what a command brings into the headers of events: the server
	// takes 64 KiB of them in all, encoded.
	maxAttribute = 4 << 10
	// maxTrace is more than a W3C trace context has.
	maxTrace = 256
)

// CheckEnvelope refuses attributes that no event could carry. It drops an invalid trace
// context, as that is no reason to refuse a command.
func CheckEnvelope(e *events.Event) error {
	if len(e.Extension(events.ExtTraceParent)) > maxTrace {
		e.SetExtension(events.ExtTraceParent, "")
	}
	for _, name := range [...]string{"id", "source", events.ExtActor, events.ExtMetadataSource, events.ExtScope, events.ExtConnector} {
		value := e.Extension(name)
		switch name {
		case "id":
			value = e.ID
		case "source":
			value = e.Source
		}
		if len(value) > maxAttribute {
			return events.Errorf(events.CodeInvalid, name, "it is %d bytes long; at most %d are allowed", len(value), maxAttribute)
		}
	}
	if dry := e.Extension(events.ExtDryRun); dry != "" && dry != "true" && dry != "false" {
		return events.Errorf(events.CodeInvalid, events.ExtDryRun, `%.100q is neither "true" nor "false"`, dry)
	}
	return checkCategory(e.Extension(events.ExtOriginCategory), e.Extension(events.ExtMetadataSource))
}

// checkCategory checks that the origin category fits the metadata source: LOCAL_COHORT
// means that there is none.
func checkCategory(category, source string) error {
	switch events.OriginCategory(category) {
	case "":
	case events.OriginLocal:
		if source != "" {
			return events.Errorf(events.CodeInvalid, events.ExtOriginCategory, "what belongs to a metadata source, %.100q, is not %s", source, category)
		}
	case events.OriginExternal, events.OriginContentPack, events.OriginExportArchive:
		if source == "" {
			return events.Errorf(events.CodeInvalid, events.ExtOriginCategory, "%s needs a metadata source; name it as %s", category, events.ExtMetadataSource)
		}
	default:
		return events.Errorf(events.CodeInvalid, events.ExtOriginCategory, "%.100q is none of %s, %s, %s, %s", category,
			events.OriginExternal, events.OriginContentPack, events.OriginExportArchive, events.OriginLocal)
	}
	return nil
}
