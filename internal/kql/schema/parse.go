package schema

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// datetimeLayouts are the textual forms that Kusto documents for datetime, the ISO ones first.
// https://learn.microsoft.com/kusto/query/scalar-data-types/datetime
var datetimeLayouts = append([]string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04Z07:00", "2006-01-02 15:04",
	"2006-01-02T15Z07:00", "2006-01-02T15", "2006-01-02", "2006-01", "2006",
	"2006-1-2T15:04:05", "2006-1-2 15:04:05", "2006-1-2", "2006-01-02 15:04:05 -07:00", "2006-01-02T15:04:05-0700",
	"Mon Jan 2 15:04:05 2006", "Mon Jan _2 15:04:05 2006",
	"1-2-2006 15:04:05", "1-2-2006", "1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006", "1/2/2006 3:04:05 PM", "1/2/2006, 3:04:05 PM", "20060102",
	"2006/01/02 15:04:05", "2006/01/02", "2006-01-02 3:04:05 PM",
	"2006, 1, 2", "2006,1,2", "2006 - 1 - 2", // as examples of startofweek and sliding_window_counts have it
}, wordedLayouts()...)

// wordedLayouts are the forms of RFC 822 and RFC 850, with the weekday and the time or without.
func wordedLayouts() []string {
	var all []string
	for _, weekday := range []string{"", "Mon, ", "Monday, "} {
		for _, date := range []string{"2 Jan 06", "2 Jan 2006", "2-Jan-06", "2-Jan-2006"} {
			for _, clock := range []string{" 15:04:05", " 15:04", ""} {
				all = append(all, weekday+date+clock)
			}
		}
	}
	return all
}

// ParseEnd reads a time with which something ends, as [ParseDatetime] does; a day alone ends with its last tick.
func ParseEnd(s string) (Ticks, bool) {
	t, ok := ParseDatetime(s)
	if _, err := time.Parse(time.DateOnly, strings.TrimSpace(s)); ok && err == nil {
		t += Day - 1
	}
	return t, ok
}

// ParseDatetime reads a datetime in any of the forms that Kusto accepts, to the tick; a form without a zone is UTC. Of
// the zones that have a name only GMT and UTC are read: Go takes any other one for UTC too, hours beside what it means.
func ParseDatetime(s string) (Ticks, bool) {
	s = strings.TrimSpace(s)
	for _, zone := range []string{" GMT", " UTC"} {
		s = strings.TrimSuffix(s, zone)
	}
	if s == "" || len(s) > 64 {
		return 0, false
	}
	for _, layout := range datetimeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			ticks := TicksOf(t)
			return ticks, ticks >= 0 && ticks <= MaxDatetime // a zone may move it out of Kusto's years
		}
	}
	return 0, false
}

// units are the suffixes of timespan literals. The longest that fits counts.
var units = []struct {
	Suffix string
	Length Ticks
}{
	{"microseconds", Microsecond},
	{"microsecond", Microsecond},
	{"microsec", Microsecond},
	{"micros", Microsecond},
	{"milliseconds", Millisecond},
	{"millisecond", Millisecond},
	{"millisec", Millisecond},
	{"millis", Millisecond},
	{"nanoseconds", 0},
	{"nanosecond", 0},
	{"ms", Millisecond},
	{"ticks", Tick},
	{"tick", Tick},
	{"seconds", Second},
	{"second", Second},
	{"sec", Second},
	{"minutes", Minute},
	{"minute", Minute},
	{"min", Minute},
	{"hours", Hour},
	{"hour", Hour},
	{"hrs", Hour},
	{"hr", Hour},
	{"days", Day},
	{"day", Day},
	{"s", Second},
	{"m", Minute},
	{"h", Hour},
	{"d", Day},
}

var clock = regexp.MustCompile(`^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7})\d*)?)?$`)

// ParseTimespan reads `1d`, `2.5h`, `d.hh:mm:ss.fffffff` or a bare number of days.
// https://learn.microsoft.com/kusto/query/scalar-data-types/timespan
func ParseTimespan(s string) (Ticks, bool) {
	s = strings.TrimSpace(s)
	if m := clock.FindStringSubmatch(s); m != nil {
		return clockTicks(m)
	}
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.Suffix); ok && u.Length > 0 {
			return scale(strings.TrimSpace(number), u.Length)
		}
	}
	return scale(s, Day)
}

func clockTicks(m []string) (Ticks, bool) {
	part := func(s string) Ticks {
		n, _ := strconv.ParseInt(s, 10, 64)
		return Ticks(n)
	}
	hour, minute, second := part(m[3]), part(m[4]), part(m[5])
	if hour > 23 || minute > 59 || second > 59 || part(m[2]) > 10675199 {
		return 0, false
	}
	t := part(m[2])*Day + hour*Hour + minute*Minute + second*Second
	if m[6] != "" {
		t += part((m[6] + "0000000")[:7])
	}
	if t < 0 { // the last of the days is not whole
		return 0, false
	}
	if m[1] != "" {
		t = -t
	}
	return t, true
}

func scale(number string, unit Ticks) (Ticks, bool) {
	if len(number) > 40 || !decimalForm.MatchString(number) {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(int64(unit)))
	q := new(big.Int).Quo(r.Num(), r.Denom())
	if !q.IsInt64() {
		return 0, false
	}
	return Ticks(q.Int64()), true
}

// ParseReal reads a real, with Kusto's spellings of the special values.
func ParseReal(s string) (float64, bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "nan":
		return math.NaN(), true
	case "+inf", "inf":
		return math.Inf(1), true
	case "-inf":
		return math.Inf(-1), true
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// ParseLong reads an integer in decimal or 0x form.
func ParseLong(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	digits, sign := s, ""
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		sign, digits = s[:1], s[1:]
	}
	if len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X") {
		n, err := strconv.ParseUint(digits[2:], 16, 64)
		if sign == "-" {
			return -int64(n), err == nil
		}
		return int64(n), err == nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

var guidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$`)

// ParseGuid reads a guid with or without dashes and braces, and returns it in lower case with dashes.
func ParseGuid(s string) (string, bool) {
	s = strings.Trim(strings.TrimSpace(s), "{}()")
	if !guidForm.MatchString(s) {
		return "", false
	}
	s = strings.ToLower(strings.ReplaceAll(s, "-", ""))
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:], true
}

var decimalForm = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$`)

// ParseDecimal checks a decimal's text.
func ParseDecimal(s string) (DecimalText, bool) {
	s = strings.TrimSpace(s)
	return DecimalText(s), decimalForm.MatchString(s)
}
