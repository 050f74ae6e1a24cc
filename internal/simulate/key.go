package simulate

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// AnswerKey says what is in the evidence. The shape is the command line's contract.
type AnswerKey struct {
	SchemaVersion int        `json:"schema_version"`
	Seed          uint64     `json:"seed"`
	Incidents     []Incident `json:"incidents"`
	// Undetectable is the share of incidents that nobody can find in this evidence.
	Undetectable float64  `json:"undetectable_share"`
	Benign       []Benign `json:"benign"`
}

// Incident is one attack with every row it left.
type Incident struct {
	ID         string              `json:"id"`
	User       string              `json:"user"`
	UserID     string              `json:"user_id"`
	Population string              `json:"population"`
	Scenario   string              `json:"scenario"`
	Difficulty string              `json:"difficulty"` // easy, medium or hard
	StolenHow  string              `json:"stolen_how"`
	Detectable bool                `json:"detectable"`
	SourceIPs  []string            `json:"source_ips"`
	SessionIDs []string            `json:"session_ids"`
	First      time.Time           `json:"first"`
	Last       time.Time           `json:"last"`
	EventIDs   map[string][]string `json:"event_ids"`

	successes int
}

// Benign is a user to whom nothing happened, with what makes the user hard.
type Benign struct {
	User       string `json:"user"`
	Population string `json:"population"`
}

// note labels an event as the incident's.
func (i *Incident) note(e *event) {
	name := tableNames[e.table]
	i.EventIDs[name] = append(i.EventIDs[name], e.key())
	if e.table == risks {
		return // Microsoft's row of the attacker's, not the attacker's
	}
	if i.First.IsZero() || e.at.Before(i.First) {
		i.First = e.at
	}
	if e.at.After(i.Last) {
		i.Last = e.at
	}
	if e.table != audit && !slices.Contains(i.SourceIPs, e.place.address) && e.place.address != "" {
		i.SourceIPs = append(i.SourceIPs, e.place.address)
	}
	if e.session != "" && !slices.Contains(i.SessionIDs, e.session) {
		i.SessionIDs = append(i.SessionIDs, e.session)
	}
	if e.table <= silent && e.code == "0" || e.table >= graphCalls || e.table == principals {
		i.successes++
	}
}

// key is what names a row in its table.
func (e *event) key() string {
	if a, ok := e.detail.(*audited); ok {
		return a.key
	}
	return e.id.String()
}

// sort puts everything in an order that does not tell how it was made.
func (i *Incident) sort() {
	slices.Sort(i.SourceIPs)
	slices.Sort(i.SessionIDs)
	for _, ids := range i.EventIDs {
		slices.Sort(ids)
	}
}

// count fills the share of what cannot be detected.
func (k *AnswerKey) count() {
	n := 0
	for _, i := range k.Incidents {
		if !i.Detectable {
			n++
		}
	}
	if len(k.Incidents) > 0 {
		k.Undetectable = float64(n) / float64(len(k.Incidents))
	}
}

// LoadAnswerKey reads an answer_key.json.
func LoadAnswerKey(path string) (*AnswerKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the answer key: %w", err)
	}
	var key AnswerKey
	if err := json.Unmarshal(content, &key); err != nil {
		return nil, fmt.Errorf("read the answer key %s: %w", path, err)
	}
	return &key, nil
}
