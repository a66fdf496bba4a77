package integration_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	dockernetwork "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// natsPort is where the servers of the compose file listen for clients.
const natsPort = "4222/tcp"

// cluster is the cluster of docker-compose.yml, in containers built from this source.
type cluster struct {
	docker *docker
	boxes  map[string]*box
	nats   []string // names of the servers
	nodes  []string // names of the nodes
	url    string   // of all servers, from outside
}

// startCluster brings up the services of docker-compose.yml, and one more node
// per name in more.
func startCluster(t *testing.T, more ...string) *cluster {
	t.Helper()
	made := requireImages(t)
	file, err := readCompose(map[string]string{
		"NATS_IMAGE": made.nats, "CAMENA_IMAGE": made.camena,
		"NATS_HEALTH_PROGRAM": "/nats-server", "NATS_HEALTH_FLAG": "--version",
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{docker: requireDocker(t), boxes: map[string]*box{}}
	for name := range file.Services {
		if strings.HasPrefix(name, "nats") {
			c.nats = append(c.nats, name)
		} else {
			c.nodes = append(c.nodes, name)
		}
	}
	slices.Sort(c.nats)
	slices.Sort(c.nodes)
	for _, name := range more {
		service := file.Services[c.nodes[0]]
		service.Environment = maps.Clone(service.Environment)
		service.Environment["CAMENA_NODE"] = name
		file.Services[name] = service
		c.nodes = append(c.nodes, name)
	}
	// Otherwise the stream would not hold all that happened.
	for _, name := range c.nodes {
		file.Services[name].Environment["CAMENA_HISTORY"] = "1000000"
	}
	c.start(t, file)
	return c
}

func (c *cluster) start(t *testing.T, file *composeFile) {
	t.Helper()
	lan, err := network.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	testcontainers.CleanupNetwork(t, lan)
	ports := freePorts(t, len(c.nats))
	urls := make([]string, len(c.nats))
	for i, name := range c.nats {
		urls[i] = "nats://127.0.0.1:" + ports[i]
		c.run(t, lan, name, file.Services[name], ports[i])
	}
	c.url = strings.Join(urls, ",")
	for _, name := range c.nodes {
		c.run(t, lan, name, file.Services[name], "")
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.showLogs(t)
		}
	})
}

// run starts a service as Compose does, with its own port of this machine if
// one is given: it stays the same when the container is started again.
func (c *cluster) run(t *testing.T, lan *testcontainers.DockerNetwork, name string, s composeService, port string) {
	t.Helper()
	options := []testcontainers.ContainerCustomizer{
		testcontainers.WithLogger(silent{}),
		network.WithNetwork([]string{name}, lan),
		testcontainers.WithEnv(s.Environment),
		testcontainers.WithCmd(strings.Fields(s.Command)...),
		testcontainers.WithConfigModifier(func(config *container.Config) {
			config.Healthcheck = &container.HealthConfig{
				Test: s.Healthcheck.Test, Interval: s.Healthcheck.Interval, Timeout: s.Healthcheck.Timeout,
				StartPeriod: s.Healthcheck.StartPeriod, Retries: s.Healthcheck.Retries,
			}
		}),
	}
	if port != "" {
		options = append(options, testcontainers.WithExposedPorts(natsPort),
			testcontainers.WithHostConfigModifier(func(config *container.HostConfig) {
				config.PortBindings = dockernetwork.PortMap{dockernetwork.MustParsePort(natsPort): {{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: port}}}
			}))
	}
	made, err := testcontainers.Run(t.Context(), s.Image, options...)
	if made != nil {
		t.Cleanup(func() {
			if err := testcontainers.TerminateContainer(made, testcontainers.StopTimeout(0)); err != nil {
				t.Errorf("remove %s: %v", name, err)
			}
		})
	}
	if err != nil {
		t.Fatalf("run %s: %v", name, err)
	}
	c.boxes[name] = &box{docker: c.docker, name: name, id: made.GetContainerID()}
}

// freePorts returns ports on which no process listens.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	ports := make([]string, n)
	open := make([]net.Listener, n) // so that each gets another one
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, ports[i], err = net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open[i] = l
	}
	for _, l := range open {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return ports
}

func (c *cluster) showLogs(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, name := range append(slices.Clone(c.nodes), c.nats...) {
		if b := c.boxes[name]; b != nil {
			t.Logf("the end of the log of %s:\n%s", name, b.log(ctx))
		}
	}
}

// connect connects from outside, as an application does.
func (c *cluster) connect(t *testing.T, name string) *bus.Bus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := bus.Connect(ctx, bus.Settings{URL: c.url, Name: name, Wait: true, Logger: runtimetest.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// installed waits until the nodes have created all streams and buckets.
func (*cluster) installed(t *testing.T, b *bus.Bus) {
	t.Helper()
	await(t, time.Minute, "streams and buckets", func() error {
		for _, stream := range b.Topics().Streams(topics.DefaultLimits()) {
			if _, err := b.JetStream().Stream(t.Context(), stream.Name); err != nil {
				return fmt.Errorf("%s: %w", stream.Name, err)
			}
		}
		for _, bucket := range b.Topics().Buckets(topics.DefaultLimits()) {
			if _, err := b.JetStream().KeyValue(t.Context(), bucket.Bucket); err != nil {
				return fmt.Errorf("%s: %w", bucket.Bucket, err)
			}
		}
		return nil
	})
}

// healthy waits until the health check of every container has passed.
func (c *cluster) healthy(t *testing.T) {
	t.Helper()
	await(t, time.Minute, "healthy containers", func() error {
		for name, b := range c.boxes {
			found, err := c.docker.client.ContainerInspect(t.Context(), b.id, client.ContainerInspectOptions{})
			if err != nil {
				return err
			}
			if h := found.Container.State.Health; h == nil || h.Status != container.Healthy {
				return fmt.Errorf("%s is not healthy: %+v", name, h)
			}
		}
		return nil
	})
}

// elected waits until every stream, those of buckets included, has a leader that
// answers.
func elected(t *testing.T, b *bus.Bus, streams []string) {
	t.Helper()
	for _, name := range streams {
		await(t, time.Minute, "a leader of "+name, func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := b.JetStream().Stream(ctx, name)
			return err
		})
	}
}

// leaders returns which server leads each stream, those of buckets included.
func leaders(t *testing.T, b *bus.Bus) map[string]string {
	t.Helper()
	found := map[string]string{}
	await(t, 30*time.Second, "a leader of every stream", func() error {
		clear(found)
		list := b.JetStream().ListStreams(t.Context())
		for info := range list.Info() {
			if info.Cluster == nil || info.Cluster.Leader == "" {
				return fmt.Errorf("%s has no leader", info.Config.Name)
			}
			if info.Config.Replicas != 3 {
				t.Fatalf("%s has %d replicas; a cluster of three servers should keep three", info.Config.Name, info.Config.Replicas)
			}
			found[info.Config.Name] = info.Cluster.Leader
		}
		return list.Err()
	})
	return found
}

// holder returns the node that has a role.
func holder(t *testing.T, b *bus.Bus, lease string) string {
	t.Helper()
	l, err := b.NewLease(t.Context(), lease, "test", "test")
	if err != nil {
		t.Fatal(err)
	}
	var node string
	await(t, 20*time.Second, "a holder of the lease "+lease, func() error {
		node, err = l.Holder(t.Context())
		if err == nil && node == "" {
			err = jetstream.ErrKeyNotFound
		}
		return err
	})
	return node
}

// await waits until check finds no error.
func await(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Since(began) > limit {
			t.Fatalf("in vain waited %s for %s: %v", limit, what, err)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("waited for %s: %v", what, err)
		}
	}
}
