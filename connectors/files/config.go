package files

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// configuration is what a user writes.
type configuration struct {
	// Path is the root of the tree, absolute. It may be a symbolic link.
	Path string `json:"path"`
	// HostName is part of all qualified names. Default: the host name.
	HostName string `json:"hostName"`
	// Include and Exclude are patterns for paths relative to the root, with
	// slashes: "*.csv", "**/*.csv", "archive/**". Include selects files; empty
	// selects all. Exclude takes precedence, and omits a folder with its content.
	Include []string `json:"include"`
	Exclude []string `json:"exclude"`
	// Hidden also catalogs names that begin with a dot.
	Hidden bool `json:"hidden"`
	// FollowSymlinks catalogs the target of a symbolic link under the name of the
	// link; otherwise links are skipped.
	FollowSymlinks bool `json:"followSymlinks"`
	// MaxDepth is the number of cataloged levels below the root; 0: all.
	MaxDepth int `json:"maxDepth"`
	// PollOnly watches no folder: only refreshes find changes.
	PollOnly bool `json:"pollOnly"`
}

func decode(p events.Properties) (configuration, error) {
	cfg, err := connectors.DecodeConfig[configuration](p)
	if err != nil {
		return cfg, err
	}
	if err := cfg.validate(); err != nil {
		return cfg, connectors.Permanent(fmt.Errorf("configuration%w", err))
	}
	cfg.Path = filepath.Clean(cfg.Path)
	return cfg, nil
}

func (c *configuration) validate() error {
	switch {
	case c.Path == "":
		return events.Errorf(events.CodeInvalid, "/path", "missing: the folder to catalog")
	case !filepath.IsAbs(c.Path):
		return events.Errorf(events.CodeInvalid, "/path", "%q is not an absolute path", c.Path)
	case strings.Contains(c.HostName, "::"):
		return events.Errorf(events.CodeInvalid, "/hostName", "%q contains ::, which separates the parts of qualified names", c.HostName)
	case c.MaxDepth < 0:
		return events.Errorf(events.CodeInvalid, "/maxDepth", "%d is negative; 0 means any depth", c.MaxDepth)
	}
	for name, patterns := range map[string][]string{"include": c.Include, "exclude": c.Exclude} {
		for i, pattern := range patterns {
			if !doublestar.ValidatePattern(pattern) {
				return events.Errorf(events.CodeInvalid, fmt.Sprintf("/%s/%d", name, i), "%q is not a pattern such as **/*.csv", pattern)
			}
		}
	}
	return nil
}

// admits reports whether rel belongs to the catalog if its folder does. A file
// must also be included.
func (c *configuration) admits(rel string) bool {
	return (c.MaxDepth == 0 || strings.Count(rel, "/") < c.MaxDepth) &&
		(c.Hidden || !strings.HasPrefix(path.Base(rel), ".")) &&
		!matchesAny(c.Exclude, rel)
}

func (c *configuration) includes(rel string) bool {
	return len(c.Include) == 0 || matchesAny(c.Include, rel)
}

func matchesAny(patterns []string, rel string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return doublestar.MatchUnvalidated(p, rel) })
}
