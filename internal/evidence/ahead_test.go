package evidence

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAhead: of a large file records are looked at that lie all over it and at its end, of one whose text is not plain or not
// in lines those that come next; of a small file none.
func TestAhead(t *testing.T) {
	const n = 150_000
	random := rand.New(rand.NewPCG(1, 1))
	objects, rows := make([]string, n), make([]string, n)
	for i := range n {
		id := fmt.Sprintf("%d-%016x%016x%016x", i, random.Uint64(), random.Uint64(), random.Uint64())
		objects[i] = fmt.Sprintf(`{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"%s","UserPrincipalName":"user@example.com"}`, id)
		rows[i] = fmt.Sprintf(`2026-03-20T10:00:00Z,success,user@example.com,"%s%s"`, id, strings.Repeat(" ", 50))
	}
	lines, csv := strings.Join(objects, "\n")+"\n", "Date (UTC),Status,Username,Request ID\n"+strings.Join(rows, "\n")+"\n"
	for name, file := range map[string]struct {
		text   string
		spread bool // or what comes next
	}{
		"lines.jsonl":    {lines, true},
		"mark.jsonl":     {"\ufeff" + lines, true},
		"rows.csv":       {csv, true},
		"array.json":     {"[" + strings.Join(objects, ",\n") + "]", false},
		"packed.json.gz": {string(packed([]byte(lines))), false},
	} {
		records := ahead(t, name, file.text)
		if len(strings.Join(records, "\n")) < sniffSize*5/4 || len(records) > n/16 {
			t.Errorf("%s: %d records", name, len(records))
			continue
		}
		known := map[string]bool{}
		for _, record := range append(objects, rows...) {
			known[record] = true
		}
		for _, record := range records[:len(records)-1] { // the last one can be cut
			if !known[record] {
				t.Errorf("%s: no record: %s", name, record)
			}
		}
		last := records[len(records)-1]
		if end := last == objects[n-1] || last == rows[n-1]; end != file.spread {
			t.Errorf("%s: the last record is %s", name, last)
		}
	}
	if records := ahead(t, "small.jsonl", lines[:1<<20]); records != nil {
		t.Errorf("of a small file %d records are looked at", len(records))
	}
}

// ahead are the records that are looked at ahead.
func ahead(t *testing.T, name, text string) (records []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	shapes, err := DefaultShapes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := new(Files).Open(path, shapes)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	stream, err := f.Ahead()
	if err != nil {
		t.Fatal(err)
	}
	if stream == nil {
		return nil
	}
	defer func() { _ = stream.Close() }()
	reader := stream.Reader()
	for record, ok := reader.Next(); ok; record, ok = reader.Next() {
		records = append(records, string(record.Text))
	}
	return records
}
