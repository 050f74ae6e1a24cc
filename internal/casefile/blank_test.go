package casefile

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// storeAll makes all columns of a case stored ones, as they were before version 2 of the layout.
func storeAll(t *testing.T, c *Case) {
	t.Helper()
	blank, err := c.blank(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range c.canonical() {
		var columns []schema.Column
		for _, col := range table.Columns {
			if blank[table.Name][col.Name] {
				columns = append(columns, col)
			}
		}
		if err := c.store(t.Context(), table, columns); err != nil {
			t.Fatal(err)
		}
	}
	if blank, err = c.blank(t.Context()); len(blank) > 0 || err != nil {
		t.Fatalf("left blank: %v: %v", blank, err)
	}
}

// storedOf are the columns of evidence that a table stores beside those that every table does.
func storedOf(t *testing.T, c *Case, name string) (stored []string) {
	t.Helper()
	table, _ := c.Table(name)
	columns, err := c.filled(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	may := mayBeBlank(table, c.canonical())
	for _, col := range columns {
		if may(col.Name) {
			stored = append(stored, col.Name)
		}
	}
	return stored
}

// TestBlankColumns: a new case stores none of the columns that can be blank, then those in which the evidence says
// something, and to a query all of them are alike.
func TestBlankColumns(t *testing.T) {
	c := open(t, Options{Dir: t.TempDir()})
	for _, table := range c.canonical() {
		if stored := storedOf(t, c, table.Name); len(stored) > 0 {
			t.Errorf("a new case stores %v of %s", stored, table.Name)
		}
	}
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	lines := `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"a","IsRisky":false,"AlternateSignInName":"","AppliedEventListeners":null,"New":"n"}
{"Type":"AuditLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"a"}`
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	ingest(t, c, path)
	// What is derived of what the record says is said as well: CreatedDateTime is the time.
	want := []string{"CreatedDateTime", "Id", "IsRisky", "TimeGenerated", "Type", "_Additional", "_Derived"}
	got := slices.Sorted(slices.Values(storedOf(t, c, "SigninLogs")))
	if !slices.Equal(got, want) {
		t.Errorf("stored are %v, want %v", got, want)
	}
	for query, want := range map[string]string{
		`SigninLogs | where isempty(AlternateSignInName) and isnull(AppliedEventListeners) and IsRisky == false | count`:                  "[[1]]",
		`SigninLogs | where AlternateSignInName has "a" or isnotnull(AppliedEventListeners) or toint(AutonomousSystemNumber) > 0 | count`: "[[0]]",
		`SigninLogs | summarize count() by UserId, AlternateSignInName`:                                                                   "[[  1]]",
		`SigninLogs | project Id, UserId | join kind=inner (SigninLogs | project UserId, ResultType) on UserId | project Id, ResultType`:  "[[a ]]",
		`SigninLogs | extend n = strcat("<", AlternateSignInName, ">") | project n`:                                                       "[[<>]]",
		`SigninLogs | top 1 by AlternateSignInName asc | project Id, gettype(AppliedEventListeners)`:                                      "[[a null]]",
		`union SigninLogs, AuditLogs | summarize dcount(AlternateSignInName), dcount(OperationName)`:                                      "[[1 1]]",
	} {
		rows, err := c.Query(t.Context(), request(query))
		if err != nil {
			t.Errorf("%s: %v", query, err)
		} else if got := fmt.Sprintf("%s", rows.Rows); strings.ReplaceAll(strings.ReplaceAll(got, "%!s(int64=", ""), ")", "") != want {
			t.Errorf("%s gives %s, want %s", query, got, want)
		}
	}
}

// late makes lines in the middle of which columns begin to be filled one after the other, in rare rows and in many, of two
// tables. They fill many blocks, so that two threads meet them. Where they end none of the columns is filled any more, so that
// none is seen by who looks ahead; more lines show all of them there.
func late(n, more int) (lines []string) {
	filling := strings.Repeat("Mozilla/5.0 ", 30)
	for i := range n + more {
		line := fmt.Sprintf(`{"Type":%q,"TimeGenerated":"2026-03-20T10:00:00Z","Id":"id-%d","Identity":%q`, []string{"SigninLogs", "SigninLogs", "AuditLogs"}[i%3], i, filling)
		last := i >= n
		if i > n/4 && i < n*3/4 && i%500 == 0 || last {
			line += fmt.Sprintf(`,"UserId":"user-%d"`, i)
		}
		if i > n/3 && i < n*3/4 || last {
			line += fmt.Sprintf(`,"CorrelationId":"correlation-%d","DurationMs":%d`, i, i)
		}
		if i == n/4*3-2 || last {
			line += `,"AppliedEventListeners":[1],"IsRisky":true,"custom":{"a":1}`
		}
		lines = append(lines, line+"}")
	}
	return lines
}

// TestLateColumns: columns that a file brings late, far behind what is looked at ahead, are as if they had been stored from
// the beginning, whether the file can be read again or not, in one portion or many, however many rows wait.
func TestLateColumns(t *testing.T) {
	const n = 18_000
	path := filepath.Join(t.TempDir(), "late.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(late(n, 0), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := open(t, Options{Dir: t.TempDir(), Threads: 2})
	storeAll(t, whole)
	ingest(t, whole, path)
	want := contents(t, whole, false)
	passes := map[string]int{}
	for name, load := range map[string]func(*Case) *FileReport{
		"file":               func(c *Case) *FileReport { return ingest(t, c, path)[0] },
		"stream":             func(c *Case) *FileReport { return fromStdin(t, c, path) },
		"file in portions":   func(c *Case) *FileReport { c.portion = 4000; return ingest(t, c, path)[0] },
		"stream, few wait":   func(c *Case) *FileReport { c.mayWait = 10; return fromStdin(t, c, path) },
		"portions, few wait": func(c *Case) *FileReport { c.portion, c.mayWait = 5000, 10; return ingest(t, c, path)[0] },
	} {
		c := open(t, Options{Dir: t.TempDir(), Threads: 2})
		r := load(c)
		balanced(t, c)
		passes[name] = c.sources
		if r.RowsRead != n || r.RowsLoaded != n || r.RowsRejected != 0 || r.Tables["SigninLogs"] != n/3*2 || r.Tables["AuditLogs"] != n/3 {
			t.Errorf("%s: %+v", name, r)
		}
		for _, table := range []string{"SigninLogs", "AuditLogs"} { // the n-th line has the id n-1
			if wrong, err := c.count(t.Context(), table+" WHERE Id <> 'id-' || (_SourceLine - 1)"); wrong != 0 || err != nil {
				t.Errorf("%s: %d rows of %s do not know their line: %v", name, wrong, table, err)
			}
		}
		if contents(t, c, false) != want {
			t.Errorf("%s: the rows are others than where all columns were stored", name)
		}
		if stored := storedOf(t, c, "SigninLogs"); slices.Contains(stored, "AlternateSignInName") || !slices.Contains(stored, "UserId") || !slices.Contains(stored, "DurationMs") {
			t.Errorf("%s: stored are %v", name, stored)
		}
	}
	if passes["file"] != passes["stream"] || passes["stream, few wait"] <= passes["stream"] {
		t.Errorf("%v: reading does not pause when many rows wait", passes)
	}
}

// TestLookedAhead: a column that only the end of a file fills is stored before the file is read: no row waits.
func TestLookedAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(late(18_000, 300), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{Dir: t.TempDir(), Threads: 2})
	ingest(t, c, path)
	if c.sources != 2 {
		t.Errorf("%d passes for two tables", c.sources)
	}
}

// TestVersion1: a case in which every column is stored opens, is added to, and gives the same rows.
func TestVersion1(t *testing.T) {
	paths := writeParts(t, t.TempDir(), emissions(rand.New(rand.NewPCG(6, 6)), 60), 3)
	now := open(t, Options{Dir: t.TempDir()})
	ingest(t, now, paths...)
	want := contents(t, now, true)

	dir := t.TempDir()
	c := open(t, Options{Dir: dir})
	storeAll(t, c)
	ingest(t, c, paths[0])
	half := contents(t, c, true)
	change(t, c, "UPDATE _Case SET Version = 1")
	c = open(t, Options{Dir: dir, ReadOnly: true})
	if got := contents(t, c, true); got != half || !c.readOnly {
		t.Errorf("opened for reading (read only %v) it holds\n%s\nwant\n%s", c.readOnly, got, half)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(t, Options{Dir: dir})
	ingest(t, c, paths...)
	balanced(t, c)
	if got := contents(t, c, true); got != want {
		t.Errorf("added to it holds\n%s\nwant\n%s", got, want)
	}
	change(t, c, "DROP TABLE AuditLogs")
	c = open(t, Options{Dir: dir})
	if version, err := c.storedVersion(t.Context(), true); version != layoutVersion || err != nil {
		t.Errorf("with a new table, which has blank columns, its version is %d, want %d: %v", version, layoutVersion, err)
	}
}

// TestStoredWhenNeeded: a column that is blank and must be stored in this version, because members of it are, is stored when
// the case is opened, be it for reading.
func TestStoredWhenNeeded(t *testing.T) {
	dir := t.TempDir()
	c := open(t, Options{Dir: dir})
	table, _ := c.Table("SigninLogs")
	change(t, c, "CREATE OR REPLACE TABLE SigninLogs "+definition(storedColumns(table), func(column string) bool { return column == "DeviceDetail" }))
	c = open(t, Options{Dir: dir, ReadOnly: true})
	if blank, err := c.blank(t.Context()); err != nil || blank["SigninLogs"] != nil {
		t.Errorf("left blank: %v: %v", blank["SigninLogs"], err)
	}
}
