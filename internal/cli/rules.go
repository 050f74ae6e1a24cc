package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/hunt"
)

func newRules(s Streams) *cobra.Command {
	rules := &cobra.Command{Use: "rules", Short: "The hunts as Sentinel analytics rules"}
	rules.AddCommand(&cobra.Command{
		Use: "list", Short: "List the hunts that ship", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := hunt.Load(hunts.FS)
			if err != nil {
				return &exit{exitInternal, err}
			}
			for i := range all {
				if _, err := fmt.Fprintf(s.Out, "%-28s %-12s %-11s %s\n", all[i].Signal, all[i].Role, all[i].Strength, all[i].Name); err != nil {
					return err
				}
			}
			return nil
		},
	})
	rules.AddCommand(newRulesTest(s))
	return rules
}
