package openapi

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/connectors/openapi/spec"
	"github.com/camena-io/camena/events"
)

// bodyProperty names the property of the input of an action that is the body.
const bodyProperty = "body"

// property names the one that a parameter is.
func property(p *spec.Parameter) string { return p.In + "." + p.Name }

func invalid(name, format string, args ...any) error {
	return events.Errorf(events.CodeInvalid, "/properties/"+name, format, args...)
}

// writer gathers the parts of a request.
type writer struct {
	path   string
	query  []string
	header http.Header
}

// newRequest makes the request of an operation. The values are those of the
// properties of its action; null is as good as absent.
func (c *Connector) newRequest(ctx context.Context, o *spec.Operation, values dataservice.Values) (*http.Request, error) {
	server, err := c.address(o)
	if err != nil {
		return nil, err
	}
	w := &writer{path: o.Path, header: http.Header{"Accept": {"application/json, */*;q=0.1"}, "User-Agent": {"camena"}}}
	texts := plain(values)
	for i := range o.Parameters {
		p := &o.Parameters[i]
		switch {
		case values[property(p)] != nil:
			err = w.add(p, texts[property(p)])
		case p.Required:
			err = invalid(property(p), "missing")
		}
		if err != nil {
			return nil, err
		}
	}
	var body []byte
	switch value := values[bodyProperty]; {
	case value != nil && o.Body != nil:
		w.header.Set("Content-Type", o.Body.MediaType)
		if body, err = bodyOf(o.Body, value, texts[bodyProperty]); err != nil {
			return nil, err
		}
	case o.Body != nil && o.Body.Required:
		return nil, invalid(bodyProperty, "missing")
	}
	request, err := http.NewRequestWithContext(ctx, o.Method, w.target(server.String()), bytes.NewReader(body))
	if err != nil {
		return nil, events.Errorf(events.CodeInvalid, "", "the path %s makes no URL", o.Path)
	}
	request.Header = w.header
	return request, c.authorize(request, o)
}

func (w *writer) target(server string) string {
	target := strings.TrimSuffix(server, "/") + w.path
	switch {
	case len(w.query) == 0:
		return target
	case strings.Contains(target, "?"):
		return target + "&" + strings.Join(w.query, "&")
	default:
		return target + "?" + strings.Join(w.query, "&")
	}
}

// add adds a parameter to the place where it goes.
func (w *writer) add(p *spec.Parameter, raw jsontext.Value) error {
	encode := escape
	if p.In == "header" {
		encode = func(text string) string { return text }
	}
	parts, named, err := serialize(raw, p.Explode, encode)
	if err != nil {
		return invalid(property(p), "%s", err)
	}
	text := strings.Join(parts, ",")
	switch {
	case p.In == "path" && (text == "" || text == "." || text == ".."):
		return invalid(property(p), "%q cannot be a segment of a path", text)
	case p.In == "path":
		w.path = strings.ReplaceAll(w.path, "{"+p.Name+"}", text)
	case p.In == "header" && strings.ContainsAny(text, "\r\n\x00"):
		return invalid(property(p), "a header is one line")
	case p.In == "header":
		w.header.Set(p.Name, text)
	default:
		w.query = append(w.query, pairs(p.Name, parts, named, p.Explode)...)
	}
	return nil
}

// pairs returns the parts of a value in the style form, as name=value.
func pairs(name string, parts []string, named, explode bool) (all []string) {
	switch {
	case named:
		return parts
	case !explode:
		return []string{escape(name) + "=" + strings.Join(parts, ",")}
	}
	for _, part := range parts {
		all = append(all, escape(name)+"="+part)
	}
	return all
}

// bodyOf returns the body of a request: bytes, JSON, or the members of a JSON object
// as a form.
func bodyOf(b *spec.Body, value any, raw jsontext.Value) ([]byte, error) {
	if bytes, ok := value.([]byte); ok {
		return bytes, nil
	}
	if b.MediaType != spec.MediaForm {
		return raw, nil
	}
	members, err := events.Unmarshal[map[string]jsontext.Value](raw)
	if err != nil {
		return nil, invalid(bodyProperty, "expected an object: the fields of a form")
	}
	var all []string
	for _, name := range sortedKeys(members) {
		parts, named, err := serialize(members[name], true, escape)
		if err != nil {
			return nil, invalid(bodyProperty, "%s", err)
		}
		all = append(all, pairs(name, parts, named, true)...)
	}
	return []byte(strings.Join(all, "&")), nil
}
