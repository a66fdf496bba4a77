package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

// Health is what a healthy installation holds.
type Health struct {
	Elements int    `json:"elements"`
	Sequence uint64 `json:"sequence"`
}

// Health reports whether a repository answers, the bus stores what nodes write,
// and commands are applied. If not, the error says what is wrong. It gives each of
// them a moment.
func (c *Client) Health(ctx context.Context) (Health, error) {
	count, err := events.Ask(ctx, c, &events.Count{})
	if err != nil {
		return Health{}, err
	}
	if err := c.awaitHeartbeat(ctx); err != nil {
		return Health{}, err
	}
	if err := c.awaitWriter(ctx); err != nil {
		return Health{}, err
	}
	h := Health{Sequence: count.Sequence}
	for _, n := range count.Elements {
		h.Elements += n
	}
	return h, nil
}

// awaitHeartbeat waits a moment for a heartbeat that is stored: a node writes one
// each second as soon as it runs.
func (c *Client) awaitHeartbeat(ctx context.Context) error {
	const moment = 2 * topics.Heartbeat
	for began := time.Now(); ; {
		silence, err := c.silence(ctx)
		switch {
		case err != nil:
			return err
		case silence < topics.LeaseTTL:
			return nil
		case time.Since(began) > moment || bus.Sleep(ctx, moment/10) != nil:
			since := "nothing was ever written by a node"
			if silence < never {
				since = "the last heartbeat of a node was stored " + silence.Round(time.Second).String() + " ago"
			}
			return unhealthy("a repository answers, but %s: NATS stores nothing more (has it space left? its log tells), or no node reaches it", since)
		}
	}
}

// never is longer than anything lasts.
const never = time.Duration(math.MaxInt64)

// silence returns the time since a heartbeat was last stored, by the server's
// clock; [never] if none was.
func (c *Client) silence(ctx context.Context) (time.Duration, error) {
	info, err := c.bus.StreamInfo(ctx, "KV_"+c.bus.Topics().NodesBucket())
	if err != nil {
		return 0, err
	}
	if info.State.LastTime.IsZero() || info.State.LastSeq == 0 {
		return never, nil
	}
	return info.TimeStamp.Sub(info.State.LastTime), nil
}

// awaitWriter waits a moment for a node to say that it applies commands: after a
// start, or when another node has died, that takes a while.
func (c *Client) awaitWriter(ctx context.Context) error {
	for {
		w, err := c.WriterStatus(ctx)
		if err == nil {
			return stalled(&w)
		}
		if bus.Sleep(ctx, topics.Heartbeat/10) != nil {
			return unhealthy("a repository answers, but none applies commands: %s", err)
		}
	}
}

// stalledAfter is how long a writer may apply nothing while commands wait. It is
// longer than its slowest operation.
const stalledAfter = 10 * time.Second

func stalled(w *events.WriterStatus) error {
	still := time.Duration(w.Still)
	if still < stalledAfter {
		return nil
	}
	return unhealthy("%d commands are waiting; the writer (node %s) has made no progress for %s. Check its log; if the node stops, another takes over",
		w.Waiting, w.Node, still.Round(time.Second))
}

func unhealthy(format string, args ...any) error {
	return events.Errorf(events.CodeUnavailable, "", "unhealthy: "+format, args...)
}

// ErrNotInstalled is returned where NATS has no installation of the domain.
var ErrNotInstalled = errors.New("has no Camena installation")

// Installed checks that there is an installation to talk to.
func (c *Client) Installed(ctx context.Context) error {
	attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// It is created last, when a node starts.
	_, err := c.bus.JetStream().KeyValue(attempt, c.bus.Topics().PositionsBucket())
	switch url := c.bus.Conn().ConnectedUrlRedacted(); {
	case errors.Is(err, jetstream.ErrBucketNotFound):
		return fmt.Errorf("NATS at %s %w %q", url, ErrNotInstalled, c.bus.Topics().Domain())
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: JetStream is not enabled at %s; start it with JetStream (nats-server -js)", bus.ErrServer, url)
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		// NATS does not answer requests that the user may not send.
		return fmt.Errorf("JetStream at %s does not answer: its user may lack permissions, or it has no leader: %w", url, err)
	default:
		return err
	}
}
