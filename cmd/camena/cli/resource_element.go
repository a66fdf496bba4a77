package cli

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
)

// groupResource is an integration group.
type groupResource struct{ registration.Group }

func (d *document) group(n *yaml.Node) (string, resource, error) {
	g := &groupResource{}
	err := d.mapping(n, fields{"kind": skip, "name": d.text(&g.Name), "description": d.text(&g.Description)})
	if err == nil {
		err = d.require(n, kindGroup, "name")
	}
	return g.Name, g, err
}

func (g *groupResource) commands() []events.Command { return g.Commands() }

func (g *groupResource) removal() []events.Command { return g.Removal() }

func (*groupResource) main() int { return 0 }

func (*groupResource) obsolete() []leftover { return nil }

// elementResource is any element.
type elementResource struct{ spec events.ElementSpec }

func (d *document) element(n *yaml.Node) (string, resource, error) {
	e := &elementResource{}
	err := d.mapping(n, fields{
		"kind": skip, "type": d.text(&e.spec.Type), "qualifiedName": d.text(&e.spec.QualifiedName),
		"properties": d.properties(&e.spec.Properties),
	})
	if err == nil {
		err = d.require(n, kindElement, "type", "qualifiedName")
	}
	return e.spec.QualifiedName, e, err
}

func (e *elementResource) commands() []events.Command {
	return []events.Command{&events.Upsert{Element: e.spec}}
}

func (e *elementResource) removal() []events.Command {
	return []events.Command{&events.Delete{Element: e.spec.Ref()}}
}

func (*elementResource) main() int { return 0 }

func (*elementResource) obsolete() []leftover { return nil }

// relationshipResource is any relationship; its ends are given by name.
type relationshipResource struct{ spec events.RelationshipSpec }

func (d *document) relationship(n *yaml.Node) (string, resource, error) {
	r := &relationshipResource{}
	err := d.mapping(n, fields{
		"kind": skip, "type": d.text(&r.spec.Type), "end1": d.text(&r.spec.End1.QualifiedName),
		"end2": d.text(&r.spec.End2.QualifiedName), "properties": d.properties(&r.spec.Properties),
	})
	if err == nil {
		err = d.require(n, kindRelationship, "type", "end1", "end2")
	}
	return fmt.Sprintf("%s %s → %s", r.spec.Type, r.spec.End1.QualifiedName, r.spec.End2.QualifiedName), r, err
}

func (r *relationshipResource) commands() []events.Command {
	return []events.Command{&events.Link{Relationship: r.spec}}
}

func (r *relationshipResource) removal() []events.Command {
	return []events.Command{&events.Unlink{Type: r.spec.Type, End1: r.spec.End1, End2: r.spec.End2}}
}

func (*relationshipResource) main() int { return 0 }

func (*relationshipResource) obsolete() []leftover { return nil }
