// Package hunt owns rule files: it loads Sentinel analytics rules, runs their KQL on an Engine and reads the rows as
// signals. It judges nothing.
package hunt

import (
	"context"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql"
)

// Engine answers KQL: an embedded case or a remote cluster.
type Engine interface {
	Query(ctx context.Context, request kql.Request) (*kql.Rows, error)
}

// Signal is one row that a hunt returned: what a user's account did, from where, and which rows prove it.
type Signal struct {
	Hunt         *Hunt
	HomeTenantID string
	UserID       string
	User         string // UserPrincipalName, a label
	IP           string // "" when the signal is about the user as a whole
	SessionIDs   []string
	AppIDs       []string
	Resources    []string
	UserAgents   []string
	First, Last  time.Time
	Count        int64
	EventIDs     []string // Ids of sign-in rows, sorted; empty when the proof lies in another table
	Evidence     string   // one sentence, made in KQL
}

// Hunt is one rule file.
type Hunt struct {
	// ID is the rule's GUID; Signal is the short id that users see, such as ua-script-library.
	ID, Signal string
	// Name, Description, Severity, Tactics and Techniques are the analytics rule's own fields.
	Name, Description, Severity string
	Tactics, Techniques         []string
	// Query is the KQL; QueryLine is the line of the YAML file at which it begins.
	Query     string
	QueryLine int
	// Path is the file, relative to the folder of hunts.
	Path string
	// Role says what the rows are: a signal, a benign explanation, or context for the report.
	Role Role
	// Family groups hunts that see the same fact from different sides; Strength is in the catalogue's words.
	Family, Strength string
	// FalsePositives and Sources document the hunt.
	FalsePositives, Sources []string
}

// Role is what the rows of a hunt mean.
type Role string

// The roles of a Hunt.
const (
	RoleSignal      Role = "signal"
	RoleExplanation Role = "explanation"
	RoleContext     Role = "context"
)
