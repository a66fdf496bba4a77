package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// Errors that say what is wrong with the NATS deployment.
var (
	// ErrUnreachable: no server answers at the URL. Start NATS, or correct the URL.
	ErrUnreachable = errors.New("NATS cannot be reached")
	// ErrRefused: NATS does not accept the credentials or the TLS settings.
	ErrRefused = errors.New("NATS refuses the connection")
	// ErrServer: the server lacks something that Camena needs.
	ErrServer = errors.New("the NATS server cannot be used")
	// ErrLeaseLost is the cause of the context of work whose lease has expired.
	ErrLeaseLost = errors.New("the lease was lost")
	// ErrSequence: another publisher has written to the stream meanwhile.
	ErrSequence = errors.New("the stream has another last sequence than expected")
	// ErrSuperseded: another process runs under the name of this node. The later
	// one stays.
	ErrSuperseded = errors.New("another process has taken the name of this node; give every node a name of its own")
	// ErrDenied: the user lacks the permission for a subject.
	ErrDenied = errors.New("permission denied")
	// ErrMissing: there is no such key.
	ErrMissing = errors.New("no such key")
	// ErrTaken: the key exists already, or has another revision.
	ErrTaken = errors.New("the key was changed meanwhile")
	// ErrClosed: the connection to NATS was closed for good. Stop.
	ErrClosed = errors.New("the connection to NATS is closed")
	// ErrTooLarge: the event is larger than NATS takes. Send less.
	ErrTooLarge = errors.New("the event is larger than the NATS server accepts")
	// ErrFull: the server stores nothing more. Make space; then send the rest.
	ErrFull = errors.New("the NATS server has no space left: free space on the disk of its streams, or raise its limits; then send again. " +
		"What was stored before is kept")
)

// SettingsError is the failure of a connection that other settings may mend.
type SettingsError struct {
	Err error
	// Fields are those of [Settings] that the failure is about.
	Fields []string
	// Missing says that none of the fields is set.
	Missing bool
}

// Error names the fields as [Settings] does.
func (e *SettingsError) Error() string { return e.Text(func(field string) string { return field }) }

// Text is the error with the names that a user knows the fields by.
func (e *SettingsError) Text(name func(field string) string) string {
	names := make([]string, len(e.Fields))
	for i, field := range e.Fields {
		names[i] = name(field)
	}
	text := e.Err.Error() + "; check " + strings.Join(names, ", ")
	if e.Missing {
		text += ": none is set"
	}
	return text
}

func (e *SettingsError) Unwrap() error { return e.Err }

func unreachable(servers string, c Credentials, err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		// It repeats the URL, whose password may be what is wrong with it.
		return &SettingsError{Fields: []string{"URL"}, Err: fmt.Errorf(
			"%w: the URL is not one such as nats://host:4222 (special characters of a password are written as %%40)", ErrRefused)}
	}
	if isRefusal(err) {
		refusal := suspect(c, err)
		refusal.Err = fmt.Errorf("%w at %s: %w", ErrRefused, redactURL(servers), err)
		return refusal
	}
	return &SettingsError{Fields: []string{"URL"}, Err: fmt.Errorf("%w at %s: %w", ErrUnreachable, redactURL(servers), err)}
}

// suspect returns the settings that a refusal is about.
func suspect(c Credentials, err error) *SettingsError {
	about := func(fields ...string) *SettingsError { return &SettingsError{Fields: fields} }
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return about("CAFile")
	}
	if !errors.Is(err, nats.ErrAuthorization) && !errors.Is(err, nats.ErrAuthExpired) && !errors.Is(err, nats.ErrAuthRevoked) {
		return about("CertFile", "KeyFile", "CAFile")
	}
	switch {
	case c.CredsFile != "":
		return about("CredsFile")
	case c.NKeyFile != "":
		return about("NKeyFile")
	case c.Token != "":
		return about("Token")
	case c.User != "":
		return about("User", "Password")
	default:
		return &SettingsError{Fields: []string{"User", "Token", "CredsFile", "NKeyFile"}, Missing: true}
	}
}

// isRefusal reports whether a server answers, but refuses these settings.
func isRefusal(err error) bool {
	for _, refused := range []error{
		nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrSecureConnRequired, nats.ErrSecureConnWanted,
		nats.ErrTLS,
		fs.ErrNotExist, fs.ErrPermission,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	alert, ok := errors.AsType[*net.OpError](err)
	return untrusted || plain || ok && alert.Op == "remote error" // which is how crypto/tls calls an alert
}

// isFatal reports whether waiting cannot help.
func isFatal(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, ErrServer)
}

// hasCode reports whether an error is an answer of the server with one of the codes.
func hasCode(err error, codes ...jetstream.ErrorCode) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	return ok && slices.Contains(codes, e.ErrorCode)
}

// IsSequence reports whether the server refused a publish because its
// expectation about the stream does not hold.
func IsSequence(err error) bool {
	return hasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, wrongLastSequenceConstant)
}

// The server answers so while an earlier publish is in flight.
const wrongLastSequenceConstant jetstream.ErrorCode = 10164

// isStored reports whether a part of the batch was stored before.
func isStored(err error) bool {
	return hasCode(err, jetstreamext.JSErrCodeBatchPublishDuplicateMsgID)
}

// isIncomplete reports whether a batch was not stored; the server does not say why.
func isIncomplete(err error) bool {
	return hasCode(err, jetstreamext.JSErrCodeBatchPublishIncomplete)
}

// The server answers so when its own limits, or those of the account, are
// reached.
const (
	accountExceeded jetstream.ErrorCode = 10002
	serverExceeded  jetstream.ErrorCode = 10023
	memoryExceeded  jetstream.ErrorCode = 10028
)

// IsFull reports whether the server has no space left. A stream that has reached
// its own limit is not that: it only delays senders until it has been read.
func IsFull(err error) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, ErrFull) || hasCode(err, accountExceeded, serverExceeded, memoryExceeded, storageExceeded) ||
		ok && strings.Contains(e.Description, "no space left")
}

// isHopeless reports whether publishing the same message again would fail again.
func isHopeless(err error) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubject) ||
		IsSequence(err) || ok && e.Code == 400 && !isIncomplete(err)
}
