package events_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/camena-io/camena/events"
)

const guid = "0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10"

func TestDecodeCommandErrors(t *testing.T) {
	t.Parallel()
	const (
		noRef  = "guid or by qualifiedName"
		noGUID = `"x" is not a guid`

		memento        = "the method ARCHIVE"
		anchors        = "have the field anchor"
		zoneMembership = "have the field zones"
	)
	for _, c := range []struct{ typeName, data, pointer, says string }{
		{events.TypeUpsertElement, ``, "", "the data is empty"},
		{events.TypeUpsertElement, " \n", "", "the data is empty"},
		{events.TypeUpsertElement, `null`, "", "the data is null"},
		{events.TypeUpsertElement, `[]`, "", "expected an object, found an array"},
		{events.TypeUpsertElement, `"x"`, "", "expected an object, found a string"},
		{events.TypeUpsertElement, `{`, "", "too early, at byte 1"},
		{events.TypeUpsertElement, `{"element":{"type":"T","properties":{"a":`, "/element/properties/a", "too early, at byte 41"},
		{events.TypeUpsertElement, `{"element":{"type":"T"}}{}`, "", "at byte 24: invalid character '{'"},
		{events.TypeUpsertElement, `{"element":{"type":"T","nam":1}}`, "/element/nam", "unknown field"},
		{events.TypeUpsertElement, `{"element":{"Type":"T"}}`, "/element/Type", "unknown field"},
		{events.TypeUpsertElement, `{"element":{"a/b~":1}}`, "/element/a~1b~0", "unknown field"},
		{events.TypeUpsertElement, `{"element":{"type":1}}`, "/element/type", "expected a string, found a number"},
		{events.TypeUpsertElement, `{"element":{"type":null}}`, "/element/type", "missing: name the type"},
		{events.TypeUpsertElement, `{}`, "/element/type", "missing: name the type"},
		{events.TypeUpsertElement, `{"element":{"type":"T","type":"U"}}`, "/element/type", "the same name occurs twice"},
		{events.TypeUpsertElement, `{"element":{"type":"T"},"merge":"true"}`, "/merge", "expected true or false, found a string"},
		{events.TypeUpsertElement, `{"element":{"type":"T","guid":"x"}}`, "/element/guid", noGUID},
		{events.TypeUpsertElement, `{"element":{"type":"T","guid":"00000000-0000-0000-0000-000000000000"}}`, "/element/guid", "the nil guid"},
		{events.TypeUpsertElement, `{"element":{"type":"T","guid":"urn:uuid:` + guid + `"}}`, "/element/guid", guid + `" is not a guid`},
		{events.TypeUpsertElement, `{"element":{"type":"T","zones":"a"}}`, "/element/zones", "expected an array, found a string"},
		{events.TypeUpsertElement, `{"element":{"type":"T","zones":["a",1]}}`, "/element/zones/1", "expected a string, found a number"},
		{events.TypeUpsertElement, `{"element":{"type":"T","properties":[]}}`, "/element/properties", "expected an object, found an array"},
		{events.TypeUpsertElement, `{"element":{"type":"T","properties":null}}`, "/element/properties", "expected an object, found null"},
		{events.TypeUpsertElement, `{"element":{"type":"T","properties":{"b":{"c":1,"c":2}}}}`, "/element/properties/b/c", "the same name occurs twice"},
		{events.TypeUpsertElement, `{"element":{"type":"T","properties":{"a":1,}}}`, "/element/properties", "at byte 43: invalid character '}'"},
		{events.TypeUpsertElement, "{\"element\":{\"type\":\"T\",\"properties\":{\"a\":\"\xff\"}}}", "/element/properties/a", "at byte 42: invalid UTF-8"},
		{events.TypeUpsertElement, `{"element":{"type":"T","properties":` + nested(101) + `}}`, "/element/properties", "nested deeper than 100 levels"},
		{events.TypeUpsertElement, `{"element":{"type":"T","classifications":{}}}`, "/element/classifications", "expected an array, found an object"},
		{events.TypeUpsertElement, `{"element":{"type":"T","classifications":[{"classificationName":"A"},{}]}}`, "/element/classifications/1/classificationName", "missing: name the classification"},
		{events.TypeUpsertElement, `{"element":{"type":"T","classifications":[{"classificationName":"A"},{"classificationName":"A"}]}}`, "/element/classifications/1/classificationName", "A is given twice"},
		{events.TypeUpsertElement, `{"element":{"type":"T","classifications":[{"classificationName":"A","properties":5}]}}`, "/element/classifications/0/properties", "expected an object, found a number"},

		{events.TypeUpdateElement, `{}`, "/element", noRef},
		{events.TypeUpdateElement, `{"element":{"guid":"x"}}`, "/element/guid", noGUID},
		{events.TypeUpdateElement, `{"element":{"guid":"` + guid + `"},"replace":0}`, "/replace", "expected true or false, found a number"},
		{events.TypeDeleteElement, `{}`, "/element", noRef},
		{events.TypeClassifyElement, `{}`, "/classification/classificationName", "missing: name the classification"},
		{events.TypeClassifyElement, `{"classification":{"classificationName":"A"}}`, "/element", noRef},
		{events.TypeDeclassifyElement, `{}`, "/classificationName", "missing: name the classification"},
		{events.TypeDeclassifyElement, `{"classificationName":"A"}`, "/element", noRef},
		{events.TypeLinkElements, `{}`, "/relationship/type", "missing: name the type"},
		{events.TypeLinkElements, `{"relationship":{"type":"T"}}`, "/relationship/end1", noRef},
		{events.TypeLinkElements, `{"relationship":{"type":"T","end1":{"qualifiedName":"a"},"end2":{"guid":"x"}}}`, "/relationship/end2/guid", noGUID},
		{events.TypeLinkElements, `{"relationship":{"type":"T","guid":"x","end1":{"qualifiedName":"a"},"end2":{"qualifiedName":"b"}}}`, "/relationship/guid", noGUID},
		{events.TypeUnlinkElements, `{}`, "/type", "by type, end1 and end2"},
		{events.TypeUnlinkElements, `{"type":"T"}`, "/end1", noRef},
		{events.TypeUnlinkElements, `{"type":"T","end1":{"qualifiedName":"a"}}`, "/end2", noRef},
		{events.TypeUnlinkElements, `{"guid":"x"}`, "/guid", noGUID},
		{events.TypeUpsertElement, `{"element":{"type":"T"},"unknownProperties":"drop"}`, "/unknownProperties", `"drop": leave it out, or use "additional"`},
		{events.TypeUpsertElement, `{"element":{"type":"T","anchor":{"guid":"x"}}}`, "/element/anchor/guid", noGUID},
		{
			events.TypeUpsertElement, `{"element":{"type":"T","effectivity":{"effectiveFrom":"2026-01-02T00:00:00Z","effectiveTo":"2026-01-01T00:00:00Z"}}}`,
			"/element/effectivity/effectiveTo", "2026-01-01T00:00:00Z is not after effectiveFrom, 2026-01-02T00:00:00Z",
		},
		{
			events.TypeClassifyElement, `{"classification":{"classificationName":"A","effectiveFrom":"2026-01-02T00:00:00Z","effectiveTo":"2026-01-02T00:00:00Z"}}`,
			"/classification/effectiveTo", "2026-01-02T00:00:00Z is not after effectiveFrom, 2026-01-02T00:00:00Z",
		},
		{events.TypeCreateElement, `{}`, "/element/type", "missing: name the type"},
		{events.TypeUpdateElement, `{"element":{"qualifiedName":"a"},"expectedVersion":"1"}`, "/expectedVersion", "expected a whole number, found a string"},
		{events.TypeDeleteElement, `{"element":{"qualifiedName":"a"},"method":"BURN"}`, "/method", `"BURN": use SOFT_DELETE, ARCHIVE or PURGE`},
		{events.TypeRestoreElement, `{}`, "/element", noRef},
		{events.TypePublishElement, `{}`, "/element", noRef},
		{events.TypeWithdrawElement, `{}`, "/element", noRef},
		{events.TypeRetypeElement, `{"element":{"qualifiedName":"a"}}`, "/type", "the new type"},
		{events.TypeRehomeElement, `{"from":"a","to":"b"}`, "/element", noRef},
		{events.TypeRehomeElement, `{"relationship":{"type":"R"}}`, "/relationship/end1", noRef},
		{events.TypeRehomeElement, `{"element":{"qualifiedName":"a"},"relationship":{"guid":"0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10"}}`, "/relationship", "not both"},
		{events.TypeClassifyElement, `{"element":{"qualifiedName":"a"},"classification":{"classificationName":"Memento"}}`, "/classification/classificationName", memento},
		{events.TypeDeclassifyElement, `{"element":{"qualifiedName":"a"},"classificationName":"Memento"}`, "/classificationName", memento},
		{events.TypeCreateElement, `{"element":{"type":"T","qualifiedName":"a","classifications":[{"classificationName":"A"},{"classificationName":"Memento"}]}}`, "/element/classifications/1/classificationName", memento},
		{events.TypeUpsertElement, `{"element":{"type":"T","qualifiedName":"a","classifications":[{"classificationName":"Anchors"}]}}`, "/element/classifications/0/classificationName", anchors},
		{events.TypeClassifyElement, `{"element":{"qualifiedName":"a"},"classification":{"classificationName":"Anchors"}}`, "/classification/classificationName", anchors},
		{events.TypeDeclassifyElement, `{"element":{"qualifiedName":"a"},"classificationName":"ZoneMembership"}`, "/classificationName", zoneMembership},
		{events.TypeClassifyElement, `{"element":{"qualifiedName":"a"},"classification":{"classificationName":"ZoneMembership"}}`, "/classification/classificationName", zoneMembership},
		{events.TypeUpsertElement, `{"element":{"type":"T","qualifiedName":"a","zones":["z",""]}}`, "/element/zones/1", "zone is empty"},
		{events.TypeUpdateElement, `{"element":{"qualifiedName":"a"},"zones":[""]}`, "/zones/0", "zone is empty"},
		{events.TypeCreateFromTemplate, `{}`, "/template", noRef},
		{events.TypeUpdateRelationship, `{}`, "/relationship/type", "by type, end1 and end2"},
		{events.TypeLinkExternalID, `{"element":{"qualifiedName":"a"},"scope":{"qualifiedName":"b"}}`, "/identifier", "missing: the identifier"},
		{events.TypeUnlinkExternalID, `{"element":{"qualifiedName":"a"}}`, "/scope", noRef},
		{events.TypeConfirmSynchronization, `{"scope":{"qualifiedName":"a"}}`, "/element", noRef},
		{events.TypeFenceConnector, `{}`, "/connector", "missing: the id"},
		{events.TypeFenceConnector, `{"connector":"a"}`, "/generation", "missing: generations count from 1"},
		{events.TypeFenceConnector, `{"connector":"a","generation":-1}`, "/generation", "not negative, found -1"},
		{events.TypeFenceConnector, `{"connector":"a","generation":1.5}`, "/generation", "not negative, found 1.5"},
		{events.TypeFenceConnector, `{"connector":"a","generation":99999999999999999999}`, "/generation", "not negative, found 99999999999999999999"},
		{events.TypeElementCreated, `{}`, "type", `created.v1" is not a command`},
		{"", `{}`, "type", `"" is not a command`},
	} {
		checkRefusal(t, c.typeName, c.data, c.pointer, c.says)
	}
}

// checkRefusal expects an error at a pointer whose message says the given words.
func checkRefusal(t *testing.T, typeName, data, pointer, says string) {
	t.Helper()
	_, err := events.DecodeCommand(&events.Event{Type: typeName, Data: []byte(data)})
	got, isError := errors.AsType[*events.Error](err)
	if !isError || got.Code != events.CodeInvalid || got.Pointer != pointer || !strings.Contains(got.Message, says) {
		t.Errorf("%s %.120s: got %#v, want %s: %s", typeName, data, err, pointer, says)
	}
}

func TestChangeSetErrors(t *testing.T) {
	t.Parallel()
	const valid = `{"type":"` + events.TypeDeleteElement + `","data":{"element":{"qualifiedName":"a"}}}`
	upsert := func(data string) string { return `{"type":"` + events.TypeUpsertElement + `","data":` + data + `}` }
	for _, c := range []struct{ step, pointer, says string }{
		{`{}`, "/type", `"" is not a command`},
		{`{"type":"x","data":{}}`, "/type", `"x" is not a command`},
		{`{"type":"` + events.TypeApplyChangeSet + `","data":{}}`, "/type", "io.camena.changeset.apply.v1 cannot stand in a change set"},
		{`{"type":"` + events.TypeFenceConnector + `","data":{}}`, "/type", "io.camena.connector.fence.v1 cannot stand in a change set"},
		{`{"type":"` + events.TypeUpsertElement + `"}`, "/data", "the data is empty"},
		{upsert(`null`), "/data", "the data is null"},
		{upsert(`"abc"`), "/data", "expected an object, found a string"},
		{upsert(`{"x":1}`), "/data/x", "unknown field"},
		{upsert(`{"element":{"type":1}}`), "/data/element/type", "expected a string, found a number"},
		{upsert(`{"element":{}}`), "/data/element/type", "missing: name the type"},
		{upsert(`{"element":{"type":"T","type":"T"}}`), "/data/element/type", "the same name occurs twice"},
		{upsert(`{"element":{"type":"T","properties":7}}`), "/data/element/properties", "expected an object, found a number"},
		{`{"typ":"x"}`, "/typ", "unknown field"},
	} {
		checkRefusal(t, events.TypeApplyChangeSet, `{"commands":[`+valid+`,`+c.step+`]}`, "/commands/1"+c.pointer, c.says)
	}
	checkRefusal(t, events.TypeApplyChangeSet, `{}`, "/commands", "a change set needs at least one command")
	checkRefusal(t, events.TypeApplyChangeSet, `{"commands":{}}`, "/commands", "expected an array, found an object")
}

// A document nested absurdly deep is refused, and with an error that can be read.
func TestAbsurdNesting(t *testing.T) {
	t.Parallel()
	arrays := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for _, data := range []string{
		`{"element":{"type":"T","properties":` + nested(100_000) + `}}`,
		`{"element":{"type":"T","properties":{"a":` + arrays + `}}}`,
		`{"element":{"type":"T","zones":` + arrays + `}}`,
		`{"commands":[{"type":"x","data":` + arrays + `}]}`,
	} {
		for _, typeName := range []string{events.TypeUpsertElement, events.TypeApplyChangeSet} {
			_, err := events.DecodeCommand(&events.Event{Type: typeName, Data: []byte(data)})
			if events.CodeOf(err) != events.CodeInvalid || len(err.Error()) > 500 {
				t.Errorf("%.40s: got %.300v", data, err)
			}
		}
	}
}

// everyCommand returns one command of every type, by type.
func everyCommand(tb testing.TB) map[string]events.Command {
	tb.Helper()
	a, b := events.ByName("a"), events.ByGUID(guid)
	properties := events.Props(map[string]any{"displayName": "orders", "rows": 5, "tags": []string{"x"}})
	mark := events.Classification{Name: "Confidentiality", Properties: properties}
	set, err := events.NewChangeSet(&events.Delete{Element: a}, &events.Upsert{Element: events.ElementSpec{Type: "T", Properties: properties}})
	if err != nil {
		tb.Fatal(err)
	}
	external := events.ExternalID{Element: a, Scope: b, Identifier: "4711"}
	period := events.Effectivity{From: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	commands := map[string]events.Command{}
	for _, c := range []events.Command{
		&events.Upsert{Merge: true, Element: events.ElementSpec{GUID: guid, Type: "T", QualifiedName: "a", Properties: properties, Zones: []string{"z"}, Classifications: []events.Classification{mark}}},
		&events.Create{Element: events.ElementSpec{Type: "T", QualifiedName: "a", Anchor: b, Effectivity: &period}, UnknownProperties: events.KeepUnknown},
		&events.Update{Element: a, Properties: properties, Zones: []string{"z"}, Replace: true, Effectivity: &period, Expectation: events.Expectation{ExpectedVersion: 3}},
		&events.Delete{Element: b, Method: events.DeleteArchive, Cascade: true, ArchiveProcess: "p"},
		&events.Restore{Element: a},
		&events.Publish{Element: a},
		&events.Withdraw{Element: a},
		&events.Retype{Element: a, Type: "U", Properties: properties},
		&events.Rehome{Element: a, From: "s", To: "t"},
		&events.Rehome{Relationship: events.RelationshipRef{Type: "R", End1: a, End2: b}, From: "s"},
		&events.FromTemplate{Template: a, Placeholders: map[string]string{"p": "v"}, QualifiedName: "c", Properties: properties, Anchor: b, Retrieve: true},
		&events.UpdateRelationship{Relationship: events.RelationshipRef{Type: "R", End1: a, End2: b}, Properties: properties, Replace: true},
		&events.LinkExternalID{ExternalID: external, Properties: properties, Link: properties},
		&events.UnlinkExternalID{ExternalID: external},
		&events.ConfirmSynchronization{ExternalID: external, Time: period.To},
		&events.Classify{Element: a, Classification: mark},
		&events.Declassify{Element: a, ClassificationName: mark.Name},
		&events.Link{Relationship: events.RelationshipSpec{Type: "R", End1: a, End2: b, Properties: properties}},
		&events.Unlink{Type: "R", End1: a, End2: b},
		&events.Fence{Connector: "c", Generation: 7},
		set,
	} {
		commands[c.EventType()] = c
	}
	return commands
}

func TestCommandsRoundTrip(t *testing.T) {
	t.Parallel()
	for typeName, want := range everyCommand(t) {
		e, err := events.NewCommand("/s", want)
		if err != nil {
			t.Fatal(err)
		}
		if e.Type != typeName || e.ContentType != events.JSON || e.ID == "" || e.Time.IsZero() {
			t.Errorf("%s: incomplete event %+v", typeName, e)
		}
		got, err := events.DecodeCommand(&e)
		if err != nil {
			t.Fatalf("%s: %v", typeName, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(events.ChangeSet{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", typeName, diff)
		}
	}
}

func TestNewCommandRefuses(t *testing.T) {
	t.Parallel()
	if _, err := events.NewCommand("/s", &events.Delete{}); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("an invalid command: got %v", err)
	}
	many := slices.Repeat([]events.Command{&events.Delete{Element: events.ByName("a")}}, events.MaxSteps+1)
	if _, err := events.NewChangeSet(many...); events.CodeOf(err) != events.CodeTooLarge {
		t.Errorf("more commands than a change set holds: got %v", err)
	}
	if _, err := events.NewChangeSet(many[1:]...); err != nil {
		t.Errorf("as many commands as a change set holds: got %v", err)
	}
	if _, err := events.NewChangeSet(); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("an empty change set: got %v", err)
	}
	if _, err := events.NewChangeSet(&events.Fence{Connector: "c", Generation: 1}); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("a fence in a change set: got %v", err)
	}
}

func TestErrorsMatchByCode(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("apply: %w", events.Errorf(events.CodeConflict, "/element/guid", "taken by %s", "b"))
	if err.Error() != "apply: /element/guid: taken by b" {
		t.Errorf("got %v", err)
	}
	if !errors.Is(err, &events.Error{Code: events.CodeConflict}) || !errors.Is(err, &events.Error{}) {
		t.Error("an error does not match its code")
	}
	if errors.Is(err, &events.Error{Code: events.CodeStale}) {
		t.Error("an error matches another code")
	}
	if events.CodeOf(err) != events.CodeConflict || events.CodeOf(errors.New("plain")) != "" || events.CodeOf(nil) != "" {
		t.Error("CodeOf is wrong")
	}
}

// What does not matter is not sent.
func TestCommandsAreTerse(t *testing.T) {
	t.Parallel()
	data, err := events.Marshal(&events.Upsert{Element: events.ElementSpec{Type: "T", QualifiedName: "a"}})
	if want := `{"element":{"type":"T","qualifiedName":"a"}}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
	// Empty is not nil: it removes what is there.
	data, err = events.Marshal(&events.Upsert{Element: events.ElementSpec{Type: "T", Zones: []string{}, Classifications: []events.Classification{}}})
	if want := `{"element":{"type":"T","zones":[],"classifications":[]}}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
	data, err = events.Marshal(&events.Unlink{GUID: guid})
	if want := `{"guid":"` + guid + `"}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
	data, err = events.Marshal(events.Result{})
	if want := `{"version":0,"sequence":0,"changed":false}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
}
