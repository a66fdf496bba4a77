package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// every has an attribute for each kind of value.
func every(t *testing.T) *opentypes.Registry {
	t.Helper()
	attribute := func(name, holds string) events.AttributeDef {
		return events.AttributeDef{Name: name, Type: holds, Description: "For the test."}
	}
	r, _, err := new(opentypes.Registry).Apply(
		events.TypeDef{Kind: events.KindElement, Name: "OpenMetadataRoot", Description: "The root.", Attributes: []events.AttributeDef{
			attribute("text", "string"), attribute("letter", "char"), attribute("yes", "boolean"), attribute("day", "date"),
			attribute("n", "int"), attribute("x", "double"), attribute("whatever", "any"), attribute("texts", "array<string>"),
			attribute("numbers", "array<int>"), attribute("map", "map<string,string>"), attribute("color", "Color"), attribute("point", "Point"),
		}},
		events.TypeDef{Kind: events.KindEnum, Name: "Color", Description: "A color.", Values: []events.EnumValue{{Name: "RED"}}},
		events.TypeDef{Kind: events.KindStruct, Name: "Point", Description: "A point.", Attributes: []events.AttributeDef{attribute("x", "int")}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestValuesAreWhatAttributesHold(t *testing.T) {
	t.Parallel()
	types := every(t)
	root, _ := types.Type("OpenMetadataRoot")
	for _, c := range []struct{ name, text, want string }{
		{"text", "007", `"007"`},
		{"text", "null", `"null"`},
		{"text", `{"a": 1}`, `"{\"a\": 1}"`},
		{"letter", "7", `"7"`},
		{"yes", "true", "true"},
		{"yes", "yes", "!/yes"},
		{"day", "2026-05-01", `"2026-05-01T00:00:00Z"`},
		{"day", "2026-05-01T08:00:00.5+02:00", `"2026-05-01T08:00:00.5+02:00"`},
		{"day", "monday", "!/day"},
		{"n", "7", "7"},
		{"n", "007", "!/n"},
		{"x", "1e3", "1e3"},
		{"whatever", "7", "7"},
		{"whatever", "seven", `"seven"`},
		{"texts", "a, b", `["a","b"]`},
		{"texts", `["a,b"]`, `["a,b"]`},
		{"texts", "", "[]"},
		{"texts", "[a", "!/texts"},
		{"numbers", "1,2", "[1,2]"},
		{"numbers", "1,x", "!/numbers/1"},
		{"map", `{"k":"v"}`, `{"k":"v"}`},
		{"map", "k=v", "!/map"},
		{"color", "RED", `"RED"`},
		{"point", `{"x":1}`, `{"x":1}`},
		{"point", "1", "!/point"},
		{"whatever", "7 or 8", `"7 or 8"`},
	} {
		v := root.ReadText(c.name, c.text, parseTime)
		_, err := root.Check(events.Props(map[string]any{c.name: v}), opentypes.CheckOptions{Lenient: true})
		if refused, ok := strings.CutPrefix(c.want, "!"); ok {
			if e, ok := errors.AsType[*events.Error](err); !ok || e.Pointer != refused {
				t.Errorf("%s=%s: got %s, %v, want the error %s", c.name, c.text, v, err, refused)
			}
			continue
		}
		if err != nil || string(v) != c.want {
			t.Errorf("%s=%s: got %s, %v, want %s", c.name, c.text, v, err, c.want)
		}
	}
	if v := (*opentypes.Type)(nil).ReadText("n", "7", parseTime); string(v) != "7" {
		t.Errorf("without a type: got %s", v)
	}
}

func TestErrorsNameTheFlag(t *testing.T) {
	t.Parallel()
	a := &attributes{propertiesOf: propertiesOf{flag: "set", pointer: "/element/properties"}, set: []string{"a/b=1", "map=x"}, clear: []string{"gone"}, object: "{}"}
	pointers := append(a.pointers(),
		flagPointer{pointer: "/element/anchor", flag: "--anchor"}, flagPointer{pointer: "/element/type"}, flagPointer{pointer: "/metadatasource", flag: "--source"})
	for pointer, want := range map[string]string{
		"/element/properties/a~1b":      "--set a/b: no",
		"/element/properties/map/k":     "--set map k: no",
		"/element/properties/gone":      "--clear gone: no",
		"/element/properties/other/0":   "--properties other/0: no",
		"/element/properties/mapped":    "--properties mapped: no",
		"/element/anchor/qualifiedName": "--anchor: no",
		"/element/type":                 "no",
		"/element":                      "no",
		"metadatasource":                "--source: no",
		"":                              "no",
	} {
		err := explain(events.Errorf(events.CodeRefused, pointer, "no"), pointers...)
		if err.Error() != want || events.CodeOf(err) != events.CodeRefused {
			t.Errorf("%s: got %q, want %q", pointer, err, want)
		}
	}
	plain := errors.New("/element/anchor: no")
	if err := explain(plain, pointers...); !errors.Is(err, plain) {
		t.Errorf("got %v", err)
	}
}

// Every command that can stand in a change set has a name for it, and nothing
// else has.
func TestChangeSetsTakeEveryCommand(t *testing.T) {
	t.Parallel()
	for _, name := range commandsOfChangeSets() {
		s := events.Step{Type: name, Data: []byte("{}")}
		if _, err := s.Command(0); err != nil {
			if e, ok := errors.AsType[*events.Error](err); !ok || e.Pointer == "/commands/0/type" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n := len(commandsOfChangeSets()); n != 18 {
		t.Errorf("there are %d commands; the package events has 21, of which 3 cannot stand in a change set", n)
	}
}

func commandsOfChangeSets() (names []string) {
	for _, t := range events.CommandTypes() {
		if t.InChangeSet {
			names = append(names, t.Type)
		}
	}
	return names
}
