package events_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
)

func TestDigestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typeName, name := anyText().Draw(t, "type"), anyText().Draw(t, "name")
		p, q := anyProperties().Draw(t, "p"), anyProperties().Draw(t, "q")
		d := events.ContentDigest(typeName, name, p)
		if d == 0 {
			t.Fatal("content has the digest of nothing")
		}
		if (d == events.ContentDigest(typeName, name, q)) != p.Equal(q) {
			t.Fatalf("%s and %s", p.Raw(), q.Raw())
		}
		if typeName != name && d == events.ContentDigest(name, typeName, p) {
			t.Fatal("type and name are interchangeable")
		}
		if d == events.ContentDigest(typeName+name, "", p) {
			t.Fatal("the border between type and name does not count")
		}
		var read events.Digest
		text, err := d.MarshalText()
		if err == nil {
			err = read.UnmarshalText(text)
		}
		if err != nil || read != d {
			t.Fatalf("%d became %s, %d, %v", d, text, read, err)
		}
	})
}

func TestSetsHaveNoOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zones := rapid.SliceOfNDistinct(anyText(), 1, 6, rapid.ID).Draw(t, "zones")
		var marks []events.Classification
		for _, z := range zones {
			marks = append(marks, events.Classification{Name: z, Properties: anyProperties().Draw(t, "properties")})
		}
		zonesDigest, marksDigest := events.ZonesDigest(zones), events.ClassificationsDigest(marks)
		before := slices.Clone(zones)
		_ = events.ZonesDigest(zones)
		if !slices.Equal(zones, before) {
			t.Fatal("the caller's slice was sorted")
		}
		seed := rapid.Uint64().Draw(t, "order")
		shuffle := rand.New(rand.NewPCG(seed, seed)).Shuffle
		shuffle(len(zones), func(i, j int) { zones[i], zones[j] = zones[j], zones[i] })
		shuffle(len(marks), func(i, j int) { marks[i], marks[j] = marks[j], marks[i] })
		if events.ZonesDigest(zones) != zonesDigest || events.ClassificationsDigest(marks) != marksDigest {
			t.Fatal("the order counts")
		}
		if events.ZonesDigest(append(zones, zones[0])) != zonesDigest {
			t.Fatal("a zone given twice counts")
		}
		if events.ZonesDigest(zones[1:]) == zonesDigest || events.ClassificationsDigest(marks[1:]) == marksDigest {
			t.Fatal("a member does not count")
		}
	})
	if events.ZonesDigest(nil) != 0 || events.ZonesDigest([]string{}) != 0 || events.ClassificationsDigest(nil) != 0 {
		t.Error("nothing has a digest")
	}
}

func TestEffectivityCounts(t *testing.T) {
	t.Parallel()
	at := func(nanoseconds int64) time.Time { return time.Unix(1700000000, nanoseconds) }
	all := []events.Effectivity{{}, {From: at(0)}, {To: at(0)}, {From: at(1)}, {From: at(0), To: at(1)}, {From: at(0), To: at(2)}}
	for i, a := range all {
		utc := events.Effectivity{From: a.From.UTC(), To: a.To.UTC()}
		if events.EffectivityDigest(a) != events.EffectivityDigest(utc) {
			t.Errorf("the time zone of %v counts", a)
		}
		if (events.EffectivityDigest(a) == 0) != (i == 0) {
			t.Errorf("the digest of %v is %d", a, events.EffectivityDigest(a))
		}
		for j, b := range all {
			same := events.EffectivityDigest(a) == events.EffectivityDigest(b)
			marksSame := events.ClassificationsDigest(mark(a)) == events.ClassificationsDigest(mark(b))
			if same != (i == j) || marksSame != (i == j) {
				t.Errorf("%v and %v: %t, as classifications %t", a, b, same, marksSame)
			}
		}
	}
}

func mark(e events.Effectivity) []events.Classification {
	return []events.Classification{{Name: "M", Effectivity: e}}
}

// Digests and keys are stored and compared between versions: they never change.
func TestDigestsAndKeysAreForEver(t *testing.T) {
	t.Parallel()
	content, err := events.ContentDigest("Table", "a", events.Props(map[string]any{"b": 1})).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		string(content): "163243536c34fdba",
		strconv.FormatUint(uint64(events.ClassificationsDigest(mark(events.Effectivity{}))), 16): "95fa63f2b27b6bf1",
		events.GUIDOf("PostgreSQL:db:sales"):                                                     "997eb31c-dd27-50e9-8ae7-f266af82bb0a",
		events.RelationshipGUIDOf("R", guid, events.GUIDOf("a")):                                 "d00ab66e-ea36-5edf-8c00-c88868f8f29b",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyText().Draw(t, "a"), anyText().Draw(t, "b")
		keyA, keyB := events.ElementKey(events.ByName(a)), events.ElementKey(events.ByName(b))
		if (keyA == keyB) != (a == b) {
			t.Fatalf("%q and %q: %s and %s", a, b, keyA, keyB)
		}
		if keyA != events.ElementKey(events.ElementRef{GUID: guid, QualifiedName: a}) {
			t.Fatal("the guid counts although there is a name")
		}
		if events.GUIDOf(a) != keyA.String() || keyA.Version() != 5 {
			t.Fatal("the guid of a name is not UUIDv5")
		}
		if a != b && events.RelationshipKey("R", keyA, keyB) == events.RelationshipKey("R", keyB, keyA) {
			t.Fatal("the direction of a relationship does not count")
		}
		if events.RelationshipKey("R", keyA, keyB) == events.RelationshipKey("S", keyA, keyB) {
			t.Fatal("the type of a relationship does not count")
		}
		if events.RelationshipGUIDOf("R", keyA.String(), keyB.String()) != events.RelationshipKey("R", keyA, keyB).String() {
			t.Fatal("guid and key of a relationship differ")
		}
	})
	if events.ElementKey(events.ByGUID(guid)) != uuid.MustParse(guid) {
		t.Error("the key of a nameless element is not its guid")
	}
	if events.ElementKey(events.ElementRef{}) != uuid.Nil || events.ElementKey(events.ByGUID("x")) != uuid.Nil {
		t.Error("nothing has a key")
	}
}

func TestDigestErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "-1", "10000000000000000"} {
		var d events.Digest
		if err := d.UnmarshalText([]byte(text)); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("%q: got %v", text, err)
		}
	}
	_, err := events.Unmarshal[events.DigestsAnswer]([]byte(`{"digests":[{"content":5}]}`))
	if err == nil || err.Error() != "/digests/0/content: expected a string, found a number" {
		t.Errorf("got %v", err)
	}
}

func TestDerivedKeysAreUUIDv5(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 400, -1).Draw(t, "name")
		want := uuid.NewSHA1(uuid.NameSpaceURL, []byte("camena:element:"+name))
		if got := events.ElementKey(events.ByName(name)); got != want {
			t.Errorf("the key of %q is %s, want %s", name, got, want)
		}
	})
}
