package quality

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// missed is an incident that no finding shows, with what the detection saw of its user.
type missed struct {
	Seed       uint64              `json:"seed"`
	Incident   string              `json:"incident"`
	Scenario   string              `json:"scenario"`
	Difficulty string              `json:"difficulty"`
	Detectable bool                `json:"detectable"`
	User       string              `json:"user"`
	First      time.Time           `json:"first"`
	Last       time.Time           `json:"last"`
	SourceIPs  []string            `json:"source_ips"`
	EventIDs   map[string][]string `json:"event_ids"`
	Explained  []Explained         `json:"explained"`      // of the user: what was seen and not reported
	Elsewhere  []string            `json:"other_findings"` // of the user: false ones, by id
	Candidates []Candidate         `json:"candidates"`     // of the user: what was weighed, the attack's with attack true
}

// wrong is a finding without any row of an attacker.
type wrong struct {
	Seed       uint64    `json:"seed"`
	Finding    string    `json:"finding"`
	Verdict    string    `json:"verdict"`
	Score      float64   `json:"score"`
	User       string    `json:"user"`
	Population string    `json:"population"`
	SourceIPs  []string  `json:"source_ips"`
	First      time.Time `json:"first_seen"`
	Last       time.Time `json:"last_seen"`
	Events     int       `json:"events"`
	Signals    []Signal  `json:"signals"`
}

// partial is an incident that was found with foreign rows or without some of its own.
type partial struct {
	Seed      uint64   `json:"seed"`
	Incident  string   `json:"incident"`
	Scenario  string   `json:"scenario"`
	User      string   `json:"user"`
	Precision float64  `json:"precision"`
	Recall    float64  `json:"recall"`
	Foreign   []string `json:"foreign"` // rows that are named and not the attacker's
	Lacking   []string `json:"lacking"` // rows of the attacker's that are not named
}

// WriteDebug leaves missed.jsonl, false.jsonl and partial.jsonl in a folder: all that the author of the detection wants
// to look at next.
func WriteDebug(dir string, runs []Run) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("write the mistakes: %w", err)
	}
	var missed, wrong, partial []any
	for i := range runs {
		r := &runs[i]
		for k := range r.Incidents {
			switch m := r.Incidents[k].At[len(verdictNames)-1]; {
			case !m.Found:
				missed = append(missed, r.missed(k))
			case m.Precision < 1 || m.Recall < 1:
				partial = append(partial, r.partial(k))
			}
		}
		for k := range r.Findings {
			if !r.Findings[k].True() {
				wrong = append(wrong, r.wrong(&r.Findings[k]))
			}
		}
	}
	return errors.Join(writeLines(filepath.Join(dir, "missed.jsonl"), missed),
		writeLines(filepath.Join(dir, "false.jsonl"), wrong), writeLines(filepath.Join(dir, "partial.jsonl"), partial))
}

func (r *Run) missed(index int) missed {
	a := &r.Incidents[index]
	m := missed{
		Seed: r.Seed, Incident: a.ID, Scenario: a.Scenario, Difficulty: a.Difficulty, Detectable: a.Detectable, User: a.User,
		First: a.First, Last: a.Last, SourceIPs: a.SourceIPs, EventIDs: a.EventIDs, Explained: []Explained{}, Elsewhere: []string{},
	}
	for _, e := range r.Hunt.Explained {
		if strings.EqualFold(e.User, a.User) {
			m.Explained = append(m.Explained, e)
		}
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; strings.EqualFold(f.User, a.User) && !f.True() {
			m.Elsewhere = append(m.Elsewhere, f.ID)
		}
	}
	for _, c := range r.Candidates {
		if strings.EqualFold(c.User, a.User) {
			c.Signals, c.Benign = brief(c.Signals), brief(c.Benign)
			m.Candidates = append(m.Candidates, c)
		}
	}
	return m
}

func (r *Run) wrong(f *Accusation) wrong {
	w := wrong{
		Seed: r.Seed, Finding: f.ID, Verdict: f.Verdict, Score: f.Score, User: f.User, Population: f.Population,
		SourceIPs: f.SourceIPs, First: f.FirstSeen, Last: f.LastSeen, Events: len(f.EventIDs),
	}
	for _, s := range f.Signals {
		s.EventIDs = nil
		w.Signals = append(w.Signals, s)
	}
	return w
}

func (r *Run) partial(index int) partial {
	a := &r.Incidents[index]
	m := a.At[len(verdictNames)-1]
	p := partial{Seed: r.Seed, Incident: a.ID, Scenario: a.Scenario, User: a.User, Precision: rounded(m.Precision), Recall: rounded(m.Recall)}
	_, own := labelled(&a.Incident)
	named := map[string]bool{}
	for i := range r.Findings {
		if !slices.Contains(r.Findings[i].Incidents, index) {
			continue
		}
		for _, id := range r.Findings[i].EventIDs {
			if !own[id] && !named[id] {
				p.Foreign = append(p.Foreign, id)
			}
			named[id] = true
		}
	}
	for id := range own {
		if !named[id] {
			p.Lacking = append(p.Lacking, id)
		}
	}
	slices.Sort(p.Foreign)
	slices.Sort(p.Lacking)
	return p
}

func writeLines(path string, items []any) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the mistakes: %w", err)
	}
	w := bufio.NewWriter(file)
	lines := json.NewEncoder(w)
	for _, item := range items {
		if err := lines.Encode(item); err != nil {
			return errors.Join(fmt.Errorf("write the mistakes: %w", err), file.Close())
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		return fmt.Errorf("write the mistakes: %w", err)
	}
	return nil
}
