// Package investigation owns the single result of a run: what the evidence was, what it shows and what it cannot
// show. Every output renders this one value and computes nothing of its own.
package investigation

import (
	"encoding/json"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
)

// schemaVersion is the version of the JSON that Investigation marshals to.
const schemaVersion = 1

// Investigation is the result of `hunt`.
type Investigation struct {
	SchemaVersion    int                 `json:"schema_version"`
	ToolVersion      string              `json:"tool_version"`
	AsOf             time.Time           `json:"as_of"`
	AsOfSource       string              `json:"as_of_source"` // what AsOf was taken from, in words
	Tenant           Tenant              `json:"tenant"`
	Prior            finding.Prior       `json:"prior"` // what the scores assume of a user beforehand
	Evidence         Evidence            `json:"evidence"`
	Visibility       Visibility          `json:"visibility"`
	Findings         []finding.Finding   `json:"findings"`
	Campaigns        []Campaign          `json:"campaigns"`
	Explained        []finding.Explained `json:"explained"`
	UsersNotAssessed []NotAssessed       `json:"users_not_assessed"`
	Profiles         []Profile           `json:"profiles"` // of users with a finding
	Hunts            []HuntRun           `json:"hunts"`
	Indicators       []IndicatorHit      `json:"indicators"`      // of the list given, those that occur in the evidence
	Steps            []Step              `json:"steps,omitempty"` // of `investigate`
}

// Evidence accounts for every file and table.
type Evidence struct {
	Files    []File   `json:"files"`
	Tables   []Table  `json:"tables"`
	Warnings []string `json:"warnings"`
}

// File is one file of evidence: read = loaded + duplicate + rejected.
type File struct {
	Path          string           `json:"path"`
	SHA256        string           `json:"sha256"`
	Bytes         int64            `json:"bytes"`
	Shape         string           `json:"shape"`
	Tables        map[string]int64 `json:"tables"`
	RowsRead      int64            `json:"rows_read"`
	RowsLoaded    int64            `json:"rows_loaded"`
	RowsDuplicate int64            `json:"rows_duplicate"`
	RowsRejected  int64            `json:"rows_rejected"`
	Rejects       []RejectReason   `json:"rejects"`
	Error         string           `json:"error,omitempty"` // why the file as a whole could not be read
}

// RejectReason counts rejected rows of one kind. The manifest of a case says the same with names of its own; both are
// published.
type RejectReason struct {
	Code   string `json:"code"`   // unsupported_table, invalid_json, wrong_cell_count, ...
	Reason string `json:"reason"` // of the first one
	Count  int64  `json:"count"`
	First  int64  `json:"first_row"` // its line or record number
}

// Table is what the evidence has of one canonical table.
type Table struct {
	Table string    `json:"table"`
	Rows  int64     `json:"rows"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Users int64     `json:"users"`
	Gaps  []Gap     `json:"gaps"`
}

// Gap is a time without any row, longer than six hours.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Visibility is the counterfactual: what SigninLogs alone would have shown.
type Visibility struct {
	InteractiveEvents                int64   `json:"interactive_events"`
	NonInteractiveEvents             int64   `json:"noninteractive_events"`
	Ratio                            float64 `json:"ratio"`
	FindingsVisibleInSigninLogsAlone int     `json:"findings_visible_in_signinlogs_alone"`
	AttackerEvents                   int64   `json:"attacker_events"`
	AttackerEventsInSigninLogs       int64   `json:"attacker_events_in_signinlogs"`
}

// Tenant says which context was given or learned.
type Tenant struct {
	Name              string   `json:"name"`
	CorporateNetworks []string `json:"corporate_networks"`
	NetworksSource    string   `json:"networks_source"` // given or learned, in words
	// IncidentWindow is when the incident was, as the tenant file says.
	IncidentWindow *Window `json:"incident_window,omitempty"`
}

// Window is a time, both ends included.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Campaign links users hit from the same infrastructure.
type Campaign struct {
	SourceIPs  []string `json:"source_ips"`
	Users      []string `json:"users"`
	FindingIDs []string `json:"finding_ids"`
}

// NotAssessed is a user about whom the evidence does not allow a statement.
type NotAssessed struct {
	User    string `json:"user"`
	Because string `json:"because"`
}

// Profile is what is normal for one user beside one finding, and the lanes of its timeline.
type Profile struct {
	FindingID   string      `json:"finding_id"`
	User        string      `json:"user"`
	UserID      string      `json:"user_id"`
	DailyMedian float64     `json:"daily_median"`
	DailyMax    int64       `json:"daily_max"`
	Apps        []string    `json:"apps"`
	Resources   []string    `json:"resources"`
	UserAgents  []string    `json:"user_agents"`
	Networks    []string    `json:"networks"`
	Hours       [24]int64   `json:"hours"` // non-interactive events before the activity, by hour of day (UTC)
	Timeline    []Point     `json:"timeline"`
	Deviation   []Deviation `json:"deviation"`
}

// Point is the activity of one network in one hour: what the swim-lanes draw.
type Point struct {
	Hour        time.Time `json:"hour"`
	IP          string    `json:"ip"`
	Interactive int64     `json:"interactive"`
	Silent      int64     `json:"silent"`
	Failed      int64     `json:"failed"`
	Attacker    int64     `json:"attacker"` // how many of them are the attacker's
}

// Deviation compares one measure before and during the activity.
type Deviation struct {
	Measure string  `json:"measure"`
	Before  float64 `json:"before"`
	During  float64 `json:"during"`
}

// IndicatorHit is an indicator of compromise that occurs in the sign-ins of a user.
type IndicatorHit struct {
	Kind      string          `json:"kind"` // ip, cidr, user_agent, app_id, session_id, token_id, device_id, or id for any of the last four
	Value     string          `json:"value"`
	User      string          `json:"user"`
	UserID    string          `json:"user_id"`
	Table     string          `json:"table"`
	Events    int64           `json:"events"`
	First     time.Time       `json:"first"`
	Last      time.Time       `json:"last"`
	Addresses json.RawMessage `json:"addresses"`
}

// Step is the answer to one step of the investigation of a user.
type Step struct {
	ID    string          `json:"id"`   // S00 to S17
	View  string          `json:"view"` // the question; `replaytrace explain VIEW` prints its KQL
	Title string          `json:"title"`
	Rows  json.RawMessage `json:"rows"` // objects, keyed by the view's columns
	// Head and Cells are the columns and rows that a page shows, as people read them.
	Head  []string   `json:"-"`
	Cells [][]string `json:"-"`
}

// HuntRun says what one hunt did in this run.
type HuntRun struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Signals int    `json:"signals"`
	Error   string `json:"error,omitempty"`
}
