package bus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/runtime/bus"
	"github.com/camena-io/camena/topics"
)

type value struct {
	N int `json:"n"`
}

func open(t *testing.T, b *bus.Bus, name string) *bus.Bucket[value] {
	t.Helper()
	k, err := bus.OpenBucket[value](t.Context(), b, name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestBucketHoldsWhatWasWritten(t *testing.T) {
	t.Parallel()
	k, ctx := open(t, setup(t), statusBucket), t.Context()
	if _, err := k.Get(ctx, "a"); !errors.Is(err, bus.ErrMissing) {
		t.Errorf("a key that is not there: %v", err)
	}
	first, err := k.Put(ctx, "a", &value{N: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Update(ctx, "a", &value{N: 2}, 0); !errors.Is(err, bus.ErrTaken) {
		t.Errorf("created twice: %v", err)
	}
	second, err := k.Update(ctx, "a", &value{N: 2}, first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Update(ctx, "a", &value{N: 3}, first); !errors.Is(err, bus.ErrTaken) {
		t.Errorf("updated behind somebody's back: %v", err)
	}
	e, err := k.Get(ctx, "a")
	if err != nil || e.Key != "a" || e.Revision != second || e.Value == nil || e.Value.N != 2 || time.Since(e.Time) > time.Minute {
		t.Errorf("got %+v, %v", e, err)
	}
	for range 2 {
		if err := k.Delete(ctx, "a"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := k.Get(ctx, "a"); !errors.Is(err, bus.ErrMissing) {
		t.Errorf("a deleted key: %v", err)
	}
	if _, err := k.Update(ctx, "a", &value{N: 4}, 0); err != nil {
		t.Errorf("created again: %v", err)
	}
}

func TestBucketKeysAreAnyText(t *testing.T) {
	t.Parallel()
	k := open(t, setup(t), statusBucket)
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z.*> =/\\]{0,6}`)), 1, 4, rapid.ID).Draw(rt, "keys")
		for i, key := range keys {
			if _, err := k.Put(t.Context(), key, &value{N: i}); err != nil {
				rt.Fatal(err)
			}
		}
		list, err := k.List(t.Context())
		if err != nil || len(list) != len(keys) {
			rt.Fatalf("%d keys are listed, want %d (%v)", len(list), len(keys), err)
		}
		for _, e := range list {
			if i := slices.Index(keys, e.Key); i < 0 || e.Value.N != i {
				rt.Errorf("%q: got %+v", e.Key, e)
			}
		}
		for _, key := range keys {
			if err := k.Delete(t.Context(), key); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

func TestAnUnreadableValueHidesNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k := open(t, b, statusBucket)
	raw, err := b.JetStream().KeyValue(t.Context(), statusBucket)
	if err != nil {
		t.Fatal(err)
	}
	for key, text := range map[string]string{"later": `{"n":1,"unknown":2}`, "broken": "x", "ok": `{"n":1}`} {
		if _, err := raw.Put(t.Context(), key, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Get(t.Context(), "later"); err == nil || !strings.Contains(err.Error(), "unknown") || !strings.Contains(err.Error(), "later") {
		t.Errorf("got %v", err)
	}
	list, err := k.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Key != "ok" {
		t.Errorf("got %+v, %v", list, err)
	}
	seen, _ := watch(t, k)
	seen.await(t, 2) // and the end of what there is
}

// watch gathers the entries that a watcher receives: "key=n", "key=gone", or "" for
// the end of the initial state.
func watch(t *testing.T, k *bus.Bucket[value]) (seen *gathered[string], stop func() error) {
	t.Helper()
	seen = &gathered[string]{}
	stop = background(t, func(ctx context.Context) error {
		return k.Watch(ctx, func(e *bus.Entry[value]) {
			switch {
			case e == nil:
				seen.add("")
			case e.Value == nil:
				seen.add(e.Key + "=gone")
			default:
				seen.add(e.Key + "=" + string(rune('0'+e.Value.N)))
			}
		})
	})
	return seen, stop
}

func TestWatchTellsWhatIsThereThenChanges(t *testing.T) {
	t.Parallel()
	k, ctx := open(t, setup(t), statusBucket), t.Context()
	put := func(key string, n int) {
		t.Helper()
		if _, err := k.Put(ctx, key, &value{N: n}); err != nil {
			t.Fatal(err)
		}
	}
	put("a", 1)
	seen, stop := watch(t, k)
	seen.await(t, 2)
	put("b.c", 2)
	put("a", 3)
	seen.await(t, 4) // a bucket keeps one value: the next takes the place of what was not told yet
	if err := k.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if got := seen.await(t, 5); !slices.Equal(got, []string{"a=1", "", "b.c=2", "a=3", "a=gone"}) {
		t.Errorf("got %q", got)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

func TestAWatcherIsToldWhenAHeartbeatRunsOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k := open(t, b, b.Topics().NodesBucket())
	seen, _ := watch(t, k)
	seen.await(t, 1)
	if _, err := k.Put(t.Context(), "node", &value{N: 1}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	got := seen.await(t, 3)
	if took := time.Since(began); !slices.Equal(got, []string{"", "node=1", "node=gone"}) || took < topics.LeaseTTL-time.Second || took > topics.LeaseTTL+2*time.Second {
		t.Errorf("got %q after %s", got, took)
	}
	if _, err := k.Update(t.Context(), "node", &value{N: 2}, 0); err != nil {
		t.Errorf("the key cannot be taken again: %v", err)
	}
}

func TestWatchContinuesAfterTheServerWasAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	b := o.bus()
	k := open(t, b, b.Topics().StatusBucket())
	if _, err := k.Put(t.Context(), "a", &value{N: 1}); err != nil {
		t.Fatal(err)
	}
	seen, _ := watch(t, k)
	seen.await(t, 2)
	o.stop()
	o.start()
	eventually(t, "the bus writes again", func() bool {
		_, err := k.Put(t.Context(), "a", &value{N: 2})
		return err == nil
	})
	within(t, 15*time.Second, "telling", func() {
		eventually(t, "the change is told", func() bool { return slices.Contains(seen.all(), "a=2") })
	})
}

func TestWatchEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	server := newOutage(t)
	b := server.bus()
	seen, stop := watch(t, open(t, b, b.Topics().StatusBucket()))
	seen.await(t, 1)
	b.Close()
	within(t, 2*time.Second, "stopping", func() {
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

const statusBucket = topics.DefaultDomain + "-status"
