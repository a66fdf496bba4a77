package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

type configuration struct {
	// Folders are searched for programs; none means those of $PATH that exist.
	Folders []string `json:"folders"`
	// HostName is part of all names; empty means the name of this machine.
	HostName string `json:"hostName"`
}

// Factory makes the connector. New checks the configuration and does no I/O.
func Factory() connectors.Factory {
	return connectors.Factory{
		Kind: "programs", Description: "Catalogs the programs in the folders of a search path.",
		New: func(p events.Properties) (connectors.Connector, error) {
			cfg, err := connectors.DecodeConfig[configuration](p)
			return &connector{cfg: cfg}, err
		},
	}
}

type connector struct {
	cfg configuration
	c   *connectors.Context
}

// Start completes the configuration, and fails while a folder is missing: the
// runtime tries again with back-off.
func (p *connector) Start(_ context.Context, c *connectors.Context) error {
	p.c = c
	if len(p.cfg.Folders) == 0 {
		for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
			if _, err := os.Stat(folder); err == nil {
				p.cfg.Folders = append(p.cfg.Folders, folder)
			}
		}
	}
	for _, folder := range p.cfg.Folders {
		if _, err := os.ReadDir(folder); err != nil {
			return err
		}
	}
	host, err := os.Hostname()
	p.cfg.HostName = cmp.Or(p.cfg.HostName, host)
	if p.cfg.HostName == "" {
		return fmt.Errorf("host name (set hostName in the configuration instead): %w", err)
	}
	return nil
}

// Disconnect has nothing to close.
func (*connector) Disconnect(context.Context) error { return nil }

// Refresh says which programs there are; the runtime sends the difference.
func (p *connector) Refresh(ctx context.Context) error {
	_, err := p.c.Reconcile(ctx, "programs", p.programs())
	return err
}

// programs yields an element for each program. After an error Reconcile deletes
// nothing: the view is not complete.
func (p *connector) programs() iter.Seq2[connectors.Wanted, error] {
	return func(yield func(connectors.Wanted, error) bool) {
		for _, folder := range p.cfg.Folders {
			entries, err := os.ReadDir(folder)
			if err != nil {
				yield(connectors.Wanted{}, err)
				return
			}
			for _, entry := range entries {
				path := filepath.Join(folder, entry.Name())
				info, err := os.Stat(path)
				if errors.Is(err, os.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Mode()&0o111 == 0) {
					continue
				}
				if !yield(connectors.Wanted{Element: p.element(path)}, err) || err != nil {
					return
				}
			}
		}
	}
}

func (p *connector) element(path string) *events.ElementSpec {
	return &events.ElementSpec{
		Type: "DeployedSoftwareComponent", QualifiedName: "DeployedSoftwareComponent::" + p.cfg.HostName + "::" + path,
		Properties: events.Props(map[string]any{
			"displayName": filepath.Base(path), "resourceName": path, "namespacePath": filepath.Dir(path),
		}),
	}
}
