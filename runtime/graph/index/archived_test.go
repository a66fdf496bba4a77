package index_test

import (
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
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
	for _, x := range []*index.Index{l.index, l.reread(t)} {
		if x.ByName("lives").Archived || !x.ByName("gone").Archived {
			t.Errorf("archived: %v, %v", x.ByName("lives").Archived, x.ByName("gone").Archived)
		}
	}
}
