package cli

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedFiles gives files that no text archive of a script can hold: each is said with its fault, and what can be
// read of it, or beside it, is loaded.
func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	var rows, packed bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&rows, `{"Type":"SigninLogs","Id":"%d-%x","TimeGenerated":"2026-03-20T10:00:00Z","CreatedDateTime":"2026-03-20T09:58:00Z","UserId":"u1"}`+"\n", i, i*i*7919)
	}
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(rows.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"a-whole.jsonl.gz": packed.Bytes(),
		"b-cut.jsonl.gz":   packed.Bytes()[:packed.Len()/2],
		"c-binary.jsonl":   {'{', 0, 1, 2, 3, 0xff},
		"d-stub.gz":        {0x1f, 0x8b, 8},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	code := Main([]string{"query", "--format", "csv", "EvidenceFiles | project RowsRead, Balanced = RowsRead == RowsLoaded + RowsDuplicate + RowsRejected, RowsRejected, Error | sort by RowsRead", dir}, Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	if code != exitPartial {
		t.Errorf("exit code %d, want %d", code, exitPartial)
	}
	lines := strings.Split(out.String(), "\n")
	if lines[1] != "2000,true,0," {
		t.Errorf("the whole file: %s", lines[1])
	}
	if !strings.Contains(lines[2], ",true,1,") {
		t.Errorf("the file cut short: %s", lines[2])
	}
	for _, want := range []string{"c-binary.jsonl: the file is binary", "d-stub.gz: the gzip data is damaged"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("%q is not said: %s", want, errs.String())
		}
	}
}

// TestCutFile: of a file that ends in the middle nobody knows how much is missing, so the result is partial and says so first.
func TestCutFile(t *testing.T) {
	dir := t.TempDir()
	row := `{"Type":"AADNonInteractiveUserSignInLogs","Id":"%d","TimeGenerated":"2026-03-20T10:00:00Z","CreatedDateTime":"2026-03-20T09:58:00Z","UserId":"u1","IPAddress":"192.0.2.1","ResultType":"0"}` + "\n"
	whole := fmt.Sprintf(row, 1)
	for name, content := range map[string]string{"whole.jsonl": whole, "cut.jsonl": whole + fmt.Sprintf(row, 2)[:50]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]int{"whole.jsonl": exitOK, "cut.jsonl": exitPartial} {
		for _, args := range [][]string{{"hunt"}, {"inspect"}, {"ingest", "--case", filepath.Join(dir, "case-"+name)}} {
			var out, errs bytes.Buffer
			path := filepath.Join(dir, name)
			if code := Main(append(args, path), Streams{Out: &out, Err: &errs}); code != want {
				t.Errorf("%s of %s ends with %d, want %d: %s", args[0], name, code, want, errs.String())
			}
			_, first, _ := strings.Cut(strings.Join(strings.Fields(out.String()), " "), "WARNING: ")
			if told := strings.HasPrefix(first, path+" ends in the middle: "); told != (want == exitPartial) {
				t.Errorf("%s of %s says first: %s", args[0], name, first)
			}
		}
	}
}
