package index_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/graph/index"
)

// A command for a deleted element fails with not_found; the message says when it was
// deleted or purged.
func TestWhatBecameOfWhatIsGone(t *testing.T) {
	t.Parallel()
	l := &told{desk: newDesk(t)}
	flow := events.RelationshipSpec{Type: "DataFlow", End1: events.ByName("plain"), End2: events.ByName("end"), GUID: events.GUIDOf("flow")}
	l.must(t, topicNamed("plain"), own("own"), topicNamed("purged"), topicNamed("end"), &events.Link{Relationship: flow},
		&events.Delete{Element: events.ByName("plain")}, &events.Delete{Element: events.ByName("own")},
		&events.Delete{Element: events.ByName("purged"), Method: events.DeletePurge})
	ownGUID := uuid.NewSHA1(uuid.NameSpaceURL, []byte("own")).String()
	for _, c := range []struct {
		ref             events.ElementRef
		absent, restore string
	}{
		{events.ByName("nobody"), `"nobody"`, "nobody"},
		{events.ByName("plain"), "deleted at 1970-01-01T00:00:06Z", ""},
		{events.ByGUID(events.GUIDOf("plain")), "deleted at 1970-01-01T00:00:06Z", ""},
		{events.ByName("own"), ownGUID, ownGUID},
		{events.ByName("purged"), "purged at 1970-01-01T00:00:08Z", "purged at 1970-01-01T00:00:08Z"},
		{events.ByGUID(flow.GUID), "type DataFlow, deleted at", "type DataFlow, deleted at"},
	} {
		for _, x := range []*index.Index{l.index, l.reread(t)} {
			if _, err := x.Get(t.Context(), l, &events.Get{ElementRef: c.ref}); events.CodeOf(err) != events.CodeNotFound || !strings.Contains(err.Error(), c.absent) {
				t.Errorf("%+v: got %v\nwant %s", c.ref, err, c.absent)
			}
		}
		_, err := l.apply(&events.Update{Element: c.ref, Properties: events.Props(map[string]any{"displayName": "x"})})
		if events.CodeOf(err) != events.CodeNotFound || !strings.Contains(err.Error(), c.absent) {
			t.Errorf("%+v: to update it got %v\nwant %s", c.ref, err, c.absent)
		}
		if _, err := l.apply(&events.Restore{Element: c.ref}); c.restore != "" && (err == nil || !strings.Contains(err.Error(), c.restore)) {
			t.Errorf("%+v: to restore it got %v\nwant %s", c.ref, err, c.restore)
		}
	}
}
