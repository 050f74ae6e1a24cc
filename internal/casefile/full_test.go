//go:build linux || darwin

package casefile

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// limited runs f while no file can grow beyond a size, as on a disk that is full.
func limited(t *testing.T, size uint64, f func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	f()
}

// TestFullDisk: where a disk has no room left the case stays as it was, the error says so without the database's words,
// and with room again the same evidence is loaded.
func TestFullDisk(t *testing.T) {
	dir, evidence := t.TempDir(), t.TempDir()
	first, second := filepath.Join(evidence, "a.jsonl"), filepath.Join(evidence, "b.jsonl")
	few, _ := mixed(60)
	many, _ := mixed(6000)
	for path, lines := range map[string][]string{first: few, second: many} {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, Options{Dir: dir})
	ingest(t, c, first)
	before := contents(t, c, true)
	var err error
	limited(t, 1<<20, func() {
		_, err = c.Load(t.Context(), []string{first, second})
		err = errors.Join(err, c.Close())
	})
	var full *Full
	if !errors.As(err, &full) {
		t.Fatalf("no disk is full: %v", err)
	}
	if text := full.Error(); !strings.Contains(text, "0 of the 2 files given were added") || strings.Contains(text, "Error") || !strings.Contains(full.Hint(), "the same command again") {
		t.Errorf("it says %q, and %q", text, full.Hint())
	}
	c = open(t, Options{Dir: dir})
	if contents(t, c, true) != before {
		t.Error("the case is not as it was")
	}
	ingest(t, c, first, second)
	balanced(t, c)
}

// TestNoRoomForAFile: a report for which there is no room is not there, and the error says why.
func TestNoRoomForAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	var err error
	limited(t, 1<<10, func() {
		err = WriteFile(path, func(w io.Writer) error { _, err := w.Write(make([]byte, 1<<20)); return err })
	})
	var full *Full
	if !errors.As(err, &full) || !strings.Contains(full.Error(), filepath.Dir(path)) {
		t.Errorf("no disk is full: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); len(left) > 0 || err != nil {
		t.Errorf("it left %v, %v", left, err)
	}
}

// TestNoRoomToAsk: a query that finds no room for what it puts aside says so.
func TestNoRoomToAsk(t *testing.T) {
	c := open(t, Options{Memory: 100e6})
	if err := c.Exec(t.Context(), "SET max_temp_directory_size = '1KB'"); err != nil {
		t.Fatal(err)
	}
	_, err := c.Query(t.Context(), kql.Request{Source: &diag.Source{Text: "range N from 1 to 3000000 step 1 | summarize C = count() by H = hash_sha256(tostring(N)) | summarize sum(C)"}})
	var full *Full
	if !errors.As(err, &full) || !strings.Contains(full.Hint(), "TMPDIR") {
		t.Errorf("no disk is full: %v", err)
	}
}
