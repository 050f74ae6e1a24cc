package casefile

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// mixed makes lines of three tables in turn, with a broken record and one of an unknown table among them. They fill more
// than one block, so that two threads set rows aside.
func mixed(n int) (lines []string, rows map[string]int64) {
	rows = map[string]int64{}
	filling := strings.Repeat("Mozilla/5.0 ", 40)
	for i := range n {
		table := []string{"AADNonInteractiveUserSignInLogs", "SigninLogs", "AuditLogs"}[i%3]
		rows[table]++
		lines = append(lines, fmt.Sprintf(`{"Type":%q,"TimeGenerated":"2026-03-20T10:00:00Z","Id":"id-%d","Identity":%q}`, table, i, filling))
	}
	lines[n/2] += "}"
	lines[n/3] = `{"Type":"Perf","TimeGenerated":"2026-03-20T10:00:00Z","Computer":"c"}`
	for _, broken := range []int{n / 2, n / 3} {
		rows[[]string{"AADNonInteractiveUserSignInLogs", "SigninLogs", "AuditLogs"}[broken%3]]--
	}
	return lines, rows
}

// fromStdin loads a file as standard input.
func fromStdin(t *testing.T, c *Case, path string) *FileReport {
	t.Helper()
	stdin := os.Stdin
	defer func() { os.Stdin = stdin }()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	os.Stdin = in
	return ingest(t, c, "-")[0]
}

// TestMixedTables: a file of several tables, given as a file, as a stream and in portions, becomes the same rows at the
// same lines.
func TestMixedTables(t *testing.T) {
	const n = 12_000
	lines, rows := mixed(n)
	dir := t.TempDir()
	path := filepath.Join(dir, "mixed.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var want string
	for i, load := range []func(*Case) *FileReport{
		func(c *Case) *FileReport { return ingest(t, c, path)[0] },
		func(c *Case) *FileReport { return fromStdin(t, c, path) },
		func(c *Case) *FileReport { c.portion = 1; return ingest(t, c, path)[0] },
		func(c *Case) *FileReport { c.portion = 1; return fromStdin(t, c, path) },
	} {
		c := open(t, Options{Dir: t.TempDir(), Threads: 2})
		r := load(c)
		balanced(t, c)
		if r.RowsRead != n || r.RowsRejected != 2 || r.Tables["AuditLogs"] != rows["AuditLogs"] || r.Tables["SigninLogs"] != rows["SigninLogs"] || r.Tables["AADNonInteractiveUserSignInLogs"] != rows["AADNonInteractiveUserSignInLogs"] {
			t.Errorf("%+v, want %v", r, rows)
		}
		for table := range rows { // the n-th line has the id n-1
			if wrong, err := c.count(t.Context(), table+" WHERE Id <> 'id-' || (_SourceLine - 1)"); wrong != 0 || err != nil {
				t.Errorf("%d rows of %s do not know their line: %v", wrong, table, err)
			}
		}
		if got := contents(t, c, false); i > 0 && got != want {
			t.Errorf("way %d of loading gives other rows than the first", i)
		} else {
			want = got
		}
		if left, _ := filepath.Glob(filepath.Join(c.scratch, ".aside-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestRejectOffsets: the text of a rejected record stands at its offset, whatever encloses the records.
func TestRejectOffsets(t *testing.T) {
	const good, bad = `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"ä"}`, `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"b","Id":"c"}`
	many := strings.Repeat(good+"\r\n", 30_000) // more than a block
	for name, text := range map[string]string{
		"lines.jsonl": many + bad + "\n" + good + "\n" + bad,
		"mark.jsonl":  "\ufeff" + bad + "\n" + good + "\n",
		"array.json":  "[\n" + strings.ReplaceAll(many, "\r\n", ",\r\n") + bad + ",\n" + good + "]",
		"value.json":  `{"value":[` + good + "," + bad + "]}",
		"table.csv":   "\ufeffTimeGenerated,Type,Id,UserId\n2026-03-20T10:00:00Z,SigninLogs,\"a\nb\",u\nnever,SigninLogs,c,u\n",
		"long.jsonl":  good + "\n{\"Id\":\"" + strings.Repeat("x", 65<<20) + "\"}\n" + good + "\n" + bad + "\n",
	} {
		if testing.Short() && name == "long.jsonl" {
			continue
		}
		path := filepath.Join(t.TempDir(), name)
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write([]byte(text))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for path, content := range map[string][]byte{path: []byte(text), path + ".gz": packed.Bytes()} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			c := open(t, Options{})
			ingest(t, c, path)
			var rejects bytes.Buffer
			n, err := c.WriteRejects(context.Background(), &rejects)
			if err != nil || n == 0 {
				t.Fatalf("%s: %d rejects: %v", path, n, err)
			}
			for line := range strings.Lines(rejects.String()) {
				var r rejectLine
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				if r.Offset == nil || !strings.HasPrefix(text[*r.Offset:], r.Raw) || int64(strings.Count(text[:*r.Offset], "\n")) != r.Line-1 {
					t.Errorf("%s: %s of line %d is said to stand at %v", path, r.Code, r.Line, r.Offset)
				}
			}
		}
	}
}

// TestStreamedDates: dates that can be read two ways are told by the beginning of a stream, and no row of it is lost to
// the look at it.
func TestStreamedDates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "export.csv")
	text := "TimeGenerated,Type,Id,UserAgent\n"
	for i := range 6000 {
		text += fmt.Sprintf("%d/3/2026 10:00:00,SigninLogs,id-%d,%s\n", 1+i%28, i, strings.Repeat("filling ", 10))
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{Dir: t.TempDir()})
	r := fromStdin(t, c, path)
	balanced(t, c)
	if r.RowsRead != 6000 || r.RowsRejected != 0 || r.FirstEvent.Format(time.RFC3339) != "2026-03-01T10:00:00Z" || r.LastEvent.Format(time.RFC3339) != "2026-03-28T10:00:00Z" {
		t.Errorf("%+v", r)
	}
}

// TestManySmallFiles: a folder of small files, such as a storage account has for every hour, takes no more memory than a
// few of them: neither in the database, which is given what fifty rows in one transaction need, nor in the heap.
func TestManySmallFiles(t *testing.T) {
	const n = 100
	dir := t.TempDir()
	for i := range n {
		line := fmt.Sprintf(`{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"id-%d"}`, i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, Options{Dir: t.TempDir(), Memory: 300e6})
	ingest(t, c, dir)
	balanced(t, c)
	if rows, err := c.count(t.Context(), "SigninLogs"); rows != n || err != nil {
		t.Errorf("%d rows, want %d: %v", rows, n, err)
	}
	runtime.GC()
	var heap runtime.MemStats
	if runtime.ReadMemStats(&heap); heap.HeapAlloc > n<<20 {
		t.Errorf("%d MB are held after %d files", heap.HeapAlloc>>20, n)
	}
}

// TestUnbooked: rows that a killed ingest brought and did not account for are gone when the case is opened, be it for
// reading.
func TestUnbooked(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		dir := t.TempDir()
		lines, _ := mixed(60)
		path := filepath.Join(t.TempDir(), "mixed.jsonl")
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		c := open(t, Options{Dir: dir})
		storeAll(t, c)
		ingest(t, c, path)
		want := contents(t, c, true)
		for _, table := range []string{"SigninLogs REPLACE (_SourceNumber + 1 AS _SourceNumber)", "RejectedRows REPLACE (Number + 1 AS Number)"} {
			name, replaced, _ := strings.Cut(table, " ")
			if err := c.Exec(t.Context(), "INSERT INTO "+name+" SELECT * "+replaced+" FROM "+name); err != nil {
				t.Fatal(err)
			}
		}
		if contents(t, c, true) == want {
			t.Fatal("no row was added: the test shows nothing")
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = open(t, Options{Dir: dir, ReadOnly: readOnly})
		balanced(t, c)
		if got := contents(t, c, true); got != want {
			t.Errorf("read only %v: the rows are\n%s\nwant\n%s", readOnly, got, want)
		}
	}
}
