// Package investigation owns the single result of a run: what the evidence was, what it shows and what it cannot
// show. Every output renders this one value and computes nothing of its own.
package investigation

import (
	"encoding/json"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/view"
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

// File is one file of evidence: read = loaded + duplicate + rejected. The manifest of a case gives the same account with names
// of its own (casefile.FileReport, RejectCount); both are published.
type File struct {
	Path          string           `json:"path"` // as it was found
	SHA256        string           `json:"sha256"`
	Bytes         int64            `json:"bytes"`  // of the file
	Shape         string           `json:"shape"`  // the form of evidence that it was recognised as: docs/evidence.md
	Tables        map[string]int64 `json:"tables"` // rows by table, before copies are folded
	RowsRead      int64            `json:"rows_read"`
	RowsLoaded    int64            `json:"rows_loaded"`    // rows that stand in the tables
	RowsDuplicate int64            `json:"rows_duplicate"` // copies, folded into another row
	RowsRejected  int64            `json:"rows_rejected"`  // set aside, with a reason in the table RejectedRows
	Rejects       []RejectReason   `json:"rejects"`
	Error         string           `json:"error,omitempty"` // why the file as a whole could not be read
}

// RejectReason counts rejected rows of one kind.
type RejectReason struct {
	Code   string `json:"code"`   // unsupported_table, invalid_json, wrong_cell_count, ...
	Reason string `json:"reason"` // of the first one
	Count  int64  `json:"count"`
	First  int64  `json:"first_row"` // its line or record number
}

// Table is what the evidence has of one canonical table.
type Table struct {
	Table string    `json:"table"` // its name
	Rows  int64     `json:"rows"`  // without copies
	First time.Time `json:"first"` // time of the first event
	Last  time.Time `json:"last"`  // time of the last event
	Users int64     `json:"users"`
	Gaps  []Gap     `json:"gaps"` // times without any row
}

// Gap is a time without any row, longer than six hours.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Visibility is the counterfactual: what SigninLogs alone would have shown.
type Visibility struct {
	InteractiveEvents                int64   `json:"interactive_events"`                   // rows of SigninLogs
	NonInteractiveEvents             int64   `json:"noninteractive_events"`                // rows of AADNonInteractiveUserSignInLogs
	Ratio                            float64 `json:"ratio"`                                // non-interactive rows for each interactive one, to one decimal
	FindingsVisibleInSigninLogsAlone int     `json:"findings_visible_in_signinlogs_alone"` // findings of which SigninLogs has at least one row
	AttackerEvents                   int64   `json:"attacker_events"`                      // the attackers' sign-ins of all findings
	AttackerEventsInSigninLogs       int64   `json:"attacker_events_in_signinlogs"`        // those of them in SigninLogs
}

// Tenant says which context was given or learned.
type Tenant struct {
	Name              string   `json:"name"`               // as the tenant file says
	CorporateNetworks []string `json:"corporate_networks"` // as CIDR, or as addresses
	NetworksSource    string   `json:"networks_source"`    // given or learned, in words
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
	SourceIPs  []string `json:"source_ips"` // the address that they share
	Users      []string `json:"users"`
	FindingIDs []string `json:"finding_ids"` // their findings, in the order of Users
}

// NotAssessed is a user about whom the evidence does not allow a statement.
type NotAssessed struct {
	User    string `json:"user"`    // name or object id
	Because string `json:"because"` // one sentence
}

// Profile is what is normal for one user beside one finding, and the lanes of its timeline.
type Profile struct {
	FindingID   string      `json:"finding_id"`
	User        string      `json:"user"`
	UserID      string      `json:"user_id"`
	DailyMedian float64     `json:"daily_median"` // silent sign-ins on the median day before the activity
	DailyMax    int64       `json:"daily_max"`    // silent sign-ins on the busiest day before it
	Apps        []string    `json:"apps"`         // ids of the applications before the activity, sorted
	Resources   []string    `json:"resources"`    // before the activity, sorted
	UserAgents  []string    `json:"user_agents"`  // before the activity, sorted
	Networks    []string    `json:"networks"`     // addresses before the activity, sorted
	Hours       [24]int64   `json:"hours"`        // non-interactive events before the activity, by hour of day (UTC)
	Timeline    []Point     `json:"timeline"`     // the points of the chart
	Deviation   []Deviation `json:"deviation"`    // how the activity differs
}

// Point is the activity of one network in one hour: what the swim-lanes draw.
type Point struct {
	Hour        time.Time `json:"hour"` // its beginning
	IP          string    `json:"ip"`
	Interactive int64     `json:"interactive"` // sign-ins in SigninLogs
	Silent      int64     `json:"silent"`      // sign-ins in AADNonInteractiveUserSignInLogs
	Failed      int64     `json:"failed"`      // sign-ins of either that failed
	Attacker    int64     `json:"attacker"`    // how many of them are the attacker's
}

// Deviation compares one measure before and during the activity.
type Deviation struct {
	Measure string  `json:"measure"` // in words
	Before  float64 `json:"before"`  // before the activity
	During  float64 `json:"during"`  // with the activity
}

// IndicatorHit is an indicator of compromise that occurs in the sign-ins of a user.
type IndicatorHit struct {
	Kind      string          `json:"kind"`  // ip, cidr, user_agent, app_id, session_id, token_id, device_id, or id for any of the last four
	Value     string          `json:"value"` // as the list has it
	User      string          `json:"user"`
	UserID    string          `json:"user_id"`
	Table     string          `json:"table"`  // the table of sign-ins
	Events    int64           `json:"events"` // rows that have it
	First     time.Time       `json:"first"`
	Last      time.Time       `json:"last"`
	Addresses json.RawMessage `json:"addresses"` // list of the addresses in these rows
}

// Step is the answer to one step of the investigation of a user.
type Step struct {
	ID    string          `json:"id"`   // S00 to S17
	View  string          `json:"view"` // the question; `replaytrace explain VIEW` prints its KQL
	Title string          `json:"title"`
	Rows  json.RawMessage `json:"rows"` // objects, keyed by the view's columns
	// Question is the view, and Answer what the evidence answered: what Rows, Head and Cells are rendered from.
	Question *view.View `json:"-"`
	Answer   *kql.Rows  `json:"-"`
	// Head and Cells are the columns and rows that a page shows, as people read them.
	Head  []string   `json:"-"`
	Cells [][]string `json:"-"`
}

// HuntRun says what one hunt did in this run.
type HuntRun struct {
	ID      string `json:"id"` // the hunt's signal
	Name    string `json:"name"`
	Signals int    `json:"signals"`         // rows that it returned
	Error   string `json:"error,omitempty"` // why it failed; the others went on
	Cause   error  `json:"-"`               // what Error tells
}
