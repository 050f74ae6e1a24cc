// Package finding owns the judgement: it fuses signals into findings, one per user and attacker activity. It is
// pure: no clock, no files, no SQL; the weights are data.
package finding

import (
	"fmt"
	"slices"
	"time"

	"github.com/replaytrace/replaytrace/internal/hunt"
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
	ID              string    `json:"id"`      // stable for the same evidence
	User            string    `json:"user"`    // user principal name
	UserID          string    `json:"user_id"` // object id in Entra ID
	HomeTenantID    string    `json:"home_tenant_id"`
	Verdict         Verdict   `json:"verdict"`          // how sure it is
	Score           int       `json:"score"`            // 100 times the probability under the learned Prior, rounded; below 80 where it is only suspicious, below 60 where it is so by the learned prior alone
	SourceIPs       []string  `json:"source_ips"`       // the attacker's addresses, sorted
	SessionIDs      []string  `json:"session_ids"`      // sessions that the attacker used, sorted
	AppIDs          []string  `json:"app_ids"`          // client applications that were used, sorted
	Resources       []string  `json:"resources"`        // display names of what tokens were issued for, sorted
	UserAgents      []string  `json:"user_agents"`      // sorted
	FirstSeen       time.Time `json:"first_seen"`       // the attacker's first row in any table
	LastSeen        time.Time `json:"last_seen"`        // the attacker's last row in any table
	DurationSeconds int64     `json:"duration_seconds"` // from FirstSeen to LastSeen
	// EarliestPossible and LatestPossible bound what FirstSeen and LastSeen prove: the theft lies between the beginning of
	// the stolen session, or of the evidence where that is unknown, and FirstSeen; the end between LastSeen and the first
	// sign that the token was dead, or AsOf.
	EarliestPossible   time.Time     `json:"earliest_possible"`
	LatestPossible     time.Time     `json:"latest_possible"`
	FirstSeenCensored  bool          `json:"first_seen_censored"`   // the activity may have begun before the evidence does
	OngoingAtAsOf      bool          `json:"ongoing_at_as_of"`      // LastSeen is less than two hours before AsOf
	BaselineDays       int           `json:"baseline_days"`         // days of the user's history before FirstSeen
	EventCount         int           `json:"event_count"`           // the attacker's sign-ins, each counted once; where none shows him, his rows of the other tables
	EventIDs           []string      `json:"event_ids"`             // the attacker's sign-in rows, sorted; events has those of the other tables
	Events             []Event       `json:"events"`                // the attacker's rows of all tables, and the user's own beside them
	Signals            []Signal      `json:"signals"`               // what speaks for a replayed token, the weightiest first
	Considered         []Considered  `json:"considered"`            // benign explanations that were weighed
	Persistence        []Persistence `json:"persistence"`           // what outlives the token
	Networks           []Network     `json:"networks"`              // the attacker's addresses by their first row
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
	Control  Role = "control"  // a change of the directory that a signal names or that came from the attacker's addresses, or a consent at the time
)

// Own reports whether the row is the user's own, which stands beside the attacker's for comparison.
func (r Role) Own() bool { return r == Root || r == Victim }

// Event is one row of the evidence that belongs to the finding, named by its own key and by its place.
type Event struct {
	Table       string    `json:"table"` // the canonical table
	Key         string    `json:"key"`   // the row's own id; <first 12 of the file's SHA-256>:<line> where it has none
	Time        time.Time `json:"time"`
	File        string    `json:"file"` // its path, as it was found
	Row         int64     `json:"row"`  // line or record number in File
	Role        Role      `json:"role"` // attacker; root, the user's own sign-in that began a session of his; victim, the user's own beside his; control, a change in the directory
	IP          string    `json:"ip,omitempty"`
	AppID       string    `json:"app_id,omitempty"`
	App         string    `json:"app,omitempty"`      // display name
	Resource    string    `json:"resource,omitempty"` // what the token was issued for; the request or operation in rows of other tables
	UserAgent   string    `json:"user_agent,omitempty"`
	SessionID   string    `json:"session_id,omitempty"`
	ResultType  string    `json:"result_type,omitempty"` // 0 is success
	Interactive bool      `json:"interactive,omitempty"` // a row of SigninLogs
}

// Signal is one hunt's contribution to a finding.
type Signal struct {
	ID       string   `json:"id"` // as `explain` takes it
	Title    string   `json:"title"`
	Family   string   `json:"family"`    // signals of one family repeat each other in part; their weights are capped together
	Weight   float64  `json:"weight"`    // log-likelihood ratio that counted, after the family's cap
	Strength string   `json:"strength"`  // conclusive, compelling, strong, moderate, weak or context
	Evidence string   `json:"evidence"`  // one sentence
	EventIDs []string `json:"event_ids"` // keys of the rows that prove it
	KQL      string   `json:"kql"`       // the whole query
	spots    []string // the presences all of whose rows prove it
}

// About lists the presences all of whose rows prove the signal; none when EventIDs says which do.
func (s *Signal) About() []string { return s.spots }

// Own is the part of the KQL that no other hunt shares.
func (s *Signal) Own() string { return hunt.Own(s.KQL) }

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
	Explanation string  `json:"explanation"` // name of the hunt that looks for it
	Outcome     Outcome `json:"outcome"`     // it does not hold (rejected), holds and was outweighed (undecided), or leaves nothing of a part (accepted)
	Because     string  `json:"because"`     // one sentence
}

// Persistence is something that outlives the stolen token: an application consented to in the window, for example.
type Persistence struct {
	Kind     string    `json:"kind"` // the audit log's name of the operation
	Name     string    `json:"name"` // display name of what was changed
	ID       string    `json:"id"`   // the application's id, or the object's
	Time     time.Time `json:"time"`
	Detail   string    `json:"detail"`    // from where, and how the application signed in with credentials of its own
	EventIDs []string  `json:"event_ids"` // ids of the rows in AuditLogs
}

// Network is one address of the attacker with its share of the activity.
type Network struct {
	IP              string    `json:"ip"`      // the address
	ASN             string    `json:"asn"`     // number of the autonomous system, as the export has it
	Country         string    `json:"country"` // as the export has it
	FirstSeen       time.Time `json:"first_seen"`
	LastSeen        time.Time `json:"last_seen"`
	DurationSeconds int64     `json:"duration_seconds"` // from FirstSeen to LastSeen
	EventCount      int       `json:"event_count"`      // the attacker's sign-ins there
	Apps            []string  `json:"apps"`             // display names, sorted
	Resources       []string  `json:"resources"`        // display names, sorted
}

// Explained is suspicious activity that a benign reading accounts for: no finding, but never hidden.
type Explained struct {
	User       string   `json:"user"`
	UserID     string   `json:"user_id"`
	Because    string   `json:"because"` // the explanations that hold, with their sentences
	SourceIPs  []string `json:"source_ips"`
	EventCount int      `json:"event_count"` // sign-ins that the signals name
	Signals    []string `json:"signals"`     // ids of the signals, sorted
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
