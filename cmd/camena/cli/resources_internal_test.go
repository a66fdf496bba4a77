package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/connectors/builtin"
	"github.com/camena-io/camena/events"
)

// read reads one resource from the text of a file.
func read(t *testing.T, text string) (wantedResource, []string, error) {
	t.Helper()
	offered, err := connectors.NewSet(builtin.Factories()...)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "r.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &reader{offered: offered}
	list, err := r.readFiles([]string{file})
	if len(list) == 0 {
		return wantedResource{}, r.warnings, err
	}
	return list[0], r.warnings, err
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
		list, err := (&reader{stdin: strings.NewReader(text), offered: offered}).readFiles([]string{"-"})
		if err != nil {
			if !strings.Contains(err.Error(), "standard input:") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for _, w := range list {
			for _, commands := range [][]events.Command{w.commands(), w.removal()} {
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
	if len(warnings) != 1 || !strings.HasSuffix(warnings[0], `r.yaml:5: this binary has no connector "other"; docs waits for a node that has`) {
		t.Errorf("warnings: %q", warnings)
	}
	want := `element.upsert.v1 {"element":{"type":"IntegrationGroup","qualifiedName":"IntegrationGroup::main","properties":{"displayName":"main"}},"merge":true}
element.upsert.v1 {"element":{"type":"IntegrationConnector","qualifiedName":"IntegrationConnector::docs","properties":{"displayName":"docs","usesBlockingCalls":true}}}
element.upsert.v1 {"element":{"type":"Connection","qualifiedName":"Connection::docs","properties":{"configurationProperties":{"a":{"c":true},"b":[1,"x"]},"displayName":"docs"}}}
element.upsert.v1 {"element":{"type":"ConnectorType","qualifiedName":"ConnectorType::other","properties":{"connectorProviderClassName":"other","displayName":"other"}},"merge":true}
relationship.link.v1 {"relationship":{"type":"AssetConnection","end1":{"qualifiedName":"IntegrationConnector::docs"},"end2":{"qualifiedName":"Connection::docs"}}}
relationship.link.v1 {"relationship":{"type":"ConnectionConnectorType","end1":{"qualifiedName":"Connection::docs"},"end2":{"qualifiedName":"ConnectorType::other"}}}
relationship.link.v1 {"relationship":{"type":"RegisteredIntegrationConnector","end1":{"qualifiedName":"IntegrationGroup::main"},"end2":{"qualifiedName":"IntegrationConnector::docs"},"properties":{"connectorName":"docs","connectorUserId":"robot","metadataSourceQualifiedName":"IntegrationConnector::docs","permittedSynchronization":"FROM_THIRD_PARTY","refreshSchedule":"0 */5 * * * *","startDate":"2026-05-01T00:00:00Z","stopDate":"2026-06-01T06:00:00Z","timeZone":"Europe/Zurich"}}}`
	if diff := cmp.Diff(want, steps(t, w.commands())); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if main, ok := w.commands()[w.main()].(*events.Upsert); !ok || main.Element.Type != kindConnector {
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
		c, ok := w.resource.(*connectorResource)
		if !ok || c.MetadataSource != want || c.Group != defaultGroup {
			t.Errorf("%s: %+v, want the source %q", line, w.resource, want)
		}
	}
}

func TestResourceErrorsNameTheLine(t *testing.T) {
	t.Parallel()
	const connector = "kind: IntegrationConnector\nname: a\nconnector: other\n"
	for text, want := range map[string]string{
		"name: a":                                  `r.yaml:1: there is no kind; give one of Types, IntegrationGroup`,
		"- a":                                      `r.yaml:1: there is no kind`,
		"# x\n\nkind: Group\n":                     `r.yaml:3: unknown kind "Group"`,
		"kind: IntegrationGroup\nname: [a]":        `r.yaml:2: expected a text, found a list`,
		"kind: IntegrationGroup\nname:":            `r.yaml:2: expected a text, found nothing`,
		"kind: IntegrationGroup\nname: ''":         `r.yaml:1: the IntegrationGroup needs "name"`,
		"kind: IntegrationGroup\nname: a\nname: b": `r.yaml:3: "name" is given twice`,
		connector + "startDate: May":               `r.yaml:4: expected a time such as`,
		connector + "stopDate: 2026-01-01\nstartDate: 2026-01-01":                                 `r.yaml:1: stopDate is not after startDate`,
		connector + `refresh: ", * * * * *"`:                                                      `r.yaml:4: ", * * * * *": field seconds`,
		connector + "refresh: 10ms":                                                               `r.yaml:4: `,
		connector + "timeZone: Mars/Olympus":                                                      `r.yaml:4: "Mars/Olympus" is not a time zone`,
		connector + "permittedSynchronization: BOTH":                                              `r.yaml:4: expected one of BOTH_DIRECTIONS, TO_THIRD_PARTY, FROM_THIRD_PARTY, found "BOTH"`,
		connector + "configuration: x":                                                            `r.yaml:4: expected fields such as "name: value", found a text`,
		connector + "configuration:\n  a: !secret x":                                              `r.yaml:5: unknown tag !secret; only !path is known`,
		connector + "configuration:\n  a: .nan":                                                   `r.yaml:5: properties: `,
		"kind: IntegrationConnector\nname: a\nconnector: files\nconfiguration:\n  path: relative": `r.yaml:5: a: configuration/path: "relative" is not an absolute path`,
		"kind: IntegrationConnector\nname: a\nconnector: files":                                   `r.yaml:3: a: configuration/path: missing`,
		"kind: Relationship\ntype: DataFlow\nend1: a":                                             `r.yaml:1: the Relationship needs "end2"`,
	} {
		if _, _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestPathsAreSeenFromTheFile(t *testing.T) {
	t.Parallel()
	w, _, err := read(t, "kind: Element\ntype: T\nqualifiedName: q\nproperties: {a: !path x/../y, b: [!path /abs]}")
	if err != nil {
		t.Fatal(err)
	}
	got := steps(t, w.commands())
	if dir := filepath.Dir(strings.Split(w.where, ":")[0]); !strings.Contains(got, `{"a":"`+dir+`/y","b":["/abs"]}`) {
		t.Errorf("got %s", got)
	}
}
