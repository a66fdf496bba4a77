package egeria_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// term is a glossary term of an archive that is made up.
type term struct {
	guid, name string
	display    string
	anchor     *term
	memento    bool
	process    string
	marked     bool
	// apart puts its classifications beside the element.
	apart bool
}

// archived reports whether the archive leaves it archived.
func (e *term) archived() bool { return e != nil && (e.memento || e.anchor.archived()) }

type object = map[string]any

func stringValue(s string) object {
	return object{"class": "PrimitivePropertyValue", "primitiveDefCategory": "OM_PRIMITIVE_TYPE_STRING", "primitiveValue": s}
}

func (e *term) classifications() (all []object) {
	add := func(name string, properties object) {
		all = append(all, object{"name": name, "properties": object{"instanceProperties": properties}})
	}
	if e.memento && e.process != "" {
		add("Memento", object{"archiveProcess": stringValue(e.process)})
	} else if e.memento {
		add("Memento", object{})
	}
	if e.marked {
		add("Confidentiality", object{"notes": stringValue("of " + e.display)})
	}
	if e.anchor != nil {
		add("Anchors", object{"anchorGUID": stringValue(e.anchor.guid)})
	}
	return all
}

func (e *term) entity() object {
	o := object{
		"type": object{"typeDefName": "GlossaryTerm"}, "guid": e.guid,
		"properties": object{"instanceProperties": object{"qualifiedName": stringValue(e.name), "displayName": stringValue(e.display)}},
	}
	if !e.apart {
		o["classifications"] = e.classifications()
	}
	return o
}

// glossary is an archive of terms, and of relationships between them.
type glossary struct {
	terms []*term
	// related are pairs of places of terms, and the guids of what relates them.
	related map[[2]int]string
}

// write returns the archive, its items in the order that perm gives.
func (g *glossary) write(t *rapid.T, perm []int) string {
	entities, extensions, relationships := []object{}, []object{}, []object{}
	for _, n := range perm {
		e := g.terms[n]
		entities = append(entities, e.entity())
		if !e.apart {
			continue
		}
		for _, c := range e.classifications() {
			proxy := object{"guid": e.guid, "type": object{"typeDefName": "GlossaryTerm"}}
			extensions = append(extensions, object{"classification": c, "entityToClassify": proxy})
		}
	}
	for pair, guid := range g.related {
		relationships = append(relationships, object{
			"type": object{"typeDefName": "RelatedTerm"}, "guid": guid,
			"entityOneProxy": object{"guid": g.terms[pair[0]].guid}, "entityTwoProxy": object{"guid": g.terms[pair[1]].guid},
		})
	}
	data, err := json.Marshal(object{
		"archiveProperties":    object{"archiveName": "Mementos"},
		"archiveInstanceStore": object{"entities": entities, "classifications": extensions, "relationships": relationships},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func drawGlossary(t *rapid.T) *glossary {
	g := &glossary{related: map[[2]int]string{}}
	for n := range rapid.IntRange(1, 8).Draw(t, "terms") {
		e := &term{guid: uuid.NewString(), display: "first"}
		e.name = "Term:" + e.guid
		if above := rapid.IntRange(-1, n-1).Draw(t, "anchor"); above >= 0 {
			e.anchor = g.terms[above]
		}
		e.memento = rapid.Bool().Draw(t, "memento")
		e.process = rapid.SampledFrom([]string{"", "tidy", "move"}).Draw(t, "process")
		e.marked, e.apart = rapid.Bool().Draw(t, "marked"), rapid.Bool().Draw(t, "apart")
		g.terms = append(g.terms, e)
	}
	for range rapid.IntRange(0, 4).Draw(t, "relationships") {
		g.relate(t)
	}
	return g
}

func (g *glossary) relate(t *rapid.T) {
	end := rapid.IntRange(0, len(g.terms)-1)
	pair := [2]int{end.Draw(t, "end 1"), end.Draw(t, "end 2")}
	if pair[0] != pair[1] && g.related[pair] == "" && g.related[[2]int{pair[1], pair[0]}] == "" {
		g.related[pair] = uuid.NewString()
	}
}

// edit changes something.
func (g *glossary) edit(t *rapid.T) {
	e := rapid.SampledFrom(g.terms).Draw(t, "edited")
	switch rapid.SampledFrom([]string{"property", "mark", "memento", "process", "relationship", "anchor", "new"}).Draw(t, "edit") {
	case "property":
		e.display += " again"
	case "mark":
		e.marked = true
	case "memento":
		e.memento = !e.memento
	case "process":
		e.process = "sweep"
	case "relationship":
		g.relate(t)
	case "anchor":
		if e.anchor == nil && e != g.terms[0] {
			e.anchor = g.terms[0]
		}
	case "new":
		n := &term{guid: uuid.NewString(), display: "new", anchor: e, memento: rapid.Bool().Draw(t, "memento")}
		n.name = "Term:" + n.guid
		g.terms = append(g.terms, n)
		g.related[[2]int{len(g.terms) - 1, 0}] = uuid.NewString()
	}
}

// testFails is what tests and rapid's have in common.
type testFails interface {
	Context() context.Context
	Fatal(args ...any)
}

func (i *installation) last(t testFails) uint64 {
	sequence, err := i.metadata.LastChange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sequence
}

// load imports an archive, or checks it, which changes nothing.
func (i *installation) load(t testFails, text string, check bool) *egeria.Result {
	before := i.last(t)
	one := egeria.NewImporter(i.bus, egeria.Options{Check: check, Sender: "test"}).Import(t.Context(), "archive.json", open(text))
	if check && i.last(t) != before {
		t.Fatal("the check changes something")
	}
	return one
}

// take imports the archive, which is taken as a whole, and says how much changed.
func (i *installation) take(t *rapid.T, text string) (changed int) {
	checked, one := i.load(t, text, true), i.load(t, text, false)
	for _, r := range []*egeria.Result{checked, one} {
		if r.Err != nil || len(r.Findings) > 0 {
			t.Fatalf("check: %t; it refuses %v (%v)", r.Check, r.Findings, r.Err)
		}
	}
	for kind, d := range one.Done {
		if checked.Done[kind] != d || one.NotDone(kind) > 0 {
			t.Fatalf("%s: the check would do %+v, the import %+v; it leaves %d", kind, checked.Done[kind], d, one.NotDone(kind))
		}
		changed += d.Changed
	}
	return changed
}

// holds checks that the repository has what the archive says.
func (i *installation) holds(t *rapid.T, g *glossary) {
	for n, e := range g.terms {
		a, err := events.Ask(t.Context(), i.metadata, &events.Get{ElementRef: events.ByGUID(e.guid), MinSequence: i.last(t)})
		if err != nil {
			t.Fatal(err)
		}
		got := a.Element
		if got.Archived() != e.archived() || got.Properties.String("displayName") != e.display {
			t.Fatalf("term %d is archived: %t, want %t; it has %s, want %q", n, got.Archived(), e.archived(), got.Properties.Raw(), e.display)
		}
		if m := got.Classification(events.Memento); e.memento && e.process != "" && m.Properties.String("archiveProcess") != e.process {
			t.Fatalf("term %d was archived by %s, want %q", n, m.Properties.Raw(), e.process)
		}
		if e.marked && got.Classification("Confidentiality").Properties.String("notes") != "of "+e.display {
			t.Fatalf("term %d has %+v", n, got.Classifications)
		}
		if e.anchor != nil && got.Header.AnchorGUID != e.anchor.guid {
			t.Fatalf("term %d is anchored to %q, want %s", n, got.Header.AnchorGUID, e.anchor.guid)
		}
	}
	for _, guid := range g.related {
		if _, err := events.Ask(t.Context(), i.metadata, &events.Get{ElementRef: events.ByGUID(guid), MinSequence: i.last(t)}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestImportOfMementosTwice imports archives that archive elements, whatever the
// order in the file: the second time nothing changes, and what was changed in the
// archive is taken.
func TestImportOfMementosTwice(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)

	// Each archive takes several imports: a busy machine tries fewer.
	end := time.Now().Add(15 * time.Second)
	rapid.Check(t, func(t *rapid.T) {
		if time.Now().After(end) {
			return
		}
		g := drawGlossary(t)
		for round := range 2 {
			for again := range 2 {
				places := make([]int, len(g.terms))
				for n := range places {
					places[n] = n
				}
				text := g.write(t, rapid.Permutation(places).Draw(t, "order"))
				before := i.last(t)
				changed := i.take(t, text)
				i.holds(t, g)
				if again > 0 && (changed > 0 || i.last(t) != before) {
					t.Fatalf("round %d: the second import changes %d items, from %d to %d", round, changed, before, i.last(t))
				}
			}
			g.edit(t)
		}
	})
}
