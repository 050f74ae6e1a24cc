// Package formats holds the evidence shapes as data: one YAML file each, with how the shape is recognised by content
// and how its columns are named.
package formats

import "embed"

// FS holds the shape files.
//
//go:embed *.yaml
var FS embed.FS
