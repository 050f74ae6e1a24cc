package hunt

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
)

var (
	guid      = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	technique = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	interval  = regexp.MustCompile(`^\d+[mhd]$`)
)

// kinds are the kinds of rule that Sentinel's repositories know, and severities what they may say.
var (
	kinds      = map[string]bool{"Scheduled": true, "NRT": true, "Hunting": true}
	severities = map[string]bool{"": true, "Informational": true, "Low": true, "Medium": true, "High": true}
	// scheduled are the fields that a rule which runs by itself cannot do without.
	// https://learn.microsoft.com/azure/sentinel/sentinel-analytic-rules-creation
	scheduled = []struct {
		name string
		ok   func(*ruleFile) bool
	}{
		{"severity", func(f *ruleFile) bool { return f.Severity != "" }},
		{"queryFrequency, such as 1d", func(f *ruleFile) bool { return interval.MatchString(f.QueryFrequency) }},
		{"queryPeriod, such as 14d", func(f *ruleFile) bool { return interval.MatchString(f.QueryPeriod) }},
		{"triggerOperator", func(f *ruleFile) bool { return f.TriggerOperator != "" }},
	}
)

// Lint judges a rule file: its shape, its KQL on the tables of engine, and the columns that its rows have. It returns
// what is wrong, each as a line of text that begins with the file's name.
func Lint(ctx context.Context, engine Engine, path string, text []byte) []string {
	h, err := Parse(path, text)
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "rule "), "\n") // the rest shows the place again
		return []string{first}
	}
	var f ruleFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		return []string{fmt.Sprintf("%s: %s", path, err)}
	}
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, path+": "+fmt.Sprintf(format, args...)) }
	if !guid.MatchString(h.ID) {
		say("the id %q is no GUID in lower case", h.ID)
	}
	if !kinds[f.Kind] {
		say("the kind is Scheduled, NRT or Hunting, not %q", f.Kind)
	}
	if !severities[f.Severity] {
		say("the severity is Informational, Low, Medium or High, not %q", f.Severity)
	}
	if f.Kind == "Scheduled" {
		for _, field := range scheduled {
			if !field.ok(&f) {
				say("a scheduled rule needs %s", field.name)
			}
		}
	}
	if h.Description == "" {
		say("the description is missing")
	}
	for _, t := range h.Techniques {
		if !technique.MatchString(t) {
			say("%q is no technique of ATT&CK, such as T1550 or T1078.004", t)
		}
	}
	return append(wrong, lintQuery(ctx, engine, &h)...)
}

func lintQuery(ctx context.Context, engine Engine, h *Hunt) []string {
	rows, err := engine.Query(ctx, kql.Request{Source: h.Source()})
	if list, ok := diag.AsList(err); ok {
		var wrong []string
		for _, d := range list.Items {
			at := list.Source.Position(d.Span.Start)
			wrong = append(wrong, fmt.Sprintf("%s:%d:%d: %s error: %s", h.Path, at.Line, at.Column, d.Kind, d.Message))
		}
		return wrong
	}
	if err != nil {
		return []string{fmt.Sprintf("%s: %s", h.Path, err)}
	}
	if h.Role == RoleContext {
		return nil
	}
	var wrong []string
	for _, w := range h.misfits(rows.Columns) {
		wrong = append(wrong, fmt.Sprintf("%s:%d:1: %s", h.Path, h.QueryLine, w))
	}
	return wrong
}

// Deployable is a rule file as Sentinel takes it: without the key that is ours, whose lines begin at `replaytrace:`.
func Deployable(text string) string {
	var out []string
	ours := false
	for line := range strings.Lines(text) {
		if len(line) > 0 && line[0] != ' ' && line[0] != '\n' && line[0] != '#' {
			ours = strings.HasPrefix(line, "replaytrace:")
		}
		if !ours {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
