package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/simulate"
)

// TestReadme runs what README tells people to type on their own evidence, in the order in which it stands there.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("it hunts a tenant five times")
	}
	program, err := exec.LookPath("replaytrace") // as TestMain made it
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tenant, err := simulate.Generate(simulate.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := tenant.WriteTo(dir, "jsonl"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(filepath.Join(dir, "evidence"), filepath.Join(dir, "export")), os.Symlink(program, filepath.Join(dir, "replaytrace"))); err != nil {
		t.Fatal(err)
	}
	commands := readmeCommands(t)
	if len(commands) < 7 {
		t.Fatalf("README has only these commands: %q", commands)
	}
	for _, command := range commands {
		c := exec.Command("sh", "-c", command)
		c.Dir = dir
		out, err := c.CombinedOutput()
		// The tenant has a replayed token, so that --fail-on must fail, and nothing else may.
		want := 0
		if strings.Contains(command, "--fail-on") {
			want = 1
		}
		if got := c.ProcessState.ExitCode(); got != want || errors.Is(err, exec.ErrNotFound) {
			t.Errorf("%s\nexit code %d, want %d: %v\n%s", command, got, want, err, out)
		}
	}
	for _, made := range []string{"report.html", "r.williams.html", "case-031/manifest.json"} {
		if _, err := os.Stat(filepath.Join(dir, made)); err != nil {
			t.Error(err)
		}
	}
}

// readmeCommands are the commands of README that begin with ./replaytrace; one whose quotes are open goes on.
func readmeCommands(t *testing.T) (commands []string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	open := ""
	for line := range strings.Lines(string(text)) {
		if open == "" && !strings.HasPrefix(line, "./replaytrace ") {
			continue
		}
		if open += line; strings.Count(open, "'")%2 == 0 {
			commands = append(commands, strings.TrimSpace(open))
			open = ""
		}
	}
	return commands
}
