package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/client"
	"github.com/camena-io/camena/runtime/embedded"
)

// answerTime bounds questions of commands.
const answerTime = 15 * time.Second

// url returns the URL of the running installation, and where it comes from.
func (p *program) url() (url, known string) {
	if p.config.NatsURL != "" {
		return p.config.NatsURL, "CAMENA_NATS_URL"
	}
	if url, ok := embedded.URLOf(p.config.Data); ok {
		return url, "the node on " + p.config.Data
	}
	return defaultURL, theDefault
}

const theDefault = "the default"

// locate returns a function that finds the node on the data folder again, in case it
// restarts at another port; nil if the URL does not come from there.
func (p *program) locate(known string) func() string {
	if p.config.NatsURL != "" || known == theDefault {
		return nil
	}
	return func() string {
		url, _ := embedded.URLOf(p.config.Data)
		return url
	}
}

// connect connects a command to the running installation.
func (p *program) connect(ctx context.Context) (*bus.Bus, error) {
	log := p.logger(slog.LevelWarn)
	url, known := p.url()
	if p.dataGiven && url == defaultURL && known == theDefault {
		return nil, withMessage(events.Errorf(events.CodeUnavailable, "", "nobody serves"),
			`nobody answers at %s (CAMENA_DATA): start a node on it with "camena serve", or unset CAMENA_DATA to ask whoever is at %s`, p.config.Data, defaultURL)
	}
	s := p.config.node(p.offered, log).Bus
	s.URL, s.Locate, s.Name, s.Logger = url, p.locate(known), "camena command", log
	b, err := bus.Connect(ctx, s)
	switch {
	case errors.Is(err, bus.ErrUnreachable) && p.config.NatsURL == "":
		return nil, withMessage(events.Errorf(events.CodeUnavailable, "", "nobody answers"),
			`nobody answers at %s (%s): start a node with "camena serve", or set CAMENA_NATS_URL or CAMENA_DATA to find one that runs`, url, known)
	case err != nil:
		return nil, namingSettings(err)
	}
	if err := client.New(b, "").Installed(ctx); err != nil {
		b.Close()
		if errors.Is(err, client.ErrNotInstalled) {
			err = fmt.Errorf(`%w: start a node with "camena serve", or set CAMENA_DOMAIN to the one there is`, err)
		}
		return nil, err
	}
	return b, nil
}

// namingSettings names the settings that the failure of a connection is about as the
// environment does.
func namingSettings(err error) error {
	e, ok := errors.AsType[*bus.SettingsError](err)
	if !ok {
		return err
	}
	named := e.Text(func(field string) string { return "CAMENA_NATS_" + strings.ToUpper(strings.TrimSuffix(field, "File")) })
	return withMessage(err, "%s", strings.Replace(err.Error(), e.Error(), named, 1))
}

// withBus connects, runs ask, and limits its time; 0 is no limit.
func (p *program) withBus(ctx context.Context, limit time.Duration, ask func(ctx context.Context, b *bus.Bus) error) error {
	b, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	err = ask(ctx, b)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", limit, err)
	}
	return err
}

// source is the sender of commands that are typed at a terminal.
const source = "cli"
