// Package casefile owns the case: the embedded DuckDB with its canonical tables, provenance and rejected rows, and the
// answering of KQL over them. It is the only importer of the DuckDB driver.
package casefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/tables"
)

// Options say where a case lies and what it may use.
type Options struct {
	// Dir is the case's folder; "" makes a temporary case that vanishes with Close.
	Dir string
	// Memory is DuckDB's memory limit, such as 2GB; "" is 2GB.
	Memory string
	// Threads is how many threads may work; 0 lets DuckDB choose.
	Threads int
	// Progress is told the bytes read so far, the bytes in all and the file that is being read; may be nil. It is called
	// from one goroutine at a time.
	Progress func(read, total int64, file string)
}

// Case is an open case. Its methods must not be called at the same time.
type Case struct {
	opt        Options
	db         *sql.DB
	conn       *sql.Conn
	temporary  string
	tables     map[string]*schema.Table
	names      []string
	watchlists map[string]string // alias in lower case -> table
	asOf       schema.Ticks
	asOfSource string
	sources    int      // table functions registered so far, for their names
	kept       []string // temporary tables that hold what queries materialized
}

// Open makes or opens a case.
func Open(ctx context.Context, opt Options) (*Case, error) {
	if opt.Memory == "" {
		opt.Memory = "2GB"
	}
	c := &Case{opt: opt, tables: map[string]*schema.Table{}, watchlists: map[string]string{}}
	path := filepath.Join(opt.Dir, "case.duckdb")
	if opt.Dir == "" {
		dir, err := os.MkdirTemp("", "replaytrace-")
		if err != nil {
			return nil, fmt.Errorf("make a temporary case: %w", err)
		}
		c.temporary = dir
		path = filepath.Join(dir, "case.duckdb")
	} else if err := os.MkdirAll(opt.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the case's folder: %w", err)
	}
	if err := c.start(ctx, path); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// settings are DuckDB's. Extensions are never fetched, and nothing is stored in an order that costs a sort.
func (c *Case) settings() []string {
	s := []string{
		"SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false",
		"SET preserve_insertion_order = false", "SET memory_limit = '" + strings.ReplaceAll(c.opt.Memory, "'", "") + "'",
		"SET enable_progress_bar = false", "SET scalar_subquery_error_on_multiple_rows = false",
	}
	if c.opt.Threads > 0 {
		s = append(s, fmt.Sprintf("SET threads = %d", c.opt.Threads))
	}
	return s
}

func (c *Case) start(ctx context.Context, path string) error {
	connector, err := duckdb.NewConnector(path+"?storage_compatibility_version=latest", nil)
	if err != nil {
		return fmt.Errorf("open case %s: %w", path, err)
	}
	c.db = sql.OpenDB(connector)
	if c.conn, err = c.db.Conn(ctx); err != nil {
		return fmt.Errorf("open case %s: %w", path, err)
	}
	for _, s := range c.settings() {
		if err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	for _, m := range kql.Macros() {
		if err := c.Exec(ctx, "CREATE OR REPLACE TEMP MACRO "+m); err != nil {
			return err
		}
	}
	for _, s := range kql.Scalars() {
		if err := c.register(s); err != nil {
			return err
		}
	}
	return c.makeTables(ctx)
}

// Hidden are the provenance columns of every canonical table.
var provenance = []schema.Column{
	{Name: "_SourceFile", Type: schema.String, Hidden: true},
	{Name: "_SourceLine", Type: schema.Long, Hidden: true},
}

// accounting are the tables in which the case keeps its own books.
var accounting = []schema.Table{
	{Name: "EvidenceFiles", Columns: []schema.Column{
		{Name: "Path", Type: schema.String},
		{Name: "Sha256", Type: schema.String},
		{Name: "Bytes", Type: schema.Long},
		{Name: "Shape", Type: schema.String},
		{Name: "RowsRead", Type: schema.Long},
		{Name: "RowsLoaded", Type: schema.Long},
		{Name: "RowsDuplicate", Type: schema.Long},
		{Name: "RowsRejected", Type: schema.Long},
		{Name: "Error", Type: schema.String},
	}},
	{Name: "RejectedRows", Columns: []schema.Column{
		{Name: "File", Type: schema.String},
		{Name: "Line", Type: schema.Long},
		{Name: "Code", Type: schema.String},
		{Name: "Reason", Type: schema.String},
		{Name: "Raw", Type: schema.String},
	}},
}

func (c *Case) makeTables(ctx context.Context) error {
	canonical, err := schema.Load(tables.FS)
	if err != nil {
		return err
	}
	for i := range canonical {
		t := &canonical[i]
		t.Columns = append(t.Columns, provenance...)
		if err := c.makeTable(ctx, t); err != nil {
			return err
		}
	}
	for i := range accounting {
		t := accounting[i]
		if err := c.makeTable(ctx, &t); err != nil {
			return err
		}
	}
	return nil
}

// StoredType is how a KQL type is stored.
func StoredType(t schema.Type) string {
	switch t {
	case schema.Bool:
		return "BOOLEAN"
	case schema.Int:
		return "INTEGER"
	case schema.Long, schema.Datetime, schema.Timespan:
		return "BIGINT"
	case schema.Real:
		return "DOUBLE"
	case schema.Decimal:
		return "DECIMAL(38,12)"
	case schema.Guid:
		return "UUID"
	}
	return "VARCHAR"
}

func (c *Case) makeTable(ctx context.Context, t *schema.Table) error {
	cols := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		cols[i] = quoteName(col.Name) + " " + StoredType(col.Type)
	}
	if err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+quoteName(t.Name)+" ("+strings.Join(cols, ", ")+")"); err != nil {
		return err
	}
	c.add(t)
	return nil
}

func (c *Case) add(t *schema.Table) {
	if _, known := c.tables[t.Name]; !known {
		c.names = append(c.names, t.Name)
	}
	c.tables[t.Name] = t
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Exec runs one SQL statement.
func (c *Case) Exec(ctx context.Context, text string) error {
	if _, err := c.conn.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("%w (in %.200s)", err, text)
	}
	return nil
}

// Table finds a table of the case by its exact name.
func (c *Case) Table(name string) (*schema.Table, bool) {
	t, ok := c.tables[name]
	return t, ok
}

// TableNames lists the tables in the order they came.
func (c *Case) TableNames() []string { return append([]string(nil), c.names...) }

// Watchlist finds the table of a watchlist by its alias, which is not case-sensitive.
func (c *Case) Watchlist(alias string) (*schema.Table, bool) {
	name, ok := c.watchlists[strings.ToLower(alias)]
	if !ok {
		return nil, false
	}
	return c.Table(name)
}

// Close closes the case; a temporary one is removed.
func (c *Case) Close() error {
	var errs []error
	if c.conn != nil {
		errs = append(errs, c.conn.Close())
	}
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	if c.temporary != "" {
		errs = append(errs, os.RemoveAll(c.temporary))
	}
	return errors.Join(errs...)
}
