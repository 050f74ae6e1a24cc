package evidence

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// TestHeld: a file is held in memory if it and its text are small; all of it is read and hashed either way.
func TestHeld(t *testing.T) {
	const line = `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"a"}` + "\n"
	_, shapes := testLayout(t)
	for _, test := range []struct {
		lines        int
		packed, held bool
	}{
		{1, false, true},
		{sniffSize / len(line), false, true},
		{sniffSize/len(line) + 1, false, true},
		{heldMost/len(line) - 1, false, true},
		{heldMost/len(line) + 1, false, false},
		{heldMost/len(line) - 1, true, true},
		{heldMost/len(line) + 1, true, false}, // the file is small, its text is not
	} {
		text := []byte(strings.Repeat(line, test.lines))
		raw := text
		if test.packed {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, _ = w.Write(text)
			_ = w.Close()
			raw = packed.Bytes()
		}
		path := filepath.Join(t.TempDir(), "rows.json")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := new(Files).Open(path, shapes)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if test.held {
			want = len(text)
		}
		if file.Held() != want {
			t.Errorf("%+v: %d bytes are held, want %d", test, file.Held(), want)
		}
		stream, err := file.Read(func(r Reject) { t.Errorf("%+v: rejected: %+v", test, r) })
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for reader := stream.Reader(); ; n++ {
			if _, ok := reader.Next(); !ok {
				break
			}
		}
		if err := stream.Close(); n != test.lines || err != nil {
			t.Errorf("%+v: %d records: %v", test, n, err)
		}
		if got, want := file.known(), fmt.Sprintf("%x", sha256.Sum256(raw)); got != want {
			t.Errorf("%+v: the hash is %q, want %q", test, got, want)
		}
	}
}
