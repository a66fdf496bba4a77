package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress tells on the standard error how far something long has come: with a
// bar on a terminal, else with a line now and then.
type progress struct {
	out   io.Writer
	quiet bool
	// bar is whether it goes to a terminal.
	bar   bool
	what  string
	begun time.Time
	told  time.Time
	shown bool
}

const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 24
)

func newProgress(out io.Writer, quiet bool) *progress {
	p := &progress{out: out, quiet: quiet}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.bar = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return p
}

// begin tells of another thing from here on.
func (p *progress) begin(what string) {
	p.end()
	now := time.Now()
	p.what, p.begun, p.told = what, now, now
}

// set tells how much is done of a total, 0 if that is not known, counted in
// items of some kind.
func (p *progress) set(done, total int64, items string) {
	every := lineEvery
	if p.bar {
		every = barEvery
	}
	now := time.Now()
	if p.quiet || now.Sub(p.told) < every {
		return
	}
	p.told = now
	text := p.text(done, total, items, now.Sub(p.begun))
	if !p.bar {
		fmt.Fprintln(p.out, text)
		return
	}
	p.shown = true
	fmt.Fprintf(p.out, "\r\x1b[K%s", text)
}

func (p *progress) text(done, total int64, items string, took time.Duration) string {
	text := p.what
	if total > 0 {
		share := float64(min(done, total)) / float64(total)
		if p.bar {
			full := int(share * barWidth)
			text += " [" + strings.Repeat("=", full) + strings.Repeat(" ", barWidth-full) + "]"
		}
		text += fmt.Sprintf(" %3.0f %%", 100*share)
	}
	if items == "" {
		return text
	}
	text += fmt.Sprintf(", %d %s", done, items)
	if seconds := took.Seconds(); seconds > 1 {
		text += fmt.Sprintf(", %.0f/s", float64(done)/seconds)
	}
	return text
}

// end clears the bar.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	p.shown = false
}
