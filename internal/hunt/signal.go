// Package hunt owns rule files: it loads Sentinel analytics rules, runs their KQL on an Engine and reads the rows as
// signals. It judges nothing.
package hunt

import (
	"context"
	"fmt"
	"slices"
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
	// Spots are the presences that the signal is about: a network with one device and one kind of client, as the KQL
	// names them. Signals of one user that share a spot are about one activity. Empty: about the user as a whole.
	Spots []string
	// Strength is the hunt's, or what the row says of itself.
	Strength    Strength
	SessionIDs  []string
	AppIDs      []string
	Resources   []string
	UserAgents  []string
	First, Last time.Time
	Count       int64
	EventIDs    []string // Ids of the rows that prove it, sorted; empty: all rows of its spots
	Evidence    string   // one sentence, made in KQL
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
	// Role says what the rows are.
	Role Role
	// Family groups hunts that see the same fact from different sides; the weights bound what those of a signal can add.
	Family string
	// Strength is that of the rows which say none of their own.
	Strength Strength
	// Otherwise says of an explanation why it does not hold where it finds nothing.
	Otherwise string
	// FalsePositives and Sources document the hunt.
	FalsePositives, Sources []string
}

// Role is what the rows of a hunt mean.
type Role string

// The roles of a Hunt.
const (
	RoleSignal      Role = "signal"      // speaks for a replayed token
	RoleExplanation Role = "explanation" // speaks against one
	RoleLink        Role = "link"        // says which spots of a user are one holder's; weighs nothing
	RoleContext     Role = "context"     // is for people to read; weighs nothing, and its rows have any columns
)

// Strength is how much a hunt says by what it sees, in the catalogue's words. The fusion has their numbers.
type Strength string

// The strengths.
const (
	Excluding  Strength = "excluding" // leaves nothing of what signals say
	Conclusive Strength = "conclusive"
	Compelling Strength = "compelling" // all but conclusive
	Strong     Strength = "strong"
	Moderate   Strength = "moderate"
	Weak       Strength = "weak"
	Contextual Strength = "context" // worth a line in the report, and no weight
)

// Strengths are those that rows of the role may have, the weightiest first; none where rows are not weighed.
func (r Role) Strengths() []Strength {
	switch r {
	case RoleSignal:
		return []Strength{Conclusive, Compelling, Strong, Moderate, Weak, Contextual}
	case RoleExplanation:
		return []Strength{Excluding, Strong, Moderate, Weak, Contextual}
	}
	return nil
}

// admits is nil where rows of the role may have the strength: a word without a number would weigh nothing unnoticed.
func (r Role) admits(s Strength) error {
	if all := r.Strengths(); all != nil && !slices.Contains(all, s) {
		return fmt.Errorf("the strength of a %s is one of %q, not %q", r, all, s)
	}
	return nil
}
