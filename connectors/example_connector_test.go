package connectors_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/connectortest"
	"github.com/camena-io/camena/events"
)

type configuration struct {
	Address  string            `json:"address"`
	Password connectors.Secret `json:"password"` // by reference: env:NAME or file:/path
}

// Factory makes the connector. New checks the configuration and does no I/O.
func Factory() connectors.Factory {
	return connectors.Factory{
		Kind: "topics", Description: "Catalogs the topics of a broker.",
		New: func(p events.Properties) (connectors.Connector, error) {
			cfg, err := connectors.DecodeConfig[configuration](p)
			return &connector{cfg: cfg}, err
		},
	}
}

type connector struct {
	cfg    configuration
	c      *connectors.Context
	client http.Client
}

// Start checks that the broker answers. An error is tried again with back-off.
func (t *connector) Start(ctx context.Context, c *connectors.Context) error {
	t.c = c
	_, err := t.topics(ctx)
	return err
}

// Refresh yields what there is; the runtime sends the difference.
func (t *connector) Refresh(ctx context.Context) error {
	_, err := t.c.Reconcile(ctx, "topics", func(yield func(connectors.Wanted, error) bool) {
		topics, err := t.topics(ctx)
		if err != nil {
			yield(connectors.Wanted{}, err) // an error: half a view deletes nothing
			return
		}
		for name, description := range topics {
			topic := &events.ElementSpec{
				Type: "Topic", QualifiedName: "Topic::" + name,
				Properties: events.Props(map[string]any{"displayName": name, "description": description}),
			}
			if !yield(connectors.Wanted{Element: topic}, nil) {
				return
			}
		}
	})
	return err
}

// Disconnect is called after a failed Start, too.
func (t *connector) Disconnect(context.Context) error {
	t.client.CloseIdleConnections()
	return nil
}

// topics asks the broker for its topics and their descriptions.
func (t *connector) topics(ctx context.Context) (map[string]string, error) {
	password, err := t.cfg.Password.Reveal() // each time: it may have been rotated
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.cfg.Address+"/topics", http.NoBody)
	if err != nil {
		return nil, connectors.Permanent(err) // until the configuration changes
	}
	request.SetBasicAuth("camena", password)
	response, err := t.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the broker answers %s", response.Status)
	}
	var topics map[string]string
	err = json.NewDecoder(response.Body).Decode(&topics)
	return topics, err
}

// broker is the third party of the test.
type broker struct {
	*httptest.Server

	mu       sync.Mutex
	topics   map[string]string
	password string
}

func startBroker(tb testing.TB) *broker {
	tb.Helper()
	b := &broker{password: "tops3cret", topics: map[string]string{"orders": "All orders"}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, password, _ := r.BasicAuth(); password != b.password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(b.topics)
	}))
	tb.Cleanup(b.Close)
	return b
}

// set changes a topic; without a description it is removed.
func (b *broker) set(name, description string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topics = maps.Clone(b.topics)
	if b.topics[name] = description; description == "" {
		delete(b.topics, name)
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, Factory(), connectortest.Fixture{
		ThirdParty: func(tb testing.TB) connectortest.ThirdParty {
			tb.Helper()
			b := startBroker(tb)
			password := filepath.Join(tb.TempDir(), "password")
			if err := os.WriteFile(password, []byte(b.password), 0o600); err != nil {
				tb.Fatal(err)
			}
			return connectortest.ThirdParty{
				Configuration: events.Props(map[string]any{"address": b.URL, "password": "file:" + password}),
				Secrets:       []string{b.password},
				Add:           func() { b.set("invoices", "All invoices") },
				Change:        func() { b.set("orders", "Orders of this year") },
				Remove:        func() { b.set("orders", "") },
				Break:         b.Close,
			}
		},
	})
}

// The first and the last code of the documentation are this file's.
func TestTheDocumentedConnectorIsThisOne(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(filepath.Join("..", "docs", "connectors.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_connector_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(document), "```go\n")
	for _, block := range []string{blocks[1], blocks[len(blocks)-1]} {
		if code, _, _ := strings.Cut(block, "```"); !strings.Contains(string(source), code) {
			t.Errorf("docs/connectors.md shows other code:\n%s", code)
		}
	}
}
