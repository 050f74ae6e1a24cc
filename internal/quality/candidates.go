package quality

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Candidate is one line of `hunt --candidates`: an activity that was weighed, whatever its score.
type Candidate struct {
	User    string   `json:"user"`
	UserID  string   `json:"user_id"`
	Spots   []string `json:"spots"`
	First   string   `json:"first"`
	Last    string   `json:"last"`
	Score   int      `json:"score"`
	LogOdds float64  `json:"log_odds"`
	Signals []Said   `json:"signals"`
	Benign  []Said   `json:"benign"`
	// Attack says that the activity holds a row of an attacker; it is ours, not the hunt's.
	Attack bool `json:"attack"`
}

// Said is what one hunt says of a candidate.
type Said struct {
	ID       string   `json:"id"`
	Family   string   `json:"family"`
	Strength string   `json:"strength"`
	Weight   float64  `json:"weight"`
	Evidence string   `json:"evidence,omitempty"`
	EventIDs []string `json:"event_ids,omitempty"`
}

// ReadCandidates reads the lines of `hunt --candidates`.
func ReadCandidates(text []byte) ([]Candidate, error) {
	var out []Candidate
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<28)
	for lines.Scan() {
		var c Candidate
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("read the candidates, line %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	return out, lines.Err()
}

// Place is one presence of a user, as the hunts name it.
type Place struct{ UserID, Spot string }

// Label tells which candidates are attacks: those that are about a place at which an attacker was, and those of whose
// proof a row is an attacker's.
func Label(candidates []Candidate, places []Place, k *Key) {
	his := map[Place]bool{}
	for _, p := range places {
		his[p] = true
	}
	labelled := map[string]bool{}
	for _, id := range k.Labelled() {
		labelled[id] = true
	}
	for i := range candidates {
		c := &candidates[i]
		c.Attack = slices.ContainsFunc(c.Spots, func(s string) bool { return his[Place{c.UserID, s}] }) ||
			slices.ContainsFunc(c.Signals, func(s Said) bool {
				return slices.ContainsFunc(s.EventIDs, func(id string) bool { return labelled[id] })
			})
	}
}

// Labelled are the ids of all rows of attackers, sorted.
func (k *Key) Labelled() []string {
	var out []string
	for _, incident := range k.Incidents {
		for _, ids := range incident.EventIDs {
			out = append(out, ids...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Sample is what the calibration needs of one tenant: how many people it has, how many of them were attacked, and every
// activity that was weighed.
type Sample struct {
	Seed       uint64      `json:"seed"`
	Users      int         `json:"users"`
	Days       float64     `json:"days"`
	Incidents  int         `json:"incidents"`
	Victims    []string    `json:"victims"` // the users who were attacked
	Candidates []Candidate `json:"candidates"`
}

// Sample makes the sample of a run; the words and ids of the statements are left out.
func (r *Run) Sample() Sample {
	s := Sample{Seed: r.Seed, Users: r.Users, Days: rounded(r.Days), Incidents: len(r.Incidents)}
	for i := range r.Incidents {
		s.Victims = append(s.Victims, r.Incidents[i].User)
	}
	for _, c := range r.Candidates {
		c.Signals, c.Benign = brief(c.Signals), brief(c.Benign)
		s.Candidates = append(s.Candidates, c)
	}
	return s
}

func brief(said []Said) []Said {
	out := make([]Said, len(said))
	for i, s := range said {
		s.Evidence, s.EventIDs = "", nil
		out[i] = s
	}
	return out
}
