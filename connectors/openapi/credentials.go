package openapi

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/camena-io/camena/connectors/openapi/spec"
	"github.com/camena-io/camena/events"
)

// authorize adds credentials to a request. Without any that are configured, the API
// decides.
func (c *Connector) authorize(request *http.Request, o *spec.Operation) error {
	if len(o.Security) == 0 || len(c.config.Credentials) == 0 {
		return nil
	}
	schemes, err := c.choose(o)
	for _, name := range schemes {
		if err == nil {
			err = c.authorizeBy(request, name)
		}
	}
	return err
}

// choose returns the schemes of the first alternative that is configured whole; one
// without schemes comes last.
func (c *Connector) choose(o *spec.Operation) (schemes []string, err error) {
	anonymous := false
	texts := make([]string, len(o.Security))
	for i, alternative := range o.Security {
		missing := func(name string) bool { return c.config.Credentials[name].IsZero() }
		switch {
		case len(alternative) == 0:
			anonymous = true
		case !slices.ContainsFunc(alternative, missing):
			return alternative, nil
		}
		texts[i] = strings.Join(alternative, " and ")
	}
	if anonymous {
		return nil, nil
	}
	return nil, events.Errorf(events.CodeConnection, "/credentials",
		"%s needs the credentials of %s, which are not configured", o.Name, strings.Join(texts, ", or of "))
}

func (c *Connector) authorizeBy(request *http.Request, name string) error {
	pointer := "/credentials/" + name
	secret, err := c.config.Credentials[name].Reveal()
	switch {
	case err != nil:
		return events.Errorf(events.CodeConnection, pointer, "%s", err)
	case secret == "" || strings.ContainsAny(secret, "\r\n\x00"):
		return events.Errorf(events.CodeConnection, pointer, "the secret is empty, or has several lines")
	}
	switch s := c.document.Schemes[name]; {
	case s.Type == "apiKey" && s.In == "header":
		request.Header.Set(s.Name, secret)
	case s.Type == "apiKey" && s.In == "query":
		request.URL.RawQuery = strings.TrimPrefix(request.URL.RawQuery+"&"+escape(s.Name)+"="+escape(secret), "&")
	case s.Type == "apiKey" && s.In == "cookie":
		request.Header.Add("Cookie", s.Name+"="+escape(secret))
	case s.Type == "http" && s.Scheme == "basic":
		request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(secret)))
	case s.Type == "http" && s.Scheme == "bearer", s.Type == "oauth2", s.Type == "openIdConnect":
		request.Header.Set("Authorization", "Bearer "+secret)
	default:
		return events.Errorf(events.CodeUnsupported, pointer, "the security scheme is not supported: %s %s", s.Type, s.Scheme)
	}
	return nil
}

// redact takes the credentials out of a text, such as an answer that repeats them.
func (c *Connector) redact(text string) string {
	for _, credential := range c.config.Credentials {
		secret, err := credential.Reveal()
		if err != nil {
			continue
		}
		_, password, _ := strings.Cut(secret, ":")
		for _, form := range []string{base64.StdEncoding.EncodeToString([]byte(secret)), secret, escape(secret), url.QueryEscape(secret), password} {
			if form != "" {
				text = strings.ReplaceAll(text, form, "[redacted]")
			}
		}
	}
	return text
}
