package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/investigation"
	"github.com/replaytrace/replaytrace/internal/report"
)

type huntFlags struct {
	evidenceFlags
	filterFlags
	format, report, out, failOn string
	candidates                  string
	prior                       probability

	silent bool // prints nothing to standard output
	steps  bool // answers the steps of an investigation, too
	nobody bool // of the users asked for occurs in the evidence
}

func newHunt(s Streams) *cobra.Command {
	f := &huntFlags{}
	cmd := &cobra.Command{
		Use:   "hunt PATH... | --case DIR",
		Short: "Find the replayed tokens in evidence, with their proof",
		Long: `hunt asks every rule of the evidence, weighs what they say of each user's networks, devices and sessions, and prints the
findings: one for each user and attacker activity, with a verdict.

  confirmed   nothing but a replayed or stolen token accounts for the rows
  likely      strong signs that do not depend on each other agree, and no benign reading fits
  suspicious  worth a phone call

What a benign reading accounts for is no finding; -v and the reports list it. --user, --since and --until limit what is
printed, not what is learned: what is usual is learned from all of the evidence.`,
		Example: `  replaytrace hunt ./export
  replaytrace hunt ./export --report report.html
  replaytrace hunt ./export --out result                     # every output, and the rows that were set aside
  replaytrace hunt --case case-2026-031 --since 2026-03-18   # findings of these days, against all that was before
  replaytrace hunt ./export --format json --fail-on likely`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args) },
	}
	f.add(cmd, "table")
	return cmd
}

// add adds the flags of the commands that hunt; format is the default.
func (f *huntFlags) add(cmd *cobra.Command, format string) {
	f.evidenceFlags.add(cmd)
	f.filterFlags.add(cmd, &f.evidenceFlags)
	words := []string{format}
	for _, o := range append([]report.Output{{Name: "table"}}, report.Outputs()...) {
		if o.Name != format {
			words = append(words, o.Name)
		}
	}
	formatFlag(cmd, &f.format, words...)
	flags := cmd.Flags()
	flags.Var(&f.prior, "prior", "how probable it is of any user, before the evidence is weighed, that a token was stolen (default 0.001)")
	flags.StringVar(&f.report, "report", "", "also write one self-contained HTML page to `FILE`, which is replaced if it exists")
	flags.StringVar(&f.candidates, "candidates", "", "also write every activity that was weighed, whatever its score, as JSON lines to `FILE`")
	flags.StringVar(&f.out, "out", "", "also write every output and the rejected rows into the folder `DIR`: files of the same names are replaced, others left alone")
	verdicts := []string{""}
	for _, v := range slices.Backward(finding.Verdicts) {
		verdicts = append(verdicts, string(v))
	}
	wordFlag(cmd, &f.failOn, "fail-on", "exit with 1 on findings at or above", verdicts...)
}

func (f *huntFlags) run(ctx context.Context, s Streams, paths []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := f.folders(); err != nil {
		return err
	}
	c, partial, err := f.openGiven(ctx, s, paths)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := f.spare(); err != nil {
		return err
	}
	engine, err := f.engine(ctx, c)
	if err != nil {
		return &exit{exitInternal, err}
	}
	if f.nobody, err = f.tell(ctx, s, engine); err != nil {
		return err
	}
	inv, err := f.investigate(ctx, c, engine)
	if err != nil {
		return err
	}
	err = f.files(ctx, s, c, inv)
	if !f.silent { // also where a file could not be written: the evidence need not be read again
		err = ended(err, f.print(s.Out, inv))
	}
	return ended(err, f.code(inv, partial))
}

// print writes the result in the format asked for.
func (f *huntFlags) print(w io.Writer, inv *investigation.Investigation) error {
	for _, o := range report.Outputs() {
		if o.Name == f.format {
			return o.Write(w, inv)
		}
	}
	p := &page{width: columns(w), verbose: f.verbose}
	if !f.steps && !f.quiet {
		p.next = "Next: replaytrace investigate with --user answers the questions about one of them; --report FILE.html writes the page."
	}
	p.without = f.without(inv)
	for _, row := range f.indicators.Rows { // a value without a kind has a row for each that it may be of
		if !slices.Contains(p.sought, row[1]) {
			p.sought = append(p.sought, row[1])
		}
	}
	p.findings(inv)
	if !f.nobody {
		p.steps(inv.Steps, f.verbose)
	}
	return write(w, p.b.String())
}

// without says what it means that there is no finding: what was not asked for, or cannot be seen, is not told to be absent.
func (f *huntFlags) without(inv *investigation.Investigation) string {
	var about []string
	if len(f.users) > 0 {
		about = append(about, "about "+strings.Join(f.users, ", "))
	}
	if !f.since.IsZero() {
		about = append(about, "from "+f.since.Format(minute)+" on")
	}
	if !f.until.IsZero() {
		about = append(about, "until "+f.until.Format(minute))
	}
	asked := strings.Join(about, ", ")
	switch {
	case len(inv.Evidence.Tables) == 0:
		return "No evidence to judge by: nothing was read."
	case f.nobody:
		return "Nobody of this name occurs in the evidence, so nothing was judged: " + strings.Join(f.users, ", ")
	case !hasSilent(inv):
		return strings.TrimSpace("No finding "+asked) + ", and replay cannot be excluded: the non-interactive sign-ins are missing."
	case asked != "":
		return "No finding " + asked + ". What lies outside of that was not asked for."
	}
	return "No replayed token found in the evidence given."
}

// hasSilent reports whether the evidence has the table in which replayed tokens show.
func hasSilent(inv *investigation.Investigation) bool {
	return slices.ContainsFunc(inv.Evidence.Tables, func(t investigation.Table) bool { return t.Table == "AADNonInteractiveUserSignInLogs" })
}

// outputs are the files that were asked for.
func (f *huntFlags) outputs() []string {
	var paths []string
	for _, path := range []string{f.report, f.candidates} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	if f.out != "" {
		for _, o := range report.Outputs() {
			paths = append(paths, filepath.Join(f.out, o.File))
		}
		paths = append(paths, filepath.Join(f.out, casefile.RejectsName))
	}
	return paths
}

// folders refuses files in folders that are not there, before the evidence is read.
func (f *huntFlags) folders() error {
	for _, o := range []struct{ flag, path string }{{"report", f.report}, {"candidates", f.candidates}} {
		if o.path == "" {
			continue
		}
		dir := filepath.Dir(o.path)
		if i, err := os.Stat(dir); err != nil || !i.IsDir() {
			return &exit{exitUsage, fmt.Errorf("--%s: the folder %s is not there", o.flag, dir)}
		}
	}
	for dir := f.out; dir != ""; dir = filepath.Dir(dir) { // it is made, with those above it
		if i, err := os.Stat(dir); err == nil {
			if !i.IsDir() {
				return &exit{exitUsage, fmt.Errorf("--out: %s is no folder", dir)}
			}
			break
		}
	}
	return nil
}

// spare refuses a run that would replace a file of the evidence by what it says of it.
func (f *huntFlags) spare() error {
	for _, path := range f.outputs() {
		output, err := os.Stat(path)
		if err != nil {
			continue // it will be new
		}
		for _, r := range f.reports {
			if evidence, err := os.Stat(r.Path); err == nil && os.SameFile(output, evidence) {
				return &exit{exitUsage, fmt.Errorf("%s is evidence and would be replaced: name another file", path)}
			}
		}
	}
	return nil
}

// files writes the files that were asked for, and the findings into the case when they are those of all of it.
func (f *huntFlags) files(ctx context.Context, s Streams, c *casefile.Case, inv *investigation.Investigation) error {
	save := func(path string, write func(io.Writer) error) error {
		if err := casefile.WriteFile(path, write); err != nil {
			return &exit{exitUsage, err}
		}
		if !f.quiet {
			say(s.Err, "wrote %s\n", path)
		}
		return nil
	}
	if f.report != "" {
		if err := save(f.report, func(w io.Writer) error { return report.HTML(w, inv) }); err != nil {
			return err
		}
	}
	if f.out != "" {
		if err := os.MkdirAll(f.out, 0o750); err != nil {
			return &exit{exitUsage, fmt.Errorf("make the folder: %w", err)}
		}
		for _, o := range report.Outputs() {
			if err := save(filepath.Join(f.out, o.File), func(w io.Writer) error { return o.Write(w, inv) }); err != nil {
				return err
			}
		}
		if err := save(filepath.Join(f.out, casefile.RejectsName), func(w io.Writer) error { _, err := c.WriteRejects(ctx, w); return err }); err != nil {
			return err
		}
	}
	if f.caseDir == "" || !f.filterFlags.empty() {
		return nil
	}
	// A case on a medium that cannot be written to is hunted all the same.
	if err := casefile.WriteFile(filepath.Join(f.caseDir, casefile.FindingsName), func(w io.Writer) error { return report.JSON(w, inv) }); err != nil {
		say(s.Err, "the findings were not kept in the case: %s\n", err)
	}
	return nil
}

// shipped are the hunts that ship, by path. They are read once, for that takes a good part of the time in which a small tenant is
// hunted. Callers share them and change none.
var shipped = sync.OnceValues(func() ([]hunt.Hunt, error) { return hunt.Load(hunts.FS) })

// garbage is how much of the program's own memory may be garbage before it is collected, in percent of what is alive. What the
// compiler makes of a question lives as long as the question does, and the limit that openCase sets holds all the same.
const garbage = 400

// allowGarbage sets it, unless the user's GOGC says otherwise.
func allowGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

// investigate asks the engine, which is the case in the time that the hunts see.
func (f *huntFlags) investigate(ctx context.Context, c *casefile.Case, engine hunt.Engine) (*investigation.Investigation, error) {
	allowGarbage()
	all, err := shipped()
	if err != nil {
		return nil, &exit{exitInternal, err}
	}
	weights, err := finding.DefaultWeights()
	if err != nil {
		return nil, &exit{exitInternal, err}
	}
	if f.prior != 0 {
		weights.Prior = finding.LogOdds(float64(f.prior))
	}
	defer f.meter.done()
	asOf, source := c.AsOf()
	if earlier, is := engine.(*casefile.Earlier); is {
		source += "; to the hunts, which look back 90 days, now() is " + earlier.Now.RFC3339() + ", so that they see all"
	}
	keep, kept := f.keepCandidates()
	inv, err := investigation.Run(ctx, investigation.Input{
		Engine: engine, Hunts: all, Weights: weights, Files: filesOf(f.reports), AsOf: asOf.Time(), AsOfSource: source,
		ToolVersion: Version, Users: f.users, Since: f.since.Time, Until: f.until.Time, Indicators: f.indicators.Columns != nil, Tenant: f.knownTenant(), Suspects: f.tenant.Suspects, Steps: f.steps,
		Progress: func(done, of int, name string) {
			if done == 0 {
				f.meter.phase("hunting", int64(of), false)
			}
			f.meter.at(int64(done), name)
		},
		Candidates: keep,
	})
	if err != nil {
		return nil, err
	}
	render(inv.Steps, len(f.users) == 1)
	if err := kept(); err != nil {
		return nil, &exit{exitUsage, err}
	}
	return inv, nil
}

// probability is a flag between 0 and 1; 0 is none given.
type probability float64

// String, Set and Type make it a flag.
func (p *probability) String() string {
	if *p == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*p), 'g', -1, 64)
}

// Set takes a number between 0 and 1, neither of them included.
func (p *probability) Set(s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0 && n < 1) { // not a number is not between them
		return errors.New("takes a probability between 0 and 1, such as 0.001")
	}
	*p = probability(n)
	return nil
}

// Type names the value in the help.
func (p *probability) Type() string { return "probability" }

// failed is what kept hunts from answering, nil where all did: a result that lacks some is none to rely on.
func failed(hunts []investigation.HuntRun) error {
	var first *investigation.HuntRun
	n := 0
	for i := range hunts {
		if hunts[i].Cause != nil {
			if n++; first == nil {
				first = &hunts[i]
			}
		}
	}
	if first == nil {
		return nil
	}
	return fmt.Errorf("the result lacks %d of %d hunts: %s failed: %w", n, len(hunts), first.ID, first.Cause)
}

// knownTenant is the tenant's own statement of its networks, which are learned without one, and of the incident.
func (f *huntFlags) knownTenant() investigation.Tenant {
	t := investigation.Tenant{Name: f.tenant.Name}
	for _, row := range f.tenant.Watchlists["CorporateNetworks"].Rows {
		t.CorporateNetworks = append(t.CorporateNetworks, row[1])
	}
	if len(t.CorporateNetworks) > 0 {
		t.NetworksSource = "given in the tenant file"
	}
	if w := f.tenant.Window; w != nil {
		t.IncidentWindow = &investigation.Window{Start: w.Start, End: w.End}
	}
	return t
}

func filesOf(reports []*casefile.FileReport) []investigation.File {
	out := []investigation.File{}
	for _, r := range reports {
		file := investigation.File{
			Path: r.Path, SHA256: r.SHA256, Bytes: r.Bytes, Shape: r.Shape, Tables: r.Tables, RowsRead: r.RowsRead, RowsLoaded: r.RowsLoaded,
			RowsDuplicate: r.RowsDuplicate, RowsRejected: r.RowsRejected, Rejects: []investigation.RejectReason{}, Error: r.Error,
		}
		for _, x := range r.Rejects {
			file.Rejects = append(file.Rejects, investigation.RejectReason{Code: x.Code, Reason: x.Reason, Count: x.Rows, First: x.FirstLine})
		}
		out = append(out, file)
	}
	return out
}

// code turns the result into an exit code: a fault of ours comes before findings, and these before a partial result.
func (f *huntFlags) code(inv *investigation.Investigation, partial error) error {
	lacks := failed(inv.Hunts)
	var full *casefile.Full
	if lacks != nil && !errors.As(lacks, &full) {
		return &exit{exitInternal, lacks}
	}
	if f.failOn != "" {
		for _, x := range inv.Findings {
			if x.Verdict.AtLeast(finding.Verdict(f.failOn)) {
				return &exit{exitFound, nil}
			}
		}
	}
	if err := ended(ended(lacks, partial), f.cut()); err != nil {
		return err
	}
	if hasSilent(inv) {
		return nil
	}
	return &exit{exitPartial, nil}
}
