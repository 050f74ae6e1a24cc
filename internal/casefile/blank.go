package casefile

import (
	"context"
	"fmt"
	"slices"

	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// A column in which no evidence has said anything is blank: the table makes its value whenever it is asked for, and stores
// nothing. It is stored from the first row on that says something in it; what is stored never becomes blank again.
//
// Which columns are blank only the database knows, for it is altered in transactions.

// madeValue begins what makes the value of a blank column. The database shows it as the column's default, which no stored
// column has: by it blank columns are known.
const madeValue = "CAST("

// blankValue makes what a column says in which nothing is said: a string is never null.
func blankValue(col schema.Column) string {
	value := "NULL"
	if col.Type == schema.String {
		value = "''"
	}
	return madeValue + value + " AS " + function.SQLType(col.Type) + ")"
}

// mayBeBlank tells the columns of a table that are blank at first: those of evidence, but not the documents of which
// members are stored, nor what is filled from the rows of other tables.
func mayBeBlank(t *schema.Table, all []*schema.Table) func(column string) bool {
	return func(column string) bool {
		at := slices.IndexFunc(t.Columns, func(col schema.Column) bool { return col.Name == column })
		return t.Source != "" && at >= 0 && !slices.Contains(provenance, t.Columns[at]) &&
			!slices.ContainsFunc(t.Members, func(m schema.Members) bool { return m.Column == column }) &&
			!slices.ContainsFunc(all, func(other *schema.Table) bool {
				return other.Intake.Fills.Column == column && slices.Contains(other.Intake.Fills.Tables, t.Name)
			})
	}
}

// blank are the columns that are blank now, by table.
func (c *Case) blank(ctx context.Context) (map[string]map[string]bool, error) {
	text := schema.Column{Type: schema.String}
	rows, err := c.Select(ctx, "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main' AND starts_with(column_default, "+quoteText(madeValue)+")", []schema.Column{text, text})
	if err != nil {
		return nil, fmt.Errorf("find the blank columns: %w", err)
	}
	blank := map[string]map[string]bool{}
	for _, row := range rows {
		table, column := row[0].(string), row[1].(string)
		if blank[table] == nil {
			blank[table] = map[string]bool{}
		}
		blank[table][column] = true
	}
	return blank, nil
}

// filled are the columns of a table that are not blank, its members left aside.
func (c *Case) filled(ctx context.Context, t *schema.Table) ([]schema.Column, error) {
	blank, err := c.blank(ctx)
	return slices.DeleteFunc(slices.Clone(t.Columns), func(col schema.Column) bool { return blank[t.Name][col.Name] }), err
}

// storeMemory is what the database holds for each row and column that becomes a stored one, until it is opened anew.
const storeMemory = 16

// store makes blank columns stored ones, some at a time as far as the memory allows: a case that dies on the way has columns
// that say nothing, and is as good as before.
func (c *Case) store(ctx context.Context, t *schema.Table, columns []schema.Column) error {
	rows, err := c.count(ctx, quoteName(t.Name))
	if err != nil || len(columns) == 0 {
		return err
	}
	if rows == 0 { // the columns of most tables are known by their first file
		blank, err := c.blank(ctx)
		if err != nil {
			return err
		}
		return c.Exec(ctx, "CREATE OR REPLACE TABLE "+quoteName(t.Name)+" "+definition(storedColumns(t), func(column string) bool {
			return blank[t.Name][column] && !slices.ContainsFunc(columns, func(col schema.Column) bool { return col.Name == column })
		}))
	}
	atOnce := max(c.opt.Memory/10/storeMemory/rows, 1)
	for some := range slices.Chunk(columns, int(min(atOnce, int64(len(columns))))) {
		var changes []string
		for _, col := range some {
			changes = append(changes, storeColumn(t.Name, col)...)
		}
		err := c.transact(ctx, func() error { return c.execAll(ctx, changes...) })
		if err == nil {
			err = c.reopen(ctx)
		}
		if err != nil {
			return fmt.Errorf("store the columns %s of %s: %w", names(some), t.Name, err)
		}
	}
	return nil
}

// storeColumn are the statements that make a blank column a stored one.
func storeColumn(table string, col schema.Column) []string {
	return []string{"ALTER TABLE " + quoteName(table) + " DROP COLUMN " + quoteName(col.Name), addColumn(table, col)}
}
