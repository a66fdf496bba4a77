package files

import (
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
)

// The types of what this connector catalogues, but for the subtypes of
// DataFile, which [formatOf] names.
const (
	folderType      = "FileFolder"
	fileType        = "DataFile"
	hierarchyType   = "FolderHierarchy"
	nestedFileType  = "NestedFile"
	separatorOfName = "::"
)

// naming knows how the tree is called in the catalogue. Paths in it are
// relative to the root, with slashes; "" is the root.
type naming struct {
	root, host string
}

// path returns where rel is on the disk.
func (n *naming) path(rel string) string {
	if rel == "" {
		return n.root
	}
	return strings.TrimSuffix(n.root, "/") + "/" + rel
}

// relative returns the path of what the operating system calls name.
func (n *naming) relative(name string) (rel string, ok bool) {
	rel, ok = strings.CutPrefix(name, n.root)
	return strings.TrimPrefix(rel, "/"), ok
}

func (n *naming) folderName(rel string) string {
	return folderType + separatorOfName + n.host + separatorOfName + printable(n.path(rel))
}

func (n *naming) fileName(rel string) string {
	return fileType + separatorOfName + n.host + separatorOfName + printable(n.path(rel))
}

// printable makes text of a path: bytes that are not UTF-8 become \xNN. Where
// it changes a path it doubles backslashes too, and so it does with all paths
// that hold one: no two paths come out the same.
func printable(p string) string {
	if utf8.ValidString(p) && !strings.Contains(p, `\`) {
		return p
	}
	var b strings.Builder
	for p != "" {
		r, size := utf8.DecodeRuneInString(p)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02X`, p[0])
		case r == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteString(p[:size])
		}
		p = p[size:]
	}
	return b.String()
}

func (n *naming) folder(rel string) *events.ElementSpec {
	p := printable(n.path(rel))
	return &events.ElementSpec{
		Type: folderType, QualifiedName: n.folderName(rel),
		Properties: events.Props(map[string]any{"displayName": path.Base(p), "pathName": p}),
	}
}

// fileProperties are the properties of a file. They stand in the order of their
// names: so the JSON is canonical as it is written, which takes a third of the
// time of a map.
type fileProperties struct {
	DisplayName   string    `json:"displayName"`
	Encoding      string    `json:"encoding,omitempty"`
	FileExtension string    `json:"fileExtension,omitempty"`
	FileName      string    `json:"fileName"`
	FileType      string    `json:"fileType"`
	ModifiedTime  time.Time `json:"modifiedTime"`
	PathName      string    `json:"pathName"`
	ResourceName  string    `json:"resourceName"`
	Size          int64     `json:"size"`
}

func (n *naming) file(rel string, s stamp) (*events.ElementSpec, error) {
	p := printable(n.path(rel))
	name := path.Base(p)
	f := formatOf(name)
	raw, err := events.Marshal(&fileProperties{
		DisplayName: name, ResourceName: name, FileName: name, PathName: p,
		FileExtension: extensionOf(name), FileType: f.fileType, Encoding: s.encoding.String(),
		Size: s.size, ModifiedTime: time.Unix(0, s.modified).UTC(),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	properties, err := events.ParseProperties(raw)
	return &events.ElementSpec{Type: f.typeName, QualifiedName: n.fileName(rel), Properties: properties}, err
}

// element returns the element of an item.
func (n *naming) element(i *item) (*events.ElementSpec, error) {
	if i.folder {
		return n.folder(i.rel), nil
	}
	return n.file(i.rel, i.stamp)
}

// link returns the relationship from an item's folder to it; nil for the root.
func (n *naming) link(i *item) *events.RelationshipSpec {
	if i.rel == "" {
		return nil
	}
	parent := n.folderName(parentOf(i.rel))
	if i.folder {
		return relation(hierarchyType, parent, n.folderName(i.rel))
	}
	return relation(nestedFileType, parent, n.fileName(i.rel))
}

func relation(typeName, parent, child string) *events.RelationshipSpec {
	return &events.RelationshipSpec{Type: typeName, End1: events.ByName(parent), End2: events.ByName(child)}
}

// again returns what the repository holds of a file or folder as still wanted,
// and the relationship that leads to it.
func (n *naming) again(e *events.Element) [2]connectors.Wanted {
	name := e.Header.QualifiedName
	typeName, prefix := nestedFileType, fileType
	if e.Header.Type.Name == folderType {
		typeName, prefix = hierarchyType, folderType
	}
	above := strings.TrimPrefix(name, prefix)
	above = above[:strings.LastIndexByte(above, '/')]
	if above == separatorOfName+n.host+separatorOfName {
		above += "/" // the root is the root of the disk
	}
	parent := folderType + above
	return [2]connectors.Wanted{
		{Element: &events.ElementSpec{Type: e.Header.Type.Name, QualifiedName: name, Properties: e.Properties}},
		{Relationship: relation(typeName, parent, name)},
	}
}

// parentOf returns the folder that rel is in.
func parentOf(rel string) string {
	i := strings.LastIndexByte(rel, '/')
	return rel[:max(i, 0)]
}
