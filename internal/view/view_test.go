package view_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/view"
	"github.com/replaytrace/replaytrace/tables"
)

// TestViewsRun asks every view of an empty case, with and without a filter: it compiles, runs and has a title.
func TestViewsRun(t *testing.T) {
	c, err := casefile.Open(t.Context(), casefile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	names := view.Names()
	if len(names) == 0 {
		t.Fatal("no views")
	}
	// A name that ends a string and begins a query must stay a name.
	hostile := view.Filter{Users: []string{`a"]); SigninLogs | count //`, `b'\`}, Since: time.Unix(0, 0), Until: time.Unix(1, 1), Given: []map[string]any{{"Finding": 0, "Key": `c"}]); SigninLogs | count //`}}}
	for _, name := range names {
		v, err := view.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if v.Title == "" || strings.HasPrefix(v.Title, "functions:") {
			t.Errorf("%s has no title", name)
		}
		for _, f := range []view.Filter{{}, hostile} {
			if _, err := v.Run(t.Context(), c, f); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestParts: each shared function stands on what it says that it needs and on nothing else, so that whoever names it need not
// know the others.
func TestParts(t *testing.T) {
	c, err := casefile.Open(t.Context(), casefile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	files, err := fs.Glob(hunts.Functions, "functions/*.part")
	if err != nil || len(files) == 0 {
		t.Fatalf("no parts: %v", err)
	}
	const parameters = "declare query_parameters(Users: dynamic = dynamic([]), Since: datetime = datetime(0001-01-01), Until: datetime = datetime(9999-12-31));\n"
	for _, file := range files {
		text, err := hunt.Inline("// functions: "+strings.TrimSuffix(path.Base(file), ".part")+"\nprint 1", hunts.Functions)
		if err == nil {
			_, err = kql.Compile(kql.Request{Source: &diag.Source{Name: file, Text: parameters + text}}, c, 0)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestGiven asks for rows by keys that end strings and escape what follows: each finds its row, and no other.
func TestGiven(t *testing.T) {
	keys := []string{"plain", `a"b`, `c\`, `d'e`, "<f>"}
	var lines strings.Builder
	for _, key := range append(keys, "another") {
		id, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, `{"Type":"MicrosoftGraphActivityLogs","TimeGenerated":"2026-03-20T10:00:00Z","RequestId":%s,"RequestMethod":"GET","RequestUri":"https://graph.microsoft.com/v1.0/me","UserId":"ann"}`+"\n", id)
	}
	type row struct {
		Finding int
		Key     string
	}
	var given []row
	for i, key := range keys {
		given = append(given, row{i, key})
	}
	rows, err := view.Ask(t.Context(), loaded(t, map[string]string{"graph.jsonl": lines.String()}), "finding.deeds", view.Filter{Given: given})
	if err != nil {
		t.Fatal(err)
	}
	var got []row
	if err := rows.Each(func(r *kql.Row) { got = append(got, row{int(r.Number("Finding")), r.Text("Key")}) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, given) {
		t.Errorf("got %v, want %v", got, given)
	}
}

// TestCallsByToken: calls that carry the token of a sign-in are the finding's, wherever they come from, each once; those
// without a token, and those with another, are not.
func TestCallsByToken(t *testing.T) {
	var lines strings.Builder
	add := func(id, token, address string) {
		fmt.Fprintf(&lines, `{"Type":"MicrosoftGraphActivityLogs","TimeGenerated":"2026-03-20T10:00:00Z","RequestId":"%s","SignInActivityId":"%s","IPAddress":"%s","RequestMethod":"GET","RequestUri":"https://graph.microsoft.com/v1.0/me","UserId":"ann"}`+"\n", id, token, address)
	}
	add("named and his", "stolen", "192.0.2.66")
	add("through a server", "stolen", "203.0.113.9")
	add("the user's", "own", "192.0.2.1")
	add("without a token", "", "192.0.2.1")
	type row struct {
		Finding    int
		Key, Token string
	}
	given := []row{{1, "named and his", ""}, {1, "", "stolen"}, {2, "", "nobody's"}}
	rows, err := view.Ask(t.Context(), loaded(t, map[string]string{"graph.jsonl": lines.String()}), "finding.deeds", view.Filter{Given: given})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := rows.Each(func(r *kql.Row) {
		got = append(got, fmt.Sprint(r.Number("Finding"), " ", r.Text("Key"), " ", r.Number("Named")))
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1 named and his 1", "1 through a server 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestProfile counts by hand: before the finding one day has two silent rows, one three, and two have an interactive row only,
// so that the median day has none; with it come a day of one row, and a second address. It is the median of baseline.users.
func TestProfile(t *testing.T) {
	const silent, own = "AADNonInteractiveUserSignInLogs", "SigninLogs"
	text := signIn(silent, 1, "ann", "") + strings.ReplaceAll(signIn(silent, 1, "ann", ""), `Logs-1"`, `Logs-1b"`)
	for _, id := range []string{"a", "b", "c"} {
		text += strings.ReplaceAll(signIn(silent, 2, "ann", ""), `Logs-2"`, `Logs-2`+id+`"`)
	}
	text += signIn(own, 3, "ann", "") + signIn(own, 4, "ann", "") + strings.ReplaceAll(signIn(silent, 9, "ann", ""), "192.0.2.1", "192.0.2.66") + signIn(silent, 1, "bob", "")
	c := loaded(t, map[string]string{"a.jsonl": text})
	day := func(n int) time.Time { return time.Date(2026, 3, n, 10, 0, 0, 0, time.UTC) }
	given := []map[string]any{{"Finding": 7, "UserId": "ann", "From": day(10), "To": day(12)}}
	rows, err := view.Ask(t.Context(), c, "finding.profile", view.Filter{Given: given})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := rows.Each(func(r *kql.Row) {
		got += fmt.Sprint(r.Number("Finding"), " ", r.Number("MedianPerDay"), " ", r.Number("MostPerDay"), " ", r.Number("MostDuring"), " ", string(r.JSON("Addresses")), " ", r.Number("AddressesWith"))
	}); err != nil {
		t.Fatal(err)
	}
	if want := `7 0 3 1 ["192.0.2.1"] 2`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	baseline, err := view.Ask(t.Context(), c, "baseline.users", view.Filter{Users: []string{"ann"}, Until: day(5)})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(baseline.Columns, func(c schema.Column) bool { return c.Name == "MedianPerDay" })
	if median := fmt.Sprint(baseline.Rows[0][at]); median != "0" {
		t.Errorf("baseline.users has the median %s, want 0", median)
	}
}

// TestDeadTokens: a result that says that the token was revoked or has expired is told from other failures, and from none.
func TestDeadTokens(t *testing.T) {
	var lines strings.Builder
	want := map[string]bool{"0": false, "50126": false, "50057": false, "50173": true, "70043": true, "700082": true}
	for n, result := range slices.Sorted(maps.Keys(want)) {
		lines.WriteString(signIn("AADNonInteractiveUserSignInLogs", n, "ann", `,"ResultType":"`+result+`"`))
	}
	rows, err := view.Ask(t.Context(), loaded(t, map[string]string{"a.jsonl": lines.String()}), "finding.signins", view.Filter{Users: []string{"ann"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	if err := rows.Each(func(r *kql.Row) { got[r.Text("ResultType")] = r.Number("Dead") > 0 }); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("dead are %v, want %v", got, want)
	}
}

// TestChanges has changes of the directory: the attacker's are those from an address of his alone whenever they were made,
// those from an address that the user has, too, while he was at it, consents about that time from anywhere, and whatever
// a signal names; but nothing that failed or was begun only, and nobody else's.
func TestChanges(t *testing.T) {
	var lines strings.Builder
	add := func(id, day, address, operation, user, result string) {
		fmt.Fprintf(&lines, `{"Type":"AuditLogs","TimeGenerated":"2026-03-%[2]sT10:00:00Z","ActivityDateTime":"2026-03-%[2]sT10:00:00Z","Id":"%[1]s","OperationName":"%[4]s","Result":"%[6]s","InitiatedBy":{"user":{"id":"%[5]s","ipAddress":"%[3]s"}}}`+"\n", id, day, address, operation, user, result)
	}
	const his, shared, elsewhere = "192.0.2.66", "192.0.2.1", "192.0.2.7"
	add("before at his", "10", his, "Add device", "ann", "success")
	add("before at a shared one", "10", shared, "Update group", "ann", "success")
	add("then at a shared one", "20", shared, "Update group", "ann", "success")
	add("then elsewhere", "20", elsewhere, "Update group", "ann", "success")
	add("consent then elsewhere", "20", elsewhere, "Consent to application", "ann", "success")
	add("consent before elsewhere", "10", elsewhere, "Consent to application", "ann", "success")
	add("named", "10", elsewhere, "Update user", "ann", "success")
	add("failed", "20", his, "Add device", "ann", "failure")
	add("registration begun", "20", his, "User started security info registration", "ann", "success")
	add("registration given up", "20", his, "User canceled security info registration", "ann", "success")
	add("registered", "20", his, "User registered security info", "ann", "success")
	add("another's", "20", his, "Add device", "bob", "success")
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	rows, err := view.Ask(t.Context(), loaded(t, map[string]string{"audit.jsonl": lines.String()}), "finding.changes", view.Filter{Given: []map[string]any{
		{"Finding": 0, "UserId": "ann", "From": day(19), "To": day(21), "Addresses": []string{his}, "Shared": []string{shared}, "Named": []string{"named"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := rows.Each(func(r *kql.Row) { got = append(got, r.Text("Id")) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"before at his", "named", "consent then elsewhere", "registered", "then at a shared one"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEvidenceIsWhole: coverage that passes over a table is a lie. A watchlist is no evidence of what happened.
func TestEvidenceIsWhole(t *testing.T) {
	text, err := fs.ReadFile(hunts.Functions, "functions/Evidence.part")
	if err != nil {
		t.Fatal(err)
	}
	all, err := schema.Load(tables.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range all {
		if table.Name != "Watchlist" && !strings.Contains(string(text), "    ("+table.Name+" | project Table = \""+table.Name+"\", Time = ") {
			t.Errorf("Evidence.part does not count the table %s", table.Name)
		}
	}
}

// TestCoverageIsDocumented: the document that `coverage --format json` prints is a contract, so docs/case.md has its
// columns and the codes of its warnings.
func TestCoverageIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/case.md")
	if err != nil {
		t.Fatal(err)
	}
	c, err := casefile.Open(t.Context(), casefile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, part := range []string{"warnings", "tables", "days", "gaps", "columns", "users", "unassessed"} {
		rows, err := view.Ask(t.Context(), c, "coverage."+part, view.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, col := range rows.Columns {
			names = append(names, "`"+col.Name+"`")
		}
		if line := "| `" + part + "` | " + strings.Join(names, ", "); !strings.Contains(string(page), line) {
			t.Errorf("docs/case.md lacks %s", line)
		}
	}
	v, err := view.Load("coverage.warnings")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`Code = "([a-z_]+)"`).FindAllStringSubmatch(v.Text, -1) {
		if !strings.Contains(string(page), "`"+m[1]+"`") {
			t.Errorf("docs/case.md lacks the warning %s", m[1])
		}
	}
}

// TestChangedApp reads the application out of the changes as the audit log writes them down.
// https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
func TestChangedApp(t *testing.T) {
	c, err := casefile.Open(t.Context(), casefile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	const app, other = "5027FDE7-7aa5-40d9-8994-3ca085e834b1", "081e62e8-7806-47bf-948c-4e1e40b66df1"
	for _, x := range []struct{ operation, changes, details, want string }{
		{"Consent to application", `[{"displayName":"ConsentAction.Permissions","oldValue":null,"newValue":"\"[] => [[Id: x, ClientId: ` + other + `, PrincipalId: ` + other + `]]; \""},{"displayName":"TargetId.ServicePrincipalNames","oldValue":null,"newValue":"\"` + app + `\""}]`, "", app},
		{"Consent to application", `[{"displayName":"ConsentAction.Permissions","newValue":"\"PrincipalId: ` + other + `\""}]`, `[{"key":"User-Agent","value":"EvoSTS"},{"key":"AppId","value":"` + app + `"}]`, app},
		{"Add service principal", `[{"displayName":"AppPrincipalId","oldValue":"[]","newValue":"[\"` + app + `\"]"},{"displayName":"Credential","newValue":"[{\"KeyStoreId\":\"` + other + `\"}]"}]`, "", app},
		{"Add delegated permission grant", `[{"displayName":"ServicePrincipal.ObjectID","newValue":"\"` + other + `\""},{"displayName":"ServicePrincipal.AppId","newValue":"\"` + app + `\""},{"displayName":"TargetId.ServicePrincipalNames","newValue":"\"` + other + `\""}]`, "", app},
		{"Add delegated permission grant", `[{"displayName":"ServicePrincipal.ObjectID","newValue":"\"` + other + `\""},{"displayName":"TargetId.ServicePrincipalNames","newValue":"\"` + other + `\""}]`, "", ""},
		{"Update user", `[{"displayName":"StrongAuthenticationMethod","newValue":"[]"}]`, "", ""},
	} {
		text, err := hunt.Inline("// functions: ChangedApp\ndeclare query_parameters(Operation: string, Changes: string, Details: string);\nprint ChangedApp(Operation, Changes, Details)", hunts.Functions)
		if err != nil {
			t.Fatal(err)
		}
		quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'" }
		rows, err := c.Query(t.Context(), kql.Request{Source: &diag.Source{Name: "test", Text: text}, Params: map[string]string{"Operation": quote(x.operation), "Changes": quote(x.changes), "Details": quote(x.details)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := rows.Rows[0][0]; got != strings.ToLower(x.want) {
			t.Errorf("%s %s %s: application %v, want %s", x.operation, x.changes, x.details, got, x.want)
		}
	}
}
