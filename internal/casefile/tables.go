package casefile

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/tables"
)

// provenance are the hidden columns of every canonical table: where the row stands.
var provenance = []schema.Column{
	{Name: "_SourceFile", Type: schema.String, Hidden: true},
	{Name: "_SourceLine", Type: schema.Long, Hidden: true},
	{Name: "_SourceNumber", Type: schema.Long, Hidden: true}, // EvidenceFiles.Number: a path may come again with other content
}

// accounting are the tables in which the case keeps its own books.
var accounting = []schema.Table{
	{Name: "EvidenceFiles", Columns: columnsOf(fileEntries)},
	{Name: "RejectedRows", Columns: columnsOf(rejectEntries)},
}

// entry is a column of the books with what it holds of a record.
type entry[R any] struct {
	schema.Column
	of func(R) any
}

func columnsOf[R any](entries []entry[R]) []schema.Column {
	out := make([]schema.Column, len(entries))
	for i, e := range entries {
		out[i] = e.Column
	}
	return out
}

// wanted lists the tables that a case of this version has. All cases share them: they are not to be changed.
var wanted = sync.OnceValues(func() ([]*schema.Table, error) {
	canonical, err := schema.Load(tables.FS)
	if err != nil {
		return nil, err
	}
	var out []*schema.Table
	for i := range canonical {
		canonical[i].Columns = append(append(canonical[i].Columns, evidence.Extra...), provenance...)
		out = append(out, &canonical[i])
	}
	for i := range accounting {
		out = append(out, &accounting[i])
	}
	return out, nil
})

// definition are a new table's columns; those that are blank the table makes itself.
func definition(columns []schema.Column, blank func(column string) bool) string {
	cols := make([]string, len(columns))
	for i, col := range columns {
		cols[i] = quoteName(col.Name) + " " + function.SQLType(col.Type)
		if blank(col.Name) {
			cols[i] += " GENERATED ALWAYS AS (" + blankValue(col) + ") VIRTUAL"
		}
	}
	return "(" + strings.Join(cols, ", ") + ")"
}

// allStored is for definition: no column is blank.
func allStored(string) bool { return false }

// makeTemporary makes a table that lasts as long as the case is open: what is not evidence is not kept.
func (c *Case) makeTemporary(ctx context.Context, t *schema.Table) error {
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE "+quoteName(t.Name)+" "+definition(t.Columns, allStored)); err != nil {
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

// Table finds a table of the case by its exact name.
func (c *Case) Table(name string) (*schema.Table, bool) {
	t, ok := c.tables[name]
	return t, ok
}

// TableNames lists the tables in the order they came.
func (c *Case) TableNames() []string { return append([]string(nil), c.names...) }

// canonical lists the tables that hold evidence.
func (c *Case) canonical() []*schema.Table {
	var out []*schema.Table
	for _, name := range c.names {
		if t := c.tables[name]; t.Source != "" {
			out = append(out, t)
		}
	}
	return out
}

// Watchlist finds the table of a watchlist by its alias, which is not case-sensitive.
func (c *Case) Watchlist(alias string) (*schema.Table, bool) {
	name, ok := c.watchlists[strings.ToLower(alias)]
	if !ok {
		return nil, false
	}
	return c.Table(name)
}

// layoutVersion is the version of the tables' layout in a case. A case of an older one is brought up to date when it is
// opened, as far as columns and tables were only added; see [Stale]. Since version 2 columns can be blank.
const layoutVersion = 2

// Stale is a case whose layout this program cannot read.
type Stale struct {
	Dir     string
	Found   int64 // its layoutVersion; 0 when it was made before cases had one
	Problem string
}

func (e *Stale) Error() string {
	return fmt.Sprintf("the case %s cannot be used: %s (its layout is version %d, this program's %d)", e.Dir, e.Problem, e.Found, layoutVersion)
}

// Hint says how to go on.
func (e *Stale) Hint() string {
	if e.Found > layoutVersion {
		return "it was made by a newer replaytrace: use that one"
	}
	return "make a new case from the same evidence: replaytrace ingest PATH... --case NEWDIR; the old case's manifest or EvidenceFiles name the files"
}

// layoutChanges compares the tables on disk with those of this version. It returns the statements that bring them up
// to date, none when they are.
func (c *Case) layoutChanges(ctx context.Context, want []*schema.Table) ([]string, error) {
	text := schema.Column{Type: schema.String}
	rows, err := c.Select(ctx, "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main'", []schema.Column{text, text, text})
	if err != nil {
		return nil, err
	}
	have := map[string]map[string]string{}
	for _, r := range rows {
		table, column, typ := r[0].(string), r[1].(string), r[2].(string)
		if have[table] == nil {
			have[table] = map[string]string{}
		}
		have[table][column] = typ
	}
	found, blank := int64(layoutVersion), map[string]map[string]bool(nil)
	if len(have) > 0 {
		if found, err = c.storedVersion(ctx, have["_Case"] != nil); err != nil {
			return nil, err
		}
		if found == 0 || found > layoutVersion {
			return nil, &Stale{c.opt.Dir, found, "it was made by another version of replaytrace"}
		}
		if blank, err = c.blank(ctx); err != nil {
			return nil, err
		}
	}
	var changes []string
	for _, t := range want {
		stays := mayBeBlank(t, want)
		if have[t.Name] == nil {
			changes = append(changes, "CREATE TABLE "+quoteName(t.Name)+" "+definition(storedColumns(t), stays))
			continue
		}
		added, err := c.columnChanges(t.Name, have[t.Name], storedColumns(t), found)
		if err != nil {
			return nil, err
		}
		changes = append(changes, added...)
		for _, col := range t.Columns {
			if blank[t.Name][col.Name] && !stays(col.Name) {
				changes = append(changes, storeColumn(t.Name, col)...)
			}
		}
		for _, col := range memberColumns(t) {
			if have[t.Name][col.Name] == "" {
				changes = append(changes, fillMembers(t))
				break
			}
		}
		if copies := copiesOf(t); have[copies] != nil {
			if added, err = c.columnChanges(copies, have[copies], t.Columns, found); err != nil {
				return nil, err
			}
			changes = append(changes, added...)
		}
	}
	switch {
	case len(have) == 0:
		changes = append(changes, "CREATE TABLE _Case (Version BIGINT)", fmt.Sprintf("INSERT INTO _Case VALUES (%d)", layoutVersion))
	case len(changes) > 0:
		changes = append(changes, fmt.Sprintf("UPDATE _Case SET Version = %d", layoutVersion))
	}
	return changes, nil
}

// columnChanges are the statements that add the columns that a table does not have.
func (c *Case) columnChanges(table string, have map[string]string, columns []schema.Column, version int64) ([]string, error) {
	var changes []string
	for _, col := range columns {
		switch typ := have[col.Name]; typ {
		case function.SQLType(col.Type):
		case "":
			changes = append(changes, addColumn(table, col))
		default:
			return nil, &Stale{c.opt.Dir, version, fmt.Sprintf("its column %s.%s is stored as %s", table, col.Name, typ)}
		}
	}
	return changes, nil
}

// addColumn adds a column that says nothing in the rows that are there: a string is never null.
func addColumn(table string, col schema.Column) string {
	add := "ALTER TABLE " + quoteName(table) + " ADD COLUMN " + quoteName(col.Name) + " " + function.SQLType(col.Type)
	if col.Type == schema.String {
		add += " DEFAULT ''"
	}
	return add
}

func (c *Case) storedVersion(ctx context.Context, has bool) (int64, error) {
	if !has {
		return 0, nil
	}
	rows, err := c.Select(ctx, "SELECT Version FROM _Case", []schema.Column{{Type: schema.Long}})
	if err != nil || len(rows) != 1 {
		return 0, err
	}
	v, _ := rows[0][0].(int64)
	return v, nil
}

// upToDate makes the tables, or brings those of an older case up to date, in one transaction.
func (c *Case) upToDate(ctx context.Context) error {
	want, err := wanted()
	if err != nil {
		return err
	}
	changes, err := c.layoutChanges(ctx, want)
	if err != nil {
		return err
	}
	if len(changes) > 0 && c.readOnly {
		return errOutdated
	}
	if len(changes) > 0 {
		if err := c.transact(ctx, func() error { return c.execAll(ctx, changes...) }); err != nil {
			return fmt.Errorf("make the tables of the case: %w", err)
		}
	}
	for _, t := range want {
		c.add(t)
	}
	return nil
}
