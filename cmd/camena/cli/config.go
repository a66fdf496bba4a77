package cli

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	cells "github.com/jedib0t/go-pretty/v6/text"
	"github.com/kelseyhightower/envconfig"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events/suggest"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/node"
	"github.com/camena-io/camena/topics"
)

const (
	prefix     = "CAMENA"
	defaultURL = "nats://127.0.0.1:4222"
)

// config is the environment: CAMENA_ and the name of the field, in words.
type config struct {
	NatsURL      string        `split_words:"true" desc:"NATS to use, one or several URLs separated by commas; unset: serve starts a server of its own"`
	NatsUser     string        `split_words:"true" desc:"user name"`
	NatsPassword string        `split_words:"true" desc:"password"`
	NatsToken    string        `split_words:"true" desc:"token, instead of user and password"`
	NatsCreds    string        `split_words:"true" desc:"NATS credentials file (JWT and seed)"`
	NatsNkey     string        `split_words:"true" desc:"file with an nkey seed"`
	NatsCA       string        `split_words:"true" desc:"PEM file of the authorities that NATS certificates are checked against"`
	NatsCert     string        `split_words:"true" desc:"PEM file of the client certificate"`
	NatsKey      string        `split_words:"true" desc:"PEM file of its key"`
	Domain       string        `split_words:"true" default:"camena" desc:"first token of all subjects; separates installations on one NATS account"`
	Data         string        `split_words:"true" default:"./camena-data" desc:"folder of the embedded server's streams"`
	Listen       string        `split_words:"true" default:"127.0.0.1" desc:"address the embedded server listens on"`
	NatsPort     int           `split_words:"true" desc:"port it listens on; 0: 4222, or a free one when that is taken; -1: a free one"`
	SyncInterval time.Duration `split_words:"true" default:"2s" desc:"how often it syncs streams to disk; a power cut loses at most this much"`
	SyncAlways   bool          `split_words:"true" desc:"sync before every acknowledgement: nothing is lost in a power cut, much slower"`
	HTTPListen   string        `split_words:"true" desc:"address of the gateway; default: 127.0.0.1:8484, or a free port"`
	Node         string        `split_words:"true" desc:"name of this node, unique and stable; default: the host name"`
	Roles        []string      `split_words:"true" default:"repository,coordinator,host,gateway" desc:"what this node does"`
	Replicas     int           `split_words:"true" desc:"copies of every stream, 1 to 5; 0: three where the cluster has three servers"`
	History      int           `split_words:"true" default:"64" desc:"how many states of an element are kept"`
	Retention    time.Duration `split_words:"true" default:"720h" desc:"how long deleted elements can still be read, with their history"`
	InMib        int           `split_words:"true" default:"4096" desc:"MiB of commands that may wait in the in topic; then senders wait"`
	PublishZones []string      `split_words:"true" desc:"zones that \"elements publish\" puts an element into, separated by commas; none: all zones"`
	DefaultZones []string      `split_words:"true" desc:"zones of new elements and of withdrawn ones; none: all zones"`
	User         string        `split_words:"true" desc:"user to record for changes made at the terminal; default: the user of the operating system"`
	LogLevel     string        `split_words:"true" desc:"debug, info, warn or error; default: info for serve, warn for the others"`
	LogFormat    string        `split_words:"true" default:"text" desc:"text or json"`
}

// loadConfig reads the environment, and returns warnings about names that are
// probably misspelled.
func loadConfig() (config, []string, error) {
	var c config
	known, _, err := settings()
	if err != nil {
		return c, nil, err
	}
	for _, key := range known {
		// Compose files pass what is not set as an empty text.
		if v, ok := os.LookupEnv(key); ok && v == "" {
			if err := os.Unsetenv(key); err != nil {
				return c, nil, err
			}
		}
	}
	if err := envconfig.Process(prefix, &c); err != nil {
		if e, ok := errors.AsType[*envconfig.ParseError](err); ok {
			return c, nil, fmt.Errorf("%s: %q is not %s", e.KeyName, e.Value, expected(e.TypeName))
		}
		return c, nil, err
	}
	err = c.complete()
	return c, unknownVariables(known), err
}

func expected(typeName string) string {
	switch typeName {
	case "time.Duration":
		return "a duration such as 2s or 500ms"
	case "bool":
		return "true or false"
	default:
		return "a whole number"
	}
}

// complete checks the values and fills in what the machine knows.
func (c *config) complete() error {
	for _, names := range [...][]string{c.Roles, c.PublishZones, c.DefaultZones} {
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
		}
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.Node == "" {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("CAMENA_NODE is not set, and there is no host name: %w", err)
		}
		c.Node = name
	}
	if c.User == "" {
		c.User = osUser()
	}
	return nil
}

// check returns all settings that are wrong.
func (c *config) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, role := range c.Roles {
		refuse(!slices.Contains(node.Roles(), role), "CAMENA_ROLES: %q is none of %s", role, strings.Join(node.Roles(), ", "))
	}
	refuse(slices.Contains(c.PublishZones, ""), "CAMENA_PUBLISH_ZONES: one of the names is empty")
	refuse(slices.Contains(c.DefaultZones, ""), "CAMENA_DEFAULT_ZONES: one of the names is empty")
	refuse(c.Replicas < 0 || c.Replicas > 5, "CAMENA_REPLICAS: %d is not between 0 and 5", c.Replicas)
	refuse(c.NatsPort < -1 || c.NatsPort > math.MaxUint16, "CAMENA_NATS_PORT: %d is not between -1 and %d", c.NatsPort, math.MaxUint16)
	refuse(c.InMib < 16, "CAMENA_IN_MIB: %d is too little for the in topic; give 16 or more", c.InMib)
	refuse(c.History < 1, "CAMENA_HISTORY: %d is too little; give at least 1, the present state", c.History)
	refuse(c.Retention <= 0, "CAMENA_RETENTION: %s is not positive", c.Retention)
	refuse(c.SyncInterval <= 0, "CAMENA_SYNC_INTERVAL: %s is not positive; CAMENA_SYNC_ALWAYS syncs at once", c.SyncInterval)
	_, err := topics.New(c.Domain)
	refuse(err != nil, "CAMENA_DOMAIN: %w", err)
	refuse(c.LogLevel != "" && new(slog.Level).UnmarshalText([]byte(c.LogLevel)) != nil,
		"CAMENA_LOG_LEVEL: %q is none of debug, info, warn, error", c.LogLevel)
	refuse(c.LogFormat != "text" && c.LogFormat != "json", "CAMENA_LOG_FORMAT: %q is neither text nor json", c.LogFormat)
	return errors.Join(errs...)
}

// osUser is the user of the operating system. In a container it may have no name.
func osUser() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	return cmp.Or(name, "camena")
}

// node returns the settings of the node that this environment describes.
func (c *config) node(offered connectors.Set, log *slog.Logger) node.Settings {
	limits := topics.DefaultLimits()
	limits.Replicas, limits.History, limits.InBytes = c.Replicas, c.History, int64(c.InMib)<<20
	return node.Settings{
		Name: c.Node, Roles: c.Roles, Version: node.Version(), Connectors: offered, HTTPListen: c.HTTPListen,
		Bus: bus.Settings{URL: c.NatsURL, Domain: c.Domain, Credentials: bus.Credentials{
			User: c.NatsUser, Password: c.NatsPassword, Token: c.NatsToken, CredsFile: c.NatsCreds, NKeyFile: c.NatsNkey,
			CAFile: c.NatsCA, CertFile: c.NatsCert, KeyFile: c.NatsKey,
		}},
		Server: embedded.Settings{Dir: c.Data, Host: c.Listen, Port: c.NatsPort, SyncInterval: c.SyncInterval, SyncAlways: c.SyncAlways},
		Limits: limits, Retention: c.Retention, PublishZones: c.PublishZones, DefaultZones: c.DefaultZones, Logger: log,
	}
}

// unknownVariables warns of names that are probably misspelled. Those that tests
// and benchmarks read, and those that Kubernetes sets for a service named camena,
// are no settings.
func unknownVariables(known []string) []string {
	var warnings []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, prefix+"_")
		if !ours || slices.Contains(known, name) || slices.ContainsFunc(
			[]string{"TEST_", "BENCH_", "REQUIRE_", "SERVICE_", "PORT"},
			func(other string) bool { return strings.HasPrefix(rest, other) }) {
			continue
		}
		warnings = append(warnings, "there is no setting "+name+suggest.Nearest(name, known))
	}
	slices.Sort(warnings)
	return warnings
}

// settings returns the names of all settings, and a text that explains them in lines
// of at most 100 columns.
func settings() (names []string, help string, err error) {
	var lines strings.Builder
	err = envconfig.Usagef(prefix, &config{}, &lines,
		"{{range .}}{{usage_key .}}\t{{usage_description .}}{{if usage_default .}} (default {{usage_default .}}){{end}}\n{{end}}")
	t := newTable()
	for line := range strings.Lines(lines.String()) {
		name, description, _ := strings.Cut(strings.TrimSpace(line), "\t")
		names = append(names, name)
		for part := range strings.SplitSeq(cells.WrapSoft(description, 75), "\n") {
			t.add("  "+name, part)
			name = ""
		}
	}
	lines.Reset()
	err = errors.Join(err, t.print(&lines, ""))
	return names, strings.TrimSuffix(lines.String(), "\n"), err
}
