package evidence

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDamagedRecords: one record of an array lacks something or has something too many; those around it are read, each with
// the line on which it stands.
func TestDamagedRecords(t *testing.T) {
	record := func(n int) string {
		return fmt.Sprintf(`{"Type":"SigninLogs","Id":"%d","TimeGenerated":"2026-03-20T10:00:00Z","Status":{"errorCode":0},"Identity":"A, {\"Type\":1}"}`, n)
	}
	layouts := map[string]struct {
		before, between, behind string
		lines                   int64 // from a record to the next
	}{
		"on lines":   {"[\n", ",\n", "\n]", 1},
		"in one":     {"[", ",", "]", 0},
		"in a page":  {`{"@odata.context":"x","value":[`, ",", "]}", 0},
		"indented":   {"[\n  ", ",\n  ", "\n]\n", 1},
		"the last":   {"[", ",", "", 0},
		"one by one": {"", "\n", "\n", 1},
	}
	damages := map[string]func(string) string{
		"no quote before":  func(s string) string { return strings.Replace(s, `"Identity":"`, `"Identity":`, 1) },
		"no quote behind":  func(s string) string { return strings.Replace(s, `10:00:00Z"`, `10:00:00Z`, 1) },
		"no bracket":       func(s string) string { return s[:len(s)-1] },
		"no inner bracket": func(s string) string { return strings.Replace(s, `0}`, `0`, 1) },
		"a bracket more":   func(s string) string { return strings.Replace(s, `0}`, `{0}`, 1) },
		"cut":              func(s string) string { return s[:40] },
	}
	for layout, l := range layouts {
		for damage, change := range damages {
			var all []string
			for n := range 9 {
				r := record(n)
				if n == 3 {
					r = change(r)
				}
				all = append(all, r)
			}
			text := l.before + strings.Join(all, l.between) + l.behind
			_, rows, rejects := recordsOf(t, text)
			got := map[string]string{}
			for _, r := range rows {
				got[r["Id"]] = r["line"]
			}
			first := int64(1 + strings.Count(l.before, "\n"))
			for n := range 9 {
				want := ""
				if n != 3 {
					want = fmt.Sprint(first + int64(n)*l.lines)
				}
				if id := fmt.Sprint(n); got[id] != want {
					t.Errorf("%s, %s: record %d on line %q, want %q", layout, damage, n, got[id], want)
				}
			}
			if len(rejects) == 0 || rejects[0]["line"] != fmt.Sprint(first+3*l.lines) {
				t.Errorf("%s, %s: rejected %v", layout, damage, rejects)
			}
		}
	}
}

// TestDamagedEverywhere: where every other record is damaged, their neighbours are not sought for ever.
func TestDamagedEverywhere(t *testing.T) {
	began := time.Now()
	text := "[" + strings.Repeat(`{"Type":"SigninLogs","Id":"x,{"Type":[0,{"Type":"SigninLogs"},`, 100000) + "]"
	if _, _, rejects := recordsOf(t, text); len(rejects) == 0 {
		t.Error("nothing was rejected")
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// recordsOf reads a text as a file.
func recordsOf(t *testing.T, text string) (file *File, rows, rejects []map[string]string) {
	t.Helper()
	return records(t, written(t, "records.json", text))
}
