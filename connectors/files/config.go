package files

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/camena-io/camena/events"
)

// configuration is what a user writes.
type configuration struct {
	// Path may be a symbolic link.
	Path     string `json:"path" doc:"Folder to catalog, as an absolute path" required:"true"`
	HostName string `json:"hostName" doc:"Part of all qualified names; default: the host name"`
	// Include and Exclude have slashes: "*.csv", "**/*.csv", "archive/**". Exclude
	// takes precedence, and omits a folder with its content.
	Include []string `json:"include" doc:"Patterns of paths below the folder; default: all files"`
	Exclude []string `json:"exclude" doc:"Patterns of paths to leave out"`
	Hidden  bool     `json:"hidden" doc:"Also what begins with a dot" default:"false"`
	// The target of a symbolic link is cataloged under the name of the link;
	// otherwise links are skipped.
	FollowSymlinks bool `json:"followSymlinks" doc:"Also what symbolic links lead to" default:"false"`
	MaxDepth       int  `json:"maxDepth" doc:"Levels below the folder; 0: all" default:"0"`
	PollOnly       bool `json:"pollOnly" doc:"Watch no folder: only refreshes find changes" default:"false"`
}

func (c *configuration) validate() error {
	switch {
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
