package evidence

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const goodRow = `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"%d"}` + "\n"

func good(n int) string { return fmt.Sprintf(goodRow, n) }

// hostile writes a file, reads it, and returns the codes of its rejects by line and how many rows were read.
func hostile(t *testing.T, name, content string) (rejects string, rows int) {
	t.Helper()
	_, read, rejected := records(t, written(t, name, content))
	for _, r := range rejected {
		rejects += " " + r["line"] + ":" + r["reject"]
	}
	return strings.TrimSpace(rejects), len(read)
}

// written is the path of a file with a content.
func written(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestHostileRecords: one record is bad, is rejected with its reason, and its neighbours are read.
func TestHostileRecords(t *testing.T) {
	row := func(members string) string {
		return `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z",` + members + "}\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"deep":           {row(`"Status":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000)), "2:too_deep"},
		"deep text":      {row(`"Status":"` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `"`), ""},
		"twice":          {row(`"Id":"1","Id":"2"`), "2:duplicate_key"},
		"twice unknown":  {row(`"Foo":"1","Foo":"2"`), "2:duplicate_key"},
		"null bytes":     {"\x00\x00\x00\n", "2:invalid_json"},
		"null in text":   {row("\"Id\":\"a\x00b\""), "2:invalid_json"},
		"escaped null":   {row(`"Id":"a\u0000b"`), ""},
		"not UTF-8":      {row("\"Id\":\"caf\xe9\""), "2:invalid_utf8"},
		"half a pair":    {row(`"Id":"\ud800"`), "2:invalid_json"},
		"long number":    {row(`"DurationMs":` + strings.Repeat("9", 1000)), "2:bad_value"},
		"long text":      {row(`"AutonomousSystemNumber":` + strings.Repeat("9", 1000)), ""},
		"long unknown":   {row(`"Foo":` + strings.Repeat("9", 1000)), ""},
		"trailing comma": {row(`"Id":"1",`), "2:invalid_json"},
		"trailing text":  {strings.TrimSpace(row(`"Id":"1"`)) + " x\n", "2:invalid_json"},
		"open string":    {`{"Type":"SigninLogs","Id":"1` + "\n", "2:truncated"},
		"many keys":      {row(`"k":1` + manyKeys(50000)), ""},
	} {
		start := time.Now()
		rejects, rows := hostile(t, "rows.jsonl", good(1)+c.text+good(2))
		want := 2
		if c.want == "" {
			want = 3
		}
		if rejects != c.want || rows != want {
			t.Errorf("%s: %d rows, rejected %q, want %d and %q", name, rows, rejects, want, c.want)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %s", name, d)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return b.String()
}

// TestLargeAnswer: an answer of the query API whose rows do not end in what is read to recognise a file.
func TestLargeAnswer(t *testing.T) {
	const want = 4000
	var b strings.Builder
	b.WriteString(`{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"Id","type":"string"},{"name":"ResultType","type":"string"},{"name":"Type","type":"string"}],"rows":[`)
	for i := range want {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `["2026-03-20T10:00:00Z","%08d-dde0-4fd5-b4d0-a8ed88ae6900","0","SigninLogs"]`, i)
	}
	b.WriteString("]}]}")
	if b.Len() <= sniffSize {
		t.Fatalf("%d bytes fit into the head", b.Len())
	}
	if rejects, rows := hostile(t, "answer.json", b.String()); rejects != "" || rows != want {
		t.Errorf("%d rows of %d, rejected %q", rows, want, rejects)
	}
}

// TestDamagedAnswer: what is broken in an answer of the query API is a reject, the rows around it are loaded, and a cut is
// told wherever it falls.
func TestDamagedAnswer(t *testing.T) {
	const (
		begin = `{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"Id","type":"string"},{"name":"Type","type":"string"}],"rows":[` + "\n"
		row   = `["2026-03-20T10:00:00Z","1","SigninLogs"]`
		other = `{"name":"Second","rows_in_it":1,"note":"rows","columns":[{"type":"string","name":"Id"},{"name":"Type"},{"name":"TimeGenerated"},{"name":"Identity"}],"rows":[["2","SigninLogs","2026-03-20T10:00:00Z","A"],` + "\n" + `["3","SigninLogs","2026-03-20T10:00:00Z","B"]]}`
	)
	for name, c := range map[string]struct {
		text, want string
		rows       int
	}{
		"whole":               {begin + row + ",\n" + row + "\n]}]}", "", 2},
		"tables of two kinds": {begin + row + "]}," + other + "]}", "", 3},
		"without rows":        {begin + row + "]},{\"name\":\"S\",\"columns\":[],\"rows\":[]}]}", "", 1},
		"cut in a row":        {begin + row + ",\n" + row[:20], "3:truncated_file", 1},
		"cut between rows":    {begin + row + ",\n", "3:truncated_file", 1},
		"cut behind the rows": {begin + row + "\n]}", "3:truncated_file", 1},
		"cut in the columns":  {begin + row + "]},\n" + other[:60], "3:truncated_file", 1},
		"no JSON":             {begin + row + ",\n[\"2026-03-20T10:00:00Z\",tru,\"SigninLogs\"],\n" + row + "]}]}", "3:invalid_json", 2},
		"too few cells":       {begin + row + ",\n[\"2026-03-20T10:00:00Z\"],\n" + row + "]}]}", "3:invalid_json", 2},
		"too many cells":      {begin + row + ",\n" + row[:len(row)-1] + ",1],\n" + row + "]}]}", "3:invalid_json", 2},
		"a cell twice as big": {begin + row + ",\n[\"2026-03-20T10:00:00Z\",\"" + strings.Repeat("x", 3<<20) + "\",\"SigninLogs\"],\n" + row + "]}]}", "", 3},
	} {
		if rejects, rows := hostile(t, "answer.json", c.text); rejects != c.want || rows != c.rows {
			t.Errorf("%s: %d rows of %d, rejected %q, want %q", name, rows, c.rows, rejects, c.want)
		}
	}
}

// TestCutFile: a file that was cut in its last record is told from one whose records are damaged, whatever its form.
func TestCutFile(t *testing.T) {
	csv := "TimeGenerated,Type,Id\n2026-03-20T10:00:00Z,SigninLogs,1\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"lines":                {"rows.jsonl", good(1) + good(2)[:40], "2:truncated_file"},
		"lines, not cut":       {"rows.jsonl", good(1) + good(2)[:40] + "\n" + strings.TrimSpace(good(3)), "2:truncated"},
		"array":                {"rows.json", "[" + strings.TrimSpace(good(1)) + "," + good(2)[:40], "1:truncated_file"},
		"csv":                  {"rows.csv", csv + "2026-03-20T10:00:00Z,Sign", "3:truncated_file"},
		"csv in quotes":        {"rows.csv", csv + "2026-03-20T10:00:00Z,\"Sign", "3:truncated_file"},
		"csv over lines":       {"rows.csv", csv + "2026-03-20T10:00:00Z,SigninLogs,\"1\n2", "3:open_quote 4:truncated_file"},
		"csv, not cut":         {"rows.csv", csv + "2026-03-20T10:00:00Z,Sign\n", "3:wrong_cell_count"},
		"csv with more cells":  {"rows.csv", csv + "2026-03-20T10:00:00Z,SigninLogs,2,3", "3:wrong_cell_count"},
		"csv without line end": {"rows.csv", strings.TrimSpace(csv), ""},
	} {
		if rejects, _ := hostile(t, c.file, c.text); rejects != c.want {
			t.Errorf("%s: rejected %q, want %q", name, rejects, c.want)
		}
	}
}

// TestHugeLine: a line of 100 MB is rejected in bounded memory, as lines and inside an array.
func TestHugeLine(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 200 MB")
	}
	line := `{"Type":"SigninLogs","Id":"` + strings.Repeat("x", 100<<20) + `"}`
	for name, text := range map[string]string{
		"rows.jsonl": good(1) + line + "\n" + good(2),
		"rows.json":  "[" + strings.TrimSpace(good(1)) + ",\n" + line + ",\n" + good(2) + "]",
	} {
		rejects, rows := hostile(t, name, text)
		if rejects != "2:too_large" || rows != 2 {
			t.Errorf("%s: %d rows, rejected %q", name, rows, rejects)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > 1500<<20 {
		t.Errorf("%d MB of memory in use", m.Sys>>20)
	}
}

func TestHostileCSV(t *testing.T) {
	wide := "TimeGenerated,Type,Id" + strings.Repeat(",c", 100_000) + "\n"
	cells := strings.Repeat(",", 100_000) + "\n"
	for name, c := range map[string]struct {
		text, want string
		rows       int
	}{
		"wide":          {wide + "2026-03-20T10:00:00Z,SigninLogs,1" + cells + "2026-03-20T10:00:00Z,SigninLogs,2\n", "3:wrong_cell_count", 1},
		"open quote":    {"TimeGenerated,Type,Id\n2026-03-20T10:00:00Z,SigninLogs,\"1\n2026-03-20T10:00:00Z,SigninLogs,2\n", "2:open_quote", 1},
		"wide and flat": {"id,createdDateTime,appId,status.errorCode" + strings.Repeat(",a.b.c", 30_000) + "\n1,2026-03-20T10:00:00Z,a1,0" + strings.Repeat(",", 30_000) + "\n2,2026-03-20T10:00:00Z,a1,0\n", "3:wrong_cell_count", 1},
		"deep header":   {"id,createdDateTime,conditionalAccessStatus," + strings.Repeat("a.", 10_000) + "b\n1,2026-03-20T10:00:00Z,a1,x\n", "", 1},
		"deep cell":     {"id,createdDateTime,appId,status.errorCode\n1,2026-03-20T10:00:00Z,a1," + strings.Repeat("[", 10_000) + "\n", "", 1},
		"long cell":     {"id,createdDateTime,appId,status\n1,2026-03-20T10:00:00Z,a1,@{" + strings.Repeat("a=; ", 100_000) + "}\n", "", 1},
		"lying quotes":  {"id,createdDateTime,conditionalAccessStatus\n\"1\"x\"\",2026-03-20T10:00:00Z,a1\n2,2026-03-20T10:00:00Z,\"a\"\"1\n3,2026-03-20T10:00:00Z,a1\n", "3:open_quote", 2},
		"null bytes":    {"TimeGenerated,Type,Id\n2026-03-20T10:00:00Z,SigninLogs,\x001\n2026-03-20T10:00:00Z,SigninLogs,2\n", "", 2},
	} {
		rejects, rows := hostile(t, "rows.csv", c.text)
		if rejects != c.want || rows != c.rows {
			t.Errorf("%s: %d rows, rejected %q, want %d and %q", name, rows, rejects, c.rows, c.want)
		}
	}
}

// TestHostileWraps: what lies inside of wraps, lists of any name and bodies with several records is bounded like the rest.
func TestHostileWraps(t *testing.T) {
	record := func(id string) string {
		return `{"category":"SignInLogs","time":"2026-03-20T10:00:00Z","properties":{"id":"` + id + `","createdDateTime":"2026-03-20T10:00:00Z"}}`
	}
	body := func(text string) string { return `{"Body":` + string(appendJSONString(nil, []byte(text))) + "}\n" }
	var lists, deep strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&lists, `"l%d":[{"a":1}],`, i)
	}
	for range 10_000 {
		deep.WriteString(`{"message":`)
	}
	for name, c := range map[string]struct {
		text, want string
		rows       int
	}{
		"many lists":       {"{" + lists.String() + `"records":[` + record("1") + "," + record("2") + "]}", "", 2},
		"two lists":        {`{"a":[` + record("1") + `],"b":[` + record("2") + "]}", "not read", 0},
		"deep wraps":       {deep.String() + record("1") + strings.Repeat("}", 10_000) + "\n", "not read", 0},
		"deep arrays":      {strings.Repeat("[", 10_000) + record("1") + strings.Repeat("]", 10_000), "", 1},
		"large body":       {body(`{"records":[` + strings.Repeat(record("1")+",", 50_000) + record("2") + "]}"), "", 50_001},
		"a broken body":    {body(`{"records":[`+record("1")+"]}") + body(`{"records":[`+record("2")+`,{"category":`) + body(`{"records":[`+record("3")+"]}"), "2:truncated", 3},
		"no body":          {body(`{"records":[`+record("1")+"]}") + body("") + body("[]") + body(`{"records":[]}`), "2:unrecognised 3:unrecognised", 1},
		"twice in a body":  {body(`{"records":[` + record("1") + `,{"category":"SignInLogs","time":"2026-03-20T10:00:00Z","category":"AuditLogs","properties":{}}]}`), "1:duplicate_key", 1},
		"not UTF-8 inside": {body(`{"records":[`+record("1")+"]}") + "{\"Body\":\"\xff\"}\n", "2:invalid_utf8", 1},
	} {
		start := time.Now()
		path := filepath.Join(t.TempDir(), "file.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, shapes := testLayout(t)
		if _, err := new(Files).Open(path, shapes); err != nil {
			if c.want != "not read" {
				t.Errorf("%s: %v", name, err)
			}
		} else if rejects, rows := hostile(t, "file.json", c.text); rejects != c.want || rows != c.rows {
			t.Errorf("%s: %d rows, rejected %q, want %d and %q", name, rows, rejects, c.rows, c.want)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %s", name, d)
		}
	}
}

// TestLinkedFolder: a link that the user names is what the user means, unlike one that lies in the evidence.
func TestLinkedFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "real", "rows.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	files, problems := new(Files).Discover([]string{link})
	if want := filepath.Join(link, "rows.jsonl"); len(files) != 1 || files[0] != want || len(problems) > 0 {
		t.Errorf("files %q and problems %v, want %q", files, problems, want)
	}
}

// TestBomb: a file that grows beyond what logs do ends in a reject; what came before is read.
func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("it unpacks 256 MB")
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, good(1)); err != nil {
		t.Fatal(err)
	}
	blank := bytes.Repeat([]byte{'\n'}, 1<<20)
	for range 600 {
		if _, err := w.Write(blank); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	rejects, rows := hostile(t, "rows.jsonl.gz", packed.String())
	if !strings.HasSuffix(rejects, ":truncated_file") || rows != 1 {
		t.Errorf("%d rows, rejected %q", rows, rejects)
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("it took %s", d)
	}
}

// TestAdversarial frames and validates the shared malformed inputs; the lines of the bad records were counted by hand.
func TestAdversarial(t *testing.T) {
	const dir = "../../../shared/perf/adversarial"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the shared inputs are not here: ", err)
	}
	layout, shapes := testLayout(t)
	for name, c := range map[string]struct {
		good int
		bad  string
	}{
		"malf.ndjson": {8, "2 4 6 10 12 14"}, "nul.ndjson": {3, "2 3"}, "surr.ndjson": {2, "1"}, "trunc.ndjson": {2, "3"},
		"badutf8.ndjson": {2, "2"}, "bom.ndjson": {2, ""}, "concat.json": {3, ""}, "pretty.json": {2, ""}, "big.ndjson": {3, ""},
		"arrmalf.json": {2, "2"}, "arrtrunc.json": {2, "3"}, "u16arr.json": {2, ""}, "u16le.ndjson": {2, ""}, "wrapval.json": {2, ""},
		"deep.ndjson": {2, "2 3"},
	} {
		f := &File{Path: filepath.Join(dir, name), container: JSON}
		for i := range shapes {
			if shapes[i].Name == "la-json" {
				f.Shape = &shapes[i]
			}
		}
		if name == "wrapval.json" {
			f.page = []string{"value"}
		}
		r, closer, err := f.open()
		if err != nil {
			t.Fatal(err)
		}
		if f.header, err = io.ReadAll(io.LimitReader(r, sniffSize)); err != nil {
			t.Fatal(err)
		}
		_ = closer.Close()
		stream, err := f.Read(func(Reject) {})
		if err != nil {
			t.Fatal(err)
		}
		reader, d := stream.Reader(), layout.NewDecoder(f)
		fine, bad := 0, ""
		for record, ok := reader.Next(); ok; record, ok = reader.Next() {
			record, _, err := reader.Decode(record, d)
			switch code, _ := codeAndReason(err); {
			case err == nil || code == CodeUnrecognised || code == CodeUnsupportedTable:
				fine++
			default:
				bad += fmt.Sprintf(" %d", record.Line)
			}
		}
		if fine != c.good || strings.TrimSpace(bad) != c.bad {
			t.Errorf("%s: %d good, bad in lines %q, want %d and %q", name, fine, strings.TrimSpace(bad), c.good, c.bad)
		}
	}
}

// TestHashOnTheWay: the hash that reading makes is that of the file, whatever packs it.
func TestHashOnTheWay(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	text := strings.Repeat(good(1), 10_000) // more than is looked at to recognise it
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"rows.jsonl": text, "rows.jsonl.gz": packed.String(), "small.jsonl": good(1)} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		file, _, _ := records(t, path)
		if got, want := file.known(), fmt.Sprintf("%x", sha256.Sum256([]byte(content))); got != want {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
}

// TestLongRecordLooks gives a record that fills many blocks: what is looked at anew whenever another piece of it has come
// is, in all, a few times its length, or reading it would take minutes.
func TestLongRecordLooks(t *testing.T) {
	text := `[{"a":"` + strings.Repeat("x", 40<<20) + `"},{"a":"b"}]`
	looked, records := 0, 0
	f := &framer{r: strings.NewReader(text), reject: func(r Reject) { t.Errorf("rejected: %s", r.Reason) }}
	f.split = func(data []byte, final bool, st *splitState) ([]Extent, int) {
		looked += len(data)
		return splitValues(data, final, st)
	}
	for b, ok := f.next(nil); ok; b, ok = f.next(b.Data) {
		records += len(b.Records)
	}
	if records != 2 || looked > 4*len(text) {
		t.Errorf("%d records, want 2; looked at %d bytes of %d", records, looked, len(text))
	}
}
