package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"time"
)

// evidenceFlags are the flags of every command that reads evidence.
type evidenceFlags struct {
	caseDir, asOf, memory string
	threads               int
	quiet, noProgress     bool
}

func (f *evidenceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.caseDir, "case", "", "keep the case in this folder, or use the one that is there")
	flags.StringVar(&f.asOf, "as-of", "latest", "what now() means: latest, now or a time such as 2026-03-21T09:30:00Z")
	flags.StringVar(&f.memory, "memory", "2GB", "memory that the engine may use")
	flags.IntVar(&f.threads, "threads", 0, "threads that the engine may use (0: all)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no remarks")
	flags.BoolVar(&f.noProgress, "no-progress", false, "show no progress")
}

// open opens the case and loads the paths. partial is the error to return at the end when a path could not be read.
func (f *evidenceFlags) open(ctx context.Context, s Streams, paths []string) (c *casefile.Case, partial, err error) {
	c, err = casefile.Open(ctx, casefile.Options{Dir: f.caseDir, Memory: f.memory, Threads: f.threads})
	if err != nil {
		return nil, nil, &exit{exitInternal, err}
	}
	c.SetAsOf(schema.TicksOf(time.Now()), "no evidence: the wall clock")
	return c, nil, nil
}
