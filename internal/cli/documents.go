package cli

import (
	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/hunt"
)

// documentVersion is the schema_version of the documents here. docs/json.md is made from them.
const documentVersion = 1

// inspection is what inspect prints.
type inspection struct {
	SchemaVersion int                   `json:"schema_version"`
	Warnings      []coverageWarning     `json:"warnings"` // those of coverage
	Files         []casefile.FileReport `json:"files"`
}

// coverageWarning says what the evidence lacks. docs/case.md lists the codes.
type coverageWarning struct {
	Code    string `json:"code"`
	Where   string `json:"where"` // the file, table or user that it is about
	Message string `json:"message"`
}

// ruleList is what `rules list` prints.
type ruleList struct {
	SchemaVersion int      `json:"schema_version"`
	Rules         []listed `json:"rules"`
}

// listed is a rule, as its file describes it.
type listed struct {
	Signal         string   `json:"signal"` // the name by which commands and findings know it
	Name           string   `json:"name"`
	ID             string   `json:"id"`   // Sentinel's
	Path           string   `json:"path"` // below hunts
	Role           string   `json:"role"` // signal, explanation, link or context
	Family         string   `json:"family"`
	Strength       string   `json:"strength"` // empty where each row says its own
	Severity       string   `json:"severity"`
	Tactics        []string `json:"tactics"`    // of MITRE ATT&CK
	Techniques     []string `json:"techniques"` // of MITRE ATT&CK
	Description    string   `json:"description"`
	FalsePositives []string `json:"false_positives"`
	Sources        []string `json:"sources"`       // URLs
	KQL            string   `json:"kql,omitempty"` // of explain only
}

// list is a list that JSON shows as one even where it is empty.
func list(words []string) []string { return append([]string{}, words...) }

func listing(h *hunt.Hunt) listed {
	return listed{
		Signal: h.Signal, Name: h.Name, ID: h.ID, Path: h.Path, Role: string(h.Role), Family: h.Family, Strength: string(h.Strength), Severity: h.Severity,
		Tactics: list(h.Tactics), Techniques: list(h.Techniques), Description: h.Description, FalsePositives: list(h.FalsePositives), Sources: list(h.Sources),
	}
}

// explainedView is what explain prints of a view.
type explainedView struct {
	SchemaVersion int    `json:"schema_version"`
	View          string `json:"view"`
	Title         string `json:"title"`
	KQL           string `json:"kql"`
}

// ruleChecks is what `rules lint` and `rules test` print.
type ruleChecks struct {
	SchemaVersion int         `json:"schema_version"`
	Rules         []ruleCheck `json:"rules"`
}

// ruleCheck is what became of one rule.
type ruleCheck struct {
	Path   string   `json:"path"`
	Faults []string `json:"faults"` // sentences; none where the rule is right
}

// failed is how many of the rules have a fault.
func (c *ruleChecks) failed() int {
	n := 0
	for i := range c.Rules {
		if len(c.Rules[i].Faults) > 0 {
			n++
		}
	}
	return n
}
