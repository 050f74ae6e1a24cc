package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

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
	format, report, failOn string
	candidates             string
	users                  []string
	strict, verbose        bool
}

func newHunt(s Streams) *cobra.Command {
	f := &huntFlags{}
	cmd := &cobra.Command{
		Use:   "hunt PATH...",
		Short: "Find the replayed tokens in evidence, with their proof",
		Example: `  replaytrace hunt ./export
  replaytrace hunt ./export --report report.html
  replaytrace hunt ./export --format json --fail-on likely`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args) },
	}
	f.evidenceFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "table", "table, json, jsonl, csv, markdown or html")
	flags.StringVar(&f.report, "report", "", "also write one self-contained HTML page to this file")
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 1 on findings at or above: suspicious, likely or confirmed")
	flags.StringArrayVar(&f.users, "user", nil, "only this user (UPN or object id); repeatable")
	flags.StringVar(&f.candidates, "candidates", "", "also write every activity that was weighed, whatever its score, as JSON lines to this file")
	flags.BoolVar(&f.strict, "strict", false, "exit with 3 when rows were rejected")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list what is explained, too")
	return cmd
}

var verdictRank = map[finding.Verdict]int{finding.Suspicious: 1, finding.Likely: 2, finding.Confirmed: 3}

func (f *huntFlags) run(ctx context.Context, s Streams, paths []string) error {
	if len(paths) == 0 && f.caseDir == "" {
		return &exit{exitUsage, errors.New("no evidence given: name files or folders of exports")}
	}
	if f.failOn != "" && verdictRank[finding.Verdict(f.failOn)] == 0 {
		return &exit{exitUsage, fmt.Errorf("--fail-on takes suspicious, likely or confirmed, not %q", f.failOn)}
	}
	write, err := f.writer()
	if err != nil {
		return err
	}
	c, partial, err := f.open(ctx, s, paths)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	inv, err := f.investigate(ctx, c)
	if err != nil {
		return err
	}
	if err := write(s.Out, inv); err != nil {
		return err
	}
	if f.report != "" {
		if err := casefile.WriteFile(f.report, func(w io.Writer) error { return report.HTML(w, inv) }); err != nil {
			return &exit{exitUsage, err}
		}
		_, _ = fmt.Fprintf(s.Err, "report: %s\n", f.report)
	}
	return f.code(inv, partial)
}

func (f *huntFlags) writer() (func(io.Writer, *investigation.Investigation) error, error) {
	if f.format == "table" {
		return func(w io.Writer, inv *investigation.Investigation) error { return printFindings(w, inv, f.verbose) }, nil
	}
	for _, o := range report.Outputs() {
		if o.Name == f.format {
			return o.Write, nil
		}
	}
	return nil, &exit{exitUsage, fmt.Errorf("unknown --format %q: it is table, json, jsonl, csv, markdown or html", f.format)}
}

func (f *huntFlags) investigate(ctx context.Context, c *casefile.Case) (*investigation.Investigation, error) {
	all, err := hunt.Load(hunts.FS)
	if err != nil {
		return nil, &exit{exitInternal, err}
	}
	weights, err := finding.DefaultWeights()
	if err != nil {
		return nil, &exit{exitInternal, err}
	}
	f.meter.phase("hunting", int64(len(all)), false)
	defer f.meter.done()
	asOf, source := c.AsOf()
	keep, kept := f.keepCandidates()
	inv, err := investigation.Run(ctx, investigation.Input{
		Engine: c, Hunts: all, Weights: weights, Files: filesOf(f.reports), AsOf: asOf.Time(), AsOfSource: source,
		ToolVersion: Version, Users: f.users, Tenant: f.knownTenant(),
		Progress:   func(done int, name string) { f.meter.at(int64(done), name) },
		Candidates: keep,
	})
	if err == nil {
		err = kept()
	}
	return inv, err
}

// knownTenant is the tenant's own statement of its networks; without one they are learned.
func (f *huntFlags) knownTenant() investigation.Tenant {
	var t investigation.Tenant
	if f.tenant == nil {
		return t
	}
	t.Name = f.tenant.Name
	for _, row := range f.tenant.Watchlists["CorporateNetworks"].Rows {
		t.CorporateNetworks = append(t.CorporateNetworks, row[1])
	}
	if len(t.CorporateNetworks) > 0 {
		t.NetworksSource = "given in the tenant file"
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
			file.Rejects = append(file.Rejects, investigation.RejectReason{Code: x.Code, Reason: x.Reason, Count: x.Count, First: x.FirstRow})
		}
		if file.Tables == nil {
			file.Tables = map[string]int64{}
		}
		out = append(out, file)
	}
	return out
}

// code turns the result into an exit code: findings come before a partial result.
func (f *huntFlags) code(inv *investigation.Investigation, partial error) error {
	if f.failOn != "" {
		for _, x := range inv.Findings {
			if verdictRank[x.Verdict] >= verdictRank[finding.Verdict(f.failOn)] {
				return &exit{exitFound, nil}
			}
		}
	}
	if partial != nil {
		return partial
	}
	missing := true
	rejected := false
	for _, t := range inv.Evidence.Tables {
		missing = missing && t.Table != "AADNonInteractiveUserSignInLogs"
	}
	for _, file := range inv.Evidence.Files {
		rejected = rejected || file.RowsRejected > 0
	}
	if missing || f.strict && rejected {
		return &exit{exitPartial, nil}
	}
	return nil
}
