package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	neturl "net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/backup"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/node"
)

func (p *program) restoreCommand() *cobra.Command {
	var s backup.RestoreSettings
	cmd := &cobra.Command{
		Use:   "restore FILE|-",
		Short: "Make an empty installation what an exported one was",
		Long: `Make an empty installation what an exported one was: with the same history, versions and times; deleted
elements can still be restored. First the file is read to its end; a damaged file changes nothing.

No node may run meanwhile: stop it, restore, start it again. Without CAMENA_NATS_URL the file is restored into the
data folder. - restores the standard input. An installation that is not empty is refused, because nothing is merged;
--force throws away everything in it first: its metadata, its waiting commands and the positions of its connectors.

An interrupted restore continues when it is run again with the same file; until then all questions are refused.`,
		Example: `  CAMENA_DATA=./new-data camena restore backup.ndjson.gz
  CAMENA_NATS_URL=nats://nats-1:4222 CAMENA_DOMAIN=trial camena restore backup.ndjson.gz
  zstd -dc backup.zst | camena restore -`,
	}
	progress := p.newProgress(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		defer progress.end()
		return p.restore(cmd.Context(), args[0], s, progress)
	}
	cmd.Flags().BoolVar(&s.Force, "force", false, "throw away everything that is there")
	return cmd
}

// restore restores a file, - the standard input.
func (p *program) restore(ctx context.Context, file string, s backup.RestoreSettings, progress *progress) error {
	name, remove, err := p.input(file)
	if err != nil {
		return err
	}
	defer remove()
	show := func(read, size int64) { progress.set(read, size, "") }
	progress.begin("verifying")
	b, err := backup.Verify(ctx, name, show)
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	if _, damaged := errors.AsType[*backup.DamageError](err); damaged {
		err = fmt.Errorf("%w; nothing is restored", err)
	}
	if err != nil {
		return p.restoreError(ctx, fmt.Errorf("%s: %w", file, err), b, backup.Restored{})
	}
	progress.begin("restoring")
	var done backup.Restored
	err = node.Maintain(ctx, p.config.node(p.offered, p.logger(slog.LevelWarn)), func(on *bus.Bus) (err error) {
		s.Bus, s.Node, s.Progress = on, p.config.Node, show
		done, err = b.Restore(ctx, s)
		return err
	})
	progress.end()
	if errors.Is(err, embedded.ErrInUse) {
		err = fmt.Errorf("a node runs: %w", err)
	}
	if err != nil {
		return p.restoreError(ctx, err, b, done)
	}
	return p.printRestored(b, done)
}

// place names the installation to restore into.
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

// restoreError adds the state of the installation and what the user can do.
func (p *program) restoreError(ctx context.Context, err error, b *backup.Backup, done backup.Restored) error {
	interrupted := ctx.Err() != nil && errors.Is(err, context.Canceled)
	switch {
	case done.Begun:
		why := err.Error()
		if interrupted {
			why = "interrupted"
		}
		err = fmt.Errorf("%s; %d of %s are restored into %s, where questions are refused until all are: "+
			"run it again with the same file to continue, or with --force to start again", why, done.Records, plural(b.Records, "event"), p.place())
	case interrupted:
		err = errors.New("interrupted; nothing is restored")
	case events.CodeOf(err) == events.CodeConflict:
		err = fmt.Errorf("%w; restore into an empty data folder or domain, or throw away what is there with --force", err)
	}
	return &exitError{code: exitFailed, err: err}
}

func (p *program) printRestored(b *backup.Backup, done backup.Restored) error {
	text := fmt.Sprintf("restored %s into %s\n", plural(b.Records, "event"), p.place())
	if b.Fences > 0 {
		text += fmt.Sprintf("left out %s about generations of connectors: nodes count them anew\n", plural(b.Fences, "event"))
	}
	if done.Dropped > 0 {
		text += fmt.Sprintf("dropped %s of the oldest history: CAMENA_HISTORY is lower here\n", plural(done.Dropped, "event"))
	}
	if b.Latest() {
		text += "the file has no history, and no deleted elements\n"
	}
	_, err := io.WriteString(p.stdout, text)
	return err
}

// input returns the file that a name means: "-" is the standard input, which is
// copied to a file because it is read more than once.
func (p *program) input(name string) (file string, remove func(), err error) {
	if name != "-" {
		return name, func() {}, nil
	}
	spool, err := os.CreateTemp("", "camena-*")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.Remove(spool.Name()) } // the system removes temporary files, too
	_, err = io.Copy(spool, p.stdin)
	if err = errors.Join(err, spool.Close()); err != nil {
		remove()
	}
	return spool.Name(), remove, err
}
