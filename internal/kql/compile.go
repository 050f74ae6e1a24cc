package kql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/plan"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/sqlgen"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// Catalog is what a query may read: tables and watchlists by name.
type Catalog = plan.Catalog

// Explorer is a Catalog that can run SQL while a query is being compiled: the columns that bag_unpack and pivot return
// depend on the data. Without one, such plugins are refused.
type Explorer interface {
	Explore(sql string, columns []schema.Column) ([][]schema.Value, error)
}

// explore is the plan's way to the data.
func explore(catalog Catalog) func(*plan.Plan) ([][]schema.Value, error) {
	e, ok := catalog.(Explorer)
	if !ok {
		return nil
	}
	return func(p *plan.Plan) ([][]schema.Value, error) {
		sql, err := sqlgen.Generate(p)
		if err != nil {
			return nil, err
		}
		return e.Explore(sql, columns(p))
	}
}

// Library is a Catalog that has files which externaldata may read: those that the user has named.
type Library interface {
	// External returns a file's records as columns of strings, nil when the source is not one of the files. The
	// format is csv, tsv, txt and the like, "" where the name of the source tells it.
	External(source, format string, ignoreFirst bool) (*schema.Table, error)
}

// external is the plan's way to the named files.
func external(catalog Catalog) func(string, string, bool) (*schema.Table, error) {
	l, ok := catalog.(Library)
	if !ok {
		return nil
	}
	return l.External
}

func columns(p *plan.Plan) []schema.Column {
	var out []schema.Column
	for _, c := range p.Columns {
		out = append(out, schema.Column{Name: c.Name, Type: c.Type})
	}
	return out
}

// Compiled is a query that has been checked, with its SQL.
type Compiled struct {
	// Kept are the tables that materialize() asks for, in the order in which they must be made; an engine may keep them for
	// other queries. KeptSQL is the statement that reads them.
	Kept    []Kept
	KeptSQL string
	Columns []schema.Column
	Notes   []string
	Tables  []string // that the query names, each once
	plan    *plan.Plan
}

// Compile checks a query against the catalog and lowers it to DuckDB SQL. asOf is what now() means. The error is a
// *diag.List when the user's text is at fault.
func Compile(request Request, catalog Catalog, asOf schema.Ticks) (compiled *Compiled, err error) {
	defer func() {
		if r := recover(); r != nil {
			compiled, err = nil, fmt.Errorf("internal error in the KQL compiler: %v (the query: %q)", r, request.Source.Text)
		}
	}()
	script, wrong := syntax.Parse(request.Source)
	if wrong.Err() != nil && (script.Partial || len(script.Statements) == 0) {
		return nil, wrong
	}
	if !request.AsOf.IsZero() {
		asOf = schema.TicksOf(request.AsOf)
	}
	p, err := plan.Bind(request.Source, script, plan.Options{Catalog: catalog, Now: asOf, Params: request.Params, Ask: explore(catalog), External: external(catalog)})
	if wrong.Err() != nil {
		return nil, wrong.With(err)
	}
	if err != nil {
		return nil, err
	}
	p.Careful = request.Careful
	sql, kept, err := sqlgen.GenerateKept(p)
	if err != nil {
		return nil, refused(request.Source, err)
	}
	return &Compiled{Kept: kept, KeptSQL: sql, Columns: columns(p), Notes: p.Notes, Tables: p.Tables, plan: p}, nil
}

// Plan is the bound query as text, one step a line.
func (c *Compiled) Plan() string { return c.plan.Explain() }

// refused says at each place why it has no SQL.
func refused(source *diag.Source, err error) error {
	var all *sqlgen.Refusals
	if !errors.As(err, &all) {
		return err
	}
	list := &diag.List{Source: source}
	for _, r := range *all {
		list.Add(diag.Diagnostic{Kind: plan.KindOf(r.Err), Span: r.At, Message: r.Err.Error()})
	}
	return list.With(nil)
}

// SQL is the whole query as one statement, with what materialize() asks for made within it.
func (c *Compiled) SQL() string {
	if len(c.Kept) == 0 {
		return c.KeptSQL
	}
	var tables []string
	for _, k := range c.Kept {
		tables = append(tables, k.Name+" AS MATERIALIZED ("+k.SQL+")")
	}
	with := "WITH " + strings.Join(tables, ",\n")
	if rest, more := strings.CutPrefix(c.KeptSQL, "WITH "); more {
		return with + ",\n" + rest
	}
	return with + "\n" + c.KeptSQL
}

// Kept is a table that a materialize() wants made once.
type Kept = sqlgen.Kept

// Macros are the SQL macros that compiled queries call; the engine creates each once.
func Macros() []string { return function.Macros() }

// Scalar is a function in Go that compiled queries call; the engine registers each once.
type Scalar = function.Scalar

// Scalars lists the functions in Go.
func Scalars() []Scalar { return function.Scalars() }
