package evidence

import (
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Datetime reads a time in the forms that exports of Log Analytics use: ISO with up to nine fraction digits and an
// optional zone, the portal's US form `6/15/2026, 12:40:24.178 PM`, and PowerShell's `/Date(ms)/`. A form without a
// zone is UTC, as the portal's ` [UTC]` columns are.
func Datetime(b []byte) (schema.Ticks, bool) {
	if t, ok := isoUTC(b); ok {
		return t, true
	}
	s := strings.TrimSpace(string(b))
	if ms, ok := strings.CutPrefix(s, "/Date("); ok {
		n, err := strconv.ParseInt(strings.TrimSuffix(ms, ")/"), 10, 64)
		return schema.UnixEpoch + schema.Ticks(n)*schema.Millisecond, err == nil
	}
	if t, ok := portalUS(s); ok {
		return t, true
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
	return schema.ParseDatetime(s)
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

// portalUS reads `M/D/YYYY, h:mm:ss.fff AM`, with or without the comma and the fraction.
func portalUS(s string) (schema.Ticks, bool) {
	date, clock, _ := strings.Cut(strings.Replace(s, ",", "", 1), " ")
	parts := strings.Split(date, "/")
	if len(parts) != 3 {
		return 0, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || len(p) > 4 {
			return 0, false
		}
		n[i] = v
	}
	day, ok := dayNumber(n[2], n[0], n[1])
	if !ok || len(parts[2]) != 4 {
		return 0, false
	}
	t, ok := clockUS(strings.TrimSpace(clock))
	return day*schema.Day + t, ok
}

func clockUS(s string) (schema.Ticks, bool) {
	if s == "" {
		return 0, true
	}
	half := -1
	if len(s) > 2 {
		switch strings.ToUpper(s[len(s)-2:]) {
		case "AM":
			half = 0
		case "PM":
			half = 12
		}
	}
	if half >= 0 {
		s = strings.TrimSpace(s[:len(s)-2])
	}
	t, ok := schema.ParseTimespan(s)
	if !ok || strings.Count(s, ":") == 0 || t >= schema.Day {
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
