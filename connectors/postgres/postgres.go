// Package postgres serves the tables of a PostgreSQL database: it describes them,
// queries them, and creates rows. Conditions, sorting and limits are PostgreSQL's
// work; values reach it as parameters only.
package postgres

import (
	"context"
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// Kind names connectors of this kind in configuration.
const Kind = "postgres"

const (
	connectWithin = 10 * time.Second
	// cancelWithin is how long PostgreSQL has to end a query that is canceled, before
	// the connection is closed.
	cancelWithin = time.Second
)

// Config is the configuration.
type Config struct {
	Host     string            `json:"host" doc:"Host name or address" required:"true"`
	Port     int               `json:"port" doc:"Port" default:"5432"`
	Database string            `json:"database" doc:"Database" required:"true"`
	Schema   string            `json:"schema" doc:"Schema whose tables are served" default:"public"`
	User     string            `json:"user" doc:"User" required:"true"`
	Password connectors.Secret `json:"password" doc:"Password, as env:NAME or file:/path"`
	TLS      string            `json:"tls" doc:"Mode of TLS, as libpq has it" default:"prefer" oneOf:"disable,allow,prefer,require,verify-ca,verify-full"`
}

// Factory returns the factory of PostgreSQL connectors.
func Factory() connectors.Factory {
	return connectors.Configured(Kind, "Tables of a PostgreSQL database, described, queried and filled.", New)
}

// Connector is a connector to one schema of a database.
type Connector struct {
	config Config
	pool   *pgxpool.Pool
}

// New checks a configuration; the connector connects when it starts.
func New(c Config) (connectors.Connector, error) {
	if c.Port < 1 || c.Port > 65535 {
		return nil, connectors.Permanent(events.Errorf(events.CodeInvalid, "/port", "%d is no port", c.Port))
	}
	return &Connector{config: c}, nil
}

// Start implements [connectors.Connector].
func (c *Connector) Start(ctx context.Context, _ *connectors.Context) error {
	config, err := c.poolConfig()
	if err != nil {
		return err
	}
	if c.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
		return failed(err)
	}
	if err := c.Test(ctx); err != nil {
		c.pool.Close()
		return err
	}
	return nil
}

// Disconnect implements [connectors.Connector].
func (c *Connector) Disconnect(ctx context.Context) error {
	if c.pool == nil {
		return nil
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.pool.Close() // waits for connections in use
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// poolConfig is how to connect. The password is read for each connection, so that
// one that was changed is found.
func (c *Connector) poolConfig() (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ParseConfig("sslmode=" + c.config.TLS + " host=" + quote(c.config.Host) + " port=" + strconv.Itoa(c.config.Port) +
		" user=" + quote(c.config.User) + " dbname=" + quote(c.config.Database))
	if err != nil {
		return nil, connectors.Permanent(events.Errorf(events.CodeInvalid, "/tls", "not a mode of TLS, or its files cannot be read"))
	}
	config.ConnConfig = conn
	conn.ConnectTimeout = connectWithin
	conn.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelWithin}
	}
	// Values are read as text, in forms that do not depend on the server's settings.
	maps.Copy(conn.RuntimeParams, map[string]string{
		"application_name": "camena", "timezone": "UTC", "datestyle": "ISO, YMD", "bytea_output": "hex", "extra_float_digits": "1",
	})
	config.BeforeConnect = func(_ context.Context, conn *pgx.ConnConfig) error {
		if c.config.Password.IsZero() {
			return nil
		}
		password, err := c.config.Password.Reveal()
		conn.Password = password
		return err
	}
	return config, nil
}

// quote quotes a value of a connection string.
func quote(text string) string {
	quoted := []byte{'\''}
	for _, b := range []byte(text) {
		if b == '\'' || b == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, b)
	}
	return string(append(quoted, '\''))
}

// Test implements [dataservice.Tester].
func (c *Connector) Test(ctx context.Context) error { return failed(c.pool.Ping(ctx)) }

// The states of SQL that say what is wrong.
const (
	stateNoDatabase = "3D000"
	stateDuplicate  = "23505"
	stateCanceled   = "57014"
)

// failed says what is wrong with a connection or a statement. It repeats neither
// the address nor values.
func failed(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case strings.HasPrefix(e.Code, "28"):
			return events.Errorf(events.CodeConnection, "/user", "PostgreSQL refuses the user or the password (%s)", e.Code)
		case e.Code == stateNoDatabase:
			return events.Errorf(events.CodeConnection, "/database", "there is no such database (%s)", e.Code)
		case e.Code == stateCanceled:
			return events.Errorf(events.CodeCanceled, "", "the statement was canceled")
		case strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "57"):
			return events.Errorf(events.CodeConnection, "", "PostgreSQL ended the connection: %s (%s)", e.Message, e.Code)
		}
		return events.Errorf(events.CodeInvalid, "", "PostgreSQL: %s (%s)", e.Message, e.Code)
	}
	if e, ok := errors.AsType[net.Error](err); ok && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return events.Errorf(events.CodeConnection, "/host", "PostgreSQL cannot be reached: %s", e)
	}
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return events.Errorf(events.CodeConnection, "", "PostgreSQL cannot be reached: %s", errors.Unwrap(e))
	}
	return err
}
