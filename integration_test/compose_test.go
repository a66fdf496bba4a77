package integration_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestClusterSurvivesKills starts the cluster of docker-compose.yml; these tests check the
// file without containers.

func TestComposeFileFitsTogether(t *testing.T) {
	t.Parallel()
	c, err := readCompose(nil)
	if err != nil {
		t.Fatal(err)
	}
	var servers, clients, routes, nodes []string
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if strings.HasPrefix(name, "nats-") {
			servers = append(servers, name)
			clients = append(clients, "nats://"+name+":4222")
			routes = append(routes, "nats://"+name+":6222")
		} else {
			nodes = append(nodes, name)
		}
	}
	if len(servers) != 3 || len(nodes) < 2 {
		t.Fatalf("servers %v and nodes %v, want three and at least two", servers, nodes)
	}
	for _, name := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkServer(t, c, name, strings.Join(routes, ","))
		})
	}
	for _, name := range nodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkNode(t, c, name, servers, strings.Join(clients, ","))
		})
	}
}

func checkServer(t *testing.T, c *composeFile, name, routes string) {
	t.Helper()
	s := c.Services[name]
	got := map[string]string{}
	for _, flag := range []string{"-name", "-cluster_name", "-cluster", "-routes", "-sd", "-m"} {
		got[flag] = s.flag(flag)
	}
	want := map[string]string{
		"-name": name, "-cluster_name": "camena", "-cluster": "nats://0.0.0.0:6222", "-routes": routes, "-sd": "/data", "-m": "8222",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if !slices.Contains(strings.Fields(s.Command), "-js") {
		t.Error("JetStream is not switched on")
	}
	if _, declared := c.Volumes[name]; !declared || !slices.Equal(s.Volumes, []string{name + ":/data"}) {
		t.Errorf("volumes %v: the streams have to outlive the container", s.Volumes)
	}
	for _, port := range s.Ports {
		if !strings.HasPrefix(port, "127.0.0.1:") {
			t.Errorf("port %s is open to the network", port)
		}
	}
	checkHealth(t, &s)
}

func checkNode(t *testing.T, c *composeFile, name string, servers []string, url string) {
	t.Helper()
	s := c.Services[name]
	want := map[string]string{"CAMENA_NODE": name, "CAMENA_NATS_URL": url}
	if diff := cmp.Diff(want, s.Environment); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if s.Build != "." {
		t.Errorf("built from %q, want the folder of the file", s.Build)
	}
	if got := slices.Sorted(maps.Keys(s.DependsOn)); !slices.Equal(got, servers) {
		t.Errorf("depends on %v, want %v", got, servers)
	}
	for server, on := range s.DependsOn {
		if on.Condition != "service_healthy" {
			t.Errorf("waits for %s to be %q", server, on.Condition)
		}
	}
	checkHealth(t, &s)
}

func checkHealth(t *testing.T, s *composeService) {
	t.Helper()
	h := s.Healthcheck
	if len(h.Test) < 2 || h.Test[0] != "CMD" {
		t.Errorf("health check %q: there is no shell in the images", h.Test)
	}
	if h.Interval <= 0 || h.Timeout <= 0 || h.Retries <= 0 || s.Restart != "unless-stopped" {
		t.Errorf("health check %+v, restart %q", h, s.Restart)
	}
}

func TestComposeImagesCanBeChosen(t *testing.T) {
	t.Parallel()
	chosen := map[string]string{
		"NATS_IMAGE": "registry.example/nats:1", "CAMENA_IMAGE": "registry.example/camena:2", "NATS_PORT": "14222",
		"NATS_HEALTH_PROGRAM": "/nats-server", "NATS_HEALTH_FLAG": "--version",
	}
	c, err := readCompose(chosen)
	if err != nil {
		t.Fatal(err)
	}
	published := 0
	for name, s := range c.Services {
		want := chosen["CAMENA_IMAGE"]
		if strings.HasPrefix(name, "nats-") {
			want = chosen["NATS_IMAGE"]
			if s.Healthcheck.Test[1] != "/nats-server" || s.Healthcheck.Test[2] != "--version" {
				t.Errorf("%s: health check %q", name, s.Healthcheck.Test)
			}
		}
		if s.Image != want {
			t.Errorf("%s: image %q, want %q", name, s.Image, want)
		}
		if slices.Contains(s.Ports, "127.0.0.1:14222:4222") {
			published++
		}
	}
	if published != 1 {
		t.Errorf("%d services publish the chosen port, want one", published)
	}
}

// Each variable is explained at the top of the file, and no other is.
func TestComposeVariablesAreExplained(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(composePath)
	if err != nil {
		t.Fatal(err)
	}
	comment, content, _ := bytes.Cut(text, []byte("\nx-nats:"))
	unique := func(pattern string, in []byte) []string {
		set := map[string]bool{}
		for _, found := range regexp.MustCompile(pattern).FindAll(in, -1) {
			set[strings.Trim(string(found), "${:")] = true
		}
		return slices.Sorted(maps.Keys(set))
	}
	if diff := cmp.Diff(unique(`\$\{[A-Z_]+:`, content), unique(`\b[A-Z]+_[A-Z_]+\b`, comment)); diff != "" {
		t.Errorf("variables of the file and those explained (-file +comment):\n%s", diff)
	}
}

// If Compose is installed, it checks the file, too.
func TestComposeAcceptsTheFile(t *testing.T) {
	t.Parallel()
	var command []string
	switch {
	case exec.CommandContext(t.Context(), "docker", "compose", "version").Run() == nil:
		command = []string{"docker", "compose"}
	case exec.CommandContext(t.Context(), "docker-compose", "version").Run() == nil:
		command = []string{"docker-compose"}
	default:
		t.Skip("Docker Compose is not installed; TestClusterSurvivesKills brings the same file up without it")
	}
	args := slices.Concat(command, []string{"-f", composePath, "config", "--quiet"})
	if output, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", args, err, output)
	}
}
