package integration_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

const composePath = "../docker-compose.yml"

// composeFile is docker-compose.yml. An unknown field is an error, because these tests
// would not test it.
type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
	XNats    any                       `yaml:"x-nats"`
	XCamena  any                       `yaml:"x-camena"`
}

type composeService struct {
	Image       string            `yaml:"image"`
	Build       string            `yaml:"build"`
	Command     string            `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Restart     string            `yaml:"restart"`
	StopGrace   time.Duration     `yaml:"stop_grace_period"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test        []string      `yaml:"test"`
		Interval    time.Duration `yaml:"interval"`
		Timeout     time.Duration `yaml:"timeout"`
		StartPeriod time.Duration `yaml:"start_period"`
		Retries     int           `yaml:"retries"`
	} `yaml:"healthcheck"`
}

// readCompose reads docker-compose.yml as Compose does with these values of variables,
// and no others.
func readCompose(variables map[string]string) (*composeFile, error) {
	text, err := os.ReadFile(composePath)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(interpolate(text, variables)), yaml.DisallowUnknownField())
	var c composeFile
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("%s: %w", composePath, err)
	}
	return &c, nil
}

var composeVariable = regexp.MustCompile(`\$\{([A-Z_]+):-([^}]*)\}`)

func interpolate(text []byte, variables map[string]string) []byte {
	return composeVariable.ReplaceAllFunc(text, func(found []byte) []byte {
		parts := composeVariable.FindSubmatch(found)
		if v := variables[string(parts[1])]; v != "" {
			return []byte(v)
		}
		return parts[2]
	})
}

// flag returns the value of a flag in the command of a service.
func (s *composeService) flag(name string) string {
	fields := strings.Fields(s.Command)
	for i := range len(fields) - 1 {
		if fields[i] == name {
			return fields[i+1]
		}
	}
	return ""
}
