package registration

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netresearch/go-cron"

	"github.com/camena-io/camena/events"
)

// Schedule says when a connector is refreshed: at an interval, or whenever a
// cron expression matches the clock of a time zone. The zero Schedule never
// comes due.
type Schedule struct {
	pattern  string
	interval time.Duration
	cron     cron.Schedule // on a clock that is never set: UTC
	zone     *time.Location
}

const (
	everyPrefix = "@every "
	// maxInterval keeps due times within what the bus can store (until 2262).
	maxInterval = 100 * 365 * 24 * time.Hour
	// searchYears covers eight years without 29 February (1896 to 1904).
	searchYears = 9
)

// ReadSchedule reads an interval ("10m", "@every 10m"), one of "@yearly",
// "@monthly", "@weekly", "@daily" and "@hourly", or a cron expression of six
// fields, or of five without seconds, in a time zone; no zone is UTC. It
// refuses what never comes due. It is as strict as the bus and stricter,
// because a pattern that the bus cannot handle stops every schedule.
func ReadSchedule(text, zone string) (Schedule, error) {
	text = strings.Join(strings.Fields(text), " ")
	location, err := ReadZone(zone)
	if err != nil || text == "" {
		return Schedule{}, err
	}
	if spec, ok := descriptors()[text]; ok {
		return cronSchedule(text, strings.Fields(spec), location)
	}
	interval, every := strings.CutPrefix(text, everyPrefix)
	switch fields := strings.Fields(text); {
	case strings.Contains(text, "TZ="):
		return Schedule{}, events.Errorf(events.CodeInvalid, "", "%q: a time zone belongs in timeZone, not in the schedule", text)
	case !every && len(fields) == 5:
		return cronSchedule("0 "+text, append([]string{"0"}, fields...), location)
	case !every && len(fields) == 6:
		return cronSchedule(text, fields, location)
	}
	d, err := time.ParseDuration(interval)
	if err != nil {
		return Schedule{}, events.Errorf(events.CodeInvalid, "",
			"%q is no schedule; write an interval such as 30s or 10m, a cron expression such as \"0 */5 * * * *\", or @daily", text)
	}
	return intervalSchedule(text, d)
}

// ReadMinutes reads an interval in minutes, as Egeria gives it; 0 and less
// mean no schedule. It rounds to whole seconds.
func ReadMinutes(minutes float64) (Schedule, error) {
	text := strconv.FormatFloat(minutes, 'f', -1, 64) + " minutes"
	switch {
	case minutes <= 0:
		return Schedule{}, nil
	case minutes > maxInterval.Minutes():
		return intervalSchedule(text, math.MaxInt64)
	}
	d := time.Duration(minutes * float64(time.Minute)).Round(time.Second)
	return intervalSchedule(text, max(d, time.Second))
}

func intervalSchedule(text string, d time.Duration) (Schedule, error) {
	switch {
	case d > maxInterval:
		return Schedule{}, events.Errorf(events.CodeInvalid, "", "%s: an interval is at most 100 years (876000h)", text)
	case d < time.Second || d%time.Second != 0:
		return Schedule{}, events.Errorf(events.CodeInvalid, "", "%q: an interval is a whole number of seconds, at least one", text)
	}
	return Schedule{pattern: everyPrefix + d.String(), interval: d}, nil
}

// ReadZone reads the name of a time zone; none is UTC. The zone of the machine
// is refused, because a schedule runs on any node.
func ReadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, events.Errorf(events.CodeInvalid, "", "%q is not a time zone such as Europe/Zurich", name)
	}
	return zone, nil
}

// String is the pattern as the bus reads it.
func (s Schedule) String() string { return s.pattern }

// Interval returns the time between two refreshes, 0 if a cron expression
// says when they are.
func (s Schedule) Interval() time.Duration { return s.interval }

// Next returns the first due time after a time, the zero time if there is
// none. Where the clock of the zone is set forward, the times that it skips
// come due at that moment; where it is set back, a time that it shows twice
// comes due the first time only.
func (s Schedule) Next(after time.Time) time.Time {
	switch {
	case s.interval > 0:
		return after.Add(s.interval)
	case s.cron == nil:
		return time.Time{}
	}
	shown := clock(after.In(s.zone))
	for {
		if shown = s.cron.Next(shown); shown.IsZero() {
			return time.Time{}
		}
		if due := instant(shown, s.zone); due.After(after) {
			return due
		}
	}
}

// clock returns what the clock of t's zone shows, as a time in UTC.
func clock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// instant returns when the clock of a zone first shows a time, or, if it skips
// it, when it does.
func instant(shown time.Time, zone *time.Location) time.Time {
	t := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, zone)
	start, end := t.ZoneBounds()
	switch read := clock(t); {
	case read.After(shown):
		return start
	case read.Before(shown):
		return end
	case start.IsZero():
		return t
	}
	_, offset := t.Zone()
	_, before := start.Add(-time.Second).Zone()
	if first := t.Add(time.Duration(offset-before) * time.Second); first.Before(start) {
		return first
	}
	return t
}

// cronSchedule reads the six fields of a cron expression.
func cronSchedule(pattern string, fields []string, zone *time.Location) (Schedule, error) {
	strict := make([]string, len(fields))
	for i, f := range cronFields() {
		var err error
		if strict[i], err = f.read(fields[i]); err != nil {
			return Schedule{}, events.Errorf(events.CodeInvalid, "", "%q: field %s: %s", pattern, f.name, err)
		}
	}
	// As the bus does, a day matches one of two restricted fields of days.
	parser, err := cron.TryNewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom)
	if err != nil {
		return Schedule{}, err
	}
	every, err := parser.WithMaxSearchYears(searchYears).Parse("TZ=UTC " + strings.Join(strict, " "))
	switch {
	case err != nil:
		return Schedule{}, events.Errorf(events.CodeInvalid, "", "%q: %s", pattern, err)
	case every.Next(time.Time{}).IsZero():
		return Schedule{}, events.Errorf(events.CodeInvalid, "", "%q: field day of month: none of the months has such a day", pattern)
	}
	return Schedule{pattern: pattern, cron: every, zone: zone}, nil
}

// descriptors are the names of schedules that the bus knows.
func descriptors() map[string]string {
	return map[string]string{
		"@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *", "@weekly": "0 0 0 * * 0",
		"@daily": "0 0 0 * * *", "@midnight": "0 0 0 * * *", "@hourly": "0 0 * * * *",
	}
}

// cronField is a field of a cron expression.
type cronField struct {
	name      string
	low, high int
	words     []string // names of the values from low on
}

func cronFields() [6]cronField {
	months := []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	days := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	return [...]cronField{
		{"seconds", 0, 59, nil},
		{"minutes", 0, 59, nil},
		{"hours", 0, 23, nil},
		{"day of month", 1, 31, nil},
		{"month", 1, 12, months},
		{"day of week", 0, 6, days},
	}
}

// read checks a field and returns it in the simplest form that says the same.
func (f cronField) read(text string) (string, error) {
	items := strings.Split(text, ",")
	for i, item := range items {
		var err error
		if items[i], err = f.item(item); err != nil {
			return "", err
		}
	}
	return strings.Join(items, ","), nil
}

func (f cronField) item(text string) (string, error) {
	values, step, stepped := strings.Cut(text, "/")
	low, high, err := f.bounds(values, stepped)
	if err != nil {
		return "", err
	}
	by := 1
	if stepped {
		if by, err = strconv.Atoi(step); err != nil || by < 1 {
			return "", events.Errorf(events.CodeInvalid, "", "%q: a step is a number from 1 on", text)
		}
	}
	switch all := values == "*" || values == "?"; {
	case all && by == 1:
		return "*", nil
	case by > high-low:
		return strconv.Itoa(low), nil
	default:
		return strconv.Itoa(low) + "-" + strconv.Itoa(high) + "/" + strconv.Itoa(by), nil
	}
}

// bounds returns the first and last of the values; a step goes on from a
// single one.
func (f cronField) bounds(text string, stepped bool) (low, high int, err error) {
	if text == "*" || text == "?" {
		return f.low, f.high, nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if low, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		high, err = f.value(last)
	case stepped:
		high = f.high
	default:
		high = low
	}
	if err == nil && low > high {
		err = events.Errorf(events.CodeInvalid, "", "the range %q ends before it begins", text)
	}
	return low, high, err
}

func (f cronField) value(text string) (int, error) {
	if i := slices.Index(f.words, strings.ToLower(text)); i >= 0 {
		return f.low + i, nil
	}
	if text == "" {
		return 0, events.Errorf(events.CodeInvalid, "", "a value is missing")
	}
	v, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, events.Errorf(events.CodeInvalid, "", "%q is not a value of this field", text)
	}
	if int(v) < f.low || int(v) > f.high {
		return 0, events.Errorf(events.CodeInvalid, "", "%s is not between %d and %d", text, f.low, f.high)
	}
	return int(v), nil
}
