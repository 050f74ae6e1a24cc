package evidence

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// dayOrder is what comes first in a date such as 3/4/2026.
type dayOrder byte

const (
	orderUnknown dayOrder = 0
	monthFirst   dayOrder = 1
	dayFirst     dayOrder = 2
	orderMixed            = monthFirst | dayFirst
)

// datetimeMonthFirst reads a time as datetime does, with the month first.
func datetimeMonthFirst(b []byte) (schema.Ticks, bool) {
	t, code := datetime(b, monthFirst)
	return t, code == ""
}

// noZone is the code of a form whose times are local and do not say where: it is rejected as ambiguous.
const noZone = "no_zone"

// datetime reads a time in the forms that exports use: ISO with up to nine fraction digits and an optional zone,
// `6/15/2026, 12:40:24.178 PM` with the day where order says, `15.6.2026 12:40`, `Jun 15, 2026 12:40:24 PM`, PowerShell's
// `/Date(ms)/`, and the seconds, milliseconds or microseconds since 1970. A form without a zone is UTC, but for Kibana's
// `Jun 15, 2026 @ 12:40:24.178`, which is in the zone of the browser. code is why a text is refused, "" otherwise.
func datetime(b []byte, order dayOrder) (t schema.Ticks, code string) {
	if t, ok := isoUTC(b); ok {
		return t, ""
	}
	b = bytes.TrimSpace(b)
	if len(b) > maxTime {
		return 0, CodeBadDatetime
	}
	if d, ok := cutDate(b); ok {
		return d.ticks(order)
	}
	s := string(b)
	if ms, ok := strings.CutPrefix(strings.ReplaceAll(s, `\/`, "/"), "/Date("); ok {
		n, err := strconv.ParseInt(strings.TrimSuffix(ms, ")/"), 10, 64)
		if t = schema.UnixEpoch + schema.Ticks(n)*schema.Millisecond; err != nil || n < -62135596800000 || n > 253402300799999 {
			return 0, CodeBadDatetime
		}
		return t, ""
	}
	if m := wordy.FindStringSubmatch(s); m != nil {
		return wordyTime(m)
	}
	if t, ok := sinceEpoch(s); ok {
		return t, ""
	}
	if shortZone.MatchString(s) {
		s += ":00"
	}
	// Fractions beyond the tick are cut, not rounded: a time never moves forward.
	if dot := strings.LastIndexByte(s, '.'); dot > 0 {
		end := dot + 1
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end-dot > 8 {
			s = s[:dot+8] + s[end:]
		}
	}
	if t, ok := schema.ParseDatetime(s); ok {
		return t, ""
	}
	return 0, CodeBadDatetime
}

// isoUTC is the fast path for 2026-03-21T09:30:00.1234567Z.
func isoUTC(b []byte) (schema.Ticks, bool) {
	if len(b) < 20 || len(b) > 28 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return 0, false
	}
	num := func(from, to int) (n int, ok bool) {
		for _, c := range b[from:to] {
			if c < '0' || c > '9' {
				return 0, false
			}
			n = n*10 + int(c-'0')
		}
		return n, true
	}
	y, ok1 := num(0, 4)
	mo, ok2 := num(5, 7)
	d, ok3 := num(8, 10)
	h, ok4 := num(11, 13)
	mi, ok5 := num(14, 16)
	se, ok6 := num(17, 19)
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || h > 23 || mi > 59 || se > 59 {
		return 0, false
	}
	fraction := schema.Ticks(0)
	if len(b) > 20 {
		if b[19] != '.' {
			return 0, false
		}
		n, ok := num(20, len(b)-1)
		if !ok {
			return 0, false
		}
		fraction = schema.Ticks(n)
		for i := len(b) - 21; i < 7; i++ {
			fraction *= 10
		}
	}
	day, ok := dayNumber(y, mo, d)
	return day*schema.Day + schema.Ticks(h)*schema.Hour + schema.Ticks(mi)*schema.Minute + schema.Ticks(se)*schema.Second + fraction, ok
}

var monthDays = [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

// dayNumber counts the days since 0001-01-01.
func dayNumber(y, m, d int) (schema.Ticks, bool) {
	if y < 1 || m < 1 || m > 12 || d < 1 {
		return 0, false
	}
	leap := y%4 == 0 && (y%100 != 0 || y%400 == 0)
	length := monthDays[m] - monthDays[m-1]
	if leap && m == 2 {
		length++
	}
	if d > length {
		return 0, false
	}
	p := y - 1
	n := p*365 + p/4 - p/100 + p/400 + monthDays[m-1] + d - 1
	if leap && m > 2 {
		n++
	}
	return schema.Ticks(n), true
}

// maxTime is the length of the longest text that can be a time.
const maxTime = 64

// date is a date of three numbers with the year last, with the clock and the zone behind it: `6/15/2026, 12:40 PM +02:00`.
type date struct {
	first, second, year int
	separators          [2]byte
	clock, zone         []byte
}

// cutDate cuts a date into its parts. A CSV has some in every row, so that no regular expression does it.
func cutDate(b []byte) (d date, ok bool) {
	if len(b) > maxTime {
		return d, false
	}
	var n int
	d.first, n = digits(b, 2)
	if n == 0 || n == len(b) || bytes.IndexByte([]byte("/.-"), b[n]) < 0 {
		return d, false
	}
	d.separators[0], b = b[n], b[n+1:]
	d.second, n = digits(b, 2)
	if n == 0 || n == len(b) || bytes.IndexByte([]byte("/.-"), b[n]) < 0 {
		return d, false
	}
	d.separators[1], b = b[n], b[n+1:]
	if d.year, n = digits(b, 4); n != 4 {
		return d, false
	}
	d.clock, b = cutClock(b[n:])
	return d, d.cutZone(b)
}

// digits reads a number of at most so many digits, and says how many it has.
func digits(b []byte, most int) (value, n int) {
	for n < len(b) && n < most && b[n] >= '0' && b[n] <= '9' {
		value, n = value*10+int(b[n]-'0'), n+1
	}
	return value, n
}

// cutClock cuts the time of day off what follows a date: `, 12:40:24.178 PM`.
func cutClock(b []byte) (clock, rest []byte) {
	at := bytes.TrimPrefix(b, []byte{','})
	clock = bytes.TrimLeft(at, " ")
	if len(clock) == len(at) || len(clock) == 0 || clock[0] < '0' || clock[0] > '9' {
		return nil, b
	}
	n := 0
	for n < len(clock) && (clock[n] >= '0' && clock[n] <= '9' || clock[n] == ':' || clock[n] == '.') {
		n++
	}
	half := clock[n:]
	if len(half) > 0 && half[0] == ' ' {
		half = half[1:]
	}
	if len(half) > 1 && (half[0]|0x20 == 'a' || half[0]|0x20 == 'p') && half[1]|0x20 == 'm' {
		n = len(clock) - len(half) + 2
	}
	return clock[:n], clock[n:]
}

// cutZone takes what is left behind a date and its clock; it reports whether that is a zone or nothing.
func (d *date) cutZone(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	d.zone = bytes.TrimLeft(b, " ")
	switch string(d.zone) {
	case "Z", "UTC", "GMT":
		return true
	case "":
		return false
	}
	if d.zone[0] != '+' && d.zone[0] != '-' {
		return false
	}
	_, hours := digits(d.zone[1:], 2)
	minutes := bytes.TrimPrefix(d.zone[1+hours:], []byte{':'})
	_, n := digits(minutes, 2)
	return hours == 2 && n == 2 && len(minutes) == 2
}

// order is what a date of three numbers says about the order of day and month; unknown when it says nothing.
func (d *date) order() dayOrder {
	switch {
	case d.separators[0] == '.':
	case d.first > 12 && d.second <= 12:
		return dayFirst
	case d.second > 12 && d.first <= 12:
		return monthFirst
	}
	return orderUnknown
}

// half reports whether the clock says AM or PM.
func (d *date) half() bool { return len(d.clock) > 0 && d.clock[len(d.clock)-1]|0x20 == 'm' }

// ticks is the time of a date whose day or month comes first, as order says.
func (d *date) ticks(order dayOrder) (t schema.Ticks, code string) {
	month, day := d.first, d.second
	if d.separators[0] != d.separators[1] {
		return 0, CodeBadDatetime
	}
	switch {
	case d.separators[0] == '.' || order == dayFirst: // no region writes the month first with points
		month, day = day, month
	case order != monthFirst && month != day:
		return 0, CodeAmbiguousTime
	}
	days, ok := dayNumber(d.year, month, day)
	clock, ok2 := clockUS(d.clock)
	if !ok || !ok2 {
		return 0, CodeBadDatetime
	}
	t = days*schema.Day + clock
	if len(d.zone) > 3 {
		h, _ := digits(d.zone[1:], 2)
		minutes, _ := digits(d.zone[len(d.zone)-2:], 2)
		offset := schema.Ticks(h)*schema.Hour + schema.Ticks(minutes)*schema.Minute
		if d.zone[0] == '+' {
			offset = -offset
		}
		t += offset
	}
	if t < 0 || t > schema.MaxDatetime {
		return 0, CodeBadDatetime
	}
	return t, ""
}

// wordy are dates with the month's name: `[Friday, ]March 20, 2026[,| at| @] clock[ zone]` or `[Fri, ]20 Mar 2026 clock[ zone]`.
var wordy = regexp.MustCompile(`^(?:[A-Z][a-z]{2,8},? )?(?:([A-Z][a-z]{2,8})\.? (\d{1,2}),? (\d{4})|(\d{1,2})[ -]([A-Z][a-z]{2,8})[ -](\d{4}))(,? at| @|,)? +(\d[\d:.]*(?: ?[AaPp][Mm])?)(?: *(Z|UTC|GMT|[+-]\d\d:?\d\d))?$`)

// months are the beginnings of their names.
const months = "janfebmaraprmayjunjulaugsepoctnovdec"

func wordyTime(m []string) (t schema.Ticks, code string) {
	month, day, year := m[1], m[2], m[3]
	if month == "" {
		month, day, year = m[5], m[4], m[6]
	}
	at := strings.Index(months, strings.ToLower(month[:3]))
	if at < 0 || at%3 != 0 {
		return 0, CodeBadDatetime
	}
	if m[7] == " @" && m[9] == "" {
		return 0, noZone
	}
	d := date{first: at/3 + 1, separators: [2]byte{'/', '/'}, clock: []byte(m[8]), zone: []byte(m[9])}
	d.second, _ = digits([]byte(day), 2)
	d.year, _ = digits([]byte(year), 4)
	return d.ticks(monthFirst)
}

// sinceEpoch reads digits as the time since 1970, by their number in seconds, milliseconds or microseconds. Only times in
// which Entra has been writing logs are times.
func sinceEpoch(s string) (schema.Ticks, bool) {
	unit := schema.Second
	switch len(s) {
	case 10:
	case 13:
		unit = schema.Millisecond
	case 16:
		unit = schema.Microsecond
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	t := schema.UnixEpoch + schema.Ticks(n)*unit
	return t, err == nil && t > schema.UnixEpoch+35*365*schema.Day && t < schema.UnixEpoch+70*365*schema.Day
}

var zoned = regexp.MustCompile(`(?:[Zz]|UTC|GMT|:\d\d(?:\.\d+)? ?[+-]\d\d(?::?\d\d)?)$|^\\?/Date\(`)

// shortZone is a clock with a zone of hours alone, as databases write it.
var shortZone = regexp.MustCompile(`:\d\d(?:\.\d+)?[+-]\d\d$`)

// hasZone reports whether a time says its zone.
func hasZone(b []byte) bool { return zoned.Match(b) }

// clockUS reads a time of day, with 24 hours or with AM and PM; midnight where there is none.
func clockUS(b []byte) (schema.Ticks, bool) {
	if len(b) == 0 {
		return 0, true
	}
	half := -1
	switch n := len(b) - 2; {
	case n < 1 || b[n+1]|0x20 != 'm':
	case b[n]|0x20 == 'a':
		half, b = 0, bytes.TrimSpace(b[:n])
	case b[n]|0x20 == 'p':
		half, b = 12, bytes.TrimSpace(b[:n])
	}
	t, ok := timeOfDay(b)
	if !ok {
		return 0, false
	}
	if half >= 0 {
		hour := t / schema.Hour
		if hour < 1 || hour > 12 {
			return 0, false
		}
		t += schema.Ticks((int(hour)%12+half)-int(hour)) * schema.Hour
	}
	return t, true
}

// timeOfDay reads `9:30`, `09:30:15` or `09:30:15.1234567`; digits beyond the tick are cut.
func timeOfDay(b []byte) (schema.Ticks, bool) {
	t := schema.Ticks(0)
	for i, unit := range []schema.Ticks{schema.Hour, schema.Minute, schema.Second} {
		if i > 0 {
			if len(b) == 0 && i == 2 {
				return t, true
			}
			if len(b) == 0 || b[0] != ':' {
				return 0, false
			}
			b = b[1:]
		}
		value, n := digits(b, 2)
		if n == 0 || i == 0 && value > 23 || value > 59 {
			return 0, false
		}
		t, b = t+schema.Ticks(value)*unit, b[n:]
	}
	if len(b) == 0 {
		return t, true
	}
	fraction, n := digits(b[1:], 7)
	if b[0] != '.' || n == 0 || len(bytes.TrimRight(b[1+n:], "0123456789")) > 0 {
		return 0, false
	}
	for ; n < 7; n++ {
		fraction *= 10
	}
	return t + schema.Ticks(fraction)*schema.Tick, true
}
