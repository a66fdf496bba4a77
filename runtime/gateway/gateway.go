// Package gateway serves HTTP: one server with limits and problem details, to
// which faces hand their routes. A face is a package of its own; none knows another.
package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/camena-io/camena/events"
)

// MaxBody is how large the body of a request may be.
const MaxBody = 64 << 20

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 3 * time.Second
)

// Face adds its routes to a server.
type Face interface {
	Routes(mux *http.ServeMux)
}

// Settings of a [Gateway].
type Settings struct {
	// Listen is the address, by default one of the loopback interface.
	Listen string
	Faces  []Face
	Logger *slog.Logger
	_      struct{}
}

// DefaultListen is the address by default. If its port is taken, a free one is.
const DefaultListen = "127.0.0.1:8484"

// Gateway is an HTTP server.
type Gateway struct {
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
}

// New listens; [Gateway.Serve] answers.
func New(ctx context.Context, s Settings) (*Gateway, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", cmp.Or(s.Listen, DefaultListen))
	if err != nil && s.Listen == "" {
		listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g := &Gateway{log: s.Logger, listener: listener}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	for _, face := range s.Faces {
		face.Routes(mux)
	}
	g.server = &http.Server{
		Handler: g.guard(mux), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
	return g, nil
}

// URL is where the gateway answers.
func (g *Gateway) URL() string { return "http://" + g.listener.Addr().String() }

// Serve answers until ctx is done. Requests that are under way then have some
// seconds to end.
func (g *Gateway) Serve(ctx context.Context) error {
	g.log.InfoContext(ctx, "serving HTTP", slog.String("url", g.URL()))
	stopped := make(chan struct{})
	end := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if g.server.Shutdown(grace) != nil {
			_ = g.server.Close()
		}
	})
	err := g.server.Serve(g.listener)
	if !end() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// guard bounds bodies, and turns panics of handlers into problems.
func (g *Gateway) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { //nolint:contextcheck // it is that of the request
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				g.log.ErrorContext(r.Context(), "a handler panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				panic(http.ErrAbortHandler)
			}
		}()
		if !g.admits(r) {
			Fail(w, events.Errorf(events.CodeRefused, "", "a page of another site may not ask this gateway"))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// admits refuses what a browser sends for a page of another site: nobody has to give a
// password here, so that the page would act as the person. A gateway on the loopback
// interface is asked under a name of that, whatever names lead there.
func (g *Gateway) admits(r *http.Request) bool {
	if http.NewCrossOriginProtection().Check(r) != nil {
		return false
	}
	local, err := netip.ParseAddrPort(g.listener.Addr().String())
	if err != nil || !local.Addr().IsLoopback() {
		return true
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}
