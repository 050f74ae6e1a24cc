package view_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql"
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

// TestChangesHaveATime: of a row of the audit log that tells only when it was written, that is the time; and a consent at the
// time of the finding is found by it. An application is the same whichever case its id is written in.
func TestChangesHaveATime(t *testing.T) {
	const app = "c0ffee00-0000-4000-8000-00000000000a"
	consent := `{"Type":"AuditLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"a1","OperationName":"Consent to application","Result":"success","InitiatedBy":{"user":{"id":"u1","userPrincipalName":"ann@example.com","ipAddress":"198.51.100.7"}},` +
		`"TargetResources":[{"displayName":"Mailer","type":"ServicePrincipal","modifiedProperties":[{"displayName":"ServicePrincipal.AppId","newValue":"\"` + app + `\""}]}]}` + "\n"
	own := `{"Type":"AADServicePrincipalSignInLogs","TimeGenerated":"2026-03-21T10:00:00Z","CreatedDateTime":"2026-03-21T10:00:00Z","Id":"s1","ResultType":"0","AppId":"` + strings.ToUpper(app) + `"}` + "\n"
	cf := loaded(t, map[string]string{"audit.jsonl": consent, "apps.jsonl": own})
	day := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	for name, f := range map[string]view.Filter{
		"finding.changes":      {Given: []map[string]any{{"Finding": 0, "UserId": "u1", "From": day, "To": day.AddDate(0, 0, 1), "Addresses": []string{"192.0.2.1"}, "Shared": []string{}, "Named": []string{}}}},
		"investigate.consents": {},
	} {
		rows, err := view.Ask(t.Context(), cf, name, f)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		count := "SignIns"
		if name == "investigate.consents" {
			count = "OwnSignIns"
		}
		if err := rows.Each(func(r *kql.Row) {
			got = append(got, fmt.Sprint(r.Time("Time").Format(time.RFC3339), " ", r.Text("AppId"), " ", r.Number(count)))
		}); err != nil {
			t.Fatal(err)
		}
		if want := "2026-03-20T10:00:00Z " + app + " 1"; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
