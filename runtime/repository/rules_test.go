package repository_test

import (
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
)

// as is the envelope of a command on behalf of a metadata source.
func as(source string) []string { return []string{events.ExtMetadataSource, source} }

// by applies commands on behalf of a metadata source that are not refused.
func (b *bundle) by(tb testing.TB, source string, commands ...events.Command) (last events.Result) {
	tb.Helper()
	for i, c := range commands {
		if last = b.apply(tb, c, as(source)...); last.Error != nil {
			tb.Fatalf("command %d by %s: %v", i, source, last.Error)
		}
	}
	return last
}

func TestOnlyTrueIsADryRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for value, changed := range map[string]bool{"": true, "false": true, "true": false} {
		name := "with " + value
		r := b.apply(t, file(name, 1), events.ExtDryRun, value)
		if r.Error != nil || (b.state(t, name, r) != nil) != changed || (len(r.Preview) > 0) == changed {
			t.Errorf("dryrun %q: %+v", value, r)
		}
	}
	for _, value := range []string{"yes", "TRUE", "1", "no"} {
		b.refused(t, file("x", 1), events.CodeInvalid, events.ExtDryRun, `"true"`, events.ExtDryRun, value)
	}
}

func TestOriginCategories(t *testing.T) {
	t.Parallel()
	b := setup(t)
	with := func(source string, category events.OriginCategory) []string {
		return append(as(source), events.ExtOriginCategory, string(category))
	}
	for category, source := range map[events.OriginCategory]string{
		events.OriginExternal: "s", events.OriginContentPack: "s", events.OriginExportArchive: "s", events.OriginLocal: "", "": "s",
	} {
		name := "of " + string(category)
		r := b.apply(t, file(name, 1), with(source, category)...)
		if r.Error != nil {
			t.Errorf("%s: %v", name, r.Error)
			continue
		}
		want := category
		if want == "" {
			want = events.OriginExternal
		}
		if got := b.state(t, name, r).Header.Origin; got != (events.Origin{Category: want, Source: source}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	const at = events.ExtOriginCategory
	b.refused(t, file("x", 1), events.CodeInvalid, at, "LOCAL_COHORT", with("s", events.OriginLocal)...)
	b.refused(t, file("x", 1), events.CodeInvalid, at, "metadatasource", with("", events.OriginContentPack)...)
	b.refused(t, file("x", 1), events.CodeInvalid, at, "CONTENT_PACK", with("s", "CONFIGURATION")...)
	r := b.apply(t, file("x", 1), with("s", events.OriginCategory(strings.Repeat("X", 9000)))...)
	if r.Error == nil || r.Error.Pointer != at || len(r.Error.Message) > 1000 {
		t.Errorf("a long one: %+v", r)
	}
}
