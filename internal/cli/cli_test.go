package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// TestExitCodes holds the contract: 2 is the user's text or command, 70 a fault of ours, whatever it is wrapped in.
func TestExitCodes(t *testing.T) {
	about := func(kind diag.Kind) error {
		list := &diag.List{Source: &diag.Source{Name: "query", Text: "T"}}
		list.Add(diag.Diagnostic{Kind: kind, Message: "m"})
		return fmt.Errorf("view: %w", list)
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{&exit{exitPartial, nil}, exitPartial},
		{errors.Join(nil, &exit{exitFound, errors.New("found")}), exitFound},
		{about(diag.Semantic), exitUsage},
		{about(diag.Unsupported), exitUsage},
		{about(diag.Runtime), exitInternal},
		{errors.New("internal error in the KQL compiler"), exitInternal},
	} {
		if got := finish(Streams{Err: io.Discard}, c.err); got != c.want {
			t.Errorf("%v ends with %d, want %d", c.err, got, c.want)
		}
	}
	for _, args := range [][]string{{"hnut"}, {"verify", "x"}, {"hunt", "--nothing"}, {"apps", "lookup", "--format", "xml"}, {"query", "print 1", "--format", "xml"}} {
		if got := Main(args, Streams{Out: io.Discard, Err: io.Discard}); got != exitUsage {
			t.Errorf("%q ends with %d, want %d", args, got, exitUsage)
		}
	}
}

// TestFailedHunt: a result that lacks a hunt is none to rely on, whatever was found; where a disk was full it is a partial one.
func TestFailedHunt(t *testing.T) {
	inv := func(cause error) *investigation.Investigation {
		all := &investigation.Investigation{Hunts: []investigation.HuntRun{{ID: "whole"}, {ID: "broken", Cause: cause}}, Findings: []finding.Finding{{Verdict: finding.Confirmed}}}
		all.Evidence.Tables = []investigation.Table{{Table: "AADNonInteractiveUserSignInLogs"}}
		return all
	}
	for name, c := range map[string]struct {
		inv    *investigation.Investigation
		failOn string
		want   int
		said   string
	}{
		"none failed":  {inv(nil), "likely", exitFound, ""},
		"one failed":   {inv(errors.New("out of memory")), "likely", exitInternal, "replaytrace: the result lacks 1 of 2 hunts: broken failed: out of memory\n"},
		"a full disk":  {inv(fmt.Errorf("hunt: %w", &casefile.Full{})), "", exitPartial, "replaytrace: the disk is full"},
		"and findings": {inv(fmt.Errorf("hunt: %w", &casefile.Full{})), "likely", exitFound, ""},
	} {
		var b bytes.Buffer
		if got := finish(Streams{Err: &b}, (&huntFlags{failOn: c.failOn}).code(c.inv, nil)); got != c.want || !strings.HasPrefix(b.String(), c.said) {
			t.Errorf("%s: ends with %d and %q, want %d and %q", name, got, b.String(), c.want, c.said)
		}
	}
}

// TestUntil: a day without a time of day ends with its last moment, as the end of the incident's window in the tenant file does.
func TestUntil(t *testing.T) {
	for given, want := range map[string][2]string{
		"2026-03-18":           {"2026-03-18T00:00:00Z", "2026-03-18T23:59:59.9999999Z"},
		"2026-03-18T14:00:00Z": {"2026-03-18T14:00:00Z", "2026-03-18T14:00:00Z"},
		"2026-03-18 14:00":     {"2026-03-18T14:00:00Z", "2026-03-18T14:00:00Z"},
	} {
		cmd, f := &cobra.Command{}, &filterFlags{}
		f.add(cmd, &evidenceFlags{})
		if err := cmd.ParseFlags([]string{"--since", given, "--until", given}); err != nil {
			t.Fatal(err)
		}
		if got := [2]string{f.since.Format(time.RFC3339Nano), f.until.Format(time.RFC3339Nano)}; got != want {
			t.Errorf("%s is %v, want %v", given, got, want)
		}
	}
}

// TestExitCodesDocumented: README has the meanings that the help has.
func TestExitCodesDocumented(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(string(page), "`", "")
	for _, c := range exitCodes {
		if line := fmt.Sprintf("| %d | %s |", c.code, c.meaning); !strings.Contains(plain, line) {
			t.Errorf("README.md lacks the line %s", line)
		}
	}
}

// TestExamples: every command that does something shows how, with commands and flags that exist.
func TestExamples(t *testing.T) {
	word := regexp.MustCompile(`'[^']*'|\S+`)
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.RunE != nil && cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			if line == "" {
				continue
			}
			line, _, _ = strings.Cut(line, " #")
			for one := range strings.SplitSeq(strings.TrimSpace(line), " | replaytrace ") {
				one, _, _ = strings.Cut(one, " > ")
				args := word.FindAllString(strings.TrimPrefix(one, "replaytrace "), -1)
				root := newRoot(Streams{})
				meant, rest, err := root.Find(args)
				if err == nil && meant == root {
					err = errors.New("no command of ours")
				}
				if err == nil {
					err = meant.ParseFlags(rest)
				}
				if err == nil {
					err = meant.ValidateArgs(meant.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: the example %q: %v", cmd.CommandPath(), line, err)
				}
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	for _, cmd := range newRoot(Streams{}).Commands() {
		visit(cmd)
	}
}

// TestHostileErrors: what is said of files and of their content may hold what an attacker wrote, and keeps its lines.
func TestHostileErrors(t *testing.T) {
	var b bytes.Buffer
	finish(Streams{Err: &b}, &hinted{errors.Join(errors.New("evil\x1b[2J.zip"), errors.New("second\u202e")), "see \x1b]0;x"})
	if got, want := b.String(), "replaytrace: evil\\x1b[2J.zip\nsecond\\u{202e}\nhint: see \\x1b]0;x\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b.Reset()
	evil := filepath.Join(t.TempDir(), "evil\x1b[2J.csv")
	if err := os.WriteFile(evil, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	Main([]string{"query", "print 1", "--data", "x=" + evil + "x"}, Streams{In: strings.NewReader(""), Out: io.Discard, Err: &b})
	Main([]string{"apps", "import", evil, "--out", evil}, Streams{In: strings.NewReader(""), Out: io.Discard, Err: &b})
	Main([]string{"simulate", "--out", filepath.Dir(evil)}, Streams{In: strings.NewReader(""), Out: io.Discard, Err: &b})
	Main([]string{"simulate", "--users", "2", "--days", "7", "--force", "--out", evil + ".d"}, Streams{In: strings.NewReader(""), Out: io.Discard, Err: &b})
	Main([]string{"rules", "export", "ua-script-library", "--out", evil + ".r"}, Streams{In: strings.NewReader(""), Out: io.Discard, Err: &b})
	if strings.ContainsRune(b.String(), 0x1b) || strings.Count(b.String(), `\x1b[2J`) < 4 {
		t.Errorf("an escape character comes out, or is not told: %q", b.String())
	}
}

// fullDisk is an output that takes nothing, as /dev/full does.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestOutputThatTakesNothing: that a result cannot be written is no fault of ours, in whichever form it is printed.
func TestOutputThatTakesNothing(t *testing.T) {
	for _, args := range [][]string{
		{"query", "print 1"},
		{"query", "print 1", "--format", "csv"},
		{"query", "print 1", "--format", "json"},
		{"query", "print 1", "--format", "markdown"},
		{"query", "print 1", "--explain"},
		{"apps", "lookup"},
		{"rules", "list"},
		{"explain", "ua-script-library"},
		{"simulate", "--users", "2", "--days", "7", "--out", "-"},
	} {
		var errs bytes.Buffer
		code := Main(args, Streams{In: strings.NewReader(""), Out: fullDisk{}, Err: &errs})
		if code != exitPartial || !strings.Contains(errs.String(), "the result could not be written: no space left on device") {
			t.Errorf("%v: exit code %d: %s", args, code, errs.String())
		}
	}
}
