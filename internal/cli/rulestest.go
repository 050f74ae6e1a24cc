package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/proof"
)

func newRulesTest(s Streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "test DIR [SIGNAL...]",
		Short: "Run the rules of a folder, or some of them, over their proofs",
		Long: `test runs the rules of a folder, or those of the signals named, over their proofs: the .txtar files beside them, which hold
rows of evidence and the signals that the rule must make of them. It exits with 1 when a rule has no proof or fails it.`,
		Example: `  replaytrace rules test ./hunts
  replaytrace rules test ./our-rules ua-script-library`,
		Args: takes("the folder of the rules", 1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return testRules(cmd.Context(), s, args[0], args[1:], format)
		},
	}
	formatFlag(cmd, &format, "table", "json")
	return cmd
}

func testRule(ctx context.Context, fsys fs.FS, h *hunt.Hunt) ([]string, error) {
	p, err := proof.Load(fsys, h.Path)
	if err != nil {
		return nil, err
	}
	return p.Run(ctx, h)
}

// lines are the rule as a terminal shows it: its file, and what it fails in.
func (c *ruleCheck) lines() string {
	mark := "ok  "
	if len(c.Faults) > 0 {
		mark = "FAIL"
	}
	lines := mark + " " + escape.Terminal(c.Path) + "\n"
	for _, fault := range c.Faults {
		lines += "     " + escape.Terminal(fault) + "\n"
	}
	return lines
}

func testRules(ctx context.Context, s Streams, dir string, signals []string, format string) error {
	if info, err := os.Stat(dir); err != nil {
		return &exit{exitUsage, fmt.Errorf("there is no folder %s", dir)}
	} else if !info.IsDir() {
		return &exit{exitUsage, fmt.Errorf("%s is a file: name the folder of the rules, and behind it the signal of the rule", dir)}
	}
	fsys := os.DirFS(dir)
	all, err := hunt.Load(fsys)
	if err != nil {
		return &exit{exitUsage, err}
	}
	for _, signal := range signals {
		if !slices.ContainsFunc(all, func(h hunt.Hunt) bool { return h.Signal == signal }) {
			return &exit{exitUsage, fmt.Errorf("no rule in %s has the signal %s", dir, signal)}
		}
	}
	if len(signals) > 0 {
		all = slices.DeleteFunc(all, func(h hunt.Hunt) bool { return !slices.Contains(signals, h.Signal) })
	}
	if len(all) == 0 {
		return &exit{exitUsage, fmt.Errorf("there is no rule in %s", dir)}
	}
	checks := ruleChecks{SchemaVersion: documentVersion}
	for i := range all {
		wrong, err := testRule(ctx, fsys, &all[i])
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		check := ruleCheck{all[i].Path, list(wrong)}
		checks.Rules = append(checks.Rules, check)
		if format == "table" { // each as soon as it is known: a folder of rules takes a while
			if err := write(s.Out, check.lines()); err != nil {
				return err
			}
		}
	}
	if format == "json" {
		if err := escape.Document(s.Out, checks); err != nil {
			return err
		}
	}
	if failed := checks.failed(); failed > 0 {
		return &exit{exitFound, fmt.Errorf("%d of %s failed", failed, plural(len(all), "rule"))}
	}
	return nil
}
