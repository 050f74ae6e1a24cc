package quality

import (
	"encoding/json"
	"fmt"
	"time"
)

// Hunt is what is read of the JSON of `hunt`. The judge knows this contract and nothing else of the detection.
type Hunt struct {
	Evidence struct {
		Tables []struct {
			Table string    `json:"table"`
			Rows  int64     `json:"rows"`
			First time.Time `json:"first"`
			Last  time.Time `json:"last"`
		} `json:"tables"`
	} `json:"evidence"`
	Findings  []Finding   `json:"findings"`
	Explained []Explained `json:"explained"`
}

// Finding is one accusation.
type Finding struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	Verdict   string    `json:"verdict"`
	Score     float64   `json:"score"` // 0 to 100
	SourceIPs []string  `json:"source_ips"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	EventIDs  []string  `json:"event_ids"` // sign-in rows said to be the attacker's
	Events    []Event   `json:"events"`
	Signals   []Signal  `json:"signals"`
	Summary   string    `json:"summary"`
}

// Event is a row that a finding names.
type Event struct {
	Table string    `json:"table"`
	Key   string    `json:"key"`
	Time  time.Time `json:"time"`
	Role  string    `json:"role"`
}

// Signal is a reason of a finding.
type Signal struct {
	ID       string   `json:"id"`
	Family   string   `json:"family"`
	Weight   float64  `json:"weight"`
	Evidence string   `json:"evidence"`
	EventIDs []string `json:"event_ids"`
}

// Explained is what looked suspicious and was not reported.
type Explained struct {
	User      string          `json:"user"`
	Because   string          `json:"because"`
	SourceIPs []string        `json:"source_ips"`
	Signals   json.RawMessage `json:"signals"`
}

// Key is the answer key of a tenant.
type Key struct {
	Seed      uint64     `json:"seed"`
	Incidents []Incident `json:"incidents"`
	Benign    []struct {
		User       string `json:"user"`
		Population string `json:"population"`
	} `json:"benign"`
}

// Incident is one attack with all the rows that it left.
type Incident struct {
	ID         string              `json:"id"`
	User       string              `json:"user"`
	Scenario   string              `json:"scenario"`
	Difficulty string              `json:"difficulty"`
	Detectable bool                `json:"detectable"`
	SourceIPs  []string            `json:"source_ips"`
	First      time.Time           `json:"first"`
	Last       time.Time           `json:"last"`
	EventIDs   map[string][]string `json:"event_ids"` // by table
}

// Read decodes the two documents that are compared.
func Read(hunt, key []byte) (*Hunt, *Key, error) {
	var h Hunt
	if err := json.Unmarshal(hunt, &h); err != nil {
		return nil, nil, fmt.Errorf("read the result of the hunt: %w", err)
	}
	var k Key
	if err := json.Unmarshal(key, &k); err != nil {
		return nil, nil, fmt.Errorf("read the answer key: %w", err)
	}
	return &h, &k, nil
}
