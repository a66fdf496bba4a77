package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	neturl "net/url"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/topics"
)

func (p *program) restoreCommand() *cobra.Command {
	var noProgress bool
	r := &restoring{}
	cmd := &cobra.Command{
		Use:   "restore FILE|-",
		Short: "Make an empty installation what an exported one was",
		Long: `Make an empty installation what an exported one was: with the same history, versions and times, and what was
deleted can still be restored. First the file is read from end to end, and nothing is written if it is damaged.

No node may run meanwhile: stop it, restore, start it again. Without CAMENA_NATS_URL the file is restored into the
data folder. With - the standard input is restored. An installation that is not empty is refused; with --force everything in it is thrown away first: its
metadata, its waiting commands and the positions of its connectors. Nothing is ever merged.

An interrupted restore goes on when it is run again with the same file; until then all questions are refused.`,
		Example: `  CAMENA_DATA=./new-data camena restore backup.ndjson.gz
  CAMENA_NATS_URL=nats://nats-1:4222 CAMENA_DOMAIN=trial camena restore backup.ndjson.gz
  zstd -dc backup.zst | camena restore -`,
		Args: oneFile("the file to restore, or - for the standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.progress = newProgress(p.stderr, noProgress)
			defer r.progress.end()
			return r.restore(cmd.Context(), p, args[0])
		},
	}
	f := cmd.Flags()
	f.BoolVar(&r.force, "force", false, "throw away everything that is there")
	f.BoolVar(&noProgress, "no-progress", false, "do not tell how far it has come")
	return cmd
}

// oneFile takes the name of one file.
func oneFile(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 1:
			return nil
		case 0:
			return fmt.Errorf("name %s", what)
		default:
			return fmt.Errorf("%q is too much: name %s, only one", args[1], what)
		}
	}
}

// restore restores a file, - the standard input.
func (r *restoring) restore(ctx context.Context, p *program, file string) (err error) {
	r.where = p.place()
	name := file
	if file == "-" {
		spooled, remove, err := spool(p.stdin)
		if err != nil {
			return err
		}
		defer func() { _ = remove() }()
		name = spooled
	}
	if err := r.verify(ctx, name); err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
		return r.explain(ctx, fmt.Errorf("%s: %w", file, err))
	}
	err = p.alone(ctx, r.run)
	r.progress.end()
	if err != nil {
		return r.explain(ctx, err)
	}
	return r.tell(p.stdout)
}

// place says where a restore restores to.
func (p *program) place() string {
	if p.config.NatsURL == "" {
		return fmt.Sprintf("the data folder %s, domain %s", p.config.Data, p.config.Domain)
	}
	url := p.config.NatsURL
	if parsed, err := neturl.Parse(url); err == nil {
		url = parsed.Redacted()
	}
	return fmt.Sprintf("%s, domain %s", url, p.config.Domain)
}

// explain says what became of the installation, whatever ended the restore.
func (r *restoring) explain(ctx context.Context, err error) error {
	why := err.Error()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		why = "interrupted"
	}
	switch {
	case r.begun:
		err = fmt.Errorf("%s; %d of %s are restored into %s, where questions are refused until all are: "+
			"run it again with the same file to go on, or with --force to begin anew", why, r.last, plural(r.records, "event"), r.where)
	case why == "interrupted":
		err = errors.New("interrupted; nothing is restored")
	}
	return &exitError{code: exitFailed, err: err}
}

// tell says what was restored, and what was not.
func (r *restoring) tell(out io.Writer) error {
	text := fmt.Sprintf("restored %s into %s\n", plural(r.records, "event"), r.where)
	if r.fences > 0 {
		text += fmt.Sprintf("left out %s about the generation that connectors are fenced to: nodes count anew\n", plural(r.fences, "event"))
	}
	if r.dropped > 0 {
		text += fmt.Sprintf("dropped %s of the oldest history: CAMENA_HISTORY is lower here\n", plural(r.dropped, "event"))
	}
	if r.latest {
		text += "the file has no history: what was deleted before is not in it\n"
	}
	_, err := io.WriteString(out, text)
	return err
}

// alone does something with an installation while no repository runs.
func (p *program) alone(ctx context.Context, do func(context.Context, *bus.Bus) error) (err error) {
	log, err := p.logger(slog.LevelWarn)
	if err != nil {
		return err
	}
	s := bus.Settings{
		URL: p.config.NatsURL, Name: "camena restore", Domain: p.config.Domain, Credentials: p.config.credentials(), Logger: log,
	}
	if p.config.NatsURL == "" {
		server, err := embedded.New(embedded.Settings{ //nolint:contextcheck // it waits a moment only
			Dir: p.config.Data, Host: p.config.Listen, Port: -1, SyncInterval: p.config.SyncInterval, SyncAlways: p.config.SyncAlways, Logger: log,
		})
		if errors.Is(err, embedded.ErrInUse) {
			return fmt.Errorf("a node runs: %w", err)
		}
		if err != nil {
			return err
		}
		stop := serveUntil(ctx, server.Serve)
		defer func() { err = errors.Join(err, stop()) }()
		s.InProcess = server
	}
	b, err := bus.Connect(ctx, s)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.Ensure(ctx, p.config.limits()); err != nil {
		return err
	}
	return leading(ctx, b, p.config.Node, do)
}

// serveUntil serves until it is told to stop.
func serveUntil(ctx context.Context, serve func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-done
	})
}

// leading does something while it has the lease of the repository's writer. It
// waits for that of a node that was killed to run out.
func leading(ctx context.Context, b *bus.Bus, node string, do func(context.Context, *bus.Bus) error) error {
	lease, err := b.NewLease(ctx, topics.RepositoryLease, "restore on "+node, uuid.NewString())
	if err != nil {
		return err
	}
	holding, release := context.WithCancelCause(ctx)
	defer release(nil)
	const patience = topics.LeaseTTL + time.Second
	var who string
	late := time.AfterFunc(patience, func() {
		who, err = lease.Holder(ctx)
		release(errLed)
	})
	defer late.Stop()
	began := false
	result := error(nil)
	held := lease.Hold(holding, func(ctx context.Context) error {
		if !late.Stop() {
			return errLed
		}
		began = true
		result = do(ctx, b)
		release(errDone)
		return result
	})
	switch {
	case began:
		return result
	case errors.Is(held, errLed):
		return fmt.Errorf("a repository runs, on %s: stop all nodes first, or at least those with the role repository", orDash(who))
	default:
		return errors.Join(held, err)
	}
}

var (
	errLed  = errors.New("another node has the lease")
	errDone = errors.New("done")
)
