package quality

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed baselines/*.yaml
var baselineFiles embed.FS

// Rule is a published rule that the detection is compared with: the KQL of a Sentinel analytics rule that returns
// UserPrincipalName, FirstSeen, LastSeen and EventIds, the row with most events first.
type Rule struct {
	Name, Query string
}

// Baselines returns the published rules, by name.
func Baselines() ([]Rule, error) {
	entries, err := baselineFiles.ReadDir("baselines")
	if err != nil {
		return nil, fmt.Errorf("list the baselines: %w", err)
	}
	var out []Rule
	for _, entry := range entries {
		text, err := baselineFiles.ReadFile("baselines/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read a baseline: %w", err)
		}
		var rule struct{ Query string }
		if err := yaml.Unmarshal(text, &rule); err != nil {
			return nil, fmt.Errorf("baseline %s: %w", entry.Name(), err)
		}
		out = append(out, Rule{Name: strings.TrimSuffix(entry.Name(), ".yaml"), Query: rule.Query})
	}
	return out, nil
}

// Answer reads what `query --format json` printed for a rule as findings, one a row. A rule states no certainty: each
// row is suspicious.
func Answer(text []byte) ([]Finding, error) {
	var answer struct {
		Columns []struct{ Name string }
		Rows    [][]json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("read the answer of a baseline: %w", err)
	}
	findings := make([]Finding, len(answer.Rows))
	for i, row := range answer.Rows {
		f := &findings[i]
		f.Verdict, f.Score = "suspicious", 50
		targets := map[string]any{"UserPrincipalName": &f.User, "FirstSeen": &f.FirstSeen, "LastSeen": &f.LastSeen, "EventIds": &f.EventIDs}
		for c, column := range answer.Columns {
			target, wanted := targets[column.Name]
			if !wanted {
				continue
			}
			delete(targets, column.Name)
			if err := json.Unmarshal(row[c], target); err != nil {
				return nil, fmt.Errorf("read %s of a baseline's row %d: %w", column.Name, i+1, err)
			}
		}
		if len(targets) > 0 {
			return nil, errors.New("a baseline returns UserPrincipalName, FirstSeen, LastSeen and EventIds; some are missing")
		}
	}
	return findings, nil
}

// Against judges a baseline's findings on the tenant of a run. The rows that they name are forgotten once they are judged:
// the published rules name most of a large tenant.
func (r *Run) Against(findings []Finding, k *Key) Run {
	h := *r.Hunt
	h.Findings, h.Explained = findings, nil
	run := Judge(&h, k)
	run.Hunt = nil
	for _, f := range run.Findings {
		f.EventIDs = nil
	}
	return run
}
