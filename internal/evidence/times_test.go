package evidence

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// datedForm is the grammar of cutDate.
var datedForm = regexp.MustCompile(`^(\d{1,2})([/.-])(\d{1,2})([/.-])(\d{4})(?:,? +(\d[\d:.]*(?: ?[AaPp][Mm])?))?(?: *(Z|UTC|GMT|[+-]\d\d:?\d\d))?$`)

// TestCutDate cuts texts that are nearly dates as the grammar says.
func TestCutDate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"3", "31", "2026", "/", ".", "-", ",", " ", "  ", "12:40", "9:30:15.1784", " AM", "pm", "Z", " UTC", "GMT", "+02:00", " -0530", ":", "x", "7/4/2026", "3.4.2026", "1/2/2026, 8:02 PM"}
	dates := 0
	for range 400_000 {
		var text strings.Builder
		for range 1 + r.IntN(6) {
			text.WriteString(parts[r.IntN(len(parts))])
		}
		s := strings.TrimSpace(text.String())
		want := datedForm.FindStringSubmatch(s)
		got, ok := cutDate([]byte(s))
		if ok != (want != nil) {
			t.Fatalf("%q: a date: %v, want %v", s, ok, want != nil)
		}
		if !ok {
			continue
		}
		dates++
		if string(got.clock) != want[6] || string(got.zone) != want[7] || string(got.separators[:]) != want[2]+want[4] {
			t.Fatalf("%q: got clock %q, zone %q, separators %q, want %q", s, got.clock, got.zone, got.separators, want)
		}
	}
	if dates < 1000 {
		t.Fatalf("only %d of the texts are dates", dates)
	}
}

// The times of day are those that ISO 8601 and the en-US form of .NET name.
func TestClock(t *testing.T) {
	datetimes(t, map[string]string{
		"1/2/2026 9:30":                 "2026-01-02T09:30:00Z",
		"1/2/2026 09:30:15.17":          "2026-01-02T09:30:15.17Z",
		"1/2/2026 23:59:59.123456789":   "2026-01-02T23:59:59.1234567Z",
		"1/2/2026 12:00 AM":             "2026-01-02T00:00:00Z",
		"1/2/2026, 12:00:00pm":          "2026-01-02T12:00:00Z",
		"1/2/2026 1:05 pm +02:00":       "2026-01-02T11:05:00Z",
		"1/2/2026 1:05 -0530":           "2026-01-02T06:35:00Z",
		"2.1.2026 1:05 UTC":             "2026-01-02T01:05:00Z",
		"1/2/2026":                      "2026-01-02T00:00:00Z",
		"1/2/2026 24:00":                "",
		"1/2/2026 9:60":                 "",
		"1/2/2026 9:30:61":              "",
		"1/2/2026 9":                    "",
		"1/2/2026 9:30.5":               "",
		"1/2/2026 9:30:15.":             "",
		"1/2/2026 0:30 AM":              "",
		"1/2/2026 13:30 PM":             "",
		"2/30/2026":                     "",
		"1-2/2026":                      "",
		"1/2/2026 9:30 CET":             "",
		"2026-03-20 11:00:00.5+01":      "2026-03-20T10:00:00.5Z",
		"2026-03-20T11:00:00-05":        "2026-03-20T16:00:00Z",
		"2026-03-20 11:00:00+00":        "2026-03-20T11:00:00Z",
		"2026-03-20 11:00:00+1":         "",
		"2026-03-20+01":                 "",
		"Jan 2, 2026 9:30:15 PM +01:00": "2026-01-02T20:30:15Z",
	})
}
