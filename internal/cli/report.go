package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

func newReport(s Streams) *cobra.Command {
	f := &huntFlags{}
	cmd := &cobra.Command{
		Use:   "report --case DIR",
		Short: "The findings of a case as a page, a text, data, or all of them",
		Example: `  replaytrace report --case case-2026-031 > report.html
  replaytrace report --case case-2026-031 --format markdown
  replaytrace report --case case-2026-031 --out report   # every output as a file`,
		Args: takes("nothing but flags", 0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.caseDir == "" {
				return &exit{exitUsage, errors.New("--case is missing: name the folder of the case, or hunt over files with --report")}
			}
			f.silent = f.out != "" && !cmd.Flags().Changed("format")
			return f.run(cmd.Context(), s, nil)
		},
	}
	f.add(cmd, "html")
	return cmd
}
