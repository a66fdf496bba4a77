package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
)

// placement are the flags that say where and when something counts.
type placement struct {
	zoneNames []string
	anchor    string
	period
	cmd *cobra.Command
}

// flags adds the flags; pointer is where in the command they stand. Only what is
// specified as a whole can be given an anchor.
func (p *placement) flags(cmd *cobra.Command, o *operation, pointer string) {
	p.cmd = cmd
	cmd.Flags().StringSliceVar(&p.zoneNames, "zone", nil, `a governance zone that it is a member of; may be given again; "" removes all`)
	if pointer != "" {
		cmd.Flags().StringVar(&p.anchor, "anchor", "", "the element that it belongs to, by qualified name or guid")
	}
	p.period.flags(cmd, o, pointer)
	o.words = append(o.words, word{pointer: pointer + "/zones", flag: "--zone"})
}

// zones are nil where none are given, which leaves those that there are.
func (p *placement) zones() []string {
	if !p.cmd.Flags().Changed("zone") {
		return nil
	}
	return append([]string{}, p.zoneNames...)
}

// period are the flags that say when something counts.
type period struct {
	given    bool
	interval events.Effectivity
}

func (p *period) flags(cmd *cobra.Command, o *operation, pointer string) {
	var from, to openTime
	f := cmd.Flags()
	f.Var(&from, "effective-from", "it counts from then; without --effective-to for ever")
	f.Var(&to, "effective-to", `it counts until then; without --effective-from from ever. "" for both: always`)
	o.words = append(o.words, word{pointer: pointer + "/effectivity", flag: "--effective-to"})
	checkFirst(cmd, func(cmd *cobra.Command) error {
		p.given = cmd.Flags().Changed("effective-from") || cmd.Flags().Changed("effective-to")
		p.interval = events.Effectivity{From: from.Time, To: to.Time}
		return nil
	})
}

// effectivity is nil where it is not given, which leaves what there is.
func (p *period) effectivity() *events.Effectivity {
	if !p.given {
		return nil
	}
	return &p.interval
}

// openTime is a flag that takes a time, or nothing: no time at all.
type openTime struct{ timeFlag }

// Set implements [pflag.Value].
func (m *openTime) Set(text string) error {
	if text == "" {
		m.Time = time.Time{}
		return nil
	}
	return m.timeFlag.Set(text)
}
