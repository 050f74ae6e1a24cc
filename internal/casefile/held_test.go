package casefile

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestHeldFiles: small files that are loaded together are as if each had been loaded alone, and as what was written into
// them: of several tables, with rejected rows, with keys that no table has, with columns that only a later one fills, of another
// shape, twice the same. One statement loads the rows of a table.
func TestHeldFiles(t *testing.T) {
	row := func(table, id, more string) string {
		return fmt.Sprintf(`{"Type":%q,"TimeGenerated":"2026-03-20T10:00:00Z","Id":%q%s}`, table, id, more)
	}
	many := make([]string, 3000) // more than a chunk has room for
	for i := range many {
		many[i] = row("SigninLogs", fmt.Sprint("many-", i), "")
	}
	dir := t.TempDir()
	var paths []string
	for _, f := range []struct{ name, text string }{
		{"a.json", row("SigninLogs", "a1", "") + "\n" + row("SigninLogs", "a2", "") + "\n"},
		{"b.json", row("AuditLogs", "b1", "") + "\n" + row("SigninLogs", "b2", "") + "\nno record\n" + row("AuditLogs", "b3", "")},
		{"c.json", row("SigninLogs", "c1", `,"Unheard":1,"UserId":"late"`) + "\n"},
		{"d.csv", "TimeGenerated,Type,Id,UserId\n2026-03-20T10:00:00Z,SigninLogs,d1,u\nnever,SigninLogs,d2,u\n"},
		{"e.json", row("SigninLogs", "a1", "") + "\n" + row("SigninLogs", "a2", "") + "\n"},
		{"f.json", strings.Join(many, "\n")},
		{"g.json", row("NoSuchTable", "g1", "") + "\n"},
		{"h.json", row("SigninLogs", "h1", "") + "\n"},
	} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	together, alone := open(t, Options{Dir: t.TempDir(), Threads: 2}), open(t, Options{Dir: t.TempDir(), Threads: 2})
	got := ingest(t, together, paths...)
	var want []*FileReport
	for _, path := range paths {
		want = append(want, ingest(t, alone, path)...)
	}
	balanced(t, together)
	for i := range want {
		want[i].FirstEvent, want[i].LastEvent = got[i].FirstEvent, got[i].LastEvent // of a file whose bytes came before they are known with its books
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("loaded with others\n%+v\nalone\n%+v", got[i], want[i])
		}
	}
	if contents(t, together, true) != contents(t, alone, true) {
		t.Error("the rows are others than those of files that were loaded alone")
	}
	for i, rows := range [][3]int64{{2, 0, 0}, {3, 0, 1}, {1, 0, 0}, {1, 0, 1}, {0, 2, 0}, {3000, 0, 0}, {0, 0, 1}, {1, 0, 0}} {
		if r := got[i]; r.RowsLoaded != rows[0] || r.RowsDuplicate != rows[1] || r.RowsRejected != rows[2] || r.RowsRead != rows[0]+rows[1]+rows[2] {
			t.Errorf("%s: %+v, want %v loaded, duplicate and rejected", filepath.Base(r.Path), r, rows)
		}
	}
	for id, at := range map[string]string{"a1": "a.json:1", "b2": "b.json:2", "c1": "c.json:1", "many-2999": "f.json:3000", "h1": "h.json:1"} {
		name, line, _ := strings.Cut(at, ":")
		n, err := together.count(t.Context(), fmt.Sprintf("SigninLogs JOIN EvidenceFiles ON Number = _SourceNumber AND Path = _SourceFile WHERE Id = '%s' AND Path = %s AND _SourceLine = %s", id, quoteText(filepath.Join(dir, name)), line))
		if n != 1 || err != nil {
			t.Errorf("%s does not stand at %s: %d rows, %v", id, at, n, err)
		}
	}
	// a to d wait until the copy of a comes, and hold rows of two tables; those behind it hold rows of one.
	if together.sources != 3 {
		t.Errorf("%d statements loaded the files, want 3", together.sources)
	}
}

// TestHeldWithinMemory: what waits is loaded when it takes its share of the memory.
func TestHeldWithinMemory(t *testing.T) {
	dir := t.TempDir()
	line := fmt.Sprintf(`{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"%%d","Identity":%q}`, strings.Repeat("x", 100_000))
	const files, memory = 100, 100 << 20
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.json", i)), []byte(fmt.Sprintf(line, i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, Options{Dir: t.TempDir(), Memory: memory})
	ingest(t, c, dir)
	balanced(t, c)
	if least := files * 100_000 * heldShare / memory; c.sources < least || c.sources > 2*least {
		t.Errorf("%d statements loaded %d files of 100 KB, want about %d", c.sources, files, least)
	}
}
