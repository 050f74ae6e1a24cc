package cli

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/casefile"
)

const busyCase = "REPLAYTRACE_TEST_BUSY"

// TestBusy reads a case that another process has open for adding evidence, and then one that another only reads.
func TestBusy(t *testing.T) {
	if dir := os.Getenv(busyCase); dir != "" { // the second process
		os.Exit(Main([]string{"query", "--case", dir, "--format", "csv", "SigninLogs | count"}, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	dir := t.TempDir()
	second := func() (string, int) {
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestBusy$")
		cmd.Env = append(os.Environ(), busyCase+"="+dir)
		cmd.Stdout, cmd.Stderr = &out, &out
		_ = cmd.Run()
		return out.String(), cmd.ProcessState.ExitCode()
	}
	for _, x := range []struct {
		readOnly bool
		want     string
		code     int
	}{{false, "is in use", exitPartial}, {true, "Count\n0", exitOK}} {
		c, err := casefile.Open(t.Context(), casefile.Options{Dir: dir, ReadOnly: x.readOnly})
		if err != nil {
			t.Fatal(err)
		}
		if out, code := second(); code != x.code || !strings.Contains(out, x.want) {
			t.Errorf("read only %v: exit code %d: %s", x.readOnly, code, out)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
