package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/simulate"
)

func newSimulate(s Streams) *cobra.Command {
	var out string
	var opt simulate.Options
	var force bool
	cmd := &cobra.Command{
		Use:   "simulate --out DIR",
		Short: "Make a synthetic tenant with an attacker and its answer key",
		Example: `  replaytrace simulate --out demo
  replaytrace simulate --out demo --seed 7 --users 50 --days 30`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return &exit{exitUsage, errors.New("--out is missing: name the folder to write to")}
			}
			if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 && !force {
				return &exit{exitUsage, fmt.Errorf("%s is not empty: choose another folder, or --force to overwrite", out)}
			}
			t, err := simulate.Generate(opt)
			if err != nil {
				return &exit{exitUsage, err}
			}
			if err := t.WriteTo(out); err != nil {
				return &exit{exitInternal, err}
			}
			_, err = fmt.Fprintf(s.Err, "wrote a tenant with %d users to %s: hunt %s/evidence, then compare with %s/answer_key.json\n", opt.Users+1, out, out, out)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "the folder to write to")
	flags.Uint64Var(&opt.Seed, "seed", 1, "the same seed gives the same bytes")
	flags.IntVar(&opt.Users, "users", 11, "people besides the victim")
	flags.IntVar(&opt.Days, "days", 14, "days of evidence")
	flags.BoolVar(&force, "force", false, "write into a folder that is not empty")
	return cmd
}
