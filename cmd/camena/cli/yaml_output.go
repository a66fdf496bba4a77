package cli

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// writeYAML writes JSON as YAML.
func writeYAML(w io.Writer, data jsontext.Value) error {
	node, err := yamlOf(jsontext.NewDecoder(bytes.NewReader(data)))
	if err != nil {
		return err
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return err
	}
	return enc.Close()
}

// yamlOf reads the next JSON value as YAML. Numbers stay as they are written.
func yamlOf(dec *jsontext.Decoder) (*yaml.Node, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: token.String()}
	switch kind := token.Kind(); kind { //nolint:exhaustive // numbers need no tag, and nothing else comes
	case '{', '[':
		return yamlCollection(dec, kind)
	case '"':
		n.Tag = "!!str"
	case 'n':
		n.Tag = "!!null"
	case 't', 'f':
		n.Tag = "!!bool"
	}
	return n, nil
}

func yamlCollection(dec *jsontext.Decoder, kind jsontext.Kind) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if kind == '{' {
		n.Kind = yaml.MappingNode
	}
	for next := dec.PeekKind(); next != '}' && next != ']'; next = dec.PeekKind() {
		item, err := yamlOf(dec)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, item)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err := dec.ReadToken()
	return n, err
}
