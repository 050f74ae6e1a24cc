package cli

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const leavingNothing = "REPLAYTRACE_TEST_LEAVING_NOTHING"

// TestNothingIsLeft: however a command over evidence ends, the temporary folder holds none of it afterwards.
func TestNothingIsLeft(t *testing.T) {
	if os.Getenv(leavingNothing) != "" { // the process that ends
		os.Exit(Main([]string{"query", "range N from 1 to 100000 step 1", "-", "--format", "jsonl"}, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	row := `{"Type":"SigninLogs","Id":"1","TimeGenerated":"2026-03-20T10:00:00Z","CreatedDateTime":"2026-03-20T09:58:00Z","UserId":"u1"}` + "\n"
	// start runs it until its temporary folder holds something.
	start := func(out *os.File, said *bytes.Buffer) (cmd *exec.Cmd, evidence *os.File, dir string) {
		dir = t.TempDir()
		in, evidence, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestNothingIsLeft$")
		cmd.Env = append(os.Environ(), leavingNothing+"=1", "TMPDIR="+dir)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		for left, _ := os.ReadDir(dir); len(left) == 0; left, _ = os.ReadDir(dir) {
			time.Sleep(time.Millisecond)
		}
		return cmd, evidence, dir
	}
	check := func(what string, cmd *exec.Cmd, want int, dir string) {
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("%s: it ends with %d, want %d: %s", what, code, want, cmd.Stderr)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: the temporary folder holds %v (%v)", what, left, err)
		}
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	var said bytes.Buffer
	cmd, evidence, dir := start(writer, &said)
	if _, err := evidence.WriteString(row); err != nil {
		t.Fatal(err)
	}
	_ = evidence.Close()
	check("nobody reads on", cmd, exitPartial, dir)
	if strings.Contains(said.String(), "pipe") {
		t.Errorf("where nobody reads on it says: %s", said.String())
	}

	cmd, evidence, dir = start(nil, &said)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // so that it does not end before the signal has come
	_ = evidence.Close()
	check("the terminal is closed", cmd, exitInterrupted, dir)
}
