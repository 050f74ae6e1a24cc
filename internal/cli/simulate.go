package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/simulate"
)

func newSimulate(s Streams) *cobra.Command {
	var out string
	var opt simulate.Options
	var shapes []string
	var force bool
	cmd := &cobra.Command{
		Use:   "simulate --out DIR",
		Short: "Make a synthetic tenant with attackers and its answer key",
		Example: `  replaytrace simulate --out demo
  replaytrace simulate --out lab --seed 7 --users 1000 --days 30 --incidents 10 --shape jsonl
  replaytrace simulate --out calm --users 200 --no-attacks
  replaytrace simulate --out - --users 400 | replaytrace ingest - --case lab`,
		Args: takes("nothing but flags", 0, 0),
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return &exit{exitUsage, errors.New("--out is missing: name the folder to write to")}
			}
			if opt.Users < 1 || opt.Days < 1 || opt.Incidents < 0 {
				return &exit{exitUsage, errors.New("--users and --days take 1 or more, --incidents 0 or more")}
			}
			stream := out == "-"
			if stream && len(shapes) > 0 {
				return &exit{exitUsage, errors.New("standard output takes JSON lines only: leave --shape out")}
			}
			if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 && !force && !stream {
				return &exit{exitUsage, fmt.Errorf("%s is not empty: choose another folder, or --force to overwrite", out)}
			}
			t, err := simulate.Generate(opt)
			if err != nil {
				return &exit{exitUsage, err}
			}
			if stream {
				return t.Stream(s.Out)
			}
			if err := t.WriteTo(out, shapes...); err != nil {
				return &exit{exitUsage, err}
			}
			say(s.Err, "wrote a tenant with %s and %s to %s; %s says which\n", plural(len(t.Key.Benign)+len(t.Key.Incidents), "user"), plural(len(t.Key.Incidents), "incident"), out, filepath.Join(out, "answer_key.json"))
			say(s.Err, "next: replaytrace hunt %s --tenant %s\n", filepath.Join(out, simulate.Folder(shapes)), filepath.Join(out, "tenant.yaml"))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "the folder `DIR` to write to, empty unless --force, for a hunt reads all that lies in it; - writes JSON lines of all tables to standard output")
	flags.Uint64Var(&opt.Seed, "seed", 1, "the same seed gives the same bytes")
	flags.IntVar(&opt.Users, "users", 12, "people of the tenant")
	flags.IntVar(&opt.Days, "days", 14, "days of evidence")
	flags.StringSliceVar(&opt.Scenarios, "scenario", nil, "attacks by name, one each: "+strings.Join(simulate.ScenarioNames(), ", "))
	flags.IntVar(&opt.Incidents, "incidents", 0, "how many attacks to draw from all scenarios")
	flags.BoolVar(&opt.NoAttacks, "no-attacks", false, "a tenant to which nothing happens")
	flags.StringSliceVar(&shapes, "shape", nil, "forms of the evidence: "+strings.Join(simulate.Shapes(), ", ")+" (jsonl and portal-csv when none is named)")
	flags.BoolVar(&force, "force", false, "write into a folder that is not empty")
	for name, words := range map[string][]string{"scenario": simulate.ScenarioNames(), "shape": simulate.Shapes()} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // fails for unknown flags only
	}
	return cmd
}
