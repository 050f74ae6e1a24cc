package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sort"
	"time"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/inventory"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/tenant"
)

// evidenceFlags are the flags of every command that reads evidence.
type evidenceFlags struct {
	caseDir, tenantFile, ioc, geo string
	asOf                          asOf
	memory                        size
	threads                       int
	quiet, verbose, noProgress    bool
	strict, timings               bool

	tenant     *tenant.Context // empty when none was given
	indicators tenant.Table    // without columns when none were given
	known      []inventory.App // of the lists that the tenant file names

	given   []*casefile.FileReport // of the paths that were given
	reports []*casefile.FileReport // of all files in the case
	meter   *meter
	watch   stopwatch
}

func (f *evidenceFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.caseDir, "case", "", "keep the case in the folder `DIR`, or use the one that is there")
	flags.StringVar(&f.tenantFile, "tenant", "", "`FILE` of what is known of the tenant: networks, automation, applications, VPN log, countermeasures (YAML, docs/tenant.md)")
	flags.StringVar(&f.ioc, "ioc", "", "`FILE` of indicators to look for, as the watchlist Indicators: CSV, one value per line, STIX or MISP (docs/tenant.md)")
	flags.StringVar(&f.geo, "geo", "", "`FILE` of a city database (GeoLite2-City.mmdb) for geo_info_from_ip_address() in KQL")
	f.asOf = asOf{word: latest}
	flags.Var(&f.asOf, "as-of", "what now() means: latest, now or a time such as 2026-03-21T09:30:00Z")
	f.memory = 2e9
	flags.Var(&f.memory, "memory", "memory that the program may use, such as 500MB or 4GB")
	flags.IntVar(&f.threads, "threads", 0, "threads that the engine may use (0: all)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no remarks")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "print all: what is explained, every row")
	flags.BoolVar(&f.strict, "strict", false, "exit with 3 when rows were rejected")
	flags.BoolVar(&f.noProgress, "no-progress", false, "show no progress")
	flags.BoolVar(&f.timings, "timings", false, "print to standard error what each question cost")
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			err := run(cmd, args)
			if f.timings {
				f.watch.print(cmd.ErrOrStderr())
			}
			return err
		}
	}
}

// asksNothing is for commands that take the common flags and ask the evidence nothing: what would only change answers is
// left out of their help.
func (f *evidenceFlags) asksNothing(cmd *cobra.Command) {
	for _, name := range []string{"tenant", "ioc", "geo", "as-of", "timings"} {
		_ = cmd.Flags().MarkHidden(name) // fails for unknown flags only
	}
}

// open opens the case and loads the paths; without paths the case is only read. partial is the error to return at the
// end when a path could not be read.
func (f *evidenceFlags) open(ctx context.Context, s Streams, paths []string) (c *casefile.Case, partial, err error) {
	if err := f.readContext(s); err != nil { // before the evidence: a misspelt path should not cost the time that it takes
		return nil, nil, &exit{exitUsage, err}
	}
	if f.threads < 0 {
		return nil, nil, &exit{exitUsage, errors.New("--threads takes 0 or more")}
	}
	f.meter = newMeter(s.Err, f.quiet || f.noProgress)
	defer f.meter.done()
	c, err = f.openCase(ctx, len(paths) == 0 && f.caseDir != "")
	if err != nil {
		return nil, nil, err
	}
	if len(paths) > 0 {
		if partial, err = f.load(ctx, s, c, paths); err != nil {
			return nil, nil, errors.Join(err, c.Close())
		}
	}
	for _, step := range []func(context.Context, Streams, *casefile.Case) error{f.context, f.anchor, f.account} {
		if err := step(ctx, s, c); err != nil {
			return nil, nil, errors.Join(err, c.Close())
		}
	}
	for _, r := range f.reports {
		if f.strict && r.RowsRejected > 0 {
			partial = &exit{exitPartial, nil}
		}
	}
	return c, partial, nil
}

// openGiven is open for commands that make no sense without evidence.
func (f *evidenceFlags) openGiven(ctx context.Context, s Streams, paths []string) (c *casefile.Case, partial, err error) {
	if len(paths) == 0 && f.caseDir == "" {
		return nil, nil, &exit{exitUsage, errors.New("no evidence given: name files or folders of exports, or a case with --case")}
	}
	return f.open(ctx, s, paths)
}

// manifest opens the evidence and shows what its files are.
func (f *evidenceFlags) manifest(ctx context.Context, s Streams, paths []string, show func(*casefile.Case, *casefile.Manifest) error) error {
	c, partial, err := f.openGiven(ctx, s, paths)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	m, err := c.Manifest(ctx)
	if err != nil {
		return &exit{exitInternal, err}
	}
	return ended(show(c, m), ended(partial, f.cut()))
}

// cut is the error to return at the end when a file of the case ends in the middle.
func (f *evidenceFlags) cut() error {
	if slices.ContainsFunc(f.reports, (*casefile.FileReport).Cut) {
		return &exit{exitPartial, nil}
	}
	return nil
}

// openCase opens the case that --case names, or a temporary one.
func (f *evidenceFlags) openCase(ctx context.Context, readOnly bool) (*casefile.Case, error) {
	debug.SetMemoryLimit(int64(f.memory) / 10 * ownShare) // the database plans with its own share
	opt := casefile.Options{Dir: f.caseDir, ReadOnly: readOnly, Places: f.geo, Memory: int64(f.memory), Threads: f.threads, ToolVersion: Version, Progress: f.loading}
	if f.timings {
		opt.Watch = f.watch.begin
	}
	c, err := casefile.Open(ctx, opt)
	var missing *casefile.Missing
	var stale *casefile.Stale
	var busy *casefile.Busy
	var places *casefile.NoPlaces
	switch {
	case errors.As(err, &missing), errors.As(err, &stale), errors.As(err, &busy), errors.As(err, &places):
		return nil, &exit{exitPartial, err}
	case err != nil:
		return nil, &exit{exitInternal, err}
	}
	return c, nil
}

// load adds the paths to the case and says which could not be read.
func (f *evidenceFlags) load(ctx context.Context, s Streams, c *casefile.Case, paths []string) (partial, err error) {
	f.given, err = c.Load(ctx, paths)
	f.meter.done()
	if err != nil && ctx.Err() != nil && f.caseDir != "" {
		return nil, &stopped{f.caseDir, len(f.given), c.WriteBooks(context.WithoutCancel(ctx))}
	}
	if err != nil {
		return nil, err
	}
	for _, r := range f.given {
		if r.Error != "" {
			partial = &exit{exitPartial, nil}
			say(s.Err, "cannot read %s: %s\n", escape.Terminal(r.Path), escape.Terminal(r.Error))
			if r.Help != "" {
				say(s.Err, "  %s\n", r.Help)
			}
		}
	}
	if passed := c.Passed(); len(passed) > 0 && !f.quiet {
		say(s.Err, "passed over what is hidden or a system's own: %s\n", firsts(passed))
	}
	if f.caseDir == "" {
		return partial, nil
	}
	return partial, c.WriteBooks(ctx)
}

// stopped is an ingest that was interrupted: the case holds the files that were done.
type stopped struct {
	dir   string
	files int
	err   error // of writing the books
}

func (e *stopped) Error() string {
	if e.err != nil {
		return "interrupted; the manifest could not be written: " + e.err.Error()
	}
	return fmt.Sprintf("interrupted: the case %s is whole; %d of the files given are in it", e.dir, e.files)
}

// Hint says how to go on.
func (e *stopped) Hint() string { return "give the same command again to go on where it ended" }

// account reads the books of the whole case, by path: the order in which files came is the manifest's matter.
func (f *evidenceFlags) account(ctx context.Context, _ Streams, c *casefile.Case) (err error) {
	f.reports, err = c.Files(ctx)
	sort.SliceStable(f.reports, func(i, j int) bool { return f.reports[i].Path < f.reports[j].Path })
	return err
}

// loading shows the progress of the intake.
func (f *evidenceFlags) loading(read, total int64, file string) {
	if f.meter.title != loadingPhase {
		f.meter.phase(loadingPhase, total, true)
	}
	f.meter.at(read, filepath.Base(file))
}

const loadingPhase = "reading"

// readContext reads what is known beside the evidence: the tenant file and the lists that it or the flags name.
func (f *evidenceFlags) readContext(s Streams) (err error) {
	f.tenant, f.indicators, f.known = &tenant.Context{}, tenant.Table{}, nil
	if f.tenantFile != "" {
		if f.tenant, err = tenant.Load(f.tenantFile); err != nil {
			return err
		}
	}
	for _, path := range []string{f.ioc, f.tenant.Indicators} {
		if path == "" {
			continue
		}
		list, skipped, err := tenant.Indicators(path)
		if err != nil {
			return err
		}
		if len(skipped) > 0 {
			say(s.Err, "warning: passed over %s of a kind that does not occur in sign-ins, the first is %s\n", plural(len(skipped), "indicator"), escape.Terminal(skipped[0]))
		}
		f.indicators.Columns, f.indicators.Rows = list.Columns, append(f.indicators.Rows, list.Rows...)
	}
	for _, path := range f.tenant.KnownApps {
		list, err := inventory.ReadList(path, "")
		if err != nil {
			return err
		}
		f.known = append(f.known, list...)
	}
	return nil
}

// context makes the watchlists of what is known beside the evidence.
func (f *evidenceFlags) context(ctx context.Context, _ Streams, c *casefile.Case) error {
	if f.indicators.Columns != nil {
		if err := c.AddWatchlist(ctx, "Indicators", f.indicators.Columns, f.indicators.Rows); err != nil {
			return err
		}
	}
	lists := f.tenant.Watchlists
	for _, alias := range slices.Sorted(maps.Keys(lists)) {
		if err := c.AddWatchlist(ctx, alias, lists[alias].Columns, lists[alias].Rows); err != nil {
			return &exit{exitUsage, err}
		}
	}
	if f.tenant.Providers != "" {
		if err := c.AddProviders(ctx, f.tenant.Providers); err != nil {
			return &exit{exitUsage, err}
		}
	}
	var approved []inventory.App
	for _, row := range lists["ApprovedApps"].Rows {
		approved = append(approved, inventory.App{ID: row[0], Name: row[1], Class: inventory.Approved, Source: "the tenant file"})
	}
	return inventory.AddTo(ctx, c, f.known, approved)
}

// asOf is the flag that says what now() means.
type asOf struct {
	word string // latest or now; "" where a time is given
	time schema.Ticks
}

// The words of --as-of.
const (
	latest = "latest"
	now    = "now"
)

// String, Set and Type make it a flag.
func (a *asOf) String() string {
	if a.word == "" && a.time != 0 {
		return a.time.RFC3339()
	}
	return a.word
}

// Set takes one of the words, or what KQL's datetime() takes.
func (a *asOf) Set(s string) error {
	if s == latest || s == now {
		*a = asOf{word: s}
		return nil
	}
	t, ok := schema.ParseDatetime(s)
	if !ok {
		return errors.New("takes latest, now or a time such as 2026-03-21T09:30:00Z")
	}
	*a = asOf{time: t}
	return nil
}

// Type names the value in the help.
func (a *asOf) Type() string { return "time" }

// anchor sets what now() means.
func (f *evidenceFlags) anchor(ctx context.Context, s Streams, c *casefile.Case) error {
	switch f.asOf.word {
	case now:
		c.SetAsOf(schema.TicksOf(time.Now()), "the wall clock, as asked")
	case latest:
		newest, ok, err := c.Latest(ctx)
		if err != nil {
			return err
		}
		if !ok {
			newest = casefile.Anchor{Time: schema.TicksOf(time.Now()), Source: "the wall clock: there is no evidence"}
		}
		if newest.Warning != "" {
			say(s.Err, "warning: %s\n", newest.Warning)
		}
		c.SetAsOf(newest.Time, newest.Source)
	default:
		c.SetAsOf(f.asOf.time, "given with --as-of")
	}
	return nil
}

// lookBack is how far the hunts and views look back: their ago(90d).
const lookBack = 90 * schema.Day

// engine is the case as hunts and views ask it: they look back 90 days, and evidence that spans more is looked at whole,
// unless the user said what now() means.
func (f *evidenceFlags) engine(ctx context.Context, c *casefile.Case) (hunt.Engine, error) {
	if f.asOf.word != latest {
		return c, nil
	}
	earlier, err := c.Reaching(ctx, lookBack)
	if err != nil || earlier == nil {
		return c, err
	}
	return earlier, nil
}
