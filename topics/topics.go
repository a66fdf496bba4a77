package topics

import (
	"fmt"
	"strconv"
	"strings"
)

// DefaultDomain is the first token of all subjects unless configured otherwise.
const DefaultDomain = "camena"

// Topics builds and parses the names of one installation. Make it with [New].
type Topics struct {
	domain string
}

// maxDomain leaves room for the rest of the names of streams and buckets.
const maxDomain = 64

// New returns the names of the given domain, which must be one subject token
// of at most 64 lower-case letters, digits, "-" and "_"; empty means
// [DefaultDomain]. Upper case is refused since the names of streams are in upper
// case: two domains that differ in case would share their streams.
func New(domain string) (Topics, error) {
	if domain == "" {
		domain = DefaultDomain
	}
	for _, c := range []byte(domain) {
		if !plain(c) || 'A' <= c && c <= 'Z' {
			return Topics{}, fmt.Errorf("domain %q: use lower-case letters, digits, - and _ only", domain)
		}
	}
	if len(domain) > maxDomain {
		return Topics{}, fmt.Errorf("domain %q: use at most %d characters", domain, maxDomain)
	}
	return Topics{domain: domain}, nil
}

// Domain returns the first token of all subjects.
func (t Topics) Domain() string { return t.domain }

// Commands is the subject of commands sent by source.
func (t Topics) Commands(source string) string { return t.join("in", Escape(source)) }

// Element is the subject of the change events of one element.
func (t Topics) Element(typeName, guid string) string {
	return t.domain + ".out.element." + pattern(typeName) + "." + Escape(guid) // built for every change, so without join
}

// Relationship is the subject of the change events of one relationship.
func (t Topics) Relationship(typeName, guid string) string {
	return t.domain + ".out.relationship." + pattern(typeName) + "." + Escape(guid)
}

// Fence is the subject of the fenced generation of a connector.
func (t Topics) Fence(connector string) string { return t.join("out", "fence", Escape(connector)) }

// Type is the subject of the definitions of an open metadata type.
func (t Topics) Type(name string) string { return t.join("out", "type", pattern(name)) }

// Changes matches every change event.
func (t Topics) Changes() string { return t.join("out", ">") }

// ElementsOf matches the change events of all elements of a type, not of its
// subtypes; "*" means every type.
func (t Topics) ElementsOf(typeName string) string {
	return t.join("out", "element", pattern(typeName), "*")
}

// RelationshipsOf matches the change events of all relationships of a type;
// "*" means every type.
func (t Topics) RelationshipsOf(typeName string) string {
	return t.join("out", "relationship", pattern(typeName), "*")
}

// Schedule is the subject of a connector's schedule of one kind of cycle.
func (t Topics) Schedule(connector, kind string) string {
	return t.join("cycles", "schedule", Escape(connector), Escape(kind))
}

// SchedulesOf matches all schedules of a connector.
func (t Topics) SchedulesOf(connector string) string {
	return t.join("cycles", "schedule", Escape(connector), "*")
}

// Due is the subject on which a node receives the due cycles of a connector.
func (t Topics) Due(node, connector string) string {
	return t.join("cycles", "due", Escape(node), Escape(connector))
}

// DueOf matches all due cycles of a node.
func (t Topics) DueOf(node string) string { return t.join("cycles", "due", Escape(node), "*") }

// Status is the subject of the status changes of a connector.
func (t Topics) Status(connector string) string { return t.join("ops", "status", Escape(connector)) }

// CycleOutcome is the subject of the outcomes of a connector's runs.
func (t Topics) CycleOutcome(connector string) string {
	return t.join("ops", "cycle", Escape(connector))
}

// CycleOutcomes matches the outcomes of all connectors' runs.
func (t Topics) CycleOutcomes() string { return t.join("ops", "cycle", "*") }

// DeadLetter is the subject of the dead letter for one message of a stream: one
// subject per message, so that a message has one dead letter.
func (t Topics) DeadLetter(stream string, sequence uint64) string {
	return t.join("dlq", Escape(stream), strconv.FormatUint(sequence, 10))
}

// DeadLetters matches every dead letter.
func (t Topics) DeadLetters() string { return t.join("dlq", "*", "*") }

// API is the subject of one verb of a request-reply service.
func (t Topics) API(service, verb string) string { return t.join("api", service, verb) }

// Connection is the subject on which a connector is asked for a verb; "*" means
// every verb.
func (t Topics) Connection(connector, verb string) string {
	return t.join("api", "connection", Escape(connector), verb)
}

func (t Topics) join(tokens ...string) string { return t.domain + "." + strings.Join(tokens, ".") }

func pattern(token string) string {
	if token == "*" {
		return token
	}
	return Escape(token)
}

// Change is the content of the subject of a change event.
type Change struct {
	// Relationship is true for relationships, false for elements.
	Relationship bool
	Type         string
	GUID         string
}

// ParseChange reads the subject of a change event of an element or relationship.
func (t Topics) ParseChange(subject string) (Change, error) {
	tokens, err := t.split(subject, "out", 3)
	if err != nil {
		return Change{}, err
	}
	if tokens[0] != "element" && tokens[0] != "relationship" {
		return Change{}, fmt.Errorf("subject %q: want element or relationship, found %q", subject, tokens[0])
	}
	return Change{Relationship: tokens[0] == "relationship", Type: tokens[1], GUID: tokens[2]}, nil
}

// ParseDue reads the subject of a due cycle.
func (t Topics) ParseDue(subject string) (node, connector string, err error) {
	tokens, err := t.split(subject, "cycles", 3)
	if err != nil {
		return "", "", err
	}
	if tokens[0] != "due" {
		return "", "", fmt.Errorf("subject %q: want due, found %q", subject, tokens[0])
	}
	return tokens[1], tokens[2], nil
}

// ParseCommands reads the source from the subject of a command.
func (t Topics) ParseCommands(subject string) (source string, err error) {
	tokens, err := t.split(subject, "in", 1)
	if err != nil {
		return "", err
	}
	return tokens[0], nil
}

func (t Topics) split(subject, topic string, n int) ([]string, error) {
	rest, ok := strings.CutPrefix(subject, t.domain+"."+topic+".")
	if !ok {
		return nil, fmt.Errorf("subject %q is not one of %s.%s", subject, t.domain, topic)
	}
	tokens := strings.Split(rest, ".")
	if len(tokens) != n {
		return nil, fmt.Errorf("subject %q: want %d tokens after %s.%s, found %d", subject, n, t.domain, topic, len(tokens))
	}
	for i, token := range tokens {
		plainText, err := Unescape(token)
		if err != nil {
			return nil, fmt.Errorf("subject %q: %w", subject, err)
		}
		tokens[i] = plainText
	}
	return tokens, nil
}
