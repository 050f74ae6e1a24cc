// Package kql is the language's only door: it turns KQL text into DuckDB SQL, or into diagnostics that say where and
// why not. It knows nothing of Entra, of files or of the database's driver.
package kql

import (
	"slices"
	"time"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// Request is one query as a user or a hunt asks it.
type Request struct {
	Source *diag.Source
	// Params are the values of `declare query_parameters`, as KQL literals by name.
	Params map[string]string
	// AsOf is what now() means; the zero value means the engine's own anchor.
	AsOf time.Time
	// Careful makes of results beyond the range of their type what Kusto does: a sum of longs begins anew at the other end, a
	// datetime is null. It costs time; without it the query fails on the first.
	Careful bool
}

// Declares reports whether the text declares a query parameter of this name, so that a value can be given to it; where a
// statement could not be read, it may.
// https://learn.microsoft.com/kusto/query/query-parameters-statement
func Declares(src *diag.Source, name string) bool {
	script, _ := syntax.Parse(src)
	for _, st := range script.Statements {
		if d, ok := st.(*syntax.DeclareParams); ok && slices.ContainsFunc(d.Params, func(p syntax.Param) bool { return p.Name.Name == name }) {
			return true
		}
	}
	return script.Partial
}

// Rows is a result: Kusto's column names and types, and the cells by row.
type Rows struct {
	Columns []schema.Column
	Rows    [][]schema.Value
	// Notes are remarks for the reader, such as an ignored operator.
	Notes []string
	// Tables are those that the query names, each once.
	Tables []string
}
