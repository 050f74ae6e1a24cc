package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/proof"
)

func newRulesTest(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "test DIR",
		Short: "Run every rule of a folder over its proof, the .txtar file beside it",
		Example: `  replaytrace rules test ./hunts
  replaytrace rules test ./our-rules`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return testRules(cmd.Context(), s, args[0]) },
	}
}

func testRule(ctx context.Context, fsys fs.FS, h *hunt.Hunt) ([]string, error) {
	p, err := proof.Load(fsys, h.Path)
	if err != nil {
		return nil, err
	}
	return p.Run(ctx, h)
}

func testRules(ctx context.Context, s Streams, dir string) error {
	fsys := os.DirFS(dir)
	all, err := hunt.Load(fsys)
	if err != nil {
		return &exit{exitUsage, err}
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
