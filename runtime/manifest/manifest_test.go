package manifest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/builtin"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/manifest"
)

// read reads one resource from the text of a file.
func read(t *testing.T, text string) (manifest.Resource, []string, error) {
	t.Helper()
	offered, err := connectors.NewSet(builtin.Factories()...)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "r.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &manifest.Reader{Connectors: offered}
	list, err := r.Resources(file)
	if len(list) == 0 {
		return manifest.Resource{}, r.Warnings, err
	}
	return list[0], r.Warnings, err
}

// steps shows commands as JSON, one a line, as a change set carries them.
func steps(t *testing.T, commands []events.Command) string {
	t.Helper()
	set, err := events.NewChangeSet(commands...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range set.Commands {
		lines = append(lines, strings.TrimPrefix(s.Type, "io.camena.")+" "+string(s.Data))
	}
	return strings.Join(lines, "\n")
}

// FuzzResources reads any text as a resource file: it is refused with file and
// line, or becomes commands that can be sent.
func FuzzResources(f *testing.F) {
	offered, err := connectors.NewSet(builtin.Factories()...)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		"", "---", "# only a comment", "kind: IntegrationGroup\nname: a\n---\nkind: IntegrationGroup\nname: a", "kind: [", "- a", "kind: *a", "\x00",
		"kind: IntegrationConnector\nname: c\nconnector: files\nconfiguration: {path: !path ./x, include: ['**']}\nrefresh: 10m\nstartDate: 2026-05-01",
		"kind: Element\ntype: DataFile\nqualifiedName: q\nproperties: {a: 1, b: [true, null, 1.5, .inf, 2026-05-01], c: !!binary aGk=}",
		"kind: Element\ntype: T\nqualifiedName: q\nproperties: &p {a: *p}", "kind: Element\ntype: T\nqualifiedName: q\nproperties: {<<: {a: 1}}",
		"kind: Element\ntype: T\nqualifiedName: q\nzones: [a, b]\nclassifications: [{name: C, properties: {}}]",
		"kind: Relationship\ntype: T\nend1: a\nend2: b\nproperties: {? [a] : 1}", "a: &a b\nkind: *a",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := (&manifest.Reader{Stdin: strings.NewReader(text), Connectors: offered}).Resources("-")
		if err != nil {
			if !strings.Contains(err.Error(), "standard input:") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, w := range list {
			for _, commands := range [][]events.Command{w.Commands(), w.Removal()} {
				if _, err := events.NewChangeSet(commands...); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
			}
		}
	})
}

func TestConnectorBecomesMetadata(t *testing.T) {
	t.Parallel()
	w, warnings, err := read(t, `
kind: IntegrationConnector
name: docs
group: main
connector: other
configuration: {b: [1, x], a: {c: true}}
refresh: 0 */5 * * * *
timeZone: Europe/Zurich
usesBlockingCalls: true
permittedSynchronization: FROM_THIRD_PARTY
user: robot
startDate: 2026-05-01
stopDate: 2026-06-01T08:00:00+02:00
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], `r.yaml:5: `) || !strings.Contains(warnings[0], `no connector "other"`) {
		t.Errorf("warnings: %q", warnings)
	}
	want := `element.upsert.v1 {"element":{"type":"IntegrationGroup","qualifiedName":"IntegrationGroup::main","properties":{"displayName":"main"}},"merge":true}
element.upsert.v1 {"element":{"type":"IntegrationConnector","qualifiedName":"IntegrationConnector::docs","properties":{"displayName":"docs","usesBlockingCalls":true}}}
element.upsert.v1 {"element":{"type":"Connection","qualifiedName":"Connection::docs","properties":{"configurationProperties":{"a":{"c":true},"b":[1,"x"]},"displayName":"docs"}}}
element.upsert.v1 {"element":{"type":"ConnectorType","qualifiedName":"ConnectorType::other","properties":{"connectorProviderClassName":"other","displayName":"other"}},"merge":true}
relationship.link.v1 {"relationship":{"type":"AssetConnection","end1":{"qualifiedName":"IntegrationConnector::docs"},"end2":{"qualifiedName":"Connection::docs"}}}
relationship.link.v1 {"relationship":{"type":"ConnectionConnectorType","end1":{"qualifiedName":"Connection::docs"},"end2":{"qualifiedName":"ConnectorType::other"}}}
relationship.link.v1 {"relationship":{"type":"RegisteredIntegrationConnector","end1":{"qualifiedName":"IntegrationGroup::main"},"end2":{"qualifiedName":"IntegrationConnector::docs"},"properties":{"connectorName":"docs","connectorUserId":"robot","metadataSourceQualifiedName":"IntegrationConnector::docs","permittedSynchronization":"FROM_THIRD_PARTY","refreshSchedule":"0 */5 * * * *","startDate":"2026-05-01T00:00:00Z","stopDate":"2026-06-01T06:00:00Z","timeZone":"Europe/Zurich"}}}`
	if diff := cmp.Diff(want, steps(t, w.Commands())); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if main, ok := w.Commands()[w.Main()].(*events.Upsert); !ok || main.Element.Type != manifest.KindConnector {
		t.Errorf("the main command is %v", main)
	}
}

func TestMetadataSourceOfConnector(t *testing.T) {
	t.Parallel()
	const text = "kind: IntegrationConnector\nname: docs\nconnector: other\n"
	for line, want := range map[string]string{
		"":                        "IntegrationConnector::docs",
		"metadataSource: Files":   "Files",
		`metadataSource: ""`:      "",
		"metadataSource: 'Topic'": "Topic",
	} {
		w, _, err := read(t, text+line)
		if err != nil {
			t.Fatal(err)
		}
		got := steps(t, w.Commands())
		named := strings.Contains(got, `"metadataSourceQualifiedName":"`+want+`"`)
		if named != (want != "") || !strings.Contains(got, `"IntegrationGroup::default"`) {
			t.Errorf("%s: %s, want the source %q", line, got, want)
		}
	}
}

func TestResourceErrorsNameTheLine(t *testing.T) {
	t.Parallel()
	const connector = "kind: IntegrationConnector\nname: a\nconnector: other\n"
	for text, want := range map[string]string{ // the line, and the field or a key phrase
		"name: a":                                                 `1: there is no kind`,
		"- a":                                                     `1: there is no kind`,
		"# x\n\nkind: Group\n":                                    `3: kind: unknown kind "Group"`,
		"kind: IntegrationGroup\nname: [a]":                       `2: name: expected a string`,
		"kind: IntegrationGroup\nname:":                           `2: name: expected a value`,
		"kind: IntegrationGroup\nname: ''":                        `1: the IntegrationGroup needs "name"`,
		"kind: IntegrationGroup\nname: a\nname: b":                `3: "name" is given twice`,
		"kind: IntegrationGroup\nnames: a":                        `2: names: unknown field; did you mean name?`,
		"kind: IntegrationGroup\nname: *a":                        `2: the alias *a`,
		"kind: IntegrationGroup\n<<: *a":                          `2: expected fields`,
		"kind: IntegrationGroup\n\tname: a":                       `2: not YAML`,
		"kind: IntegrationGroup\nname: \"a":                       `2: not YAML`,
		connector + "startDate: May":                              `4: startDate: expected a time`,
		connector + "stopDate: 2026-01-01\nstartDate: 2026-01-01": `1: stopDate is not after startDate`,
		connector + `refresh: ", * * * * *"`:                      `4: refresh: ", * * * * *": field seconds`,
		connector + "refresh: 10ms":                               `4: refresh: `,
		connector + "timeZone: Mars/Olympus":                      `4: timeZone: "Mars/Olympus"`,
		connector + "permittedSynchronization: BOTH":              `4: permittedSynchronization: expected one of`,
		connector + "usesBlockingCalls: yes":                      `4: usesBlockingCalls: expected true or false`,
		connector + "configuration: x":                            `4: configuration: expected an object`,
		connector + "configuration:\n  a: !secret x":              `5: unknown tag !secret`,
		connector + "configuration:\n  a: .nan":                   `5: there is no number .nan`,
		connector + "configuration:\n  a: [1,\n 0123]":            `6: a number does not begin with 0`,
		connector + "configuration:\n  a: 1\n  b: {c: 2, c: 3}":   `6: "c" is given twice`,
		connector + "configuration:\n  1: a":                      `5: the name of a field`,

		"kind: IntegrationConnector\nname: a\nconnector: files\nconfiguration:\n  path: relative": `5: a: configuration/path: `,
		"kind: IntegrationConnector\nname: a\nconnector: files":                                   `3: a: configuration/path: missing`,
		"kind: Relationship\ntype: DataFlow\nend1: a":                                             `1: the Relationship needs "end2"`,

		"kind: Types\ntypes: []": `2: types: expected a list`,
		"kind: Types\ntypes:\n- kind: element\n  name: A\n  attributes: [{name: x,\n  type: hint}]": `6: A: attributes/0/type: `,
	} {
		_, _, err := read(t, text)
		e, ok := errors.AsType[*manifest.Error](err)
		if !ok || filepath.Base(e.File) != "r.yaml" || !strings.Contains(err.Error(), "r.yaml:"+want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestAllMistakesAreNamed reads a file with mistakes in several fields, types
// and documents.
func TestAllMistakesAreNamed(t *testing.T) {
	t.Parallel()
	_, _, err := read(t, `kind: IntegrationConnector
nam: a
refresh: 10ms
user: [x]
---
kind: Elemen
---
kind: Types
types:
- kind: element
  nam: A
  superTyp: B
- kind: elephant
  name: C
`)
	for _, want := range []string{":2: nam:", ":3: refresh:", ":4: user:", ":6: kind:", ":11: nam: unknown field", ":12: superTyp: unknown field; did you mean superType?", ":13: C: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// TestMistakesWithoutJSONAreNamed reads a file with values that have no JSON, beside
// other mistakes.
func TestMistakesWithoutJSONAreNamed(t *testing.T) {
	t.Parallel()
	_, _, err := read(t, `kind: IntegrationConnector
name: *x
connector: files
connector: files
configuration:
  a: .nan
  b: [!foo x, 0123]
  <<: 5
refresh: 10ms
`)
	for _, want := range []string{":2: the alias *x", `:4: "connector" is given twice`, ":6: ", ":7: unknown tag", ":7: a number", ":8: expected fields", ":9: refresh: "} {
		if err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("%v\nwant %s once", err, want)
		}
	}
}

// TestDocumentsAreBounded reads aliases of aliases, and values that nest deep.
func TestDocumentsAreBounded(t *testing.T) {
	t.Parallel()
	const head = "kind: Element\ntype: T\nqualifiedName: q\nproperties:\n"
	var aliases strings.Builder
	aliases.WriteString(head + "  a0: &a0 [a, b, c, d, e, f, g, h]\n")
	for i := range 9 {
		fmt.Fprintf(&aliases, "  a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	for text, want := range map[string]string{
		aliases.String(): "makes the document too large",
		head + "  a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000): "nested too deep",
	} {
		if _, _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %.300v", want, err)
		}
	}
}

// TestScalars reads values as they are written.
func TestScalars(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"12345678901234567890123": "12345678901234567890123", "0.1234567890123456789": "0.1234567890123456789", "1e400": "1e400",
		"3.10": "3.10", "-0": "-0", "+5": "5", ".5": "0.5", "5.": "5", "1_000": "1000", "0x1F": "31", "-0o17": "-15", "0b11": "3",
		"2026-05-01": `"2026-05-01"`, "yes": `"yes"`, "on": `"on"`, "No": `"No"`, "1:30": `"1:30"`, "True": "true", "~": "null", "": "null",
		"'7'": `"7"`, "!!str 007": `"007"`, "!!int '7'": "7", "!!binary aGk=": `"hi"`, "a b": `"a b"`, "1.2.3": `"1.2.3"`, ".": `"."`,
		"|-\n   a\n    b": `"a\n b"`, `"\u00e9\t"`: `"é\t"`, "[1, {b: x}]": `[1,{"b":"x"}]`, "{<<: {x: 1, y: 2}, y: 3}": `{"x":1,"y":3}`,
		"[&a {x: 1}, *a, {<<: [*a, {z: 2}]}]": `[{"x":1},{"x":1},{"x":1,"z":2}]`,
	} {
		w, _, err := read(t, "kind: Element\ntype: T\nqualifiedName: q\nproperties:\n  v: "+text+"\n")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := steps(t, w.Commands()); !strings.Contains(got, `"properties":{"v":`+want+"}") {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	w, _, err := read(t, "kind: IntegrationGroup\nname: 007\ndescription: 0x1F\n")
	if err != nil || w.Name != "007" || !strings.Contains(steps(t, w.Commands()), `"description":"0x1F"`) {
		t.Errorf("plain values in fields of text: %q, %v", w.Name, err)
	}
}

func TestPathsAreSeenFromTheFile(t *testing.T) {
	t.Parallel()
	w, _, err := read(t, "kind: Element\ntype: T\nqualifiedName: q\nproperties: {a: !path x/../y, b: [!path /abs]}")
	if err != nil {
		t.Fatal(err)
	}
	got := steps(t, w.Commands())
	if dir := filepath.Dir(w.File()); !strings.Contains(got, `{"a":"`+dir+`/y","b":["/abs"]}`) {
		t.Errorf("got %s", got)
	}
}
