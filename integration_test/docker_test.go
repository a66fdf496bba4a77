package integration_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// docker is the daemon that container tests use.
type docker struct {
	provider *testcontainers.DockerProvider
	client   client.APIClient
}

// silent keeps the log of testcontainers out of the output of tests.
type silent struct{}

func (silent) Printf(string, ...any) {}

// requireDocker returns the daemon. If none answers, the test is skipped, or fails if
// CAMENA_REQUIRE_DOCKER is 1.
func requireDocker(t *testing.T) *docker {
	t.Helper()
	d, err := connectDocker()
	switch {
	case err == nil:
		return d
	case os.Getenv("CAMENA_REQUIRE_DOCKER") == "1":
		t.Fatalf("CAMENA_REQUIRE_DOCKER is 1, but %v", err)
	default:
		t.Skipf("needs containers: %v", err)
	}
	return nil
}

// connectDocker looks for a daemon once for all tests.
var connectDocker = sync.OnceValues(func() (d *docker, err error) {
	defer func() {
		if p := recover(); p != nil { // testcontainers, where there is no socket
			err = fmt.Errorf("no Docker daemon answers: %v", p)
		}
	}()
	// The reaper is an image that would have to be pulled; tests clean up.
	settings := map[string]string{"TESTCONTAINERS_RYUK_DISABLED": "true"}
	if _, err := os.Stat("/.dockerenv"); err == nil {
		settings["TESTCONTAINERS_HOST_OVERRIDE"] = "127.0.0.1"
	}
	for name, value := range settings {
		if _, set := os.LookupEnv(name); !set {
			if err := os.Setenv(name, value); err != nil {
				return nil, err
			}
		}
	}
	log.SetDefault(silent{})
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(silent{}))
	if err != nil {
		return nil, fmt.Errorf("no Docker daemon answers: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := provider.Client().Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return nil, errors.Join(fmt.Errorf("no Docker daemon answers: %w", err), provider.Close())
	}
	return &docker{provider: provider, client: provider.Client()}, nil
})

// images are the names of the images of containers.
type images struct{ camena, nats string }

// requireImages returns images of this source, built once per run.
func requireImages(t *testing.T) images {
	t.Helper()
	requireDocker(t)
	built, err := buildImages()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

const natsDockerfile = `FROM scratch
COPY nats-server /
ENTRYPOINT ["/nats-server"]
`

// builtImages are the images that removeImages removes: names, and the ids of unnamed
// images of builds.
var builtImages []string

var buildImages = sync.OnceValues(func() (images, error) {
	d, err := connectDocker()
	if err != nil {
		return images{}, err
	}
	dir, err := os.MkdirTemp("", "camena-images")
	if err != nil {
		return images{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		return images{}, err
	}
	license, err := os.ReadFile("../LICENSE")
	if err != nil {
		return images{}, err
	}
	tag := uuid.NewString()[:8]
	made := images{camena: "camena-integration:" + tag, nats: "camena-integration-nats:" + tag}
	binary, err := goBuild(dir, "camena", "./cmd/camena", "-tags", "timetzdata")
	if err != nil {
		return images{}, err
	}
	if err := d.build(made.camena, "prebuilt", file{"Dockerfile", dockerfile}, file{"LICENSE", license}, file{"camena", binary}); err != nil {
		return images{}, err
	}
	// The server is the one that this module is pinned to.
	if binary, err = goBuild(dir, "nats-server", "github.com/nats-io/nats-server/v2"); err != nil {
		return images{}, err
	}
	if err := d.build(made.nats, "", file{"Dockerfile", []byte(natsDockerfile)}, file{"nats-server", binary}); err != nil {
		return images{}, err
	}
	return made, nil
})

// goBuild builds a static binary for containers, and returns it.
func goBuild(dir, name, pkg string, flags ...string) ([]byte, error) {
	out := filepath.Join(dir, name)
	args := append([]string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", pkg, err, output)
	}
	return os.ReadFile(out)
}

// file is a file of a build context, or one to copy into a container.
type file struct {
	name    string
	content []byte
}

// build builds an image from the given files only.
func (d *docker) build(name, target string, files ...file) error {
	archive, err := pack(files)
	if err != nil {
		return err
	}
	repo, tag, _ := strings.Cut(name, ":")
	var output bytes.Buffer
	before, err := d.nameless()
	if err != nil {
		return err
	}
	_, err = d.provider.BuildImage(context.Background(), &testcontainers.ContainerRequest{
		FromDockerfile: testcontainers.FromDockerfile{
			ContextArchive: bytes.NewReader(archive), Repo: repo, Tag: tag, BuildLogWriter: &output,
			BuildOptionsModifier: func(o *client.ImageBuildOptions) { o.Target = target },
		},
	})
	if err != nil {
		return fmt.Errorf("build image %s: %w\n%s", name, err, output.String())
	}
	builtImages = append(builtImages, name)
	after, err := d.nameless()
	for _, id := range after {
		if !slices.Contains(before, id) {
			builtImages = append(builtImages, id)
		}
	}
	return err
}

// nameless returns the images without a name: the stages of builds.
func (d *docker) nameless() ([]string, error) {
	list, err := d.client.ImageList(context.Background(), client.ImageListOptions{
		Filters: client.Filters{"dangling": {"true": true}},
	})
	var ids []string
	for i := range list.Items {
		ids = append(ids, list.Items[i].ID)
	}
	return ids, err
}

// pack makes a tar archive. Every user in the container may read its files.
func pack(files []file) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o755, Size: int64(len(f.content)), ModTime: time.Now()}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	return archive.Bytes(), w.Close()
}

func removeImages() {
	if len(builtImages) == 0 {
		return
	}
	d, err := connectDocker()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, name := range builtImages {
		if _, err := d.client.ImageRemove(ctx, name, client.ImageRemoveOptions{Force: true, PruneChildren: true}); err != nil {
			fmt.Fprintln(os.Stderr, "remove image:", err)
		}
	}
	if err := d.provider.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "leave Docker:", err)
	}
}

// box is a container of a test. It keeps its disk over a kill and a start.
type box struct {
	docker *docker
	name   string
	id     string
}

// kill is kill -9.
func (b *box) kill(t *testing.T) {
	t.Helper()
	if _, err := b.docker.client.ContainerKill(t.Context(), b.id, client.ContainerKillOptions{Signal: "KILL"}); err != nil {
		t.Fatalf("kill %s: %v", b.name, err)
	}
}

func (b *box) start(t *testing.T) {
	t.Helper()
	if _, err := b.docker.client.ContainerStart(t.Context(), b.id, client.ContainerStartOptions{}); err != nil {
		t.Fatalf("start %s: %v", b.name, err)
	}
}

// copy unpacks an archive into the container, below its root.
func (b *box) copy(t *testing.T, archive []byte) {
	t.Helper()
	_, err := b.docker.client.CopyToContainer(t.Context(), b.id, client.CopyToContainerOptions{
		DestinationPath: "/", Content: bytes.NewReader(archive),
	})
	if err != nil {
		t.Fatalf("copy to %s: %v", b.name, err)
	}
}

// log returns the end of the output of the container.
func (b *box) log(ctx context.Context) string {
	r, err := b.docker.client.ContainerLogs(ctx, b.id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "60"})
	if err != nil {
		return err.Error()
	}
	defer r.Close() //nolint:errcheck // only read
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, r); err != nil {
		return err.Error()
	}
	return text.String()
}
