package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/investigation"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

// degraded is evidence of which something is missing.
type degraded struct {
	name string
	// sql takes it away.
	sql []string
	// says are words of the warnings that must be there.
	says []string
	// keeps is the least share of the incidents found in the whole evidence that is found still, of those that left rows in
	// what remains. wrong is how many more findings may name nothing of an attacker.
	keeps float64
	wrong int
	// unassessed is what must be said of users of whom nothing can be said; "" allows none.
	unassessed string
	code       int
}

// emptied empties a column of both tables of sign-ins.
func emptied(column, nothing string) []string {
	return []string{"UPDATE SigninLogs SET " + column + " = " + nothing, "UPDATE AADNonInteractiveUserSignInLogs SET " + column + " = ''"}
}

// without empties tables.
func without(tables ...string) (sql []string) {
	for _, t := range tables {
		sql = append(sql, "DELETE FROM "+t)
	}
	return sql
}

// onlyWhere keeps the sign-ins for which a condition holds.
func onlyWhere(condition string) []string {
	return []string{"DELETE FROM SigninLogs WHERE NOT (" + condition + ")", "DELETE FROM AADNonInteractiveUserSignInLogs WHERE NOT (" + condition + ")"}
}

const silentTable = "AADNonInteractiveUserSignInLogs"

// someSessions gives each account one session in the unified audit log: the simulator's records carry none.
const someSessions = `UPDATE OfficeActivity SET AppAccessContext = '{"AADSessionId":"of ' || UserId || '"}'`

// lastDays keeps the sign-ins of the last days.
func lastDays(n string) []string {
	return onlyWhere("CreatedDateTime >= (SELECT max(CreatedDateTime) FROM SigninLogs) - " + n + " * 864000000000")
}

// TestDegraded hunts one tenant in evidence of which parts are missing. What can be found still is found, users are not
// accused for what is missing, and the result says what it cannot know.
func TestDegraded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute: run without -short")
	}
	t.Parallel()
	dir := t.TempDir()
	run(t, "simulate", "--out", dir, "--seed", "13", "--users", "80", "--days", "14", "--incidents", "22", "--shape", "jsonl-zst")
	base := filepath.Join(dir, "case")
	run(t, "ingest", filepath.Join(dir, "evidence-zst"), "--case", base)
	key, err := simulate.LoadAnswerKey(filepath.Join(dir, "answer_key.json"))
	if err != nil {
		t.Fatal(err)
	}
	inv, places := huntDegraded(t, base, &degraded{})
	whole := judge(inv, places, key)
	if len(whole.found) < 10 {
		t.Fatalf("%d incidents found in the whole evidence: too few to compare with", len(whole.found))
	}
	var victim, other string
	for _, i := range key.Incidents {
		if i.Difficulty == "easy" && whole.found[i.ID] {
			victim = i.User
		}
	}
	other = key.Benign[0].User
	for _, x := range []degraded{
		{
			name: "mailboxes alone", sql: append(without("SigninLogs", silentTable, "AuditLogs", "MicrosoftGraphActivityLogs", "AADUserRiskEvents", "AADServicePrincipalSignInLogs"), someSessions),
			says: []string{"no sign-in evidence", "CANNOT be excluded"}, keeps: 0, unassessed: "no sign-ins of this user", code: exitPartial,
		},
		{name: "interactive alone", sql: without(silentTable), says: []string{"replay CANNOT be excluded"}, keeps: 0.3, wrong: 1, unassessed: "no non-interactive rows", code: exitPartial},
		{name: "non-interactive alone", sql: without("SigninLogs", "AuditLogs", "OfficeActivity", "MicrosoftGraphActivityLogs", "AADUserRiskEvents"), says: []string{"SigninLogs is missing", "AuditLogs is missing"}, keeps: 0.7},
		{name: "no sessions", sql: emptied("SessionId", "''"), says: []string{"have no SessionId"}, keeps: 0.9},
		{name: "no agents", sql: emptied("UserAgent", "''"), says: []string{"have no UserAgent"}, keeps: 0.9},
		{name: "no devices", sql: emptied("DeviceDetail", "NULL"), says: []string{"have no DeviceDetail"}, keeps: 0.8, wrong: 2},
		{name: "no providers", sql: emptied("AutonomousSystemNumber", "''"), says: []string{"have no AutonomousSystemNumber"}, keeps: 0.9, wrong: 1},
		{name: "no ids", sql: emptied("Id", "''"), says: []string{"have no Id"}, keeps: 0.9, wrong: 1},
		{name: "one week", sql: lastDays("7"), says: []string{"span 7 days only"}, keeps: 0.6, wrong: 1, unassessed: "user"},
		{name: "a victim alone", sql: onlyWhere("UserPrincipalName = '" + victim + "'"), says: []string{"One user is in the sign-ins"}, keeps: 1, unassessed: "no sign-ins of this user"},
		{name: "another alone", sql: onlyWhere("UserPrincipalName = '" + other + "'"), says: []string{"One user is in the sign-ins"}, unassessed: "no sign-ins of this user"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			inv, places := huntDegraded(t, base, &x)
			got := judge(inv, places, key)
			remains, kept := 0, 0
			for _, i := range key.Incidents {
				if whole.found[i.ID] && got.left[i.ID] {
					remains++
					if got.found[i.ID] {
						kept++
					} else {
						t.Logf("lost: %s, %s", i.User, i.Scenario)
					}
				}
			}
			t.Logf("%d of %d incidents kept, %d findings wrong (%d in the whole)", kept, remains, len(got.wrong), len(whole.wrong))
			if float64(kept) < x.keeps*float64(remains) || x.keeps > 0 && remains == 0 {
				t.Errorf("%d of %d incidents kept, want the share of %v", kept, remains, x.keeps)
			}
			if len(got.wrong) > len(whole.wrong)+x.wrong {
				t.Errorf("%d findings name nothing of an attacker: %v", len(got.wrong), got.wrong)
			}
			for _, words := range x.says {
				if !slices.ContainsFunc(inv.Evidence.Warnings, func(w string) bool { return strings.Contains(w, words) }) {
					t.Errorf("no warning says %q: %q", words, inv.Evidence.Warnings)
				}
			}
			for _, u := range inv.UsersNotAssessed {
				if x.unassessed == "" || !strings.Contains(u.Because, x.unassessed) {
					t.Errorf("not assessed: %s, %s", u.User, u.Because)
				}
			}
			if x.unassessed != "" && len(inv.UsersNotAssessed) == 0 {
				t.Error("every user is assessed")
			}
			for _, h := range inv.Hunts {
				if h.Error != "" {
					t.Error(h.ID, h.Error)
				}
			}
		})
	}
}

// place is where a user was.
type place struct{ user, ip string }

// placesLeft are those at which the sign-ins have anybody succeed; where there are none, those of mailboxes.
const placesLeft = `let SignIns = union SigninLogs, AADNonInteractiveUserSignInLogs | where ResultType == "0" | distinct UserPrincipalName = tolower(UserPrincipalName), IPAddress;
union SignIns, (OfficeActivity | where toscalar(SignIns | count) == 0 | distinct UserPrincipalName = tolower(UserId), IPAddress = ClientIP)`

// huntDegraded hunts a copy of a case of which something is taken away, and says where the rest has whom.
func huntDegraded(t *testing.T, base string, x *degraded) (*investigation.Investigation, map[place]bool) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "case")
	if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
		t.Fatal(err)
	}
	c, err := casefile.Open(t.Context(), casefile.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range x.sql {
		if err := c.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := c.Query(t.Context(), kql.Request{Source: &diag.Source{Name: "places", Text: placesLeft}})
	if err != nil {
		t.Fatal(err)
	}
	places := map[place]bool{}
	for _, r := range rows.Rows {
		places[place{r[0].(string), r[1].(string)}] = true
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := Main([]string{"hunt", oneThread, "--case", dir, "--format", "json"}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != x.code {
		t.Fatalf("exit code %d, want %d: %s", code, x.code, errs.String())
	}
	var inv investigation.Investigation
	if err := json.Unmarshal(out.Bytes(), &inv); err != nil {
		t.Fatal(err)
	}
	return &inv, places
}

// judged is a result beside the answer key.
type judged struct {
	found map[string]bool // incidents of which a finding names a row
	left  map[string]bool // incidents that have rows in the evidence
	wrong []string        // findings that name no row of an attacker
}

// judge compares by the places at which attackers were, which every kind of evidence has.
func judge(inv *investigation.Investigation, places map[place]bool, key *simulate.AnswerKey) judged {
	j := judged{found: map[string]bool{}, left: map[string]bool{}}
	for _, i := range key.Incidents {
		for _, ip := range i.SourceIPs {
			j.left[i.ID] = j.left[i.ID] || places[place{i.User, ip}]
		}
	}
	for _, f := range inv.Findings {
		at := slices.IndexFunc(key.Incidents, func(i simulate.Incident) bool {
			return strings.EqualFold(i.User, f.User) && slices.ContainsFunc(f.SourceIPs, func(ip string) bool { return slices.Contains(i.SourceIPs, ip) })
		})
		if at < 0 {
			j.wrong = append(j.wrong, f.User)
			continue
		}
		j.found[key.Incidents[at].ID] = true
	}
	return j
}
