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
	return &cobra.Command{
		Use:   "test DIR [SIGNAL...]",
		Short: "Run the rules of a folder, or some of them by their signals, over their proofs, the .txtar files beside them",
		Example: `  replaytrace rules test ./hunts
  replaytrace rules test ./our-rules ua-script-library`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return testRules(cmd.Context(), s, args[0], args[1:]) },
	}
}

func testRule(ctx context.Context, fsys fs.FS, h *hunt.Hunt) ([]string, error) {
	p, err := proof.Load(fsys, h.Path)
	if err != nil {
		return nil, err
	}
	return p.Run(ctx, h)
}

func testRules(ctx context.Context, s Streams, dir string, signals []string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
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
	failed := 0
	for i := range all {
		wrong, err := testRule(ctx, fsys, &all[i])
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		mark := "ok  "
		if len(wrong) > 0 {
			mark = "FAIL"
			failed++
		}
		if _, err := fmt.Fprintf(s.Out, "%s %s\n", mark, escape.Terminal(all[i].Path)); err != nil {
			return err
		}
		for _, w := range wrong {
			if _, err := fmt.Fprintf(s.Out, "     %s\n", escape.Terminal(w)); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		return &exit{exitFound, fmt.Errorf("%d of %d rules failed", failed, len(all))}
	}
	return nil
}
