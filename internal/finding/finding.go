// Package finding owns the judgement: it fuses signals into findings, one per user and attacker activity. It is
// pure: no clock, no files, no SQL; the weights are data.
package finding

import (
	"fmt"
	"slices"
	"time"
)

// Verdict says how sure a finding is. The meanings are those of the command line's contract.
type Verdict string

// The verdicts.
const (
	Confirmed  Verdict = "confirmed"
	Likely     Verdict = "likely"
	Suspicious Verdict = "suspicious"
)

// Verdicts lists the verdicts, the surest first.
var Verdicts = []Verdict{Confirmed, Likely, Suspicious}

// AtLeast reports whether a verdict is as sure as another one, or surer.
func (v Verdict) AtLeast(other Verdict) bool {
	return slices.Index(Verdicts, v) <= slices.Index(Verdicts, other)
}

// Finding is one user and one attacker activity: networks and sessions that belong together, with the proof.
type Finding struct {
	ID              string    `json:"id"` // stable for the same evidence
	User            string    `json:"user"`
	UserID          string    `json:"user_id"`
	HomeTenantID    string    `json:"home_tenant_id"`
	Verdict         Verdict   `json:"verdict"`
	Score           int       `json:"score"` // 100 times the probability under the learned Prior, rounded; below 80 where it is only suspicious
	SourceIPs       []string  `json:"source_ips"`
	SessionIDs      []string  `json:"session_ids"`
	AppIDs          []string  `json:"app_ids"`
	Resources       []string  `json:"resources"`
	UserAgents      []string  `json:"user_agents"`
	FirstSeen       time.Time `json:"first_seen"`
	LastSeen        time.Time `json:"last_seen"`
	DurationSeconds int64     `json:"duration_seconds"`
	// EarliestPossible and LatestPossible bound what FirstSeen and LastSeen prove: the theft lies between the beginning of
	// the stolen session, or of the evidence where that is unknown, and FirstSeen; the end between LastSeen and the first
	// sign that the token was dead, or AsOf.
	EarliestPossible   time.Time     `json:"earliest_possible"`
	LatestPossible     time.Time     `json:"latest_possible"`
	FirstSeenCensored  bool          `json:"first_seen_censored"` // the activity may have begun before the evidence does
	OngoingAtAsOf      bool          `json:"ongoing_at_as_of"`
	BaselineDays       int           `json:"baseline_days"` // days of the user's history before FirstSeen
	EventCount         int           `json:"event_count"`
	EventIDs           []string      `json:"event_ids"` // the attacker's sign-in rows, sorted
	Events             []Event       `json:"events"`
	Signals            []Signal      `json:"signals"`
	Considered         []Considered  `json:"considered"`
	Persistence        []Persistence `json:"persistence"`
	Networks           []Network     `json:"networks"`
	VisibleInSigninLog int           `json:"visible_in_signinlogs"` // attacker rows that SigninLogs alone would show
	Summary            string        `json:"summary"`               // one sentence an analyst can paste
	// Spots are the presences that make it up: a network with one device and one kind of client, as the hunts name them.
	Spots []string `json:"spots"`
}

// Role says what an event is to the finding.
type Role string

// The roles of an Event.
const (
	Attacker Role = "attacker" // done with the token
	Root     Role = "root"     // the user's own sign-in that began a session which the attacker holds
	Victim   Role = "victim"   // the user's own in such a session, the last before the attacker came and the first after
	Control  Role = "control"  // a change of the directory from the attacker's addresses, or a consent at the time
)

// Own reports whether the row is the user's own, which stands beside the attacker's for comparison.
func (r Role) Own() bool { return r == Root || r == Victim }

// Event is one row of the evidence that belongs to the finding, named by its own key and by its place.
type Event struct {
	Table       string    `json:"table"`
	Key         string    `json:"key"`
	Time        time.Time `json:"time"`
	File        string    `json:"file"`
	Row         int64     `json:"row"`  // line or record number in File
	Role        Role      `json:"role"` // the attacker's; the user's own sign-in that began the session (root), or beside the attacker's (victim); a change in the directory (control)
	IP          string    `json:"ip,omitempty"`
	AppID       string    `json:"app_id,omitempty"`
	App         string    `json:"app,omitempty"`
	Resource    string    `json:"resource,omitempty"`
	UserAgent   string    `json:"user_agent,omitempty"`
	SessionID   string    `json:"session_id,omitempty"`
	ResultType  string    `json:"result_type,omitempty"`
	Interactive bool      `json:"interactive,omitempty"`
}

// Signal is one hunt's contribution to a finding.
type Signal struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Family   string   `json:"family"`
	Weight   float64  `json:"weight"` // log-likelihood ratio that counted, after the family's cap
	Strength string   `json:"strength"`
	Evidence string   `json:"evidence"` // one sentence
	EventIDs []string `json:"event_ids"`
	KQL      string   `json:"kql"`
	spots    []string // the presences all of whose rows prove it
}

// About lists the presences all of whose rows prove the signal; none when EventIDs says which do.
func (s *Signal) About() []string { return s.spots }

// Outcome is what became of a benign explanation.
type Outcome string

// The outcomes of a Considered explanation.
const (
	Rejected  Outcome = "rejected"  // it does not hold
	Accepted  Outcome = "accepted"  // it leaves nothing of what it speaks of; the finding stands on the rest
	Undecided Outcome = "undecided" // it holds and speaks against the finding, but does not outweigh it
)

// Considered is one benign explanation that was weighed.
type Considered struct {
	Explanation string  `json:"explanation"`
	Outcome     Outcome `json:"outcome"` // it does not hold (rejected), holds and was outweighed (undecided), or leaves nothing of a part (accepted)
	Because     string  `json:"because"`
}

// Persistence is something that outlives the stolen token: an application consented to in the window, for example.
type Persistence struct {
	Kind     string    `json:"kind"`
	Name     string    `json:"name"`
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Detail   string    `json:"detail"`
	EventIDs []string  `json:"event_ids"`
}

// Network is one address of the attacker with its share of the activity.
type Network struct {
	IP              string    `json:"ip"`
	ASN             string    `json:"asn"`
	Country         string    `json:"country"`
	FirstSeen       time.Time `json:"first_seen"`
	LastSeen        time.Time `json:"last_seen"`
	DurationSeconds int64     `json:"duration_seconds"`
	EventCount      int       `json:"event_count"`
	Apps            []string  `json:"apps"`
	Resources       []string  `json:"resources"`
}

// Explained is suspicious activity that a benign reading accounts for: no finding, but never hidden.
type Explained struct {
	User       string   `json:"user"`
	UserID     string   `json:"user_id"`
	Because    string   `json:"because"`
	SourceIPs  []string `json:"source_ips"`
	EventCount int      `json:"event_count"`
	Signals    []string `json:"signals"`
}

// Length is a number of seconds as people say it: 9d 4h, 3h 20m, 4m 10s, 45s.
func Length(seconds int64) string {
	d, h, m := seconds/86400, seconds/3600%24, seconds/60%60
	switch {
	case d > 0:
		return fmt.Sprintf("%dd %dh", d, h)
	case h > 0:
		return fmt.Sprintf("%dh %dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm %ds", m, seconds%60)
	}
	return fmt.Sprintf("%ds", seconds)
}
