// Package tables holds the canonical tables as data: one YAML file each, with the column names and KQL types that
// Azure Monitor documents; and the views of them under the names that other products give the same events.
package tables

import "embed"

// FS holds the table files.
//
//go:embed *.yaml
var FS embed.FS

// Views holds the views: one KQL file each, whose name is the view's.
//
//go:embed views/*.kql
var Views embed.FS
