package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// progress tells on the standard error how far something long has come: with a
// bar on a terminal, otherwise with a line now and then.
type progress struct {
	out             io.Writer
	quiet, terminal bool
	what            string
	bar             *progressbar.ProgressBar
	told            time.Time
}

const lineEvery = 5 * time.Second

// newProgress returns the progress of a command, and adds the flag that hides it.
func (p *program) newProgress(cmd *cobra.Command) *progress {
	shown := &progress{out: p.stderr, terminal: terminalWidth(p.stderr) > 0 && os.Getenv("TERM") != "dumb"}
	cmd.Flags().BoolVar(&shown.quiet, "no-progress", false, "do not show progress")
	return shown
}

// begin tells of another thing from here on.
func (p *progress) begin(what string) {
	p.end()
	p.what, p.told = what, time.Now()
}

// set tells how much is done of a total, 0 if that is not known, counted in
// items of some kind.
func (p *progress) set(done, total int64, items string) {
	switch {
	case p.quiet:
	case p.terminal:
		if p.bar == nil {
			p.bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.what),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(items),
				progressbar.OptionThrottle(100*time.Millisecond))
		}
		p.bar.ChangeMax64(max(total, done, 1))
		_ = p.bar.Set64(done) // an error would only be about the terminal
	case time.Since(p.told) >= lineEvery:
		p.told = time.Now()
		line := fmt.Sprintf("%s, %d %s", p.what, done, items)
		if total > 0 {
			line = fmt.Sprintf("%s %d %%, %d %s", p.what, 100*min(done, total)/total, done, items)
		}
		fmt.Fprintln(p.out, line)
	}
}

// end clears the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear() // see set
	}
	p.bar = nil
}
