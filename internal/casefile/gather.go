package casefile

import (
	"context"
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// gatheredAtOnce is how many rows of another table are gathered at once: their lists are made in memory.
const gatheredAtOnce = 25_000

// gather fills the columns that come from the rows of other tables, where a row does not have them itself: the admin
// centre exports a sign-in and the steps of its authentication in two files.
func (c *Case) gather(ctx context.Context) error {
	for _, t := range c.canonical() {
		f := t.Intake.Fills
		if f.Column == "" {
			continue
		}
		rows, err := c.count(ctx, quoteName(t.Name))
		if err != nil {
			return fmt.Errorf("gather %s: %w", f.Column, err)
		}
		if rows == 0 { // the common case: looking for rows to fill takes a pass over the tables
			continue
		}
		slices := 1 + rows/gatheredAtOnce
		for _, name := range f.Tables {
			to, ok := c.Table(name)
			if !ok {
				return fmt.Errorf("%s fills %s, which is no table", t.Name, name)
			}
			for i := range slices {
				if err := c.Exec(ctx, gatherSQL(t, to, f, i, slices)); err != nil {
					return fmt.Errorf("gather %s.%s: %w", name, f.Column, err)
				}
			}
		}
	}
	return nil
}

// gatherSQL fills a column in the rows whose keys are in one slice of all of them.
func gatherSQL(t, to *schema.Table, f schema.Filling, slice, slices int64) string {
	var members []string
	for _, m := range f.Object {
		col, _ := t.Column(m.Column)
		value := quoteName(m.Column)
		if col.Type == schema.Datetime {
			value = "kql_datetime_text(" + value + ")"
		}
		members = append(members, quoteText(m.Name)+", "+value)
	}
	among := fmt.Sprintf(" AND hash(%s) %% %d = %d", quoteName(f.From), slices, slice)
	key, column := quoteName(f.Key), quoteName(f.Column)
	return "UPDATE " + quoteName(to.Name) + " AS filled SET " + column + " = gathered.list FROM (SELECT " + quoteName(f.From) + " AS key, " +
		"'[' || string_agg(DISTINCT json_object(" + strings.Join(members, ", ") + ")::VARCHAR, ',' ORDER BY json_object(" + strings.Join(members, ", ") + ")::VARCHAR) || ']' AS list FROM " +
		quoteName(t.Name) + " WHERE " + quoteName(f.From) + " <> ''" + among + " GROUP BY 1) AS gathered WHERE filled." + key + " = gathered.key AND filled." + column + " IN ('', '[]')"
}
