package repository_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/query"
	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/runtime/repository"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// A misspelt question is refused, wherever it can be asked, instead of finding
// nothing.
func TestMisspeltQuestions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("f", 1))
	where := func(typ, text string) events.Find {
		c, err := query.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return events.Find{Type: typ, Where: &c}
	}
	level := events.Condition{Property: "level", Operator: events.OpIsNull}
	for _, c := range []struct {
		code          events.Code
		pointer, says string
		find          events.Find
	}{
		{events.CodeInvalid, "/where/property", "did you mean size?", where("DataFile", "sizee > 295000")},
		{events.CodeInvalid, "/where/value", "found a string", where("DataFile", "size > abc")},
		{events.CodeInvalid, "/where/property", "did you mean versions.updateTime", where("", "header.versions.updateTim > 2026-01-01T00:00:00Z")},
		{events.CodeUnknownType, "/classification", "did you mean Confidentiality?", events.Find{Classification: "Confidentialty"}},
		{events.CodeInvalid, "/sort/0/property", `"nope"`, events.Find{Sort: []events.SortKey{{Property: "nope"}}}},
		{
			events.CodeInvalid, "/classificationWhere/property", `attribute "level"`,
			events.Find{Classification: "Confidentiality", ClassificationWhere: &level},
		},
	} {
		_, found := events.Ask(t.Context(), b.metadata, &c.find)
		_, counted := events.Ask(t.Context(), b.metadata, &events.Count{Find: c.find})
		for _, err := range []error{found, counted} {
			e, isError := errors.AsType[*events.Error](err)
			if !isError || e.Code != c.code || e.Pointer != c.pointer || !strings.Contains(e.Message, c.says) {
				t.Errorf("got %#v\nwant %s at %s: %s", err, c.code, c.pointer, c.says)
			}
		}
	}
}

// A question that Camena fails on does not end the node.
func TestAQuestionThatTheNodeFailsOnIsRefused(t *testing.T) {
	t.Parallel()
	b := &bundle{bus: runtimetest.NewBus(t, runtimetest.NewServer(t))}
	var said lines
	repo, err := repository.New(repository.Settings{
		Node: "n1", Bus: b.bus, Types: looseTypes(t), Logger: slog.New(slog.NewTextHandler(&said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, repo.Serve)
	stop, err := repo.Answer(t.Context(), "odd", func() error { panic("a defect") })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for range 2 * 64 { // its turn ends, too
		_, err = bus.Call[events.ElementAnswer](t.Context(), b.bus, b.bus.Topics().API(topics.RepositoryService, "odd"), &events.Get{AsOf: time.Unix(1, 0)})
		if events.CodeOf(err) != events.CodeInternal || !strings.Contains(err.Error(), "n1") {
			t.Fatalf("got %v", err)
		}
	}
	if text := said.String(); !strings.Contains(text, "a defect") || !strings.Contains(text, "question_test.go") {
		t.Errorf("the log says %.1000s", text)
	}
}

// What cannot be read of a history does not hide the rest.
func TestAHistoryLeavesOutWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(t, file("a", 1))
	m := &nats.Msg{Subject: b.bus.Topics().Element("DataFile", events.GUIDOf("a")), Data: []byte("damage")}
	if _, err := b.bus.JetStream().PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	last := b.must(t, file("a", 2))
	a, err := events.Ask(t.Context(), b.metadata, &events.History{ElementRef: events.ByName("a"), MinSequence: last.Sequence})
	if err != nil || len(a.Changes) != 2 || a.Changes[0].Element.Element.Header.Versions.Version != 1 || a.Changes[1].Element.Element.Header.Versions.Version != 2 {
		t.Errorf("got %+v, %v", a, err)
	}
}
