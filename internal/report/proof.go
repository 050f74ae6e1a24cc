package report

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// maxEvents and maxRows are how many rows of a finding and of a step a page holds: the data outputs hold all.
const (
	maxEvents = 500
	maxRows   = 100
)

// proofs says which signals of a finding a row proves, by its key: their numbers from 1, in the finding's order.
type proofs struct {
	signals []finding.Signal
	by      map[string][]int
}

func provedBy(f *finding.Finding) proofs {
	p := proofs{f.Signals, map[string][]int{}}
	for i := range f.Signals {
		for _, id := range f.Signals[i].EventIDs {
			p.by[id] = append(p.by[id], i+1)
		}
	}
	return p
}

// numbers are those of the signals that a row proves.
func (p proofs) numbers(key string) string {
	return strings.Trim(fmt.Sprint(p.by[key]), "[]")
}

// names are the ids of the signals that a row proves.
func (p proofs) names(key string) string {
	var names []string
	for _, n := range p.by[key] {
		names = append(names, p.signals[n-1].ID)
	}
	return strings.Join(names, " ")
}

// query is the KQL behind a signal, shown once however many findings rest on it.
type query struct {
	ID, Title, KQL string
	Own            string // the part of the KQL that no other shares
}

// queries are those of all signals of the findings, in the order of their first use.
func queries(inv *investigation.Investigation) []query {
	var out []query
	seen := map[string]bool{}
	for i := range inv.Findings {
		for _, s := range inv.Findings[i].Signals {
			if !seen[s.ID] {
				seen[s.ID] = true
				out = append(out, query{s.ID, s.Title, s.KQL, s.Own()})
			}
		}
	}
	return out
}

// possible says between which times the activity may lie, where the evidence allows more than the rows prove.
func possible(f *finding.Finding) string {
	if f.EarliestPossible.IsZero() || f.EarliestPossible.Equal(f.FirstSeen) && f.LatestPossible.Equal(f.LastSeen) {
		return ""
	}
	return fmt.Sprintf("It may have begun at %s, where the session or the evidence begins, and gone on until %s, where the token was dead or the evidence ends.", clock(f.EarliestPossible), clock(f.LatestPossible))
}
