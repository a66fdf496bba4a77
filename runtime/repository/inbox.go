package repository

import "strings"

// maxInbox bounds the subject of an outcome: the server closes the connection on
// which a very long one comes.
const maxInbox = 512

// isInbox reports whether the outcome of a command may go to a subject. The
// repository may publish where the sender may not: neither the server nor
// Camena itself is to take an outcome for something else.
func isInbox(subject, domain string) bool {
	return subject != "" && len(subject) <= maxInbox && !strings.ContainsAny(subject, " \t\r\n*>") &&
		!strings.HasPrefix(subject, "$") && !strings.HasPrefix(subject, domain+".")
}
