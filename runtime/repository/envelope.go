package repository

import (
	"strings"

	"github.com/camena-io/camena/events"
)

const (
	// maxAttribute bounds what the envelope of a command may bring into the
	// headers of events: the server takes 64 KiB of them in all, encoded.
	maxAttribute = 4 << 10
	// maxTrace is more than a W3C trace context has.
	maxTrace = 256
	// maxInbox bounds the subject of an outcome: the server closes the connection
	// on which a very long one comes.
	maxInbox = 512
)

// checkEnvelope refuses attributes that no event could carry, and drops a trace
// context that is none: it is never a reason to refuse a command.
func checkEnvelope(e *events.Event) error {
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
	return notLong("source", e.Source)
}

func notLong(name, value string) error {
	if len(value) > maxAttribute {
		return events.Errorf(events.CodeInvalid, name, "it is %d bytes long; at most %d are allowed", len(value), maxAttribute)
	}
	return nil
}

// isInbox reports whether the outcome of a command may go to a subject. The
// repository may publish where the sender may not: neither the server nor
// Camena itself is to take an outcome for something else.
func isInbox(subject, domain string) bool {
	return subject != "" && len(subject) <= maxInbox && !strings.ContainsAny(subject, " \t\r\n*>") &&
		!strings.HasPrefix(subject, "$") && !strings.HasPrefix(subject, domain+".")
}
