package view_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/view"
)

// TestIncidentWindow holds the window of an incident beside sign-ins of 1 to 20 March, 10:00 each.
func TestIncidentWindow(t *testing.T) {
	var text strings.Builder
	for i := range 20 {
		text.WriteString(signIn(quiet, i, "ann", ""))
	}
	cf := loaded(t, map[string]string{"a.jsonl": text.String()})
	for _, c := range []struct{ start, end, want string }{
		{"2026-03-10T00:00:00Z", "2026-03-18T23:59:59.9999999Z", ""},
		{"2026-03-10T00:00:00Z", "2026-03-20T23:59:59.9999999Z", ""}, // the last day need not be over
		{"2026-03-10T00:00:00Z", "2026-03-25T00:00:00Z", "window_not_covered"},
		{"2026-02-25T00:00:00Z", "2026-03-05T00:00:00Z", "window_not_covered"},
		{"2026-02-20T00:00:00Z", "2026-02-25T00:00:00Z", "window_without_sign_ins"},
		{"2025-03-10T00:00:00Z", "2025-03-18T00:00:00Z", "window_without_sign_ins"}, // last year's
		{"2026-03-04T00:00:00Z", "2026-03-18T00:00:00Z", "window_soon"},
		{"2026-03-04T00:00:00Z", "2026-03-25T00:00:00Z", "window_not_covered window_soon"},
	} {
		if err := cf.AddWatchlist(t.Context(), "IncidentWindow", []string{"start", "end"}, [][]string{{c.start, c.end}}); err != nil {
			t.Fatal(err)
		}
		rows, err := view.Ask(t.Context(), cf, "coverage.warnings", view.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows.Rows {
			if code := fmt.Sprint(row[0]); strings.HasPrefix(code, "window_") && !slices.Contains(got, code) {
				got = append(got, code)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s to %s: %q, want %q", c.start, c.end, got, c.want)
		}
	}
}
