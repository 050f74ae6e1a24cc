package evidence

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// headerZone is what a portal puts behind the name of a column of times: the zone in which it shows them.
type headerZone struct {
	name  string
	place *time.Location // nil when the name does not say which zone it is
}

const utcSuffix = " [UTC]"

var (
	zoneHeader = regexp.MustCompile(`^(.*\S) \[((?:UTC|GMT)(?: ?[+-]\d{1,2}(?::?\d\d)?)?|Local Time|[A-Z][A-Za-z]+(?:/[A-Za-z_+-]+)+)\]\s*$`)
	zoneOffset = regexp.MustCompile(`^(?:UTC|GMT) ?([+-])(\d{1,2})(?::?(\d\d))?$`)
)

// zonedHeaders notes which columns show times in another zone than UTC, and names them as if they were in UTC: their
// values are turned into it.
func (f *File) zonedHeaders() {
	f.zones = nil
	for i, key := range f.Keys {
		m := zoneHeader.FindStringSubmatch(key)
		if m == nil || m[2] == "UTC" || m[2] == "GMT" {
			continue
		}
		if f.zones == nil {
			f.zones = make([]*headerZone, len(f.Keys))
		}
		f.zones[i] = &headerZone{m[2], zoneOf(m[2])}
		f.Keys[i] = m[1] + utcSuffix
	}
}

// zoneOf is the zone of a name such as UTC+02:00 or Europe/London; nil for what names none.
func zoneOf(name string) *time.Location {
	if m := zoneOffset.FindStringSubmatch(name); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi(m[3])
		seconds := hours*3600 + minutes*60
		if m[1] == "-" {
			seconds = -seconds
		}
		return time.FixedZone(name, seconds)
	}
	if !strings.Contains(name, "/") {
		return nil
	}
	place, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return place
}

// toUTC turns a local time of a column into UTC. A time whose zone is not known, or that the clock showed twice or never
// because of summer time, is refused. What is no time is left for the column to refuse.
func (z *headerZone) toUTC(d *Decoder, text []byte) ([]byte, error) {
	if len(text) == 0 || hasZone(text) {
		return text, nil
	}
	t, code := d.time(text)
	if code != "" {
		return text, nil
	}
	if z.place == nil {
		return nil, ambiguous("a local time, and the header does not say of which zone: [%s]", z.name)
	}
	wall := t.Time()
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), z.place)
	for _, shift := range []time.Duration{-time.Hour, time.Hour} {
		if other := at.Add(shift); other.Format(time.DateTime) == at.Format(time.DateTime) {
			return nil, ambiguous("the clock of %s showed %s twice", z.name, wall.Format(time.DateTime))
		}
	}
	if at.Format(time.DateTime) != wall.Format(time.DateTime) {
		return nil, ambiguous("the clock of %s never showed %s", z.name, wall.Format(time.DateTime))
	}
	return []byte(schema.TicksOf(at.UTC()).RFC3339()), nil
}

func ambiguous(format string, args ...any) error {
	return &ScanError{Column: 1, Code: CodeAmbiguousTime, Reason: fmt.Sprintf(format, args...) + "; export again with times in UTC"}
}
