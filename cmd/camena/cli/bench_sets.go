package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
)

// maxEnvelope is more than a command takes beside its properties.
const maxEnvelope = 256

// setRound measures one repository on a fresh in topic of change sets.
func (b *changesBench) setRound(ctx context.Context, r *rig, i int) (applied speed, err error) {
	conn, err := r.connect(ctx, fmt.Sprintf("benchsets%d", i))
	if err != nil {
		return applied, err
	}
	defer conn.Close()
	metadata := client.New(conn, "bench")
	var failed error
	err = metadata.Send(ctx, func(yield func(events.Event) bool) {
		for from := 0; from < b.messages && failed == nil; from += b.set {
			var e events.Event
			if e, failed = b.changeSet(from, min(from+b.set, b.messages)); failed != nil || !yield(e) {
				return
			}
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return applied, err
	}
	defer func() { err = errors.Join(err, removeStreams(ctx, conn)) }()
	return b.repositoryRate(ctx, r, conn)
}

// changeSet packs the commands from one to another into one.
func (b *changesBench) changeSet(from, to int) (events.Event, error) {
	commands := make([]events.Command, 0, to-from)
	for i := from; i < to; i++ {
		e, err := b.command(i)
		if err != nil {
			return events.Event{}, err
		}
		c, err := events.DecodeCommand(&e)
		if err != nil {
			return events.Event{}, err
		}
		commands = append(commands, c)
	}
	set, err := events.NewChangeSet(commands...)
	if err != nil {
		return events.Event{}, err
	}
	e, err := events.NewCommand("/bench", set)
	e.SetExtension(events.ExtActor, "bench")
	return e, err
}
