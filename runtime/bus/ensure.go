package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/mod/semver"

	"github.com/camena-io/camena/topics"
)

// minVersion is the first server with recurring message schedules and atomic
// batches.
const minVersion = "2.14.0"

const (
	// The error of the server while a cluster forms.
	noSuitablePeers jetstream.ErrorCode = 10005
	// The error of a server that is not in a cluster.
	replicasNotSupported jetstream.ErrorCode = 10074
	// The error of the server when the limit of a stream does not fit on its
	// disk.
	storageExceeded jetstream.ErrorCode = 10047
)

// Ensure creates or updates every stream and bucket that package topics declares.
// Replicas 0 means three if the cluster has three servers, otherwise one. The error
// is [ErrServer] if the server is too old or has no JetStream; while a cluster forms,
// Ensure waits.
func (b *Bus) Ensure(ctx context.Context, l topics.Limits) error {
	if err := b.checkServer(ctx); err != nil {
		return err
	}
	if l.Replicas == 0 {
		l.Replicas = b.defaultReplicas()
	}
	for _, c := range b.topics.Streams(l) {
		if err := b.persist(ctx, "stream "+c.Name, func(ctx context.Context) error { return b.ensureStream(ctx, c) }); err != nil {
			return err
		}
	}
	for _, c := range b.topics.Buckets(l) {
		if err := b.persist(ctx, "bucket "+c.Bucket, func(ctx context.Context) error { return b.ensureBucket(ctx, c) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) checkServer(ctx context.Context) error {
	version := b.conn.ConnectedServerVersion()
	if older(version, minVersion) {
		return fmt.Errorf("%w: it has version %s; message schedules and atomic batches need %s or later", ErrServer, version, minVersion)
	}
	return b.persist(ctx, "JetStream", func(ctx context.Context) error {
		_, err := b.js.AccountInfo(ctx)
		if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
			return fmt.Errorf("%w: %w; start it with JetStream (nats-server -js)", ErrServer, err)
		}
		return err
	})
}

// persist repeats f until it succeeds, ctx is done or the server says that it
// will never succeed.
func (b *Bus) persist(ctx context.Context, what string, f func(context.Context) error) error {
	err := retry(ctx, 100*time.Millisecond, 2*time.Second, func(attempt context.Context) error {
		err := f(attempt)
		switch {
		case err == nil:
			return nil
		case isFatal(err):
			return backoff.Permanent(err)
		case b.conn.IsClosed():
			return backoff.Permanent(ErrClosed)
		}
		if e, ok := errors.AsType[*jetstream.APIError](err); ok {
			switch {
			case e.ErrorCode == storageExceeded:
				return backoff.Permanent(fmt.Errorf("%w: %w; free some space, or let the in topic hold less", ErrServer, err))
			case e.Code == 400 && e.ErrorCode != noSuitablePeers, e.ErrorCode == replicasNotSupported:
				return backoff.Permanent(err)
			}
		}
		b.set.Logger.WarnContext(ctx, "waiting for NATS", slog.String("for", what), slog.Any("error", err))
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return err
}

func (b *Bus) ensureStream(ctx context.Context, c jetstream.StreamConfig) (err error) {
	if c.Replicas, err = b.replicas(ctx, c.Name, c.Replicas); err == nil {
		_, err = b.js.CreateOrUpdateStream(ctx, c)
	}
	return err
}

func (b *Bus) ensureBucket(ctx context.Context, c jetstream.KeyValueConfig) (err error) {
	if c.Replicas, err = b.replicas(ctx, "KV_"+c.Bucket, c.Replicas); err == nil {
		_, err = b.js.CreateOrUpdateKeyValue(ctx, c)
	}
	return err
}

// replicas returns how many replicas a stream is to have. It never removes any:
// another node may have seen more servers.
func (b *Bus) replicas(ctx context.Context, stream string, wanted int) (int, error) {
	s, err := b.js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return wanted, nil
	}
	if err != nil {
		return 0, err
	}
	return max(wanted, s.CachedInfo().Config.Replicas), nil
}

// defaultReplicas is three in a cluster of at least three servers, otherwise one.
func (b *Bus) defaultReplicas() int {
	const copies = 3
	if b.conn.ConnectedClusterName() != "" && len(b.conn.Servers()) >= copies {
		return copies
	}
	return 1
}

// older compares versions; a candidate counts as its release.
func older(version, than string) bool {
	release, _, _ := strings.Cut(version, "-")
	return semver.Compare("v"+release, "v"+than) < 0
}

// redactURL removes users, passwords and tokens from a list of URLs. It does not
// parse them: a text that is not a URL may hold a password, too.
func redactURL(list string) string {
	var servers []string
	for part := range strings.SplitSeq(list, ",") {
		at := strings.LastIndex(part, "@")
		scheme, rest, ok := strings.Cut(part, "://")
		switch last := len(servers) - 1; {
		case ok:
			servers = append(servers, scheme+"://"+rest[strings.LastIndex(rest, "@")+1:])
		case at >= 0 && last >= 0:
			servers[last] = part[at+1:] // a comma in a password
		default:
			servers = append(servers, part[at+1:])
		}
	}
	return strings.Join(servers, ",")
}
