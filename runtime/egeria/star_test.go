package egeria_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/egeria"
)

// star is an archive with one element and so many relationships on it.
func star(n int) string {
	entity := func(i int) string {
		return fmt.Sprintf(`{"type":{"typeDefName":"GlossaryTerm"},"guid":"aaaaaaaa-0000-4000-8000-%012d","properties":{"instanceProperties":`+
			`{"qualifiedName":{"class":"PrimitivePropertyValue","primitiveDefCategory":"OM_PRIMITIVE_TYPE_STRING","primitiveValue":"Term:%d"}}}}`, i, i)
	}
	entities, relationships := []string{entity(0)}, []string{}
	for i := range n {
		entities = append(entities, entity(i+1))
		relationships = append(relationships, fmt.Sprintf(`{"type":{"typeDefName":"RelatedTerm"},"guid":"bbbbbbbb-0000-4000-8000-%012d",`+
			`"entityOneProxy":{"guid":"aaaaaaaa-0000-4000-8000-000000000000"},"entityTwoProxy":{"guid":"aaaaaaaa-0000-4000-8000-%012d"}}`, i, i+1))
	}
	return `{"archiveProperties":{"archiveName":"Star"},"archiveInstanceStore":{"entities":[` + strings.Join(entities, ",") +
		`],"relationships":[` + strings.Join(relationships, ",") + "]}}"
}

// TestImportOfAStar checks and then imports many relationships on one element.
func TestImportOfAStar(t *testing.T) {
	t.Parallel()
	const n = 2000
	i := newInstallation(t)
	for _, check := range []bool{true, false, false} {
		one := i.load(t, star(n), check)
		a, err := events.Ask(t.Context(), i.metadata, &events.Count{Find: events.Find{Page: events.Page{MinSequence: i.last(t)}}})
		want := n
		if check {
			want = 0
		}
		if one.Err != nil || one.Refused() > 0 || one.NotDone(egeria.KindRelationship) > 0 || err != nil || a.Relationships["RelatedTerm"] != want {
			t.Fatalf("check: %t; it ends with %+v; there are %v (%v)", check, one, a.Relationships, err)
		}
	}
}
