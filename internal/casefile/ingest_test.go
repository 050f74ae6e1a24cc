package casefile

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

var kills = flag.Int("kills", 10, "how often the kill test kills an ingest")

// lateColumns are columns in which only some of the emissions say something, one after the other.
var lateColumns = []string{"AppDisplayName", "ClientAppUsed", "IncomingTokenType", "IsRisky", "ConditionalAccessPoliciesV2", "AppliedEventListeners", "_custom"}

// emissions makes lines of evidence as Entra emits them: sign-ins come up to four times, a later copy can know more or
// less than an earlier one, two copies can carry the same time. The last third has neither. One column after the other
// begins to be filled.
func emissions(r *rand.Rand, ids int) []string {
	var lines []string
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	for i := range ids {
		table := pick("SigninLogs", "AADNonInteractiveUserSignInLogs")
		for range 1 + r.IntN(4) {
			row := map[string]any{
				"Type": table, "Id": fmt.Sprintf("id-%d", i), "UserId": fmt.Sprintf("u%d", i%7), "ResultType": "0",
				"TimeGenerated":          fmt.Sprintf("2026-03-20T10:0%d:00Z", r.IntN(4)),
				"CreatedDateTime":        fmt.Sprintf("2026-03-20T09:%02d:00Z", i%60),
				"OriginalTransferMethod": pick("none", "", "deviceCodeFlow"),
				"RiskState":              pick("none", "remediated", "atRisk"),
				"SessionId":              pick("", "s1", "s2"),
				"DeviceDetail":           json.RawMessage(pick(`{}`, `{"deviceId":"d1"}`, `{"deviceId":"d2"}`)),
			}
			if late := lateColumns[i*len(lateColumns)/ids]; late == "IsRisky" {
				row[late] = i%2 == 0
			} else {
				row[late] = json.RawMessage(pick(`"`+late+`"`, `""`, `[1]`))
			}
			text, err := json.Marshal(row)
			if err != nil {
				panic(err)
			}
			lines = append(lines, string(text))
			if i%3 == 0 {
				break
			}
		}
	}
	return lines
}

// writeParts writes lines to files of a folder, some broken lines among them, and returns the paths.
func writeParts(t *testing.T, dir string, lines []string, parts int) []string {
	t.Helper()
	var paths []string
	for i := range parts {
		part := lines[len(lines)*i/parts : len(lines)*(i+1)/parts]
		path := filepath.Join(dir, fmt.Sprintf("part-%03d.jsonl", i))
		if err := os.WriteFile(path, []byte(strings.Join(part, "\n")+"\n{\"broken\":\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func open(t *testing.T, opt Options) *Case {
	t.Helper()
	opt.Threads = 1 // small evidence, many cases: more threads only wait for each other
	c, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func ingest(t *testing.T, c *Case, paths ...string) []*FileReport {
	t.Helper()
	reports, err := c.Load(t.Context(), paths)
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

// contents are all rows of the canonical tables, with their places if asked for.
func contents(t *testing.T, c *Case, places bool) string {
	t.Helper()
	var b strings.Builder
	for _, table := range c.canonical() {
		var columns []schema.Column
		for _, col := range table.Columns {
			if places && col.Name != "_SourceNumber" || !col.Hidden {
				columns = append(columns, col)
			}
		}
		rows, err := c.Select(t.Context(), "SELECT "+names(columns)+" FROM "+quoteName(table.Name)+" ORDER BY ALL", columns)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for i, v := range row {
				if v != nil && v != "" {
					_, _ = fmt.Fprintf(&b, " %s=%s", columns[i].Name, schema.AppendJSON(nil, columns[i].Type, v))
				}
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// balanced checks the books of a case against its tables.
func balanced(t *testing.T, c *Case) {
	t.Helper()
	v := &Verification{}
	if err := c.verifyRows(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Faults {
		t.Errorf("%s: %s", f.Path, f.Problem)
	}
}

// TestSplitAndOrder: however evidence is cut into files, whatever their order, and in however many steps they come, with
// some of them given twice: the case holds the same rows.
func TestSplitAndOrder(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 1))
		lines := emissions(r, 60)
		whole := open(t, Options{})
		ingest(t, whole, writeParts(t, t.TempDir(), lines, 1)...)
		balanced(t, whole)
		want := contents(t, whole, false)

		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		lines = append(lines, lines[:len(lines)/3]...) // an overlapping export
		paths := writeParts(t, t.TempDir(), lines, 4)
		c := open(t, Options{Dir: t.TempDir(), Batch: 1 + int64(r.IntN(20000))})
		for _, i := range append(r.Perm(len(paths)), r.Perm(len(paths))...) {
			ingest(t, c, paths[i])
		}
		balanced(t, c)
		if got := contents(t, c, false); got != want {
			t.Fatalf("seed %d: the rows depend on how the evidence was given:\n%s\nwant\n%s", seed, got, want)
		}
	}
}

// TestPlacesWithoutOrder: with the same files, the rows' places do not depend on their order either.
func TestPlacesWithoutOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	paths := writeParts(t, t.TempDir(), emissions(r, 60), 4)
	var want string
	for i := range 3 {
		c := open(t, Options{Dir: t.TempDir(), Batch: 1})
		ingest(t, c, paths...)
		got := contents(t, c, true)
		if i > 0 && got != want {
			t.Fatalf("the order of the files changes the rows:\n%s\nwant\n%s", got, want)
		}
		want = got
		r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	}
}

// TestFoldFields folds the copies of which the pitfall of the exports tells: the first knows the device code, the later
// ones the risk. Neither may be lost, in whichever order they come.
func TestFoldFields(t *testing.T) {
	const row = `{"Type":"SigninLogs","Id":"a","CreatedDateTime":"2026-06-15T12:30:00Z","TimeGenerated":"2026-06-15T12:%s:00Z","OriginalTransferMethod":"%s","RiskState":"%s","RiskEventTypes_V2":"%s"}`
	lines := []string{
		fmt.Sprintf(row, "31", "deviceCodeFlow", "none", "[]"),
		fmt.Sprintf(row, "40", "none", "remediated", `[\"anonymizedIPAddress\"]`),
		fmt.Sprintf(row, "50", "none", "remediated", `[\"anonymizedIPAddress\"]`),
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		dir := t.TempDir()
		c := open(t, Options{Dir: t.TempDir()})
		for n, i := range order {
			path := filepath.Join(dir, fmt.Sprintf("%d.jsonl", n))
			if err := os.WriteFile(path, []byte(lines[i]+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			ingest(t, c, path)
		}
		const want = ` TimeGenerated="2026-06-15T12:31:00Z" CreatedDateTime="2026-06-15T12:30:00Z" Id="a" OriginalTransferMethod="deviceCodeFlow" RiskEventTypes_V2="[\"anonymizedIPAddress\"]" RiskState="remediated" Type="SigninLogs"`
		got := contents(t, c, false)
		for field := range strings.FieldsSeq(want) {
			if !strings.Contains(got, " "+field) {
				t.Errorf("order %v: %s is missing in%s", order, field, got)
			}
		}
		if n := strings.Count(got, "\n"); n != 1 {
			t.Errorf("order %v: %d rows, want the one of three copies", order, n)
		}
	}
}

// TestFoldInSlices folds more copies than the memory allows to fold at a time.
func TestFoldInSlices(t *testing.T) {
	opt := Options{Dir: filepath.Join(t.TempDir(), "case [1]*"), Memory: 300e6}
	n := int(3 * opt.Memory / foldMemory)
	var lines strings.Builder
	for _, said := range []string{`"RiskState":"none","Identity":"someone"`, `"RiskState":"remediated","Identity":""`} {
		for i := range n {
			fmt.Fprintf(&lines, `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"id-%d",%s}`+"\n", i, said)
		}
	}
	path := filepath.Join(t.TempDir(), "copies.jsonl")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, opt)
	if r := ingest(t, c, path)[0]; r.RowsRead != int64(2*n) || r.RowsDuplicate != int64(n) {
		t.Errorf("%+v, want %d copies", r, n)
	}
	balanced(t, c)
	folded, err := c.count(t.Context(), "SigninLogs WHERE RiskState = 'remediated' AND Identity = 'someone'")
	if err != nil || folded != int64(n) {
		t.Errorf("%d of %d rows have the best of both copies: %v", folded, n, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(opt.Dir), "*", scratchPrefix+"*", "*", "*.parquet")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFoldMerges: between two full groups of rows lies one of a thousand. When copies of each fiftieth row come, all three
// would fit in two, which would have to be written for that: they stay, with the folded rows in a fourth. Of copies of each
// second row half of both groups would stay empty: what is left and what is folded, 62,440 rows, fill three.
func TestFoldMerges(t *testing.T) {
	long := schema.Column{Type: schema.Long}
	for step, want := range map[int]int64{50: 4, 2: 3} {
		c := open(t, Options{Dir: t.TempDir()})
		signIns, _ := c.Table("SigninLogs")
		err := errors.Join(c.store(t.Context(), signIns, []schema.Column{{Name: "TimeGenerated"}, {Name: "Id"}}),
			c.Exec(t.Context(), "SET checkpoint_threshold = '1KB'")) // as a fold of many rows does it, this one's commit ends in a checkpoint
		if err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		for i, rows := range []int{rowGroup, 1000, rowGroup} {
			if err := c.execAll(t.Context(), fmt.Sprintf("INSERT INTO SigninLogs (TimeGenerated, Id, _SourceNumber) SELECT 6e17::BIGINT, 'id-%d-' || range, 0 FROM range(%d)", i, rows), "CHECKPOINT"); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < rows; n += step {
				fmt.Fprintf(&lines, `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"id-%d-%d"}`+"\n", i, n)
			}
		}
		path := filepath.Join(t.TempDir(), "copies.jsonl")
		if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		ingest(t, c, path)
		groups, err := c.Select(t.Context(), "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('SigninLogs')", []schema.Column{long})
		if err != nil || groups[0][0] != want {
			t.Errorf("copies of each %dth row leave %v groups of rows, want %d: %v", step, groups, want, err)
		}
	}
}

// TestFoldInPortions: a table whose copies are sought in portions, between which the database is opened anew, holds the same
// rows as one that is read at once, when it is made and when more copies come.
func TestFoldInPortions(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	lines := emissions(r, 60)
	for i := range 20 { // rows without a key, of which every second comes again
		lines = append(lines, fmt.Sprintf(`{"Type":"SigninLogs","UserId":"u%d","AppId":"a","ResultType":"0","TimeGenerated":"2026-03-20T10:00:00Z"}`, i))
	}
	paths := writeParts(t, t.TempDir(), lines, 2)
	paths = append(paths, writeParts(t, t.TempDir(), lines[len(lines)/2:len(lines)-10], 1)...)
	var want string
	for i, portion := range []int64{portion, 17} {
		c := open(t, Options{Dir: t.TempDir()})
		c.portion = portion
		ingest(t, c, paths[0])
		ingest(t, c, paths[1:]...)
		balanced(t, c)
		got := contents(t, c, true)
		if i > 0 && got != want {
			t.Errorf("in portions of %d the rows are\n%s\nwant\n%s", portion, got, want)
		}
		want = got
	}
}

// TestSeekInPortions: every portion of a table is read from a database that was opened anew and has its file of copies, and
// all copies are found.
func TestSeekInPortions(t *testing.T) {
	c := open(t, Options{Dir: t.TempDir()})
	table, _ := c.Table("SigninLogs")
	storeAll(t, c)
	const copied, each = 50, 3
	for n := range each {
		err := c.Exec(t.Context(), fmt.Sprintf("INSERT INTO SigninLogs (Id, _SourceNumber) SELECT 'id-' || range, %d FROM range(%d)", n+1, copied))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Exec(t.Context(), "INSERT INTO SigninLogs (Id, _SourceNumber) SELECT 'single-' || range, 1 FROM range(10)"); err != nil {
		t.Fatal(err)
	}
	c.portion = 40
	opened := map[schema.Value]bool{}
	if err := c.inPortions(t.Context(), table, func(int64, string) string {
		rows, err := c.Select(t.Context(), "SELECT database_oid FROM duckdb_databases() WHERE database_name = current_database()", []schema.Column{{Type: schema.Long}})
		if err != nil {
			t.Fatal(err)
		}
		opened[rows[0][0]] = true
		return "SELECT 1"
	}); err != nil || len(opened) != 4 {
		t.Errorf("four portions were read from %d openings of the database: %v", len(opened), err)
	}
	found, err := c.seek(t.Context(), 1, []*schema.Table{table})
	if err != nil || len(found) != 1 || len(found[0].kinds) != 1 {
		t.Fatalf("%+v: %v", found, err)
	}
	files, _ := filepath.Glob(filepath.Join(c.asideOf(table, repeated), "*.parquet"))
	if len(files) != 4 { // 160 rows, the last ten of them single
		t.Errorf("%d files, want one for each of four portions", len(files))
	}
	n, err := c.count(t.Context(), "("+waiting(table.Columns, c.asideOf(table, repeated))+")")
	if n != copied*each || err != nil {
		t.Errorf("%d copies were put aside, want %d: %v", n, copied*each, err)
	}
	if n, err := c.count(t.Context(), "SigninLogs"); n != copied*each+10 || err != nil {
		t.Errorf("seeking left %d rows: %v", n, err)
	}
	if err := c.transact(t.Context(), func() error { return c.fold(t.Context(), found) }); err != nil {
		t.Fatal(err)
	}
	if n, err := c.count(t.Context(), "SigninLogs"); n != copied+10 || err != nil {
		t.Errorf("%d rows are left of %d: %v", n, copied+10, err)
	}
}

// TestTwins overlaps exports without ids: as many of the same row stay as the file holds that has most of them; rows
// without a time all stay.
func TestTwins(t *testing.T) {
	row := func(user string) string {
		return fmt.Sprintf(`{"Type":"SigninLogs","UserId":%q,"AppId":"a","ResultType":"0","IPAddress":"192.0.2.1","TimeGenerated":"2026-03-20T10:00:00Z"}`, user)
	}
	x, y, z := row("x"), row("y"), row("z")
	timeless := `{"Type":"IdentityInfo","AccountUPN":"t","MailAddress":"t","Department":"d"}`
	dir := t.TempDir()
	var paths []string
	for name, lines := range map[string][]string{
		"a": {x, x, y, timeless}, "b": {x, z, timeless}, "c": {x, y, x, x, timeless}, "d": {z},
	} {
		path := filepath.Join(dir, name+".jsonl")
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	r := rand.New(rand.NewPCG(8, 8))
	for range 4 {
		r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		c := open(t, Options{Dir: t.TempDir()})
		ingest(t, c, paths[:2]...)
		ingest(t, c, paths[2])
		ingest(t, c, paths[3])
		balanced(t, c)
		got := contents(t, c, false)
		for user, want := range map[string]int{`UserId="x"`: 3, `UserId="y"`: 1, `UserId="z"`: 1, `AccountUPN="t"`: 3} {
			if n := strings.Count(got, " "+user); n != want {
				t.Errorf("%v: %d rows with %s, want %d", paths, n, user, want)
			}
		}
	}
}

// TestTwice gives the same files again, and the same bytes under another name.
func TestTwice(t *testing.T) {
	dir, copies := t.TempDir(), t.TempDir()
	lines := emissions(rand.New(rand.NewPCG(3, 3)), 40)
	paths := writeParts(t, dir, lines, 3)
	c := open(t, Options{Dir: t.TempDir()})
	ingest(t, c, dir)
	want := contents(t, c, true)
	for _, r := range ingest(t, c, dir) {
		if !r.Present {
			t.Errorf("%s was loaded again", r.Path)
		}
	}
	for _, r := range ingest(t, c, writeParts(t, copies, lines, 3)...) {
		if r.SameAs == 0 || r.RowsLoaded != 0 || r.RowsRejected != 0 || r.RowsDuplicate != r.RowsRead {
			t.Errorf("%s has the bytes of another file and is accounted as %+v", r.Path, r)
		}
	}
	balanced(t, c)
	if got := contents(t, c, true); got != want {
		t.Errorf("the second time changed the rows:\n%s\nwant\n%s", got, want)
	}
	files, err := c.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2*len(paths) {
		t.Errorf("%d files in the books, want %d", len(files), 2*len(paths))
	}
}

// TestKilled kills an ingest at random moments: the case is as before or after a file, and the ingest can be taken up
// again to the same rows. With -kills 50 it is the test that is promised to have been made by hand.
func TestKilled(t *testing.T) {
	evidence := t.TempDir()
	paths := writeParts(t, evidence, emissions(rand.New(rand.NewPCG(7, 7)), 300), 6)
	whole := open(t, Options{Dir: t.TempDir()})
	ingest(t, whole, evidence)
	want := contents(t, whole, true)

	var size int64
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	// One file for each transaction that folds and writes the books, or several, which are held and loaded together.
	batches := []int64{1, size / 2}
	cut := 0
	times := *kills
	if testing.Short() {
		times, size = 1, size/4 // one kill has to come in time
	}
	for i := range times {
		dir := t.TempDir()
		for range 1 + i%2 { // a run that was killed is killed again when it goes on
			killedIngest(t, evidence, dir, batches[i%2], rand.Int64N(size))
		}
		c := open(t, Options{Dir: dir})
		balanced(t, c)
		files, err := c.Files(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(files) < len(paths) {
			cut++
		}
		ingest(t, c, evidence)
		balanced(t, c)
		if got := contents(t, c, true); got != want {
			t.Fatalf("after a kill with %d of %d files done the rows differ", len(files), len(paths))
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d kills came before the last file was done", cut, times)
	if cut == 0 {
		t.Error("no ingest was cut short: the test shows nothing")
	}
}

const (
	childEvidence = "REPLAYTRACE_TEST_EVIDENCE"
	childCase     = "REPLAYTRACE_TEST_CASE"
	childBatch    = "REPLAYTRACE_TEST_BATCH"
)

// killedIngest ingests in a process of its own and kills it soon after it has read so many bytes.
func killedIngest(t *testing.T, evidence, dir string, batch, bytes int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestIngestChild$")
	cmd.Env = append(os.Environ(), childEvidence+"="+evidence, childCase+"="+dir, childBatch+"="+strconv.FormatInt(batch, 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if read, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil && read >= bytes {
			time.Sleep(time.Duration(rand.Int64N(int64(100 * time.Millisecond)))) // into inserting, folding or committing
			break
		}
	}
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()         // the case says what became of it
}

// TestIngestChild is the process that TestKilled kills.
func TestIngestChild(t *testing.T) {
	if os.Getenv(childCase) == "" {
		t.Skip("runs only as the child of TestKilled")
	}
	batch, err := strconv.ParseInt(os.Getenv(childBatch), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{Dir: os.Getenv(childCase), Batch: batch, Progress: func(read, _ int64, _ string) { fmt.Println(read) }})
	ingest(t, c, os.Getenv(childEvidence))
	if err := c.WriteBooks(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestInterrupted stops an ingest as Ctrl-C does, in the third of four files: two are in the case, and loading again goes
// on.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	paths := writeParts(t, dir, emissions(rand.New(rand.NewPCG(5, 5)), 40), 4)
	whole := open(t, Options{})
	ingest(t, whole, dir)

	ctx, stop := context.WithCancel(t.Context())
	c := open(t, Options{Dir: t.TempDir(), Batch: 1, Progress: func(_, _ int64, file string) {
		if file == paths[2] {
			stop()
		}
	}})
	reports, err := c.Load(ctx, []string{dir})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted load returned %v", err)
	}
	if len(reports) != 2 || reports[0].Path != paths[0] || reports[1].Path != paths[1] {
		t.Fatalf("%d files are said to be in the case, want the first two", len(reports))
	}
	balanced(t, c)
	if again := ingest(t, c, dir); !again[0].Present || !again[1].Present || again[2].Present || again[3].Present {
		t.Error("going on did not pass over what is in the case, or passed over more")
	}
	balanced(t, c)
	if got, want := contents(t, c, true), contents(t, whole, true); got != want {
		t.Errorf("after an interruption the rows differ:\n%s\nwant\n%s", got, want)
	}
}

// TestBesideDamage: a file that the database itself cannot read ends nothing, and an archive's files are files of their own
// that verify finds again.
func TestBesideDamage(t *testing.T) {
	dir := t.TempDir()
	lines := emissions(rand.New(rand.NewPCG(2, 2)), 10)
	paths := writeParts(t, dir, lines, 2)
	if err := os.WriteFile(filepath.Join(dir, "a.parquet"), []byte("PAR1 damaged PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	archive, err := os.Create(filepath.Join(dir, "b.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(archive)
	inside, err := z.Create("inside.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inside.Write([]byte(lines[0] + "\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), archive.Close()); err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{Dir: t.TempDir()})
	reports := ingest(t, c, dir)
	if len(reports) != len(paths)+2 || reports[0].Error == "" || reports[1].Path != filepath.Join(dir, "b.zip!inside.jsonl") || reports[1].Error != "" {
		t.Fatalf("%+v", reports)
	}
	if err := c.WriteBooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := c.Verify(t.Context(), filepath.Clean)
	if err != nil || len(v.Faults) > 0 || v.FilesChecked != 3 {
		t.Errorf("%+v, %v: want three files checked and no fault", v, err)
	}
}

// TestStreamTwice gives the same bytes by standard input twice, and then as a file.
func TestStreamTwice(t *testing.T) {
	path := writeParts(t, t.TempDir(), emissions(rand.New(rand.NewPCG(4, 4)), 10), 1)[0]
	c := open(t, Options{Dir: t.TempDir()})
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	var want string
	for i := range 3 {
		given := "-"
		if i == 2 {
			given = path
		}
		in, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdin = in
		r := ingest(t, c, given)[0]
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		if r.Present != (i == 1) || (r.SameAs > 0) != (i == 2) {
			t.Errorf("time %d: %+v", i+1, r)
		}
		balanced(t, c)
		if got := contents(t, c, true); i > 0 && got != want {
			t.Errorf("time %d changed the rows:\n%s\nwant\n%s", i+1, got, want)
		} else {
			want = got
		}
	}
}

// TestOlderCase: a case that lacks a column and a table gets them when it is opened, be it for reading.
func TestOlderCase(t *testing.T) {
	dir := t.TempDir()
	c := open(t, Options{Dir: dir})
	ingest(t, c, writeParts(t, t.TempDir(), emissions(rand.New(rand.NewPCG(9, 9)), 5), 1)...)
	want := contents(t, c, true)
	change(t, c, "ALTER TABLE SigninLogs DROP COLUMN IsRisky", "DROP TABLE AuditLogs")
	if got := contents(t, open(t, Options{Dir: dir, ReadOnly: true}), true); got != want {
		t.Errorf("the older case was not brought up to date:\n%s\nwant\n%s", got, want)
	}
}

// TestOlderBooks: the columns of its books that an older case gets stand at their end, and hold what they are named for.
func TestOlderBooks(t *testing.T) {
	dir := t.TempDir()
	lines := emissions(rand.New(rand.NewPCG(9, 9)), 10)
	paths := writeParts(t, t.TempDir(), lines, 2)
	c := open(t, Options{Dir: dir})
	ingest(t, c, paths[0])
	change(t, c, "ALTER TABLE EvidenceFiles DROP COLUMN Shape", "ALTER TABLE EvidenceFiles DROP COLUMN RowsRead", "ALTER TABLE RejectedRows DROP COLUMN Reason")
	entered := func(c *Case) string {
		ingest(t, c, paths[1])
		files, err := c.Files(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := files[len(files)-1]
		last.Number = 0
		rejects := rowsOf(t, c, "RejectedRows | where File == '"+paths[1]+"' | project File, Line, Code, Reason, Raw, Offset")
		return asJSON(last) + rejects
	}
	if got, want := entered(open(t, Options{Dir: dir})), entered(open(t, Options{})); got != want {
		t.Errorf("the books of an older case have\n%s\nwant\n%s", got, want)
	}
}

// TestStale: a case of a layout that this program cannot read is refused with the way out.
func TestStale(t *testing.T) {
	for statement, hint := range map[string]string{
		"UPDATE _Case SET Version = 1000": "newer",
		"DROP TABLE _Case":                "make a new case from the same evidence",
		"ALTER TABLE SigninLogs ALTER COLUMN _SourceFile SET DATA TYPE INTEGER": "make a new case from the same evidence",
	} {
		dir := t.TempDir()
		change(t, open(t, Options{Dir: dir}), statement)
		_, err := Open(t.Context(), Options{Dir: dir})
		var stale *Stale
		if !errors.As(err, &stale) || !strings.Contains(stale.Hint(), hint) {
			t.Errorf("%s: opening says %v", statement, err)
		}
	}
}

// change runs statements on a case and closes it.
func change(t *testing.T, c *Case, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := c.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPanicWhileReading wants an error that names the file: a panic must not unwind into DuckDB's threads.
func TestPanicWhileReading(t *testing.T) {
	s := &chunkSource{source: &source{}}
	err := s.FillChunk(&worker{source: s.source, part: &part{report: &FileReport{Path: "export.json"}}}, duckdb.DataChunk{}) // without a reader
	if err == nil || !strings.Contains(err.Error(), "internal error in the reading of export.json") {
		t.Errorf("%v, want an internal error that names the file", err)
	}
}

// TestManyFiles: the books hold every one of thousands of files that came at once, in the order in which they came.
func TestManyFiles(t *testing.T) {
	cf, err := Open(t.Context(), Options{Memory: 300 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cf.Close() }()
	var paths []string
	dir := t.TempDir()
	for n := range 3000 {
		paths = append(paths, filepath.Join(dir, "blob"+strconv.Itoa(n)+".json"))
	}
	if _, err := cf.Load(t.Context(), paths); err != nil {
		t.Fatal(err)
	}
	files, err := cf.Files(t.Context())
	if err != nil || len(files) != len(paths) {
		t.Errorf("%d files in the books, want %d: %v", len(files), len(paths), err)
	}
	for n, f := range files {
		if f.Number != int64(n+1) || f.Path != paths[n] || f.Error == "" {
			t.Fatalf("the books have %+v where %s was given", f, paths[n])
		}
	}
}

// TestUnevenClass: a cell of a class of PowerShell whose braces do not match is no object. Stored as dynamic it would be no JSON,
// on which a question to it, or the ingest of the file, fails.
func TestUnevenClass(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.csv")
	text := "CreatedDateTime,Id,UserPrincipalName,AppId,IPAddress,ErrorCode,DeviceDetail\n"
	for i, cell := range []string{"class A {\n}\n}\nx: class B {", "class A {\n  Browser: Edge 120\n}", strings.Repeat("class A {\n x: ", 600) + "class A {\n" + strings.Repeat("}\n", 601)} {
		text += fmt.Sprintf("2026-03-20 10:00:00,i%d,ann@example.com,a1,192.0.2.1,0,\"%s\"\n", i, cell)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{})
	if r := ingest(t, c, path)[0]; r.Error != "" || r.RowsLoaded != 3 {
		t.Fatalf("%+v", r)
	}
	for query, want := range map[string]string{
		`SigninLogs | where tostring(DeviceDetail.browser) == "Edge 120" | distinct Id`:                                          "i1",
		`SigninLogs | where gettype(DeviceDetail) == "string" | summarize Ids = strcat_array(array_sort_asc(make_set(Id)), " ")`: "i0 i2",
	} {
		rows, err := c.Query(t.Context(), kql.Request{Source: &diag.Source{Name: "query", Text: query}})
		if err != nil || len(rows.Rows) != 1 || rows.Rows[0][0] != want {
			t.Errorf("%s: %+v, %v; want %s", query, rows, err, want)
		}
	}
}
