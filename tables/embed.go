// Package tables holds the canonical tables as data: one YAML file each, with the column names and KQL types that
// Azure Monitor documents.
package tables

import "embed"

// FS holds the table files.
//
//go:embed *.yaml
var FS embed.FS
