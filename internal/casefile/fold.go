package casefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// copiesOf is the table that keeps every single copy of the rows of t that came more than once.
func copiesOf(t *schema.Table) string { return "_Copies_" + t.Name }

// fold makes one row of the copies of a row: Entra emits a sign-in again when its risk changes, and a later copy can
// be poorer than the first; exports overlap. Field by field the latest value that says something counts; the earliest
// copy gives TimeGenerated and the place.
//
// All copies are kept beside the table and folded anew whenever another one comes, so that it does not matter in which
// order, in which files and in how many steps they come. first is the number of the first new file, touched are the
// tables that got rows of new files: only such rows are looked up.
func (c *Case) fold(ctx context.Context, first int64, touched []*schema.Table) error {
	for _, t := range touched {
		err := c.foldTwins(ctx, t, first)
		if err == nil && t.Intake.Key != "" {
			err = c.foldTable(ctx, t, first)
		}
		if err != nil {
			return fmt.Errorf("fold the copies in %s: %w", t.Name, err)
		}
	}
	return nil
}

// foldTwins deals with rows that have no key: overlapping exports hold them alike in every column. A file can hold the
// same row several times, and all of them count: of the rows that say the same, as many stay as the file has that has
// most of them. Rows without a time are left alone, for in two files they can be two events.
func (c *Case) foldTwins(ctx context.Context, t *schema.Table, first int64) error {
	table, copies := quoteName(t.Name), quoteName(copiesOf(t))
	keyless := eventTime(t) + " IS NOT NULL"
	if t.Intake.Key != "" {
		keyless += " AND " + quoteName(t.Intake.Key) + " = ''"
	}
	fresh := fmt.Sprintf("_SourceNumber >= %d", first)
	n, err := c.count(ctx, table+" WHERE "+fresh+" AND "+keyless)
	if err != nil || n == 0 {
		return err
	}
	var visible []string
	for _, col := range t.Columns {
		if !col.Hidden {
			visible = append(visible, quoteName(col.Name))
		}
	}
	all, said := names(t.Columns), strings.Join(visible, ", ")
	return c.lean(ctx,
		// What is in the case already is one bag, every new file another one. Two hashes make 128 bits.
		"CREATE OR REPLACE TEMP TABLE twins AS SELECT place, bag, row_number() OVER (PARTITION BY one, two, bag ORDER BY _SourceFile, _SourceLine) AS nth, one, two, _SourceFile FROM"+
			" (SELECT rowid AS place, CASE WHEN "+fresh+" THEN _SourceNumber ELSE 0 END AS bag, hash("+said+") AS one, hash('two', "+said+") AS two, _SourceFile, _SourceLine FROM "+table+" WHERE "+keyless+")",
		"CREATE OR REPLACE TEMP TABLE surplus AS SELECT place FROM twins QUALIFY row_number() OVER (PARTITION BY one, two, nth ORDER BY bag > 0, _SourceFile, bag) > 1",
		"CREATE TABLE IF NOT EXISTS "+copies+" "+definition(t.Columns),
		"INSERT INTO "+copies+" ("+all+") SELECT "+all+" FROM "+table+" WHERE rowid IN (FROM surplus)",
		"DELETE FROM "+table+" WHERE rowid IN (FROM surplus)",
	)
}

// foldMemory is what a row takes while it is folded with its copies, all of whose values are compared: as many are folded
// at a time as the memory allows.
const foldMemory = 128 << 10

// foldTable folds the rows that have the same key. What is looked at as a whole is narrow: the hashes of the keys, then the
// keys whose hash came twice, in the order of their rows, so that the copies of a slice of them lie near each other.
func (c *Case) foldTable(ctx context.Context, t *schema.Table, first int64) error {
	table, copies, key := quoteName(t.Name), quoteName(copiesOf(t)), quoteName(t.Intake.Key)
	fresh := fmt.Sprintf("_SourceNumber >= %d", first)
	keyed := " FROM " + table + " WHERE " + key + " <> ''"
	if first > 1 {
		keyed += " AND " + key + " IN (SELECT " + key + " FROM " + table + " WHERE " + fresh + ")"
	}
	const twice = " GROUP BY 1 HAVING count(*) > 1"
	if err := c.lean(ctx,
		"CREATE OR REPLACE TEMP TABLE doubtful AS SELECT hash("+key+")"+keyed+twice,
		fmt.Sprintf("CREATE OR REPLACE TEMP TABLE repeated AS SELECT key, row_number() OVER (ORDER BY place) // %d AS slice FROM (SELECT %s AS key, min(rowid) AS place%s AND hash(%s) IN (FROM doubtful)%s)",
			max(c.opt.Memory/foldMemory, 1), key, keyed, key, twice),
	); err != nil {
		return err
	}
	if n, err := c.count(ctx, "repeated"); err != nil || n == 0 {
		return err // the common case costs one grouping of hashes
	}
	all := names(t.Columns)
	if err := c.lean(ctx,
		"CREATE TABLE IF NOT EXISTS "+copies+" "+definition(t.Columns),
		"INSERT INTO "+copies+" ("+all+") SELECT "+all+" FROM "+table+" WHERE "+key+" IN (SELECT key FROM repeated) AND ("+fresh+" OR "+key+" NOT IN (SELECT "+key+" FROM "+copies+"))",
		"DELETE FROM "+table+" WHERE "+key+" IN (SELECT key FROM repeated)",
	); err != nil {
		return err
	}
	return c.insertFolded(ctx, t)
}

// insertFolded folds the copies of the repeated keys, slice by slice, and inserts the rows that they make. The slices wait
// in files, because what a transaction inserts in small pieces stays in memory until its end.
func (c *Case) insertFolded(ctx context.Context, t *schema.Table) error {
	dir := filepath.Join(c.dir(), ".folded")
	err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700))
	defer func() { _ = os.RemoveAll(dir) }()
	long := schema.Column{Type: schema.Long}
	var slices [][]schema.Value
	if err == nil {
		slices, err = c.Select(ctx, "SELECT slice, min(copies.rowid), max(copies.rowid) FROM "+quoteName(copiesOf(t))+" AS copies JOIN repeated ON "+quoteName(t.Intake.Key)+" = repeated.key GROUP BY 1", []schema.Column{long, long, long})
	}
	for n := 0; n < len(slices) && err == nil; n++ {
		among := fmt.Sprintf("rowid BETWEEN %d AND %d AND %s IN (SELECT key FROM repeated WHERE slice = %d)", slices[n][1], slices[n][2], quoteName(t.Intake.Key), slices[n][0])
		err = c.lean(ctx, "COPY ("+foldSQL(t, among)+") TO "+quoteText(filepath.Join(dir, fmt.Sprintf("%d.parquet", n)))+" (FORMAT parquet)")
	}
	if err != nil {
		return err
	}
	return c.lean(ctx, "INSERT INTO "+quoteName(t.Name)+" ("+names(storedColumns(t))+") "+withMembers(t, "SELECT "+names(t.Columns)+" FROM read_parquet("+quoteText(literal(dir)+"/*.parquet")+")", false))
}

// foldSQL selects the rows that are made of some copies, all those of some keys. Copies of the same time are ordered by what
// they say, and by their places only where they say the same: exports of the same rows fold alike, whatever the files are
// called. What is ordered are the places of the copies only.
func foldSQL(t *schema.Table, among string) string {
	copies, key := quoteName(copiesOf(t)), quoteName(t.Intake.Key)
	var visible, folded []string
	for _, col := range t.Columns {
		folded = append(folded, foldColumn(t, col)+" AS "+quoteName(col.Name))
		if !col.Hidden {
			visible = append(visible, quoteName(col.Name))
		}
	}
	ordered := "SELECT place, row_number() OVER (PARTITION BY key ORDER BY arrived NULLS LAST, said, _SourceFile, _SourceLine, _SourceNumber) AS copy_number FROM" +
		" (SELECT rowid AS place, " + key + " AS key, TimeGenerated AS arrived, hash(" + strings.Join(visible, ", ") + ") AS said, _SourceFile, _SourceLine, _SourceNumber FROM " + copies + " WHERE " + among + ")"
	return "SELECT " + strings.Join(folded, ", ") + " FROM (SELECT *, rowid AS place FROM " + copies + " WHERE " + among + ") AS copies JOIN (" + ordered + ") AS ordered ON copies.place = ordered.place GROUP BY " + key
}

// foldColumn is the value that a column keeps.
func foldColumn(t *schema.Table, col schema.Column) string {
	name := quoteName(col.Name)
	for _, p := range provenance {
		if p.Name == col.Name {
			return "arg_min(" + name + ", copy_number)"
		}
	}
	switch {
	case col.Name == t.Intake.Key:
		return name
	case col.Name == "TimeGenerated":
		return "min(TimeGenerated)"
	case col.Type == schema.Bool: // no says nothing: the first copy of a sign-in is not risky yet
		return "bool_or(" + name + ")"
	case col.Type == schema.String || col.Type == schema.Dynamic:
		// One aggregate with the rank of what is said before the number of the copy costs a quarter of two that are filtered.
		// What says nothing is short, and most texts need not be compared.
		return "arg_max(" + name + ", copy_number + CASE WHEN strlen(" + name + ") > 7 THEN 2000000000000 WHEN " + name + " = '' THEN 0" +
			" WHEN lower(" + name + ") IN ('none', '[]', '{}', 'null', 'unknown') THEN 1000000000000 ELSE 2000000000000 END)"
	}
	return "arg_max(" + name + ", copy_number)"
}
