// Package hunts holds the hunts as data: Sentinel analytics rules in YAML with their KQL, one file each, and the
// functions whose text they begin with.
package hunts

import "embed"

// FS holds the rule files by tactic.
//
//go:embed */*.yaml
var FS embed.FS

// Functions holds the KQL that several hunts share: the activity of users, their presences and footprints. A rule names
// those it needs in its first line and carries a copy of their text, so that it runs alone in Sentinel.
//
//go:embed functions/*.part
var Functions embed.FS

// Views holds the questions behind the single steps, such as `coverage` and `timeline`: <command>.<part>.kql each, whose
// first line is a title.
//
//go:embed views/*.kql
var Views embed.FS
