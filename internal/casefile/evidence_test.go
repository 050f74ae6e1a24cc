package casefile

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

const samples = "../../../shared/evidence/samples"

// counted are the records of the samples whose number the manifest leaves open, counted by hand.
var counted = map[string]int64{
	"la-queryapi-json/msticpy/az_mon_raw_query.json": 3,
	"la-queryapi-json/msticpy/kusto_raw_resp.json":   10, // of the primary result; the other frames are about the query
}

// meant is the table that the manifest means where it does not name one.
var meant = map[string]string{
	"directoryAudit": "AuditLogs", "signIn": "SigninLogs", "signIn nonInteractiveUser": "AADNonInteractiveUserSignInLogs",
	"SignInLogs": "SigninLogs", "SignInLogs (time only)": "SigninLogs", "NonInteractiveUserSignInLogs": "AADNonInteractiveUserSignInLogs",
	"ServicePrincipalSignInLogs": "AADServicePrincipalSignInLogs", "UserRiskEvents": "AADUserRiskEvents", "watchlist": "Watchlist",
	"UAL": "OfficeActivity", "OfficeActivity/UAL": "OfficeActivity", "AuditLogs + SignInLogs": "AuditLogs", "Defender XDR": "CloudAppEvents",
	// Categories of the audit log, which the rules' authors put where the log's own stands.
	"Policy": "AuditLogs", "DirectoryManagement": "AuditLogs", "ApplicationManagement": "AuditLogs",
	"-": "SecurityAlert", // the columns of the query API's answer are an alert's
}

// TestManifest loads every real export of the shared samples: each is recognised, and each of its records is loaded, a
// copy, or rejected with a reason. It prints the table of it.
func TestManifest(t *testing.T) {
	if testing.Short() {
		t.Skip("one case for each of 50 files")
	}
	f, err := os.Open(filepath.Join(samples, "MANIFEST.tsv"))
	if err != nil {
		t.Skip("the shared samples are not here: ", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Scan()
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "\t")
		path, want := cells[0], counted[cells[0]]
		if cells[7] != "?" {
			if want, err = strconv.ParseInt(cells[7], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		r := loadOne(t, filepath.Join(samples, path))
		if r.Error != "" {
			t.Errorf("%s (%s): %s", path, cells[5], r.Error)
			continue
		}
		rejects := ""
		for _, x := range r.Rejects {
			rejects += fmt.Sprintf(" %s×%d (%s)", x.Code, x.Rows, x.Reason)
		}
		t.Logf("%-64s %-24s %-34s %5d = %5d + %3d + %3d%s", path, r.Shape, tableList(r), r.RowsRead, r.RowsLoaded, r.RowsDuplicate, r.RowsRejected, rejects)
		table := cells[6]
		if name, ok := meant[table]; ok {
			table = name
		}
		if r.RowsLoaded > 0 && r.Tables[table] == 0 {
			t.Errorf("%s: no row in %s, but in %s", path, table, tableList(r))
		}
		for _, x := range r.Rejects {
			if !slices.ContainsFunc(evidence.Codes, func(c struct{ Code, Meaning string }) bool { return c.Code == x.Code }) {
				t.Errorf("%s: the code %s is not in the documented list", path, x.Code)
			}
		}
		if r.RowsRead != want || r.RowsRead != r.RowsLoaded+r.RowsDuplicate+r.RowsRejected {
			t.Errorf("%s: %d records read (%d loaded, %d duplicate, %d rejected), the manifest has %d", path, r.RowsRead, r.RowsLoaded, r.RowsDuplicate, r.RowsRejected, want)
		}
	}
}

// loadOne loads one file into a case of its own.
func loadOne(t *testing.T, path string) *FileReport {
	t.Helper()
	ctx := context.Background()
	c, err := Open(ctx, Options{Threads: 2, Memory: 500e6})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	reports, err := c.Load(ctx, []string{path})
	if err != nil || len(reports) != 1 {
		t.Fatalf("%s: %d reports: %v", path, len(reports), err)
	}
	return reports[0]
}

func tableList(r *FileReport) string {
	var list []string
	for name, n := range r.Tables {
		if n > 0 {
			list = append(list, name)
		}
	}
	sort.Strings(list)
	return strings.Join(list, ",")
}

// TestOtherForms loads the same two rows as Parquet, from standard input, and out of an archive.
func TestOtherForms(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	rows := `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00.25Z","Id":"1","Status":{"errorCode":0}}
{"Type":"AuditLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"2"}
`
	lines := filepath.Join(dir, "rows.jsonl")
	if err := os.WriteFile(lines, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	parquet := filepath.Join(dir, "rows [1]*?.parquet")
	c, err := Open(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Exec(ctx, "COPY (SELECT 'SigninLogs' AS Type, TIMESTAMP '2026-03-20 10:00:00.25' AS TimeGenerated, '1' AS Id, {'errorCode': 0} AS Status) TO "+quoteText(parquet)); err != nil {
		t.Fatal(err)
	}
	want := func(r *FileReport, shape string, loaded, rejected int64) {
		t.Helper()
		if r.Error != "" || r.Shape != shape || r.RowsLoaded != loaded || r.RowsRejected != rejected || len(r.SHA256) != 64 {
			t.Errorf("%+v, want %d rows as %s", r, loaded, shape)
		}
	}
	want(loadOne(t, parquet), "parquet/la-json", 1, 0)
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	if os.Stdin, err = os.Open(lines); err != nil {
		t.Fatal(err)
	}
	r := loadOne(t, "-")
	want(r, "la-json", 2, 0)
	if r.Bytes != int64(len(rows)) || r.Tables["SigninLogs"] != 1 || r.Tables["AuditLogs"] != 1 {
		t.Errorf("%+v", r)
	}
}

// TestParquetPlaces loads a Parquet file of several groups of rows with several threads, on a machine that is not in UTC: the
// place of each row is its number in the file, and a time with a zone is the same instant.
func TestParquetPlaces(t *testing.T) {
	const zone = "TZ=Asia/Tokyo"
	if os.Getenv("TZ") != strings.TrimPrefix(zone, "TZ=") { // the database asks for the zone once, when a program begins
		again := exec.Command(os.Args[0], "-test.run=^TestParquetPlaces$")
		again.Env = append(os.Environ(), zone)
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	c, err := Open(t.Context(), Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	parquet := filepath.Join(t.TempDir(), "rows.parquet")
	if err := c.Exec(t.Context(), "COPY (SELECT 'SigninLogs' AS Type, TIMESTAMPTZ '2026-03-20 12:00:00+02' AS TimeGenerated, n::VARCHAR AS Id FROM range(20000) r(n) ORDER BY n) TO "+quoteText(parquet)+" (ROW_GROUP_SIZE 2048)"); err != nil {
		t.Fatal(err)
	}
	ingest(t, c, parquet)
	if got := rowsOf(t, c, "SigninLogs | summarize count(), countif(_SourceLine == 1 + tolong(Id)), countif(TimeGenerated == datetime(2026-03-20 10:00))"); got != "[20000 20000 20000]" {
		t.Errorf("rows, rows in their place, rows at their time: %s", got)
	}
}

// TestUnpackedInScratch: what an ingest unpacks lies in the case's own folder, where the next run finds what a killed one left.
func TestUnpackedInScratch(t *testing.T) {
	dir := t.TempDir()
	c := open(t, Options{Dir: filepath.Join(dir, "case")})
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	parquet, packed := filepath.Join(dir, "rows.parquet"), filepath.Join(dir, "rows.tgz")
	if err := c.Exec(t.Context(), "COPY (SELECT 'SigninLogs' AS Type, TIMESTAMP '2026-03-20 10:00:00' AS TimeGenerated, '1' AS Id) TO "+quoteText(parquet)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w, text := tar.NewWriter(zipped), `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"2"}`
	err := w.WriteHeader(&tar.Header{Name: "rows.jsonl", Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(text))})
	_, writeErr := w.Write([]byte(text))
	if err = errors.Join(err, writeErr, w.Close(), zipped.Close(), os.WriteFile(packed, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, r := range ingest(t, c, parquet, packed) {
		if r.Error != "" || r.RowsLoaded != 1 {
			t.Errorf("%s: %d rows, %s", r.Path, r.RowsLoaded, r.Error)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.scratch, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestAuthenticationDetails joins the steps of the admin centre's second file to the sign-ins of the first.
func TestAuthenticationDetails(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"InteractiveSignIns_1.csv": "Date (UTC),Request ID,Username,Application ID \n2026-03-20T10:00:00Z,i1,ann@example.com,a1\n2026-03-20T11:00:00Z,i2,ann@example.com,a1\n",
		"InteractiveSignIns_AuthDetails_1.csv": "Date (UTC),Request ID,Authentication method,Succeeded,Result detail\n" +
			"2026-03-20T10:00:05Z,i1,Text message,true,MFA completed\n2026-03-20T10:00:00Z,i1,Password,true,Correct password\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for range 2 { // the second time everything is there already
		if _, err := c.Load(ctx, []string{dir}); err != nil {
			t.Fatal(err)
		}
	}
	text := schema.Column{Type: schema.String}
	rows, err := c.Select(ctx, "SELECT Id, AuthenticationDetails FROM SigninLogs ORDER BY Id", []schema.Column{text, text})
	if err != nil {
		t.Fatal(err)
	}
	step := func(at, method, detail string) string {
		return `{"authenticationStepDateTime":"` + at + `","authenticationMethod":"` + method + `","authenticationMethodDetail":"","succeeded":true,"authenticationStepResultDetail":"` + detail + `","authenticationStepRequirement":""}`
	}
	want := "[" + step("2026-03-20T10:00:00.0000000Z", "Password", "Correct password") + "," + step("2026-03-20T10:00:05.0000000Z", "Text message", "MFA completed") + "]"
	if len(rows) != 2 || rows[0][1] != want || rows[1][1] != "" {
		t.Errorf("got %v, want %s", rows, want)
	}
}

// TestGivenWatchlists asks for lists that came as evidence by their alias.
func TestGivenWatchlists(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"HighRiskApps.csv": "AppName,SearchKey,Risk\nMailer,x,high\nPost,y,low\n",
		"places.json":      `{"value":[{"displayName":"Office","isTrusted":true,"ipRanges":[{"cidrAddress":"192.0.2.0/24"}]}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	caseDir := filepath.Join(t.TempDir(), "case")
	for range 2 { // the second time from the case that the first one left
		c, err := Open(ctx, Options{Dir: caseDir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Load(ctx, []string{dir}); err != nil {
			t.Fatal(err)
		}
		for alias, want := range map[string]string{"highriskapps": "AppName Risk Mailer high", "NamedLocations": "displayName isTrusted ipRanges Office true [{\"cidrAddress\":\"192.0.2.0/24\"}]"} {
			table, ok := c.Watchlist(alias)
			if !ok {
				t.Fatalf("no watchlist %s", alias)
			}
			own := table.Columns[len(watchlistColumns):]
			rows, err := c.Select(ctx, "SELECT "+names(own)+" FROM "+quoteName(table.Name)+" LIMIT 1", own)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, col := range own {
				got = append(got, col.Name)
			}
			for _, v := range rows[0] {
				got = append(got, fmt.Sprint(v))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %q, want %q", alias, strings.Join(got, " "), want)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOddWatchlists: whoever exports a list wrote its items. One that is no object, or has a column without a name, as the
// comma at the end of a CSV's lines leaves one, must cost neither the rest of the list nor the case.
func TestOddWatchlists(t *testing.T) {
	const row = `{"Type":"Watchlist","TimeGenerated":"2026-03-20T10:00:00Z","WatchlistAlias":%q,"WatchlistItem":%s}` + "\n"
	text := ""
	for _, item := range []string{`"{\"\":\"x\",\"App\":\"Mailer\"}"`, `{"App":null}`, `[1,2,3]`, `"words"`, `7`, `"{\"App\":"`, `{"App":"Post"}`, `{"App":"","K\u212a":"1","ſ\u0000":"\u0000","s":"2","k":"3","ſ":"4"}`} {
		text += fmt.Sprintf(row, "odd", item)
	}
	text += `{"Type":"Watchlist","TimeGenerated":"2026-03-20T10:00:00Z","WatchlistAlias":"\u0000","WatchlistItem":{"a":"1"}}` + "\n"
	text += fmt.Sprintf(row, `a"b'; DROP TABLE x`, `{"a\"b":"c'd"}`)
	path := filepath.Join(t.TempDir(), "lists.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "case")
	for range 2 { // the second time from the case that the first one left
		c := open(t, Options{Dir: dir})
		ingest(t, c, path)
		if got, want := rowsOf(t, c, `_GetWatchlist('odd') | where isnotempty(App) | project App | sort by App asc`), "[Mailer] [Post]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := rowsOf(t, c, `_GetWatchlist('a"b\'; DROP TABLE x') | project ['a"b']`), "[c'd]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAddWatchlist: a list that Sentinel answered has Sentinel's columns, and one of a spreadsheet columns without a name.
func TestAddWatchlist(t *testing.T) {
	c := open(t, Options{})
	if err := c.AddWatchlist(t.Context(), "Mine", []string{"searchkey", "User", "", "_DTItemId", "Why"}, [][]string{{"k", "ann", "", "1", "it's"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := rowsOf(t, c, "_GetWatchlist('mine') | project User, Why, SearchKey"), "[ann it's ]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	err := c.AddWatchlist(t.Context(), "Mine", []string{"User", "user"}, nil)
	if want := "watchlist Mine: two of its columns are called user"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestGatherInSlices joins more steps than are gathered at once: each sign-in gets its own, and only those.
func TestGatherInSlices(t *testing.T) {
	const signIns = 2*gatheredAtOnce + 1
	dir := t.TempDir()
	var rows, steps strings.Builder
	rows.WriteString("Date (UTC),Request ID,Username\n")
	steps.WriteString("Date (UTC),Request ID,Authentication method,Succeeded,Result detail\n")
	for i := range signIns {
		fmt.Fprintf(&rows, "2026-03-20T10:00:00Z,i%d,ann@example.com\n", i)
		fmt.Fprintf(&steps, "2026-03-20T10:00:00Z,i%d,method %d,true,\n", i, i)
	}
	for name, text := range map[string]string{"InteractiveSignIns_1.csv": rows.String(), "InteractiveSignIns_AuthDetails_1.csv": steps.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, Options{})
	ingest(t, c, dir)
	got := rowsOf(t, c, `SigninLogs | extend Steps = todynamic(AuthenticationDetails) | summarize count(), countif(array_length(Steps) == 1 and tostring(Steps[0].authenticationMethod) == strcat("method ", substring(Id, 1)))`)
	if want := fmt.Sprintf("[%d %d]", signIns, signIns); got != want {
		t.Errorf("sign-ins, sign-ins with their own step: %s, want %s", got, want)
	}
}

// TestLoadNamedHidesOneTable: a table of a name that differs from another one's in its case only would be read in its place,
// for the database does not tell them apart; no other name is taken.
func TestLoadNamedHidesOneTable(t *testing.T) {
	c := caseWith(t, "rows.jsonl", `{"Type":"SigninLogs","CreatedDateTime":"2026-03-20T10:00:00Z","Id":"i1"}`+"\n")
	path := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte("name\nann\nben\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.LoadNamed(t.Context(), "signinlogs", path); err == nil || !strings.Contains(err.Error(), "there is a table SigninLogs") {
		t.Errorf("got %v", err)
	}
	if got := rowsOf(t, c, "SigninLogs | count"); got != "[1]" {
		t.Errorf("the evidence has %s sign-ins, want [1]", got)
	}
	for _, name := range []string{"load_named", "raw", "SigninLogs"} {
		if _, err := c.LoadNamed(t.Context(), name, path); err != nil {
			t.Error(err)
		} else if got := rowsOf(t, c, name+" | count"); got != "[2]" {
			t.Errorf("%s has %s rows, want [2]", name, got)
		}
	}
}

// TestLoadNamedTakesTheFile: the characters of a pattern in a file's name, as browsers number downloads, name that file alone.
func TestLoadNamedTakesTheFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"users[1].csv": "name\nann\n", "users1.csv": "name\nben\n", "what?.csv": "name\ncay\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, Options{})
	for name, want := range map[string]string{"users[1].csv": "ann", "what?.csv": "cay"} {
		if _, err := c.LoadNamed(t.Context(), "U", filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, query := range []string{"U", "externaldata(name: string) ['U'] with (ignoreFirstRecord=true, format='csv')"} {
			if got := rowsOf(t, c, query); got != "["+want+"]" {
				t.Errorf("%s: %s is %s, want %s", name, query, got, want)
			}
		}
	}
}
