package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/tenant"
)

// evidenceFlags are the flags of every command that reads evidence.
type evidenceFlags struct {
	caseDir, asOf, memory, tenantFile string
	threads                           int
	quiet, noProgress                 bool

	reports []*casefile.FileReport
	tenant  *tenant.Context // nil when none was given
	meter   *meter
}

func (f *evidenceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.caseDir, "case", "", "keep the case in this folder, or use the one that is there")
	flags.StringVar(&f.tenantFile, "tenant", "", "what is known of the tenant: networks, automation, applications (YAML)")
	flags.StringVar(&f.asOf, "as-of", "latest", "what now() means: latest, now or a time such as 2026-03-21T09:30:00Z")
	flags.StringVar(&f.memory, "memory", "2GB", "memory that the engine may use")
	flags.IntVar(&f.threads, "threads", 0, "threads that the engine may use (0: all)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no remarks")
	flags.BoolVar(&f.noProgress, "no-progress", false, "show no progress")
}

// open opens the case and loads the paths. partial is the error to return at the end when a path could not be read.
func (f *evidenceFlags) open(ctx context.Context, s Streams, paths []string) (c *casefile.Case, partial, err error) {
	f.meter = newMeter(s.Err, f.quiet || f.noProgress)
	defer f.meter.done()
	c, err = casefile.Open(ctx, casefile.Options{Dir: f.caseDir, Memory: f.memory, Threads: f.threads, Progress: f.loading})
	if err != nil {
		return nil, nil, &exit{exitInternal, err}
	}
	if err := f.context(ctx, s, c); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	f.reports, err = c.Load(ctx, paths)
	if err == nil {
		err = f.anchor(ctx, s, c)
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	for _, r := range f.reports {
		if r.Error != "" {
			partial = &exit{exitPartial, nil}
			_, _ = fmt.Fprintf(s.Err, "cannot read %s: %s\n", escape.Terminal(r.Path), escape.Terminal(r.Error))
			if r.Help != "" {
				_, _ = fmt.Fprintf(s.Err, "  %s\n", r.Help)
			}
		}
	}
	return c, partial, nil
}

// loading shows the progress of the intake.
func (f *evidenceFlags) loading(read, total int64, file string) {
	if f.meter.title != loadingPhase {
		f.meter.phase(loadingPhase, total, true)
	}
	f.meter.at(read, filepath.Base(file))
}

const loadingPhase = "reading"

// context reads the tenant file and makes its watchlists.
func (f *evidenceFlags) context(ctx context.Context, s Streams, c *casefile.Case) error {
	if f.tenantFile == "" {
		return nil
	}
	t, err := tenant.Load(f.tenantFile)
	if err != nil {
		return &exit{exitUsage, err}
	}
	f.tenant = t
	aliases := make([]string, 0, len(t.Watchlists))
	for a := range t.Watchlists {
		aliases = append(aliases, a)
	}
	sort.Strings(aliases)
	for _, a := range aliases {
		if err := c.AddWatchlist(ctx, a, t.Watchlists[a].Columns, t.Watchlists[a].Rows); err != nil {
			return err
		}
	}
	if len(t.Unused) > 0 {
		_, _ = fmt.Fprintf(s.Err, "the tenant file's %s is not used yet\n", strings.Join(t.Unused, ", "))
	}
	return nil
}

// anchor sets what now() means.
func (f *evidenceFlags) anchor(ctx context.Context, s Streams, c *casefile.Case) error {
	switch f.asOf {
	case "now":
		c.SetAsOf(schema.TicksOf(time.Now()), "the wall clock, as asked")
		return nil
	case "latest", "":
		t, source, ok, err := c.Latest(ctx)
		if err != nil {
			return err
		}
		if !ok {
			t, source = schema.TicksOf(time.Now()), "the wall clock: there is no evidence"
		}
		c.SetAsOf(t, source)
		return nil
	}
	t, ok := schema.ParseDatetime(f.asOf)
	if !ok {
		return &exit{exitUsage, fmt.Errorf("--as-of takes latest, now or a time such as 2026-03-21T09:30:00Z, not %q", f.asOf)}
	}
	c.SetAsOf(t, "given with --as-of")
	return nil
}
