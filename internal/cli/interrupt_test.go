package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const interruptedCase = "REPLAYTRACE_TEST_INTERRUPTED"

// TestInterruptedIngest presses Ctrl-C in the middle of an ingest: it ends with 130, says how to go on and leaves a case
// that verify finds nothing wrong with; the same command then makes the case that an ingest in one go makes.
func TestInterruptedIngest(t *testing.T) {
	if dir := os.Getenv(interruptedCase); dir != "" { // the process that is interrupted
		os.Exit(Main([]string{"ingest", filepath.Join(filepath.Dir(dir), "evidence"), "--case", dir}, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	if testing.Short() {
		t.Skip("loads 150 MB: runs in the full tests")
	}
	root := t.TempDir()
	evidence, dir := filepath.Join(root, "evidence"), filepath.Join(root, "case")
	if err := os.Mkdir(evidence, 0o750); err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // each larger than what one transaction takes together with another
		writeFilled(t, filepath.Join(evidence, fmt.Sprintf("part%d.jsonl", i)), i*40_000)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestInterruptedIngest$")
	cmd.Env = append(os.Environ(), interruptedCase+"="+dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for readSoFar(t, cmd.Process.Pid) < 100e6 {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(out.String(), "the case "+dir+" is whole") || !strings.Contains(out.String(), "give the same command again") {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	run(t, "verify", "--case", dir)
	run(t, "ingest", evidence, "--case", dir)
	run(t, "verify", "--case", dir)
	run(t, "ingest", evidence, "--case", dir+"-in-one-go")
	const everything = "SigninLogs | summarize Rows = count(), Ids = dcount(Id, 4), First = min(_SourceLine), Last = max(_SourceLine) by _SourceFile | sort by _SourceFile asc"
	if got, want := string(run(t, "query", everything, "--case", dir, "--format", "csv")), string(run(t, "query", everything, "--case", dir+"-in-one-go", "--format", "csv")); got != want || strings.Count(got, "40000") < 2 {
		t.Errorf("the case holds\n%s\nin one go\n%s", got, want)
	}
}

// writeFilled writes 40,000 sign-ins of 1.9 KB.
func writeFilled(t *testing.T, path string, from int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	filling := strings.Repeat("Mozilla/5.0 ", 150)
	for i := range 40_000 {
		_, _ = fmt.Fprintf(w, `{"Type":"SigninLogs","TimeGenerated":"2026-03-20T10:00:00Z","Id":"id-%d","UserAgent":%q}`+"\n", from+i, filling)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// readSoFar is how many bytes a process has read.
func readSoFar(t *testing.T, pid int) (n float64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Skip("needs /proc to see how far another process is:", err)
	}
	_, _ = fmt.Sscanf(string(text), "rchar: %g", &n)
	return n
}
