package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/camena-io/camena/connectors/dataservice"
	"github.com/camena-io/camena/events"
)

// Where parameters are.
const (
	inPath   = "path"
	inQuery  = "query"
	inHeader = "header"
)

// rawOperation is an operation that was found, and not yet read.
type rawOperation struct {
	name, id, method, path string
	pointer                string
	node                   map[string]any
	item                   map[string]any // that it is in
	itemPointer            string
	broken                 error
}

// operations finds all operations, and names them.
func (t *tree) operations() (all []*rawOperation, err error) {
	paths := object(t.root["paths"])
	for _, path := range sortedKeys(paths) {
		if !strings.HasPrefix(path, "/") {
			continue // an extension
		}
		item, at, err := t.resolve(paths[path], "/paths/"+token(path))
		if err != nil {
			all = append(all, &rawOperation{method: "ANY", path: path, broken: err})
			continue
		}
		for _, method := range []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"} {
			node, ok := item[method]
			if !ok {
				continue
			}
			o := &rawOperation{
				method: strings.ToUpper(method), path: path, pointer: at + "/" + method, item: item, itemPointer: at,
				node: object(node), id: text(object(node)["operationId"]),
			}
			if o.node == nil {
				o.broken = events.Errorf(events.CodeInvalid, o.pointer, "expected an object")
			}
			all = append(all, o)
		}
		if len(all) > MaxOperations {
			return nil, events.Errorf(events.CodeTooLarge, "/paths", "more than %d operations", MaxOperations)
		}
	}
	nameAll(all)
	slices.SortFunc(all, func(a, b *rawOperation) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// operation reads an operation.
func (t *tree) operation(r *rawOperation) (*Operation, error) {
	if r.broken != nil {
		return nil, r.broken
	}
	o := &Operation{Name: r.name, ID: r.id, Method: r.method, Description: text(r.node["summary"])}
	// What follows # tells operations apart that share a path, and is not sent.
	o.Path, _, o.variant = strings.Cut(r.path, "#")
	if o.Description == "" {
		o.Description = firstLine(text(r.node["description"]))
	}
	if o.Server = serverOf(r.node); o.Server == "" {
		o.Server = serverOf(r.item)
	}
	o.Security = security(t.root)
	if _, own := r.node["security"]; own {
		o.Security = security(r.node)
	}
	var err error
	if o.Parameters, err = t.parameters(r); err != nil {
		return nil, err
	}
	if body, ok := r.node["requestBody"]; ok {
		if o.Body, err = t.body(body, r.pointer+"/requestBody"); err != nil {
			return nil, err
		}
	}
	o.Result = t.answer(object(r.node["responses"]), r.pointer+"/responses")
	return o, nil
}

// security returns the alternatives of an object.
func security(of map[string]any) (alternatives [][]string) {
	for _, one := range list(of["security"]) {
		alternatives = append(alternatives, sortedKeys(object(one)))
	}
	return alternatives
}

// parameters reads the parameters of the path item and of the operation, which
// replace those of the same name and place. A template without a parameter is one
// of text.
func (t *tree) parameters(r *rawOperation) (all []Parameter, err error) {
	names := templates(r.path)
	for _, of := range []struct {
		node    map[string]any
		pointer string
	}{{r.item, r.itemPointer}, {r.node, r.pointer}} {
		for i, node := range list(of.node["parameters"]) {
			p, err := t.parameter(node, of.pointer+"/parameters/"+strconv.Itoa(i))
			switch {
			case err != nil:
				return nil, err
			case p.In == inPath && !slices.Contains(names, p.Name), isImplied(p):
				continue
			}
			all = slices.DeleteFunc(all, func(old Parameter) bool { return old.Name == p.Name && old.In == p.In })
			all = append(all, *p)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p Parameter) bool { return p.In == inPath && p.Name == name }) {
			all = append(all, Parameter{
				PropertyDefinition: dataservice.PropertyDefinition{Name: name, Type: dataservice.TypeString, Required: true},
				In:                 inPath,
			})
		}
	}
	return all, nil
}

// isImplied reports whether a parameter is a header that the body, the result or
// the credentials decide.
func isImplied(p *Parameter) bool {
	return p.In == inHeader && slices.Contains([]string{"accept", "content-type", "authorization"}, strings.ToLower(p.Name))
}

func (t *tree) parameter(node any, pointer string) (*Parameter, error) {
	p, pointer, err := t.resolve(node, pointer)
	if err != nil {
		return nil, err
	}
	if p["schema"] != nil {
		if _, _, err := t.resolve(p["schema"], pointer+"/schema"); err != nil {
			return nil, err
		}
	}
	is := &Parameter{PropertyDefinition: t.property(text(p["name"]), p["schema"]), In: text(p["in"])}
	if description := text(p["description"]); description != "" {
		is.Description = description
	}
	is.Required = p["required"] == true || is.In == inPath
	is.NoInput, is.NoOutput = false, true
	style, known := map[string]string{inPath: "simple", inHeader: "simple", inQuery: "form", "cookie": ""}[is.In]
	is.Explode = style == "form" && p["explode"] != false || p["explode"] == true
	switch {
	case !known || is.Name == "":
		return nil, events.Errorf(events.CodeInvalid, pointer, "a parameter needs a name, and is in path, query, header or cookie")
	case style == "" || p["style"] != nil && p["style"] != style || p["content"] != nil:
		return nil, events.Errorf(events.CodeUnsupported, pointer, "parameters in %s of this style, or with content, are not supported", is.In)
	default:
		return is, nil
	}
}

// IsJSON reports whether a media type is JSON.
func IsJSON(mediaType string) bool {
	mediaType, _, _ = strings.Cut(strings.ToLower(mediaType), ";")
	mediaType = strings.TrimSpace(mediaType)
	return mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
}

// MediaForm is the media type of forms.
const MediaForm = "application/x-www-form-urlencoded"

const mediaBytes = "application/octet-stream"

// preferred returns the media type of a body, and the type of its property.
func preferred(content map[string]any) (mediaType string, t dataservice.Type) {
	for _, form := range []struct {
		is func(mediaType string) bool
		t  dataservice.Type
	}{
		{IsJSON, dataservice.TypeJSON},
		{func(mediaType string) bool { return mediaType == "*/*" }, dataservice.TypeJSON},
		{func(mediaType string) bool { return mediaType == MediaForm }, dataservice.TypeJSON},
		{func(mediaType string) bool { return mediaType == mediaBytes }, dataservice.TypeBytes},
	} {
		for _, mediaType := range sortedKeys(content) {
			if form.is(mediaType) {
				return mediaType, form.t
			}
		}
	}
	return "", ""
}

// body reads what the body of a request is: JSON, or else a form, or else bytes.
func (t *tree) body(node any, pointer string) (*Body, error) {
	resolved, pointer, err := t.resolve(node, pointer)
	if err != nil {
		return nil, err
	}
	content := object(resolved["content"])
	mediaType, is := preferred(content)
	if mediaType == "" {
		return nil, events.Errorf(events.CodeUnsupported, pointer+"/content",
			"none of the media types is supported: %s", strings.Join(sortedKeys(content), ", "))
	}
	body := &Body{MediaType: strings.Replace(mediaType, "*/*", "application/json", 1), Required: resolved["required"] == true, Type: is}
	if of, ok := object(content[mediaType])["schema"]; ok && is == dataservice.TypeJSON {
		schema, _, err := t.resolve(of, pointer+"/content/"+token(mediaType)+"/schema")
		if err != nil {
			return nil, err
		}
		body.Fields = t.fields(schema)
	}
	return body, nil
}

// answer reads the JSON of the response that stands for success: the first of the
// codes, which sort before 2XX, or else the default.
func (t *tree) answer(responses map[string]any, pointer string) Result {
	codes := slices.DeleteFunc(sortedKeys(responses), func(code string) bool { return !strings.HasPrefix(code, "2") })
	for _, code := range append(codes, "default") {
		response, at, err := t.resolve(responses[code], pointer+"/"+code)
		if err != nil {
			continue
		}
		content := object(response["content"])
		for _, mediaType := range sortedKeys(content) {
			if of := object(content[mediaType])["schema"]; of != nil && IsJSON(mediaType) {
				return t.result(of, at+"/content/"+token(mediaType)+"/schema")
			}
		}
	}
	return Result{}
}
