package graph

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/camena-io/camena/events"
)

// Who names what is gone is told what became of it.
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
		{events.ByName("nobody"), `there is no element "nobody"`, "there is no deleted element nobody, or its history is gone"},
		{events.ByName("plain"), `there is no element "plain": it was deleted at 1970-01-01T00:00:06Z; camena elements restore brings it back`, ""},
		{events.ByGUID(events.GUIDOf("plain")), `it was deleted at 1970-01-01T00:00:06Z`, ""},
		{events.ByName("own"), `camena elements restore ` + ownGUID + ` brings it back`, "restore it by its guid, " + ownGUID},
		{events.ByName("purged"), `there is no element "purged": it was purged at 1970-01-01T00:00:08Z`, "purged was purged at 1970-01-01T00:00:08Z: nothing is kept"},
		{events.ByGUID(flow.GUID), `that was a relationship, a DataFlow, deleted at`, "it comes back with the end that was deleted together with it"},
	} {
		for _, x := range []*Index{l.index, l.reread(t)} {
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
