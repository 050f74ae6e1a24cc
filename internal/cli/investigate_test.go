package cli

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/investigation"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

// TestInvestigateFollowsTheSteps investigates the victim of the founding lesson and compares the answers with the key:
// the attacker's sign-ins, sessions and consent are in the steps that ask for them, and steps are in their order.
func TestInvestigateFollowsTheSteps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, "simulate", "--out", dir, "--seed", "2", "--shape", "jsonl-zst")
	key, err := simulate.LoadAnswerKey(filepath.Join(dir, "answer_key.json"))
	if err != nil {
		t.Fatal(err)
	}
	incident := key.Incidents[0]
	var inv investigation.Investigation
	if err := json.Unmarshal(run(t, "investigate", filepath.Join(dir, "evidence-zst"), "--user", incident.User, "--format", "json"), &inv); err != nil {
		t.Fatal(err)
	}
	steps := map[string][]map[string]any{}
	var order []string
	for _, s := range inv.Steps {
		var rows []map[string]any
		if err := json.Unmarshal(s.Rows, &rows); err != nil {
			t.Fatalf("%s: %v", s.View, err)
		}
		steps[s.View] = rows
		order = append(order, s.ID)
		for _, row := range rows {
			if user, ok := row["User"].(string); ok && !strings.EqualFold(user, incident.User) && s.ID != "S15" {
				t.Errorf("%s speaks of %s", s.View, user)
			}
		}
	}
	if !slices.IsSorted(order) || len(slices.Compact(order)) != 17 {
		t.Errorf("the steps are %v, want S00 to S15 and S17", order)
	}
	column := func(view, name string) []string {
		var out []string
		for _, row := range steps[view] {
			if text, ok := row[name].(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	for _, x := range []struct {
		view, column string
		want         []string
	}{
		{"investigate.rows", "Id", incident.EventIDs["AADNonInteractiveUserSignInLogs"]},
		{"investigate.rows", "IPAddress", incident.SourceIPs},
		{"investigate.sessions", "SessionId", incident.SessionIDs},
		{"investigate.roots", "SessionId", incident.SessionIDs},
		{"investigate.renewals", "SessionId", incident.SessionIDs},
		{"investigate.consents", "Id", incident.EventIDs["AuditLogs"]},
		{"investigate.timeline", "Where", incident.SourceIPs},
	} {
		got := column(x.view, x.column)
		if len(x.want) == 0 {
			t.Errorf("the key names nothing to look for in %s", x.view)
		}
		for _, want := range x.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s lacks %s %s", x.view, x.column, want)
			}
		}
	}
	if !slices.ContainsFunc(steps["investigate.applications"], func(r map[string]any) bool { n, _ := r["Strange"].(float64); return n > 0 }) {
		t.Error("no application was used at a strange place")
	}
	if q := column("investigate.questions", "Question"); !slices.ContainsFunc(q, func(q string) bool { return strings.HasPrefix(q, "Where were you between ") }) {
		t.Errorf("the user is not asked where he was: %q", q)
	}
	for _, p := range inv.Findings[0].Persistence {
		if p.ID == inv.Findings[0].UserID {
			t.Errorf("%s of %s goes by the id of the user", p.Kind, p.Name)
		}
	}
	page := string(run(t, "investigate", filepath.Join(dir, "evidence-zst"), "--user", incident.User))
	for _, id := range order {
		if !strings.Contains(page, "\n"+id+"  ") {
			t.Errorf("the terminal lacks step %s", id)
		}
	}
}

// TestInvestigateSeesWhatHuntSees investigates a theft that lies further back than the 90 days that views look back: the
// steps have the rows that the finding has.
func TestInvestigateSeesWhatHuntSees(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	home := visit{user: "megan", session: "s", ip: "81.2.69.144", as: "5089", country: "GB", every: 25 * time.Minute, times: 9, agent: edgeOnWindows, system: "Windows10", app: webMail}
	thief := home
	thief.ip, thief.as, thief.country, thief.agent, thief.system, thief.app, thief.from = "45.77.12.90", "20473", "US", "python-requests/2.28.2", "", officeClient, 30*time.Minute
	later := home
	later.session, later.from = "later", 180*24*time.Hour
	for _, v := range []visit{home, thief, later} {
		v.write(t, dir, time.Date(2026, 6, 2, 8, 0, 0, 0, time.UTC))
	}
	var inv investigation.Investigation
	if err := json.Unmarshal(runPartly(t, "investigate", oneThread, dir, "--user", "megan@contoso.test", "--format", "json"), &inv); err != nil {
		t.Fatal(err)
	}
	if len(inv.Findings) != 1 {
		t.Fatalf("%d findings, want the theft", len(inv.Findings))
	}
	at := slices.IndexFunc(inv.Steps, func(s investigation.Step) bool { return s.View == "investigate.rows" })
	var rows []struct{ IPAddress string }
	if err := json.Unmarshal(inv.Steps[at].Rows, &rows); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range rows {
		if r.IPAddress == thief.ip {
			seen++
		}
	}
	if seen != thief.times {
		t.Errorf("the step has %d rows of the thief's, want %d", seen, thief.times)
	}
}
