// Package hunts holds the hunts as data: Sentinel analytics rules in YAML with their KQL, one file each.
package hunts

import "embed"

// FS holds the rule files by tactic.
//
//go:embed */*.yaml
var FS embed.FS
