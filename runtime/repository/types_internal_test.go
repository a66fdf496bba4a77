package repository

import (
	"slices"
	"testing"

	"github.com/camena-io/camena/events"
)

func TestTypesHoldTogether(t *testing.T) {
	t.Parallel()
	types := NewTypes()
	seen := map[string]bool{"": true}
	for _, f := range elementTypes() {
		if !seen[f.super] {
			t.Errorf("%v stand below %s, which is not there, or only later", f.names, f.super)
		}
		for _, name := range f.names {
			if seen[name] {
				t.Errorf("%s is listed twice", name)
			}
			seen[name] = true
			if typ := types.elements[name]; name != "OpenMetadataRoot" && (!typ.Is("OpenMetadataRoot") || typ.SuperTypes[0] != f.super) {
				t.Errorf("%s: got super types %v", name, typ.SuperTypes)
			}
		}
	}
	for _, r := range relationshipTypes() {
		for _, end := range []string{r.end1, r.end2} {
			if types.elements[end] == nil {
				t.Errorf("%s relates a %s, which is no type", r.name, end)
			}
		}
		if seen[r.name] {
			t.Errorf("%s is listed twice", r.name)
		}
		seen[r.name] = true
	}
	for _, name := range classificationTypes() {
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
	}
}

func TestSubtypes(t *testing.T) {
	t.Parallel()
	types := NewTypes()
	if got := types.subtypes("MediaFile"); !slices.Equal(got, []string{"AudioFile", "MediaFile", "RasterFile", "VideoFile"}) {
		t.Errorf("got %v", got)
	}
	if got := types.subtypes("OpenMetadataRoot"); len(got) != len(types.elements) {
		t.Errorf("%d of %d types stand below the root", len(got), len(types.elements))
	}
	// A type that this version does not know any more keeps what it is.
	later := events.ElementType{Name: "Later", SuperTypes: []string{"DataFile"}}
	if got := types.known(later, false); !got.Is("DataFile") {
		t.Errorf("got %+v", got)
	}
}
