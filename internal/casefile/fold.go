package casefile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// copiesOf is the table that keeps every single copy of the rows of t that came more than once.
func copiesOf(t *schema.Table) string { return "_Copies_" + t.Name }

// Copies are folded in two steps. seek finds them and changes nothing of the case: it reads a large one in portions between which
// the database is opened anew, and writes them to files. fold brings what was found into the tables, in one transaction.

// sought are the copies that were found in a table.
type sought struct {
	table *schema.Table
	first int64 // number of the first new file
	// kinds are the ways in which rows can be copies of one: each is a condition for the rows of the table.
	kinds []kind
}

type kind struct {
	name, among string
	unfolded    string // a further condition, for those that were not folded before; may be empty
	waits       bool   // in files
}

const (
	twins    = "twins"
	repeated = "repeated"
)

// temporaryOf names a temporary table of what was found in t.
func temporaryOf(name string, t *schema.Table) string { return quoteName("_" + name + "_" + t.Name) }

// seek finds the copies of rows in the tables that got rows of new files, of which first is the number of the first one:
// only such rows are looked up. Nothing may be written to the case before they are folded, for twins are known by their places.
func (c *Case) seek(ctx context.Context, first int64, touched []*schema.Table) ([]sought, error) {
	if err := c.settled(ctx, touched); err != nil {
		return nil, err
	}
	var all []sought
	for _, t := range touched {
		s := sought{table: t, first: first}
		err := c.seekTwins(ctx, &s)
		if err == nil && t.Intake.Key != "" {
			err = c.seekRepeated(ctx, &s)
		}
		if err != nil {
			return nil, fmt.Errorf("find the copies in %s: %w", t.Name, err)
		}
		if len(s.kinds) > 0 {
			all = append(all, s)
		}
	}
	return all, nil
}

// settled opens the database anew before it is read in portions: what was written before is then where it will stay.
func (c *Case) settled(ctx context.Context, tables []*schema.Table) error {
	for _, t := range tables {
		if last, err := c.lastRow(ctx, t); err != nil || last >= c.portion {
			return cmp.Or(err, c.reopen(ctx))
		}
	}
	return nil
}

// lastRow is the place of the last row of a table, -1 without any.
func (c *Case) lastRow(ctx context.Context, t *schema.Table) (int64, error) {
	rows, err := c.Select(ctx, "SELECT coalesce(max(rowid), -1) FROM "+quoteName(t.Name), []schema.Column{{Type: schema.Long}})
	if err != nil {
		return 0, err
	}
	last, _ := rows[0][0].(int64)
	return last, nil
}

func (s *sought) fresh() string { return fmt.Sprintf("_SourceNumber >= %d", s.first) }

// inPortions runs a statement for each portion of a table's rows, with the condition for them. Of all columns that a
// statement reads DuckDB keeps in memory what they are like until the file is closed, so that it is opened anew between them.
func (c *Case) inPortions(ctx context.Context, t *schema.Table, statement func(n int64, among string) string) error {
	last, err := c.lastRow(ctx, t)
	for n, from := int64(0), int64(0); from <= last && err == nil; n, from = n+1, from+c.portion {
		if last >= c.portion {
			err = c.reopen(ctx)
		}
		if err == nil {
			err = c.lean(ctx, statement(n, fmt.Sprintf("rowid BETWEEN %d AND %d", from, from+c.portion-1)))
		}
	}
	return err
}

// putAside notes a kind. Of a table that is read in portions its rows are written to files, in groups of few rows, because each
// thread holds one in memory. Of a smaller one they are taken when they are folded: to write them and read them again takes as
// long as to take them.
func (c *Case) putAside(ctx context.Context, s *sought, k kind) error {
	last, err := c.lastRow(ctx, s.table)
	if err != nil {
		return err
	}
	k.waits = last >= c.portion
	s.kinds = append(s.kinds, k)
	if !k.waits {
		return nil
	}
	dir := c.asideOf(s.table, k.name)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil { // what failed may have left some
		return err
	}
	return c.inPortions(ctx, s.table, func(n int64, among string) string {
		return "COPY (" + s.rows(k) + " AND " + among + ") TO " +
			quoteText(filepath.Join(dir, fmt.Sprintf("%06d.parquet", n))) + fmt.Sprintf(" (FORMAT parquet, ROW_GROUP_SIZE %d)", chunkSize)
	})
}

// rows selects the rows of a kind that were not folded before.
func (s *sought) rows(k kind) string {
	return "SELECT " + names(s.table.Columns) + " FROM " + quoteName(s.table.Name) + " WHERE " + k.among + k.unfolded
}

// asideOf is the folder in which copies, or what was made of them, wait.
func (c *Case) asideOf(t *schema.Table, name string) string {
	return filepath.Join(c.scratch, name+"-"+t.Name)
}

// waiting selects columns of what waits in a folder.
func waiting(columns []schema.Column, dir string) string {
	return "SELECT " + names(columns) + " FROM read_parquet(" + quoteText(literal(dir)+"/*.parquet") + ")"
}

// seekTwins deals with rows that have no key: overlapping exports hold them alike in every column. A file can hold the
// same row several times, and all of them count: of the rows that say the same, as many stay as the file has that has
// most of them. Rows without a time are left alone, for in two files they can be two events.
func (c *Case) seekTwins(ctx context.Context, s *sought) error {
	t := s.table
	table, found := quoteName(t.Name), temporaryOf(twins, t)
	keyless := eventTime(t) + " IS NOT NULL"
	if t.Intake.Key != "" {
		keyless += " AND " + quoteName(t.Intake.Key) + " = ''"
	}
	n, err := c.count(ctx, table+" WHERE "+s.fresh()+" AND "+keyless)
	if err != nil || n == 0 {
		return err
	}
	var visible []string
	for _, col := range t.Columns {
		if !col.Hidden {
			visible = append(visible, quoteName(col.Name))
		}
	}
	said := strings.Join(visible, ", ")
	// What is in the case already is one bag, every new file another one. Two hashes make 128 bits.
	if err := c.Exec(ctx, "CREATE OR REPLACE TEMP TABLE bags (place BIGINT, bag BIGINT, one UBIGINT, two UBIGINT, _SourceFile VARCHAR, _SourceLine BIGINT)"); err != nil {
		return err
	}
	if err := c.inPortions(ctx, t, func(_ int64, among string) string {
		return "INSERT INTO bags SELECT rowid, CASE WHEN " + s.fresh() + " THEN _SourceNumber ELSE 0 END, hash(" + said + "), hash('two', " + said + "), _SourceFile, _SourceLine FROM " + table +
			" WHERE " + among + " AND " + keyless
	}); err != nil {
		return err
	}
	if err := c.lean(ctx,
		"CREATE OR REPLACE TEMP TABLE "+found+" AS SELECT place FROM (SELECT *, row_number() OVER (PARTITION BY one, two, bag ORDER BY _SourceFile, _SourceLine) AS nth FROM bags)"+
			" QUALIFY row_number() OVER (PARTITION BY one, two, nth ORDER BY bag > 0, _SourceFile, bag) > 1",
		"DROP TABLE bags",
	); err != nil {
		return err
	}
	if n, err := c.count(ctx, found); err != nil || n == 0 {
		return err
	}
	return c.putAside(ctx, s, kind{name: twins, among: "rowid IN (FROM " + found + ")"})
}

// foldMemory is what a row takes while it is folded with its copies, all of whose values are compared: as many are folded
// at a time as the memory allows.
const foldMemory = 128 << 10

// seekRepeated finds the rows that have the same key. What is looked at as a whole is narrow: the hashes of the keys, then
// the keys whose hash came twice, in the order of their rows, so that the copies of a slice of them lie near each other.
func (c *Case) seekRepeated(ctx context.Context, s *sought) error {
	t := s.table
	table, found, key := quoteName(t.Name), temporaryOf(repeated, t), quoteName(t.Intake.Key)
	keyed := " FROM " + table + " WHERE " + key + " <> ''"
	if s.first > 1 {
		keyed += " AND " + key + " IN (SELECT " + key + " FROM " + table + " WHERE " + s.fresh() + ")"
	}
	const twice = " GROUP BY 1 HAVING count(*) > 1"
	if err := c.lean(ctx,
		"CREATE OR REPLACE TEMP TABLE doubtful AS SELECT hash("+key+")"+keyed+twice,
		fmt.Sprintf("CREATE OR REPLACE TEMP TABLE %s AS SELECT key, row_number() OVER (ORDER BY place) // %d AS slice FROM (SELECT %s AS key, min(rowid) AS place%s AND hash(%s) IN (FROM doubtful)%s)",
			found, max(c.opt.Memory/foldMemory, 1), key, keyed, key, twice),
		"DROP TABLE doubtful",
	); err != nil {
		return err
	}
	if n, err := c.count(ctx, found); err != nil || n == 0 {
		return err // the common case costs one grouping of hashes
	}
	known := ""
	if has, err := c.hasCopies(ctx, t); err != nil {
		return err
	} else if has { // what was folded before is made anew of its copies
		known = " AND (" + s.fresh() + " OR " + key + " NOT IN (SELECT " + key + " FROM " + quoteName(copiesOf(t)) + "))"
	}
	return c.putAside(ctx, s, kind{name: repeated, among: key + " IN (SELECT key FROM " + found + ")", unfolded: known})
}

// hasCopies reports whether copies of rows of a table are kept.
func (c *Case) hasCopies(ctx context.Context, t *schema.Table) (bool, error) {
	n, err := c.count(ctx, "duckdb_tables() WHERE database_name = current_database() AND table_name = "+quoteText(copiesOf(t)))
	return n > 0, err
}

// fold makes one row of the copies of a row: Entra emits a sign-in again when its risk changes, and a later copy can
// be poorer than the first; exports overlap. Field by field the latest value that says something counts; the earliest
// copy gives TimeGenerated and the place.
//
// All copies are kept beside the table and folded anew whenever another one comes, so that it does not matter in which
// order, in which files and in how many steps they come. The commit after it merges groups of rows only where many went: see merge.
func (c *Case) fold(ctx context.Context, copies []sought) error {
	sparse := false
	for i := range copies {
		t := copies[i].table
		rows, err := c.count(ctx, quoteName(t.Name))
		var deleted int64
		if err == nil {
			deleted, err = c.foldTable(ctx, &copies[i])
		}
		if err != nil {
			return fmt.Errorf("fold the copies in %s: %w", t.Name, err)
		}
		sparse = sparse || deleted > rows/sparseShare
	}
	if sparse {
		return c.Exec(ctx, merge(true))
	}
	return c.execAll(ctx, merge(false), useThreads(1))
}

// afterFold are the settings with which everything but a fold and its commit runs.
func (c *Case) afterFold() []string {
	return []string{merge(true), "RESET disabled_optimizers", useThreads(c.threads())}
}

// sparseShare is the part of a table's rows without which its groups of rows have room to give back: DuckDB looks at three
// neighbours, of which as much must be deleted before they fit in two.
const sparseShare = 3

// merge says whether checkpoints may merge neighbouring groups of rows. Small loads leave small groups, which must be merged, but
// what is merged is written anew. When few rows were deleted it is the remainder of a thread's load that comes to fit in its
// full neighbours: two groups would be written to save a short one. A group without rows is given back in any case.
func merge(may bool) string {
	if may {
		return "RESET max_vacuum_tasks"
	}
	return "SET max_vacuum_tasks = 0"
}

// replaced is how many rows that were folded before are of a kind: they are taken out and made anew of all their copies.
func (c *Case) replaced(ctx context.Context, t *schema.Table, k kind) (int64, error) {
	if k.name != repeated {
		return 0, nil
	}
	return c.count(ctx, "(SELECT DISTINCT "+quoteName(t.Intake.Key)+" FROM "+quoteName(copiesOf(t))+" WHERE "+k.among+")")
}

// foldTable moves what was found from the table to its copies, and brings the rows that are made of them. It counts what it
// deleted.
func (c *Case) foldTable(ctx context.Context, s *sought) (deleted int64, err error) {
	table, copies := quoteName(s.table.Name), quoteName(copiesOf(s.table))
	if err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+copies+" "+definition(s.table.Columns, allStored)); err != nil {
		return 0, err
	}
	for _, k := range s.kinds {
		replaced, err := c.replaced(ctx, s.table, k)
		if err != nil {
			return 0, err
		}
		dir := c.asideOf(s.table, k.name)
		rows := s.rows(k)
		if k.waits {
			rows = waiting(s.table.Columns, dir)
		}
		moved, err := c.affected(ctx, "INSERT INTO "+copies+" ("+names(s.table.Columns)+") "+rows)
		if err != nil {
			return 0, err
		}
		gone, err := c.affected(ctx, "DELETE FROM "+table+" WHERE "+k.among)
		if err != nil {
			return 0, err
		}
		if gone != moved+replaced {
			return 0, fmt.Errorf("%d rows are %s, and %d of them were put aside and %d folded before", gone, k.name, moved, replaced)
		}
		deleted += gone
		if k.name == repeated {
			err = c.alone(ctx, func() error { return c.insertFolded(ctx, s.table) })
		}
		err = errors.Join(err, c.lean(ctx, "DROP TABLE "+temporaryOf(k.name, s.table)), os.RemoveAll(dir))
		if err != nil {
			return 0, err
		}
	}
	return deleted, nil
}

// insertFolded folds the copies of the repeated keys, slice by slice, and inserts the rows that they make. Several slices wait
// in files, because what a transaction inserts in small pieces stays in memory until its end. The copies of a slice
// lie in few groups of rows: there is work for one thread.
func (c *Case) insertFolded(ctx context.Context, t *schema.Table) error {
	columns, err := c.filled(ctx, t) // what copies say was said in the table before
	if err != nil {
		return err
	}
	parts, err := c.foldedSlices(ctx, t, columns)
	if err != nil {
		return err
	}
	// Else DuckDB may keep the wide rows in memory to look the narrow ones up in them.
	if err := c.Exec(ctx, "SET disabled_optimizers = 'join_order,build_side_probe_side'"); err != nil {
		return err
	}
	defer func() { _ = c.Exec(context.WithoutCancel(ctx), "RESET disabled_optimizers") }()
	into := "INSERT INTO " + quoteName(t.Name) + " (" + names(slices.Concat(columns, memberColumns(t))) + ") "
	if len(parts) == 1 {
		return c.lean(ctx, into+withMembers(t, parts[0], false))
	}
	dir := c.asideOf(t, "folded")
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for n, part := range parts {
		if err := c.lean(ctx, "COPY ("+part+") TO "+quoteText(filepath.Join(dir, fmt.Sprintf("%d.parquet", n)))+" (FORMAT parquet)"); err != nil {
			return err
		}
	}
	return c.lean(ctx, into+withMembers(t, waiting(columns, dir), false))
}

// foldedSlices selects the rows that are made of the copies of each slice of the repeated keys.
func (c *Case) foldedSlices(ctx context.Context, t *schema.Table, columns []schema.Column) ([]string, error) {
	key, found, long := quoteName(t.Intake.Key), temporaryOf(repeated, t), schema.Column{Type: schema.Long}
	rows, err := c.Select(ctx, "SELECT slice, min(copies.rowid), max(copies.rowid) FROM "+quoteName(copiesOf(t))+" AS copies JOIN "+found+" AS found ON "+key+" = found.key GROUP BY 1 ORDER BY 1", []schema.Column{long, long, long})
	var parts []string
	for _, row := range rows {
		parts = append(parts, foldSQL(t, columns, fmt.Sprintf("rowid BETWEEN %d AND %d AND %s IN (SELECT key FROM %s WHERE slice = %d)", row[1], row[2], key, found, row[0])))
	}
	return parts, err
}

// foldSQL selects columns of the rows that are made of some copies, all those of some keys. Copies of the same time are ordered by what
// they say, and by their places only where they say the same: exports of the same rows fold alike, whatever the files are
// called. What is ordered are the places of the copies only.
func foldSQL(t *schema.Table, columns []schema.Column, among string) string {
	copies, key := quoteName(copiesOf(t)), quoteName(t.Intake.Key)
	var visible, folded []string
	for _, col := range columns {
		folded = append(folded, foldColumn(t, col)+" AS "+quoteName(col.Name))
	}
	for _, col := range t.Columns {
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
