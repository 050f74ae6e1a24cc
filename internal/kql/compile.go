package kql

import (
	"fmt"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/sqlgen"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// Catalog is what a query may read: tables and watchlists by name.
type Catalog = plan.Catalog

// Compiled is a query that has been checked, with its SQL.
type Compiled struct {
	SQL     string
	Columns []schema.Column
	Notes   []string
	// Visualization is what `render` asked for, "" without one.
	Visualization string
}

// Compile checks a query against the catalog and lowers it to DuckDB SQL. asOf is what now() means. The error is a
// *diag.List when the user's text is at fault.
func Compile(request Request, catalog Catalog, asOf schema.Ticks) (compiled *Compiled, err error) {
	defer func() {
		if r := recover(); r != nil {
			compiled, err = nil, fmt.Errorf("internal error in the KQL compiler: %v (the query: %q)", r, request.Source.Text)
		}
	}()
	script, list := syntax.Parse(request.Source)
	if err := list.Err(); err != nil {
		return nil, err
	}
	if !request.AsOf.IsZero() {
		asOf = schema.TicksOf(request.AsOf)
	}
	p, err := plan.Bind(request.Source, script, plan.Options{Catalog: catalog, Now: asOf, Params: request.Params})
	if err != nil {
		return nil, err
	}
	sql, err := sqlgen.Generate(p)
	if err != nil {
		refused := &diag.List{Source: request.Source}
		refused.Add(diag.Diagnostic{Kind: diag.Unsupported, Span: script.Span(), Message: err.Error()})
		return nil, refused
	}
	c := &Compiled{SQL: sql, Notes: p.Notes, Visualization: p.Visualization}
	for _, col := range p.Columns {
		c.Columns = append(c.Columns, schema.Column{Name: col.Name, Type: col.Type})
	}
	return c, nil
}

// Macros are the SQL macros that compiled queries call; the engine creates each once.
func Macros() []string { return function.Macros() }

// Scalar is a function in Go that compiled queries call; the engine registers each once.
type Scalar = function.Scalar

// Scalars lists the functions in Go.
func Scalars() []Scalar { return function.Scalars() }
