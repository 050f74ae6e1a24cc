// Package report owns the outputs of an investigation. Every output renders the one result and computes nothing.
package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// Output is one way to render an investigation.
type Output struct {
	Name string
	// File is what --out calls it.
	File string
	Doc  string
	// Write renders the result to w.
	Write func(w io.Writer, inv *investigation.Investigation) error
}

// Outputs lists the outputs by the name that --format takes.
func Outputs() []Output {
	return []Output{
		{"json", "findings.json", "the whole result", JSON},
		{"jsonl", "findings.jsonl", "one finding per line", JSONLines},
		{"markdown", "report.md", "pages to paste into a report", Markdown},
		{"csv", "events.csv", "one row per event of the findings", CSV},
		{"timesketch", "timesketch.jsonl", "one event per line, as Timesketch imports it", Timesketch},
		{"html", "report.html", "one self-contained page", HTML},
	}
}

// JSON renders the contract's document, indented.
func JSON(w io.Writer, inv *investigation.Investigation) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(inv)
}

// JSONLines renders one finding per line, with the time that now() meant.
func JSONLines(w io.Writer, inv *investigation.Investigation) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, f := range inv.Findings {
		line := struct {
			SchemaVersion int       `json:"schema_version"`
			AsOf          time.Time `json:"as_of"`
			finding.Finding
		}{inv.SchemaVersion, inv.AsOf, f}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// CSV renders one row per event. Cells that a spreadsheet would run as a formula are disarmed.
func CSV(w io.Writer, inv *investigation.Investigation) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"finding", "verdict", "user", "time", "table", "key", "role", "ip", "app_id", "app", "resource", "user_agent", "session_id", "result", "file", "row"}); err != nil {
		return err
	}
	for _, f := range inv.Findings {
		for _, e := range f.Events {
			cells := []string{f.ID, string(f.Verdict), f.User, clock(e.Time), e.Table, e.Key, string(e.Role), e.IP, e.AppID, e.App, e.Resource, e.UserAgent, e.SessionID, e.ResultType, e.File, fmt.Sprint(e.Row)}
			for i := range cells {
				cells[i] = escape.CSVCell(cells[i])
			}
			if err := out.Write(cells); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// Markdown renders the pages for a report.
func Markdown(w io.Writer, inv *investigation.Investigation) error {
	var b strings.Builder
	md := escape.Markdown
	fmt.Fprintf(&b, "# Token replay: %s\n\n", md(headline(inv)))
	fmt.Fprintf(&b, "Evidence as of %s (%s).\n\n", clock(inv.AsOf), md(inv.AsOfSource))
	for _, warning := range inv.Evidence.Warnings {
		fmt.Fprintf(&b, "> **Warning:** %s\n\n", md(warning))
	}
	v := inv.Visibility
	fmt.Fprintf(&b, "SigninLogs alone holds %d of the %d attacker events. Interactive rows: %d, non-interactive rows: %d.\n\n", v.AttackerEventsInSigninLogs, v.AttackerEvents, v.InteractiveEvents, v.NonInteractiveEvents)
	for _, f := range inv.Findings {
		fmt.Fprintf(&b, "## %s: %s (score %d)\n\n%s\n\n", md(strings.ToUpper(string(f.Verdict))), md(f.User), f.Score, md(f.Summary))
		b.WriteString("| address | ASN | country | first | last | duration | events | applications | resources |\n|---|---|---|---|---|---|--:|---|---|\n")
		for _, n := range f.Networks {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %d | %s | %s |\n", md(n.IP), md(n.ASN), md(n.Country), clock(n.FirstSeen), clock(n.LastSeen), finding.Length(n.DurationSeconds), n.EventCount, md(strings.Join(n.Apps, ", ")), md(strings.Join(n.Resources, ", ")))
		}
		b.WriteString("\nWhy:\n\n")
		for _, s := range f.Signals {
			fmt.Fprintf(&b, "- %s (%s, %+.1f): %s\n", md(s.Title), md(s.Strength), s.Weight, md(s.Evidence))
		}
		b.WriteString("\nConsidered and not accepted:\n\n")
		for _, c := range f.Considered {
			fmt.Fprintf(&b, "- %s: %s, %s\n", md(c.Explanation), md(string(c.Outcome)), md(c.Because))
		}
		for _, p := range f.Persistence {
			fmt.Fprintf(&b, "\nPersists: %s, %s (%s) at %s, %s\n", md(p.Kind), md(p.Name), md(p.ID), clock(p.Time), md(p.Detail))
		}
		b.WriteString("\n")
	}
	b.WriteString("## Evidence\n\n| file | shape | read | loaded | duplicate | rejected | SHA-256 |\n|---|---|--:|--:|--:|--:|---|\n")
	for _, f := range inv.Evidence.Files {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %s |\n", md(f.Path), md(f.Shape), f.RowsRead, f.RowsLoaded, f.RowsDuplicate, f.RowsRejected, md(f.SHA256))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func headline(inv *investigation.Investigation) string {
	if len(inv.Findings) == 0 {
		return "no replayed token found in the evidence given"
	}
	if len(inv.Findings) == 1 {
		return fmt.Sprintf("%s, %s", inv.Findings[0].Verdict, inv.Findings[0].User)
	}
	return fmt.Sprintf("%d findings", len(inv.Findings))
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
