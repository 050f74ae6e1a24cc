package finding

import "fmt"

// Prior is what is believed of any user before the user's own evidence is weighed. It is stated for an average tenant; a
// case in which many are compromised is none, so it is learned from the case: the stated prior p counts like the knowledge
// of 1/p users of whom one was compromised, and the case's users are added to them (the mean of a beta distribution).
type Prior struct {
	Stated  float64 `json:"stated"`  // probability per user and case, as --prior gives it
	Learned float64 `json:"learned"` // the same after the case; Stated where the evidence is partial, and never below it
	Users   int64   `json:"users"`   // people in the evidence
	// Compromised are those of them who have an activity that is likely or above under the stated prior.
	Compromised int `json:"compromised"`
}

// Learn returns the prior after a case of so many users in which the candidates were weighed.
func Learn(candidates []Candidate, users int64, w Weights) Prior {
	type person struct{ tenant, id string }
	compromised := map[person]bool{}
	for i := range candidates {
		if c := &candidates[i]; c.Score() >= w.Verdicts.Likely {
			compromised[person{c.HomeTenantID, c.UserID}] = true
		}
	}
	p := Prior{Stated: Probability(w.Prior), Users: max(users, int64(len(compromised))), Compromised: len(compromised)}
	p.Learned = p.Stated
	if p.Compromised > 1 { // a single one is the case at hand, and says nothing of the others
		p.Learned = max(p.Stated, (1+float64(p.Compromised))/(1/p.Stated+float64(p.Users)))
	}
	return p
}

// raise is what the case adds to the log-odds of every candidate.
func (p Prior) raise() float64 { return LogOdds(p.Learned) - LogOdds(p.Stated) }

// String says it in a sentence.
func (p Prior) String() string {
	if p.Learned == p.Stated {
		return fmt.Sprintf("Scores take one user in %.0f for compromised beforehand.", 1/p.Stated)
	}
	return fmt.Sprintf("Scores take one user in %.0f for compromised beforehand: one in %.0f as stated, and %d of the %d users here are likely to be.", 1/p.Learned, 1/p.Stated, p.Compromised, p.Users)
}
