package casefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// TestLatest takes the newest event time; a value more than a day after all others does not count, however many rows
// carry it, and a warning says so.
func TestLatest(t *testing.T) {
	const (
		signIn = `{"Type":"SigninLogs","Id":"%","TimeGenerated":"2026-03-20T12:00:00Z","CreatedDateTime":"`
		audit  = `{"Type":"AuditLogs","Id":"%","TimeGenerated":"2026-03-20T12:00:00Z","ActivityDateTime":"`
		graph  = `{"Type":"MicrosoftGraphActivityLogs","RequestId":"%","TimeGenerated":"`
	)
	for _, x := range []struct {
		name          string
		rows          []string
		want, warning string
	}{
		{"the event, not its arrival", []string{signIn + "2026-03-20T09:00:00Z"}, "2026-03-20T09:00:00Z", ""},
		{"of any table", []string{signIn + "2026-03-20T09:00:00Z", audit + "2026-03-20T10:00:00Z", graph + "2026-03-20T11:00:00Z"}, "2026-03-20T11:00:00Z", ""},
		{"a day after is no fault", []string{signIn + "2026-03-20T09:00:00Z", signIn + "2026-03-21T09:00:00Z"}, "2026-03-21T09:00:00Z", ""},
		{"more than a day after", []string{signIn + "2026-03-20T09:00:00Z", signIn + "2026-03-21T09:00:00.0000001Z"}, "2026-03-20T09:00:00Z", "2026-03-21T09:00:00.0000001Z"},
		{"twice the same value", []string{signIn + "2026-03-20T09:00:00Z", signIn + "2030-01-01T00:00:00Z", audit + "2030-01-01T00:00:00Z"}, "2026-03-20T09:00:00Z", "2030-01-01"},
		{"the only value", []string{signIn + "2030-01-01T00:00:00Z"}, "2030-01-01T00:00:00Z", ""},
		{"nothing", []string{`{"Type":"NoTable","Id":"%","TimeGenerated":"2026-03-20T09:00:00Z`}, "", ""},
	} {
		var lines []string
		for i, row := range x.rows {
			lines = append(lines, strings.Replace(row, "%", string(rune('a'+i)), 1)+`"}`)
		}
		path := filepath.Join(t.TempDir(), "rows.jsonl")
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := open(t, Options{})
		ingest(t, c, path)
		a, ok, err := c.Latest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ok != (x.want != "") || ok && a.Time.RFC3339() != x.want || (a.Warning != "") != (x.warning != "") || !strings.Contains(a.Warning, x.warning) {
			t.Errorf("%s: %s (%s), warning %q; want %s, warning of %q", x.name, a.Time.RFC3339(), a.Source, a.Warning, x.want, x.warning)
		}
	}
}

// TestReaching moves now() back as far as the first event asks, and no further: what lies exactly 90 days back is not within
// ago(90d). A clock that stands at its beginning is no first event.
func TestReaching(t *testing.T) {
	const signIn = `{"Type":"SigninLogs","Id":"%d","TimeGenerated":"%[2]s","CreatedDateTime":"%[2]s"}`
	for _, x := range []struct {
		name  string
		times []string
		want  string // of now(), "" where it stays
	}{
		{"all within", []string{"2026-01-01T00:00:01Z", "2026-03-31T12:00:00Z", "2026-04-01T00:00:00Z"}, ""},
		{"the first exactly as far back", []string{"2026-01-01T00:00:00Z", "2026-03-31T12:00:00Z", "2026-04-01T00:00:00Z"}, "2026-03-31T00:00:00Z"},
		{"half a year", []string{"2025-10-01T00:00:00Z", "2026-03-31T12:00:00Z", "2026-04-01T00:00:00Z"}, "2025-12-29T00:00:00Z"},
		{"a clock at its beginning", []string{"0001-01-01T00:00:00Z", "2026-03-31T00:00:00Z", "2026-04-01T00:00:00Z"}, ""},
	} {
		var lines []string
		for i, at := range x.times {
			lines = append(lines, fmt.Sprintf(signIn, i, at))
		}
		path := filepath.Join(t.TempDir(), "rows.jsonl")
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := open(t, Options{})
		ingest(t, c, path)
		latest, _, err := c.Latest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.SetAsOf(latest.Time, latest.Source)
		earlier, err := c.Reaching(t.Context(), 90*schema.Day)
		if err != nil {
			t.Fatal(err)
		}
		got, seen := "", "SigninLogs | where TimeGenerated > ago(90d) and TimeGenerated > datetime(1970-01-01) | count"
		if earlier != nil {
			got = earlier.Now.RFC3339()
			rows, err := earlier.Query(t.Context(), kql.Request{Source: &diag.Source{Name: "q", Text: seen}})
			if err != nil {
				t.Fatal(err)
			}
			if n := rows.Rows[0][0]; n != int64(len(x.times)) {
				t.Errorf("%s: %v of %d events are looked at", x.name, n, len(x.times))
			}
		}
		if got != x.want {
			t.Errorf("%s: now() is %q, want %q", x.name, got, x.want)
		}
	}
}
