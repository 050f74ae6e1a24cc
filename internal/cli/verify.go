package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/escape"
)

type verifyFlags struct {
	evidenceFlags
	format, evidence string
	noFiles          bool
}

func newVerify(s Streams) *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify --case DIR",
		Short: "Check a case against its manifest and its files",
		Long: `verify checks that a case is as its manifest says: the SHA-256 of every file of evidence, the rows of every file in
the tables, among the copies and among the rejects. It exits with 1 on any difference.`,
		Example: `  replaytrace verify --case case-2026-031
  replaytrace verify --case case-2026-031 --evidence /mnt/handed-over   # the files lie elsewhere now
  replaytrace verify --case case-2026-031 --no-files                    # the case alone`,
		Args: takes("nothing but flags", 0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), s) },
	}
	f.evidenceFlags.add(cmd)
	f.asksNothing(cmd)
	formatFlag(cmd, &f.format, "table", "json")
	cmd.Flags().StringVar(&f.evidence, "evidence", "", "look for the files below this folder, by the paths of the manifest")
	cmd.Flags().BoolVar(&f.noFiles, "no-files", false, "do not read the files of evidence")
	return cmd
}

func (f *verifyFlags) run(ctx context.Context, s Streams) error {
	if f.caseDir == "" {
		return &exit{exitUsage, errors.New("--case is missing: name the folder of the case")}
	}
	f.meter = newMeter(s.Err, f.quiet || f.noProgress)
	c, err := f.openCase(ctx, true)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	locate := func(path string) string { return filepath.Join(f.evidence, path) }
	if f.evidence == "" {
		locate = filepath.Clean
	}
	if f.noFiles {
		locate = nil
	}
	v, err := c.Verify(ctx, locate)
	f.meter.done()
	if err != nil {
		return &exit{exitInternal, err}
	}
	if f.format == "json" {
		err = escape.Document(s.Out, v)
	} else {
		p := &page{width: columns(s.Out)}
		for _, x := range v.Faults {
			p.text("", warning.Bold(true).Render("FAULT:")+" "+x.What+" "+escape.Terminal(x.Path)+": "+escape.Terminal(x.Problem))
		}
		p.text("", fmt.Sprintf("%d of %s and %s checked: %s.", v.FilesChecked, plural(v.Files, "file"), plural(int(v.Rows), "row"), plural(len(v.Faults), "fault")))
		err = write(s.Out, p.b.String())
	}
	if err == nil && len(v.Faults) > 0 {
		return &exit{exitFound, nil}
	}
	return err
}
