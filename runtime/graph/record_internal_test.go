package graph

import (
	"testing"

	"github.com/camena-io/camena/events"
)

// What stands in the properties of a classification does not archive an element.
func TestWhatLooksLikeAMementoIsNone(t *testing.T) {
	t.Parallel()
	l := &told{desk: newDesk(t)}
	tags := events.Classification{Name: "SecurityTags", Properties: events.Props(map[string]any{
		"securityProperties": map[string]any{"classificationName": events.Memento},
	})}
	l.must(t, topicNamed("lives"), &events.Classify{Element: events.ByName("lives"), Classification: tags})
	l.must(t, topicNamed("gone"), &events.Classify{Element: events.ByName("gone"), Classification: tags},
		&events.Delete{Element: events.ByName("gone"), Method: events.DeleteArchive})
	for _, x := range []*Index{l.index, l.reread(t)} {
		if x.named("lives").archived || !x.named("gone").archived {
			t.Errorf("archived: %v, %v", x.named("lives").archived, x.named("gone").archived)
		}
	}
}
