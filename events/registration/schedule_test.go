package registration_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/registration"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "10m": "@every 10m0s", "90s": "@every 1m30s", "@every 10s": "@every 10s", " 1h ": "@every 1h0m0s",
		"876000h": "@every 876000h0m0s", "@daily": "@daily", "@annually": "@annually",
		"*/5 * * * *": "0 */5 * * * *", "0 0 3 * * MON": "0 0 3 * * MON", " 0 0  3 * *\tmon ": "0 0 3 * * mon",
		"0 */60 */24 * * ?": "0 */60 */24 * * ?", "5/20 0 0 1,15 jan-MAR,12 1-5/2": "5/20 0 0 1,15 jan-MAR,12 1-5/2",
		"0 0 0 29 2 *": "0 0 0 29 2 *", "0 0 0 31 2 MON": "0 0 0 31 2 MON", // a day matches either field
		"00 059 3 * * *": "00 059 3 * * *",
	} {
		got, err := registration.ReadSchedule(text, "Europe/Zurich")
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestSchedulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // the field, or a key phrase
		"10": "no schedule", "@every": "no schedule", "@every @daily": "no schedule", "tomorrow": "no schedule", "@reboot": "no schedule",
		"@at 2030-01-01T00:00:00Z": "no schedule", "* * * *": "no schedule", "* * * * * * *": "no schedule", "@Daily": "no schedule",
		"500ms": "whole number of seconds", "1.5s": "whole number of seconds", "@every 0s": "whole number of seconds", "-10s": "whole number of seconds",
		"2100000h": "100 years", "876001h": "100 years", "9223372036s": "100 years", "99999999999h": "no schedule",
		", * * * * *": "field seconds", "61 * * * * *": "field seconds", "a b c d e f": "field seconds", "1,,2 * * * * *": "field seconds",
		"0 60 * * * *": "field minutes", "60 * * * *": "field minutes", "0 0 24 * * *": "field hours", "0 0 5-3 * * *": "field hours",
		"0 0 0 30 2 *": "field day of month", "0 0 0 31 2,4,6,9,11 *": "field day of month", "0 0 0 31 4 ?": "field day of month",
		"0 0 0 L * *": "field day of month", "0 0 0 15W * *": "field day of month", "0 0 0 0 * *": "field day of month", "0 0 0 32 * *": "field day of month",
		"0 0 0 1 13 *": "field month", "0 0 0 1 NOV-FEB *": "field month", "0 0 0 1 januar *": "field month",
		"0 0 3 * * 7": "field day of week", "0 0 2 * * FRI-MON": "field day of week", "0 0 2 * * FRI#2": "field day of week", "0 0 2 * * 5L": "field day of week",
		"*/0 * * * * *": "field seconds", "*/-1 * * * * *": "field seconds", "*/x * * * * *": "field seconds", "*/2/3 * * * * *": "field seconds",
		"1-2-3 * * * * *": "field seconds", "-1 * * * * *": "field seconds", "+1 * * * * *": "field seconds", "*-5 * * * * *": "field seconds",
		"H * * * * *": "field seconds", "1, * * * * *": "field seconds", "/5 * * * * *": "field seconds",
		"CRON_TZ=Europe/Zurich 0 2 * * *": "timeZone", "TZ=UTC 0 0 2 * * *": "timeZone",
	} {
		got, err := registration.ReadSchedule(text, "")
		if events.CodeOf(err) != events.CodeInvalid || !strings.Contains(err.Error(), want) || got.String() != "" {
			t.Errorf("%q: %q, %v, want an error with %q", text, got, err, want)
		}
	}
	for _, zone := range []string{"Mars/Olympus", "Local", "../UTC", " Europe/Zurich"} {
		if _, err := registration.ReadSchedule("@daily", zone); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("zone %q: %v", zone, err)
		}
	}
}

func TestMinutes(t *testing.T) {
	t.Parallel()
	for minutes, want := range map[float64]time.Duration{
		-1: 0, 0: 0, 1e-9: time.Second, 0.5: 30 * time.Second, 10: 10 * time.Minute, 52_560_000: 876_000 * time.Hour,
	} {
		if got, err := registration.ReadMinutes(minutes); err != nil || got.Interval() != want {
			t.Errorf("%v: %v, %v, want %v", minutes, got, err, want)
		}
	}
	for _, minutes := range []float64{52_560_001, 153_722_868, 1e300} {
		if got, err := registration.ReadMinutes(minutes); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("%v: %v, %v", minutes, got, err)
		}
	}
}

func TestNextDueTime(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pattern, zone, after, want string }{
		{"an interval", "10m", "", "2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z"},
		{"an interval of a century", "876000h", "", "2026-01-01T00:00:00Z", "2125-12-08T00:00:00Z"},
		{"after the due time itself", "0 0 3 * * *", "", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"},
		{"within a second", "* * * * * *", "", "2026-01-01T03:00:00.9Z", "2026-01-01T03:00:01Z"},
		{"a leap day", "0 0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"a leap day after a century without", "0 0 0 29 2 *", "", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"one of two fields of days", "0 0 0 13 * FRI", "", "2026-03-09T00:00:00Z", "2026-03-13T00:00:00Z"},
		{"the other field of days", "0 0 0 14 * FRI", "", "2026-03-13T00:00:00Z", "2026-03-14T00:00:00Z"},
		{"a step of days of the week does not reach Sunday", "0 0 0 * * 1/2", "", "2026-03-06T00:00:00Z", "2026-03-09T00:00:00Z"},
		{"in a zone", "@daily", "Europe/Zurich", "2026-07-01T12:00:00Z", "2026-07-01T22:00:00Z"},
		{"a day without midnight", "0 30 1 28 3 *", "Atlantic/Azores", "2026-12-01T00:00:00Z", "2027-03-28T01:30:00Z"},
		{"midnight of a day without", "@daily", "Atlantic/Azores", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"},
		{"a Sunday without midnight", "0 30 1 * * SUN", "America/Havana", "2027-03-08T12:00:00Z", "2027-03-14T05:30:00Z"},
		{"a skipped time", "0 30 2 * * *", "Europe/Zurich", "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z"},
		{"skipped times come due once", "0 */10 2 * * *", "Europe/Zurich", "2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"},
		{"a skipped half hour", "0 15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
		{"the first of two", "0 30 2 * * *", "Europe/Zurich", "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z"},
		{"not the second of two", "0 30 2 * * *", "Europe/Zurich", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"},
		{"from between the two", "0 30 2 * * *", "Europe/Zurich", "2027-10-31T01:10:00Z", "2027-11-01T01:30:00Z"},
		{"once the hour is over", "0 */30 * * * *", "Europe/Zurich", "2027-10-31T00:30:00Z", "2027-10-31T02:00:00Z"},
		{"a skipped day", "0 0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", "2011-12-30T10:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := registration.ReadSchedule(test.pattern, test.zone)
			after, afterErr := time.Parse(time.RFC3339, test.after)
			if err != nil || afterErr != nil {
				t.Fatal(err, afterErr)
			}
			if got := s.Next(after).UTC().Format(time.RFC3339); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if next := (registration.Schedule{}).Next(time.Now()); !next.IsZero() {
		t.Errorf("no schedule comes due at %s", next)
	}
}

// field draws a field of a cron expression, and the values that it means; nil
// are all.
func field(low, high int) *rapid.Generator[drawnField] {
	return rapid.Custom(func(t *rapid.T) drawnField {
		if rapid.IntRange(0, 2).Draw(t, "all") == 0 {
			return drawnField{text: "*"}
		}
		f := drawnField{values: map[int]bool{}}
		var items []string
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			first := rapid.IntRange(low, high).Draw(t, "first")
			last := rapid.IntRange(first, high).Draw(t, "last")
			step := rapid.IntRange(1, high).Draw(t, "step")
			for v := first; v <= last; v += step {
				f.values[v] = true
			}
			items = append(items, fmt.Sprintf("%d-%d/%d", first, last, step))
		}
		f.text = strings.Join(items, ",")
		return f
	})
}

type drawnField struct {
	text   string
	values map[int]bool
}

func (f drawnField) has(v int) bool { return f.values == nil || f.values[v] }

// TestNextMatches compares Next with a search minute by minute, in zones that
// set their clocks at all kinds of times.
func TestNextMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minute, hour := field(0, 59).Draw(t, "minute"), field(0, 23).Draw(t, "hour")
		day, month, weekday := field(1, 31).Draw(t, "day"), field(1, 12).Draw(t, "month"), field(0, 6).Draw(t, "weekday")
		name := rapid.SampledFrom([]string{
			"UTC", "Europe/Zurich", "America/New_York", "Atlantic/Azores", "America/Havana", "America/Santiago",
			"Australia/Lord_Howe", "Africa/Cairo", "Antarctica/Troll", "Africa/Casablanca", "Asia/Kathmandu",
		}).Draw(t, "zone")
		s, err := registration.ReadSchedule(strings.Join([]string{"0", minute.text, hour.text, day.text, month.text, weekday.text}, " "), name)
		if err != nil {
			t.Skip("never comes due")
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		matches := func(at time.Time) bool {
			days := day.has(at.Day()) && weekday.has(int(at.Weekday()))
			if day.values != nil && weekday.values != nil {
				days = day.has(at.Day()) || weekday.has(int(at.Weekday()))
			}
			return days && month.has(int(at.Month())) && hour.has(at.Hour()) && minute.has(at.Minute())
		}
		// Around a change of the clock, as often as not.
		after := time.Unix(rapid.Int64Range(1.7e9, 2.3e9).Draw(t, "after"), 0).In(zone)
		if _, end := after.ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "around a change") {
			after = end.Add(-time.Duration(rapid.IntRange(-90, 90).Draw(t, "minutes before")) * time.Minute)
		}
		next := s.Next(after)
		if !next.After(after) {
			t.Fatalf("%s is not after %s", next, after)
		}
		const searched = 36 * time.Hour
		want := time.Time{}
		for at := after.Truncate(time.Minute).Add(time.Minute); at.Before(after.Add(searched)) && want.IsZero(); at = at.Add(time.Minute) {
			if due(at, matches) {
				want = at
			}
		}
		switch {
		case want.IsZero() && next.Before(after.Add(searched)), !want.IsZero() && !next.Equal(want):
			t.Fatalf("%s: after %s comes %s, want %s", s, after, next, want)
		case !due(next.In(zone), matches):
			t.Fatalf("%s: %s does not match", s, next)
		}
	})
}

// due reports whether a minute is due: the clock shows a time that matches, for
// the first time, or has just skipped one.
func due(at time.Time, matches func(time.Time) bool) bool {
	shown := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	}
	const longest = 3 * time.Hour
	if start, _ := at.ZoneBounds(); at.Sub(start) < longest { // the clock was set
		for back := time.Minute; back <= longest; back += time.Minute {
			if shown(at.Add(-back)).Equal(shown(at)) {
				return false // shown before
			}
		}
	}
	if matches(shown(at)) {
		return true
	}
	before := shown(at.Add(-time.Minute))
	for skipped := before.Add(time.Minute); skipped.Before(shown(at)); skipped = skipped.Add(time.Minute) {
		if matches(skipped) {
			return true
		}
	}
	return false
}

// FuzzSchedule reads any text: it is refused, or it is read again as the same
// and has a next time, which the bus can store.
func FuzzSchedule(f *testing.F) {
	for _, text := range []string{
		"", "10m", "@every 10s", "@daily", "0 */5 * * * *", "*/5 * * * *", ", * * * * *", "61 * * * * *", "a b c d e f", "0 0 0 30 2 *",
		"0 0 3 * * 7", "0 0 2 * * FRI-MON", "0 0 0 L * *", "CRON_TZ=Europe/Zurich 0 2 * * *", "2100000h", "0 0 0 29 feb ?", "1/7,3-4/2 * * * * *",
		strings.Repeat("0,", 600) + "0 * * * * *",
	} {
		f.Add(text, "Atlantic/Azores", int64(1_800_000_000))
		f.Add(text, "", int64(0))
	}
	f.Fuzz(func(t *testing.T, text, zone string, seconds int64) {
		s, err := registration.ReadSchedule(text, zone)
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := registration.ReadSchedule(s.String(), zone)
		if err != nil || again.String() != s.String() || again.Interval() != s.Interval() {
			t.Fatalf("%q: %q, then %q, %v", text, s, again, err)
		}
		after := time.Unix(seconds%(1<<32), 0)
		next := s.Next(after)
		if s.String() == "" && next.IsZero() {
			return
		}
		if !next.After(after) || next.Year() > 2262 || next.UnixNano() < 0 && seconds >= 0 {
			t.Fatalf("%q: after %s comes %s", text, after, next)
		}
		if !again.Next(after).Equal(next) {
			t.Fatalf("%q: %s, then %s", strconv.Quote(text), next, again.Next(after))
		}
	})
}
