package casefile

import (
	"context"
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// fold makes one row of the copies of a row: Entra emits a sign-in again when its risk changes, and a later copy can
// be poorer than the first. Field by field the latest value that says something counts; the earliest copy gives
// TimeGenerated and the place. The copies are kept in _Copies by their places.
func (c *Case) fold(ctx context.Context, reports []*FileReport) error {
	if err := c.Exec(ctx, `CREATE TABLE IF NOT EXISTS _Copies ("Table" VARCHAR, Id VARCHAR, File VARCHAR, Line BIGINT)`); err != nil {
		return err
	}
	for _, name := range c.TableNames() {
		t := c.tables[name]
		if _, ok := t.Column("Id"); !ok || t.Source == "" {
			continue
		}
		if err := c.foldTable(ctx, t, reports); err != nil {
			return fmt.Errorf("fold the copies in %s: %w", name, err)
		}
	}
	return nil
}

func (c *Case) foldTable(ctx context.Context, t *schema.Table, reports []*FileReport) error {
	table := quoteName(t.Name)
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE repeated AS SELECT Id FROM "+table+" WHERE Id <> '' GROUP BY Id HAVING count(*) > 1"); err != nil {
		return err
	}
	repeated, err := c.Select(ctx, "SELECT count(*) FROM repeated", []schema.Column{{Name: "n", Type: schema.Long}})
	if err != nil || repeated[0][0].(int64) == 0 {
		return err // the common case costs one grouping of the ids
	}
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE copies AS SELECT *, row_number() OVER (PARTITION BY Id ORDER BY TimeGenerated NULLS LAST, _SourceFile, _SourceLine) AS copy_number FROM "+table+" WHERE Id IN (FROM repeated)"); err != nil {
		return err
	}
	counts, err := c.Select(ctx, "SELECT _SourceFile, count(*) FROM copies WHERE copy_number > 1 GROUP BY 1 ORDER BY 1",
		[]schema.Column{{Name: "file", Type: schema.String}, {Name: "n", Type: schema.Long}})
	if err != nil || len(counts) == 0 {
		return err
	}
	for _, row := range counts {
		for _, r := range reports {
			if r.Path == row[0].(string) {
				r.RowsDuplicate += row[1].(int64)
				r.RowsLoaded -= row[1].(int64)
			}
		}
	}
	var cols []string
	for _, col := range t.Columns {
		cols = append(cols, foldColumn(col))
	}
	steps := []string{
		"BEGIN",
		"INSERT INTO _Copies SELECT " + quoteText(t.Name) + ", Id, _SourceFile, _SourceLine FROM copies WHERE copy_number > 1",
		"DELETE FROM " + table + " WHERE Id IN (FROM repeated)",
		"INSERT INTO " + table + " SELECT " + strings.Join(cols, ", ") + " FROM copies GROUP BY Id",
		"COMMIT",
	}
	for _, s := range steps {
		if err := c.Exec(ctx, s); err != nil {
			_ = c.Exec(ctx, "ROLLBACK")
			return err
		}
	}
	return nil
}

// foldColumn is the value that a column keeps.
func foldColumn(col schema.Column) string {
	name := quoteName(col.Name)
	switch {
	case col.Name == "Id":
		return "Id"
	case col.Name == "TimeGenerated":
		return "min(TimeGenerated) AS TimeGenerated"
	case col.Hidden:
		return "arg_min(" + name + ", copy_number) AS " + name
	case col.Type == schema.String || col.Type == schema.Dynamic:
		informative := "lower(" + name + ") NOT IN ('', 'none', '[]', '{}', 'null', 'unknown')"
		sql := "coalesce(arg_max(" + name + ", copy_number) FILTER (WHERE " + informative + "), arg_max(" + name + ", copy_number) FILTER (WHERE " + name + " <> '')"
		if col.Type == schema.String {
			sql += ", ''"
		}
		return sql + ") AS " + name
	}
	return "arg_max(" + name + ", copy_number) AS " + name
}

// account writes the reports to EvidenceFiles.
func (c *Case) account(ctx context.Context, reports []*FileReport) error {
	for _, r := range reports {
		if r.RowsRead != r.RowsLoaded+r.RowsDuplicate+r.RowsRejected {
			return fmt.Errorf("the books of %s do not balance: %d read, %d loaded, %d duplicate, %d rejected", r.Path, r.RowsRead, r.RowsLoaded, r.RowsDuplicate, r.RowsRejected)
		}
		values := fmt.Sprintf("(%s, %s, %d, %s, %d, %d, %d, %d, %s)", quoteText(r.Path), quoteText(r.SHA256), r.Bytes, quoteText(r.Shape),
			r.RowsRead, r.RowsLoaded, r.RowsDuplicate, r.RowsRejected, quoteText(r.Error))
		if err := c.Exec(ctx, "INSERT INTO EvidenceFiles VALUES "+values); err != nil {
			return err
		}
	}
	return nil
}
