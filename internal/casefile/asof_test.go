package casefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
