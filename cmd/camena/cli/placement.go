package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/client"
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
	fromGiven, toGiven bool
	interval           events.Effectivity
}

func (p *period) flags(cmd *cobra.Command, o *operation, pointer string) {
	var from, to openTime
	f := cmd.Flags()
	f.Var(&from, "effective-from", `it counts from then; a day begins in UTC; "": from ever`)
	f.Var(&to, "effective-to", `it counts until then, without that day; "": for ever`)
	o.words = append(o.words, word{pointer: pointer + "/effectivity", flag: "--effective-to"})
	checkFirst(cmd, func(cmd *cobra.Command) error {
		p.fromGiven, p.toGiven = cmd.Flags().Changed("effective-from"), cmd.Flags().Changed("effective-to")
		p.interval = events.Effectivity{From: from.Time, To: to.Time}
		return nil
	})
}

// isHalf reports whether one of the two is given, so that the other one stays.
func (p *period) isHalf() bool { return p.fromGiven != p.toGiven }

// keep takes what is not given from what there is.
func (p *period) keep(have events.Effectivity) {
	if !p.fromGiven {
		p.interval.From = have.From
	}
	if !p.toGiven {
		p.interval.To = have.To
	}
}

// effectivity is nil where it is not given, which leaves what there is.
func (p *period) effectivity() *events.Effectivity {
	if !p.fromGiven && !p.toGiven {
		return nil
	}
	return &p.interval
}

// half keeps the other one of the two of an element or relationship that may be
// there, if one is given; have finds it. The change is for the version that was
// seen then.
func (p *period) half(o *operation, have func() (*events.ElementHeader, error)) error {
	if !p.isHalf() {
		return nil
	}
	h, err := have()
	if err != nil || h == nil {
		return err
	}
	p.keep(h.Effectivity)
	if o.expectation.ExpectedVersion == 0 && o.versioned {
		o.expectation.ExpectedVersion = h.Versions.Version
	}
	return nil
}

// headerOf finds the header of an element or relationship, nil if it is not there.
func headerOf(ctx context.Context, m *client.Client, ref events.ElementRef) (*events.ElementHeader, error) {
	a, err := m.Get(ctx, events.Get{ElementRef: ref})
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		return nil, nil //nolint:nilnil // there may be none
	case err != nil:
		return nil, err
	default:
		return header(&a), nil
	}
}

// linkHeader finds the header of the relationship that a command means.
func linkHeader(ctx context.Context, m *client.Client, spec *events.RelationshipSpec) (*events.ElementHeader, error) {
	if spec.GUID != "" {
		return headerOf(ctx, m, events.ByGUID(spec.GUID))
	}
	other, err := headerOf(ctx, m, spec.End2)
	if err != nil || other == nil {
		return nil, err
	}
	q := events.Related{ElementRef: spec.End1, Relationship: spec.Type}
	for {
		a, err := m.Related(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range a.Related {
			if r := &a.Related[i].Relationship; r.End2.GUID == other.GUID {
				return &r.Header, nil
			}
		}
		if q.After = a.Next; a.Next == "" {
			return nil, nil //nolint:nilnil // there may be none
		}
	}
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
