// Package quality owns the measuring of the detection: it compares the JSON that `hunt` prints with the answer key of a
// synthetic tenant. It reads these two documents and shares no code with what it judges.
package quality

import (
	"slices"
	"time"
)

// verdictNames are the thresholds, strongest first: a threshold admits the findings of its verdict and of those before it.
var verdictNames = []string{"confirmed", "likely", "suspicious"}

// userSignIns are the tables whose rows a finding's event_ids may name.
var userSignIns = []string{"SigninLogs", "AADNonInteractiveUserSignInLogs"}

// Run is one tenant, judged.
type Run struct {
	Seed      uint64
	Users     int
	Days      float64 // that the evidence spans
	Rows      int64
	Incidents []Attack
	Findings  []Accusation // in the order of the list
	Hunt      *Hunt
	// Candidates are all activities that were weighed, labelled; may be empty.
	Candidates []Candidate
}

// Attack is an incident and what was found of it.
type Attack struct {
	Incident
	At []Match // by threshold, as in verdictNames
}

// Match is what the findings at or above a threshold say of an incident. A finding belongs to it when it names at least
// one of its rows as the attacker's.
type Match struct {
	Found bool
	// Precision is the share of the named sign-in rows that are the incident's, Recall the share of its sign-in rows that
	// are named.
	Precision, Recall float64
	// FirstError and LastError are how far the activity's bounds lie from the true ones, FirstSignal how long after the
	// first row of the attack the first row lies that is itself a reason; Reasoned says that there is one.
	FirstError, LastError, FirstSignal time.Duration
	Reasoned                           bool
}

// Accusation is a finding and whether it is true.
type Accusation struct {
	*Finding
	Incidents  []int  // indexes in Run.Incidents, empty when no labelled row is named
	Population string // of the user: what makes the benign one hard, or the scenario that hit the user elsewhere
}

// True reports whether the finding names a row of an attacker.
func (a *Accusation) True() bool { return len(a.Incidents) > 0 }

// Judge compares the findings of one tenant with its answer key.
func Judge(h *Hunt, k *Key) Run {
	r := Run{Seed: k.Seed, Hunt: h}
	users, owner := map[string]string{}, map[string][]int{}
	for _, b := range k.Benign {
		users[b.User] = b.Population
	}
	for i, incident := range k.Incidents {
		if _, listed := users[incident.User]; !listed {
			users[incident.User] = "victim of " + incident.Scenario
		}
		for _, ids := range incident.EventIDs {
			for _, id := range ids {
				owner[id] = append(owner[id], i)
			}
		}
	}
	r.Users = len(users)
	r.span()
	for i := range h.Findings {
		r.Findings = append(r.Findings, accuse(&h.Findings[i], owner, users))
	}
	for i := range k.Incidents {
		attack := Attack{Incident: k.Incidents[i], At: make([]Match, len(verdictNames))}
		for t := range verdictNames {
			attack.At[t] = r.match(i, &k.Incidents[i], t)
		}
		r.Incidents = append(r.Incidents, attack)
	}
	return r
}

// span sums the evidence up: how many rows over how many days.
func (r *Run) span() {
	var first, last time.Time
	for _, t := range r.Hunt.Evidence.Tables {
		r.Rows += t.Rows
		if !slices.Contains(userSignIns, t.Table) {
			continue
		}
		if first.IsZero() || t.First.Before(first) {
			first = t.First
		}
		if t.Last.After(last) {
			last = t.Last
		}
	}
	r.Days = last.Sub(first).Hours() / 24
}

// rows are the rows that a finding calls the attacker's: sign-ins, and what it lists of other tables by their own key.
func rows(f *Finding) []string {
	out := slices.Clone(f.EventIDs)
	for _, e := range f.Events {
		if !slices.Contains(userSignIns, e.Table) {
			out = append(out, e.Key)
		}
	}
	return out
}

func accuse(f *Finding, owner map[string][]int, users map[string]string) Accusation {
	a := Accusation{Finding: f, Population: users[f.User]}
	for _, id := range rows(f) {
		for _, i := range owner[id] {
			if !slices.Contains(a.Incidents, i) {
				a.Incidents = append(a.Incidents, i)
			}
		}
	}
	slices.Sort(a.Incidents)
	return a
}

// admits reports whether a threshold, as an index of verdictNames, lets a verdict through.
func admits(threshold int, verdict string) bool {
	return slices.Contains(verdictNames[:threshold+1], verdict)
}

func (r *Run) match(index int, incident *Incident, threshold int) Match {
	var m Match
	all, own := labelled(incident)
	named, reasons := map[string]bool{}, map[string]bool{}
	times := map[string]time.Time{}
	var first, last time.Time
	for i := range r.Findings {
		f := &r.Findings[i]
		if !admits(threshold, f.Verdict) || !slices.Contains(f.Incidents, index) {
			continue
		}
		if !m.Found || f.FirstSeen.Before(first) {
			first = f.FirstSeen
		}
		if !m.Found || f.LastSeen.After(last) {
			last = f.LastSeen
		}
		m.Found = true
		for _, id := range f.EventIDs {
			named[id] = true
		}
		for _, e := range f.Events {
			times[e.Key] = e.Time
		}
		for _, s := range f.Signals {
			for _, id := range s.EventIDs {
				reasons[id] = true
			}
		}
	}
	if !m.Found {
		return m
	}
	m.FirstError, m.LastError = first.Sub(incident.First).Abs(), last.Sub(incident.Last).Abs()
	m.Precision, m.Recall = overlap(named, own)
	m.FirstSignal, m.Reasoned = earliest(reasons, all, times, incident.First)
	return m
}

// labelled returns all rows of an incident, and those that event_ids can name. An incident that no user's sign-in shows
// is measured by its sign-ins no further.
func labelled(incident *Incident) (all, own map[string]bool) {
	all, own = map[string]bool{}, map[string]bool{}
	for table, ids := range incident.EventIDs {
		for _, id := range ids {
			all[id] = true
			if slices.Contains(userSignIns, table) {
				own[id] = true
			}
		}
	}
	return all, own
}

// overlap returns which share of named is true and which share of the truth is named; of nothing, all.
func overlap(named, truth map[string]bool) (precision, recall float64) {
	both := 0
	for id := range named {
		if truth[id] {
			both++
		}
	}
	return share(both, len(named)), share(both, len(truth))
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// earliest is how long after a time the first labelled row lies that is a reason; the rows' times are those that the
// finding states. Where no such row is one, signals speak of other rows only.
func earliest(reasons, truth map[string]bool, times map[string]time.Time, from time.Time) (after time.Duration, ok bool) {
	var first time.Time
	for id := range reasons {
		if at, ok := times[id]; ok && truth[id] && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		return 0, false
	}
	return first.Sub(from), true
}
