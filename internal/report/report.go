// Package report owns the outputs of an investigation. Every output renders the one result and computes nothing.
package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
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
	// Write renders the result to w.
	Write func(w io.Writer, inv *investigation.Investigation) error
}

// Outputs lists the outputs by the name that --format takes.
func Outputs() []Output {
	return []Output{
		{"json", "findings.json", JSON},
		{"jsonl", "findings.jsonl", jsonLines},
		{"markdown", "report.md", markdown},
		{"csv", "events.csv", eventsCSV},
		{"timesketch", "timesketch.jsonl", timesketch},
		{"html", "report.html", HTML},
	}
}

// JSON renders the contract's document, indented.
func JSON(w io.Writer, inv *investigation.Investigation) error {
	return escape.Document(w, inv)
}

// jsonLines renders one finding per line, with the time that now() meant.
func jsonLines(w io.Writer, inv *investigation.Investigation) error {
	lines := escape.Lines(w)
	for _, f := range inv.Findings {
		line := struct {
			SchemaVersion int       `json:"schema_version"`
			AsOf          time.Time `json:"as_of"`
			finding.Finding
		}{inv.SchemaVersion, inv.AsOf, f}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// leftOff says which rows a page has no room for, by their tables; "" when it shows all.
func leftOff(events []finding.Event) string {
	counts := map[string]int{}
	for i := range events {
		counts[events[i].Table]++
	}
	var kinds []string
	for _, table := range slices.Sorted(maps.Keys(counts)) {
		kinds = append(kinds, fmt.Sprintf("%d of %s", counts[table], table))
	}
	return strings.Join(kinds, ", ")
}

// eventsCSV renders one row per event. Cells that a spreadsheet would run as a formula are disarmed.
func eventsCSV(w io.Writer, inv *investigation.Investigation) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"finding", "verdict", "user", "time", "table", "key", "role", "ip", "app_id", "app", "resource", "user_agent", "session_id", "result", "file", "row", "signals"}); err != nil {
		return err
	}
	for i := range inv.Findings {
		f := &inv.Findings[i]
		proofs := provedBy(f)
		for _, e := range f.Events {
			cells := []string{f.ID, string(f.Verdict), f.User, clock(e.Time), e.Table, e.Key, string(e.Role), e.IP, e.AppID, e.App, e.Resource, e.UserAgent, e.SessionID, e.ResultType, e.File, fmt.Sprint(e.Row), proofs.names(e.Key)}
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

func headline(inv *investigation.Investigation) string {
	if len(inv.Findings) == 0 && len(inv.Evidence.Tables) == 0 {
		return "no evidence to judge by"
	}
	if len(inv.Findings) == 0 {
		return "no replayed token found in the evidence given"
	}
	if len(inv.Findings) == 1 {
		return fmt.Sprintf("%s, %s", inv.Findings[0].Verdict, inv.Findings[0].User)
	}
	counts := map[finding.Verdict]int{}
	for i := range inv.Findings {
		counts[inv.Findings[i].Verdict]++
	}
	var words []string
	for _, v := range finding.Verdicts {
		if counts[v] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	return fmt.Sprintf("%d findings: %s", len(inv.Findings), strings.Join(words, ", "))
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
