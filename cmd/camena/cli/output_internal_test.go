package cli

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/connectors"
	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/embedded"
	"github.com/camena-io/camena/runtime/runtimetest"
)

func TestTableIsAlignedAndHarmless(t *testing.T) {
	t.Parallel()
	tab := newTable("NAME", "STATE", "PROBLEM")
	tab.add("a", "RUNNING", "")
	tab.add("a\x1b[31mlong\nname", "-", `Größe "x"`)
	var b strings.Builder
	if err := tab.print(&b, "none"); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`NAME                 STATE    PROBLEM`,
		`a                    RUNNING`,
		`a\x1b[31mlong\nname  -        Größe "x"`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	b.Reset()
	if err := newTable("NAME").print(&b, "none"); err != nil || b.String() != "none\n" {
		t.Errorf("the empty table: %q, %v", b.String(), err)
	}
}

func TestChangeLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.Local)
	state := func(version int64, values map[string]any) *events.Element {
		return &events.Element{
			Header: events.ElementHeader{
				Type: events.ElementType{Name: "DataFile"}, QualifiedName: "f",
				Versions: events.Versions{Version: version, CreatedBy: "ann"},
			},
			Properties: events.Props(values),
		}
	}
	relationship := &events.Relationship{
		Header: events.ElementHeader{Type: events.ElementType{Name: "NestedFile"}, Versions: events.Versions{Version: 1, CreatedBy: "ann", UpdatedBy: "bob"}},
		End1:   events.ElementStub{QualifiedName: "a"}, End2: events.ElementStub{GUID: "b"},
	}
	moved := state(3, nil)
	moved.Header.Type.Name, moved.Header.Origin.Source = "CSVFile", "db"
	moved.Header.Zones, moved.Header.AnchorGUID, moved.Header.To = []string{"z"}, "a", at
	pump := &events.TypeDef{Kind: events.KindElement, Name: "Pump"}
	for _, c := range []struct {
		change connectors.Change
		want   string
	}{
		{
			connectors.Change{Type: events.TypeElementRetyped, Element: &events.ElementChange{Element: moved, Previous: state(2, nil)}},
			"12:00:00.000  retyped      CSVFile               f  v3  by ann  (was DataFile, source - → db, zones, anchor, effectivity)",
		}, {
			connectors.Change{Type: events.TypeElementRestored, Element: &events.ElementChange{Element: state(3, nil)}},
			"12:00:00.000  restored     DataFile              f  v3  by ann",
		}, {
			connectors.Change{Type: events.TypeElementDeleted, Actor: "eve", Element: &events.ElementChange{Previous: state(2, nil), Purged: true}},
			"12:00:00.000  deleted      DataFile              f  v2  by eve  (purged)",
		}, {
			connectors.Change{Type: events.TypeRelationshipRehomed, Relationship: &events.RelationshipChange{Relationship: relationship}},
			"12:00:00.000  rehomed      NestedFile            a → b  v1  by bob",
		}, {
			connectors.Change{Type: events.TypeTypeDefined, OpenType: &events.TypeChange{Type: pump}},
			"12:00:00.000  defined      element               Pump  (new)",
		}, {
			connectors.Change{Type: events.TypeTypeDefined, Actor: "ann", OpenType: &events.TypeChange{Type: pump, Previous: pump}},
			"12:00:00.000  defined      element               Pump  by ann  (changed)",
		}, {
			connectors.Change{Type: events.TypeElementUpdated, Element: &events.ElementChange{
				Element: state(2, map[string]any{"a": 1, "b": 2}), Previous: state(1, map[string]any{"a": 1, "b": 1, "c": 1}),
			}},
			"12:00:00.000  updated      DataFile              f  v2  by ann  (b, c)",
		}, {
			connectors.Change{Type: events.TypeElementDeleted, Actor: "eve", Element: &events.ElementChange{Previous: state(2, nil)}},
			"12:00:00.000  deleted      DataFile              f  v2  by eve",
		}, {
			connectors.Change{Type: events.TypeElementClassified, Element: &events.ElementChange{
				Element: state(3, nil), Previous: state(2, nil), Classification: "Confidentiality",
			}},
			"12:00:00.000  classified   DataFile              f  v3  by ann  (Confidentiality)",
		}, {
			connectors.Change{Type: events.TypeRelationshipCreated, Relationship: &events.RelationshipChange{Relationship: relationship}},
			"12:00:00.000  created      NestedFile            a → b  v1  by bob",
		},
	} {
		c.change.Time = at
		if got := line(&c.change); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// Every command explains itself with an example.
func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s: help without description or example", c.CommandPath())
		}
		for _, below := range c.Commands() {
			check(below)
		}
	}
	check(wholeProgram().rootCommand())
}

func TestEverySettingIsDescribed(t *testing.T) {
	t.Parallel()
	known, help, err := settings()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known {
		if !strings.Contains(help, "  "+name+"  ") {
			t.Errorf("the help does not describe %s:\n%s", name, help)
		}
	}
	for _, name := range []string{"CAMENA_NATS_URL", "CAMENA_NATS_NKEY", "CAMENA_NATS_CA", "CAMENA_SYNC_ALWAYS", "CAMENA_DATA"} {
		if !strings.Contains(help, name) {
			t.Errorf("there is no setting %s", name)
		}
	}
}

func TestWhereTheInstallationIs(t *testing.T) {
	t.Parallel()
	p := &program{config: config{Data: t.TempDir()}}
	if url, _ := p.url(); url != "nats://127.0.0.1:4222" {
		t.Errorf("without anything: %s", url)
	}
	server, err := embedded.New(embedded.Settings{Dir: p.config.Data, Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, server.Serve)
	if url, known := p.url(); url != server.URL() || known != "the node on "+p.config.Data {
		t.Errorf("with a server on the data folder: %s, %s", url, known)
	}
	p.config.NatsURL = "nats://other"
	if url, _ := p.url(); url != "nats://other" {
		t.Errorf("with a URL: %s", url)
	}
}

func TestLongCellsAreCutToFit(t *testing.T) {
	t.Parallel()
	long, wide := strings.Repeat("é", 100), strings.Repeat("漢", 50)
	for width, want := range map[int][][]string{
		300: {{"A", "B", "C"}, {long, wide, "short"}},
		100: {{"A", "B", "C"}, {strings.Repeat("é", 44) + "…", strings.Repeat("漢", 22) + "…", "short"}},
		20:  {{"A", "B", "C"}, {strings.Repeat("é", 7) + "…", "漢漢漢…", "short"}},
	} {
		got := [][]string{{"A", "B", "C"}, {long, wide, "short"}}
		cut(got, width)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
	}
	if terminalWidth(&strings.Builder{}) != 0 {
		t.Error("a builder is no terminal")
	}
}

func TestWideCharactersAreAligned(t *testing.T) {
	t.Parallel()
	tab := newTable("NAME", "STATE")
	tab.add("漢字", "a")
	tab.add("abcde", "b")
	var b strings.Builder
	if err := tab.print(&b, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("NAME   STATE\n漢字   a\nabcde  b\n", b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestListsAsNamesAndWide(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{
		outputTable: "TYPE  QUALIFIED NAME\nTopic  orders\n", outputName: "orders\n",
		outputWide: "TYPE  QUALIFIED NAME  GUID\nTopic  orders  1-2\n",
	} {
		tab := newTable("TYPE", "QUALIFIED NAME").withWide("GUID")
		tab.form = form
		tab.add("Topic", "orders", "1-2")
		var b strings.Builder
		if err := tab.print(&b, ""); err != nil {
			t.Fatal(err)
		}
		got := regexp.MustCompile(" {3,}").ReplaceAllString(b.String(), "  ")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-o %s (-want +got):\n%s", form, diff)
		}
	}
}
