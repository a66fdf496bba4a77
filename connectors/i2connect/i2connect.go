// Package i2connect asks an existing connector of i2 Connect: its services become
// those of a connector of Camena, and what it returns their entities and links.
//
// Asynchronous services, logins, clients other than forms and configurations for
// each user are not supported: such a service is listed as unavailable, and such a
// connector does not start.
package i2connect

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/i2connect/spi"
	"github.com/camena-io/camena/events"
)

// Kind names connectors of this kind in configuration.
const Kind = "i2connect"

// Config is the configuration.
type Config struct {
	URL           string `json:"url" doc:"Base of the connector's addresses" required:"true"`
	Configuration string `json:"configuration" doc:"Address of the connector's configuration" default:"/config"`
	ID            string `json:"id" doc:"What the connector is called where seeds say where they come from" default:"camena"`
}

// Factory returns the factory of i2 connectors.
func Factory() connectors.Factory {
	return connectors.Configured(Kind, "Services of an existing i2 Connect connector.", New)
}

// Connector is a connector to a connector of i2 Connect.
type Connector struct {
	config   Config
	address  string // of its configuration
	client   *http.Client
	remote   *spi.Config
	services []dataservice.ServiceDefinition
}

// New checks a configuration; the connector is asked when it starts.
func New(c Config) (connectors.Connector, error) {
	base, err := url.Parse(c.URL)
	if err == nil && (base.User != nil || base.RawQuery != "" || base.Fragment != "") {
		return nil, connectors.Permanent(events.Errorf(events.CodeInvalid, "/url", "give neither credentials nor a query"))
	}
	address, err := spi.Address(c.URL, c.Configuration)
	if err != nil {
		return nil, connectors.Permanent(events.Errorf(events.CodeInvalid, "/url", "not an address of http or https"))
	}
	// A redirection is an answer that is not expected: it might lead anywhere.
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: answerWithin, ForceAttemptHTTP2: true}
	return &Connector{config: c, address: address, client: &http.Client{Transport: transport, CheckRedirect: noRedirect}}, nil
}

// Start implements [connectors.Connector]: it asks for the configuration, once.
func (c *Connector) Start(ctx context.Context, rt *connectors.Context) error {
	remote, found, err := c.load(ctx)
	if err != nil {
		return err
	}
	for _, f := range found {
		rt.Logger().WarnContext(ctx, "the connector's configuration", slog.String("severity", string(f.Severity)),
			slog.String("pointer", f.Pointer), slog.String("text", f.Message))
	}
	c.remote, c.services = remote, remote.Definitions(found)
	return nil
}

// Disconnect implements [connectors.Connector].
func (c *Connector) Disconnect(context.Context) error {
	c.client.CloseIdleConnections()
	return nil
}

// Test implements [dataservice.Tester].
func (c *Connector) Test(ctx context.Context) error {
	_, _, err := c.load(ctx)
	return err
}

// load asks for the configuration and checks it. An error in it that is not one of
// a service is one of the connector.
func (c *Connector) load(ctx context.Context) (*spi.Config, []spi.Finding, error) {
	data, err := c.fetch(ctx, http.MethodGet, c.address, nil)
	if err != nil {
		return nil, nil, err
	}
	remote, err := spi.Decode[*spi.Config](data)
	if err == nil && remote == nil {
		err = events.Errorf(events.CodeInvalid, "", "the configuration is null")
	}
	if err != nil {
		return nil, nil, remoteError("/config", err)
	}
	if remote.UserConfigURL != "" {
		return nil, nil, connectors.Permanent(events.Errorf(events.CodeUnsupported, "/userConfigUrl", "a configuration for each user is not supported"))
	}
	found := remote.Check(c.config.ID, c.config.URL)
	for _, f := range found {
		if f.Severity == dataservice.SeverityError && !f.OfService() {
			return nil, nil, events.Errorf(events.CodeConnection, f.Pointer, "the connector's configuration: %s", f.Message)
		}
	}
	return remote, found, nil
}

// Services implements [dataservice.Servicer].
func (c *Connector) Services(context.Context) ([]dataservice.ServiceDefinition, error) {
	return c.services, nil
}

// Acquire implements [dataservice.Servicer]. If the connector says only after
// records that it failed, they were yielded before the error.
func (c *Connector) Acquire(ctx context.Context, in dataservice.ServiceInput) iter.Seq2[dataservice.DataEntity, error] {
	return func(yield func(dataservice.DataEntity, error) bool) {
		service, request, err := c.prepare(ctx, &in)
		if err != nil {
			yield(dataservice.DataEntity{}, err)
			return
		}
		body, err := c.post(ctx, service.AcquireURL, request)
		if err != nil {
			yield(dataservice.DataEntity{}, err)
			return
		}
		defer release(body)
		for item, err := range spi.ReadData(body) {
			entity, err := c.entity(service, &item, err)
			if err = causeOf(ctx, err); !yield(entity, err) || err != nil {
				return
			}
		}
	}
}

// entity converts a record of a result, or its error.
func (c *Connector) entity(service *spi.Service, item *spi.Item, err error) (e dataservice.DataEntity, _ error) {
	if err == nil {
		e, err = c.remote.Entity(service, &item.Record, item.Link)
	}
	if message, ok := errors.AsType[spi.MessageError](err); ok {
		return e, events.Errorf(events.CodeInvalid, "", "%s", message)
	}
	return e, remoteError(item.Pointer, err)
}

// prepare makes the request to a service, and has it validated.
func (c *Connector) prepare(ctx context.Context, in *dataservice.ServiceInput) (*spi.Service, []byte, error) {
	i := slices.IndexFunc(c.services, func(d dataservice.ServiceDefinition) bool { return d.ID == in.Service && d.Unavailable == "" })
	if i < 0 {
		return nil, nil, events.Errorf(events.CodeUnsupported, "/service", "the service %q cannot be asked", in.Service)
	}
	service := &c.remote.Services[i]
	asked, err := c.remote.Request(service, in, c.config.ID)
	if err != nil {
		return nil, nil, err
	}
	request, err := events.Marshal(asked)
	if err == nil && service.ValidateURL != "" {
		err = c.validate(ctx, service.ValidateURL, request)
	}
	return service, request, err
}
