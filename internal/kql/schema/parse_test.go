package schema

import (
	"math"
	"testing"
)

// TestBounds asks for the ends of Kusto's datetime and timespan, and for what lies beyond.
// https://learn.microsoft.com/kusto/query/scalar-data-types/timespan
func TestBounds(t *testing.T) {
	for text, want := range map[string]Ticks{
		"0001-01-01T00:00:00Z":         0,
		"9999-12-31T23:59:59.9999999Z": MaxDatetime,
		"0001-01-01T05:00:00+05:00":    0,
	} {
		if got, ok := ParseDatetime(text); !ok || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "0000-12-31"} {
		if got, ok := ParseDatetime(text); ok {
			t.Errorf("%s is the tick %d, want none", text, got)
		}
	}
	for text, want := range map[string]Ticks{
		"10675199.02:48:05.4775807":  math.MaxInt64,
		"-10675199.02:48:05.4775807": -math.MaxInt64,
		"1.5h":                       90 * Minute,
	} {
		if got, ok := ParseTimespan(text); !ok || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"10675199.02:48:05.4775808", "10675199.23:00:00", "10675200d", "0b1d", "0x1d", "1_0d", "1/2d", "1e999999d", "d", ""} {
		if got, ok := ParseTimespan(text); ok {
			t.Errorf("%q is %d ticks, want no timespan", text, got)
		}
	}
}

// FuzzValues prints what it has read and reads it again: the value is the same.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"2026-03-21T09:30:00.1234567Z", "Mon, 02 Jan 06 15:04:05 MST", "1.02:03:04.5", "-2.5h", "0x1F", "1e-3", "-inf", "{74BE27DE-1e4e49d9-b579-fe0b331d3642}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := ParseDatetime(s); ok {
			for _, text := range []string{v.RFC3339(), v.Full()} {
				if again, ok := ParseDatetime(text); !ok || again != v {
					t.Errorf("%q is the tick %d, its text %s is %d, %v", s, v, text, again, ok)
				}
			}
		}
		if v, ok := ParseTimespan(s); ok && v != math.MinInt64 {
			if again, ok := ParseTimespan(v.Span()); !ok || again != v {
				t.Errorf("%q is %d ticks, its text %s is %d, %v", s, v, v.Span(), again, ok)
			}
		}
		if v, ok := ParseReal(s); ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			text := string(AppendJSON(nil, Real, v))
			if again, ok := ParseReal(text); !ok || again != v {
				t.Errorf("%q is %v, its text %s is %v, %v", s, v, text, again, ok)
			}
		}
		if v, ok := ParseGuid(s); ok {
			if again, ok := ParseGuid(v); !ok || again != v {
				t.Errorf("%q is %s, which is %s, %v", s, v, again, ok)
			}
		}
	})
}

// TestParseEnd: only a day is taken whole, and no end lies outside of Kusto's years.
func TestParseEnd(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-18": "2026-03-18T23:59:59.9999999Z", " 9999-12-31 ": "9999-12-31T23:59:59.9999999Z", "2026-03-18T00:00:00Z": "2026-03-18T00:00:00Z", "2026-03": "2026-03-01T00:00:00Z",
	} {
		if got, ok := ParseEnd(text); !ok || got.RFC3339() != want {
			t.Errorf("%q ends at %s, %t, want %s", text, got.RFC3339(), ok, want)
		}
	}
	for _, text := range []string{"", "0000-01-01", "2026-02-30", "tomorrow"} {
		if got, ok := ParseEnd(text); ok {
			t.Errorf("%q ends at %s", text, got.RFC3339())
		}
	}
}
