package casefile

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"sort"
	"strings"
	"sync/atomic"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Load adds evidence to the case and reports on each path, in their order. A file that cannot be read is a report with an
// Error; it ends nothing. A file that the case has already, with the same bytes under the same path, is passed over.
//
// Files come to the case whole or not at all, see batch: whenever the program dies, the case is as before or after a file,
// and loading the same paths again goes on where it ended. When err is not nil, the reports are those of the files that are in the case.
func (c *Case) Load(ctx context.Context, paths []string) ([]*FileReport, error) {
	if err := c.forget(ctx); err != nil {
		return nil, err
	}
	l, err := c.newLoader(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.files.Close() }()
	files, problems := l.files.Discover(paths)
	c.passed = l.files.Passed
	if c.temporary != "" {
		sort.Strings(files) // nothing that is made of a case that is not kept may depend on the order
	}
	given := len(files) + len(problems)
	for _, path := range files {
		l.total += sizeOf(path)
	}
	for first := true; err == nil && (first || len(files) > 0); first = false {
		files, err = l.batch(ctx, problems, files)
		problems = nil
	}
	reports, booksErr := l.result(context.WithoutCancel(ctx))
	if err == nil {
		err = c.givenWatchlists(ctx)
	}
	return reports, l.orFull(errors.Join(err, booksErr), given)
}

// Passed are the files and folders that the last Load passed over, because systems leave such in folders.
func (c *Case) Passed() []string { return c.passed }

func (c *Case) layout() *evidence.Layout { return evidence.NewLayout(c.canonical()) }

// loader loads the files of one call.
type loader struct {
	c         *Case
	layout    *evidence.Layout
	files     *evidence.Files
	shapes    []evidence.Shape
	known     map[int64][]*FileReport    // the files that the case has, by size
	stored    int64                      // bytes of all files in the case
	next      int64                      // number of the next file
	total     int64                      // bytes of all files to read
	read      int64                      // bytes of the files that are done
	fresh     int64                      // rows loaded since the database was opened
	blank     map[string]map[string]bool // the blank columns by table, nil after some were stored
	held      []*part                    // files that wait to be loaded together
	heldBytes int64                      // what they take
	loaded    []*FileReport              // what is in the case now, in the order of the files
	present   map[int64]bool             // numbers of files that were in the case before
}

func (c *Case) newLoader(ctx context.Context) (*loader, error) {
	shapes, err := evidence.DefaultShapes()
	if err != nil {
		return nil, err
	}
	l := &loader{c: c, layout: c.layout(), files: &evidence.Files{Scratch: c.scratch}, shapes: shapes, known: map[int64][]*FileReport{}, next: 1, present: map[int64]bool{}}
	files, err := c.Files(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range files {
		l.next = max(l.next, r.Number+1)
		l.remember(r)
	}
	return l, nil
}

func (l *loader) remember(r *FileReport) {
	if r.Error == "" {
		l.known[r.Bytes] = append(l.known[r.Bytes], r)
		l.stored += r.Bytes
	}
}

// batch loads the next files, folds the copies among them and writes the books. Looking for copies costs a pass over the
// ids of the whole case, so that a batch grows with it: a case of any size costs a few such passes.
//
// The rows of each file, or of some small ones, come in transactions of their own, the folding and the books of all in a
// last one. DuckDB writes a table anew, in memory, when rows are deleted in the transaction that brings them, and holds three
// megabytes for every statement that brings some. What is in no book is not in the case: see unbooked.
func (l *loader) batch(ctx context.Context, problems []evidence.Problem, files []string) (rest []string, err error) {
	c := l.c
	budget := max(c.opt.Batch, l.stored/8)
	if c.temporary != "" {
		budget = math.MaxInt64
	}
	var reports []*FileReport
	first := l.next
	for _, p := range problems {
		report := &FileReport{Path: text(p.Path), Error: text(p.Err.Error()), Help: p.Help}
		if c.temporary != "" { // a case that is kept remembers files, no misspelt paths
			l.number(report)
		}
		reports = append(reports, report)
	}
	for n := 0; err == nil && len(files) > 0 && (n == 0 || budget > 0 && sizeOf(files[0]) <= budget); n++ {
		var report *FileReport
		if report, err = l.take(ctx, files[0]); err == nil {
			files = files[1:]
			budget -= report.Bytes
			l.read += report.Bytes
			reports = append(reports, report)
		}
	}
	if err == nil {
		err = l.loadHeld(ctx)
	}
	if err == nil && l.fresh > rowGroup {
		err = l.reopen(ctx)
	}
	debug.FreeOSMemory() // what reading took is not needed to fold
	var copies []sought
	if err == nil {
		copies, err = c.seek(ctx, first, c.touched(reports))
	}
	if err == nil {
		err = c.transact(ctx, func() error { return c.account(ctx, first, reports, copies) })
		err = errors.Join(err, c.execAll(context.WithoutCancel(ctx), c.afterFold()...))
	}
	if err != nil {
		return files, errors.Join(err, c.dropUnbooked(context.WithoutCancel(ctx)))
	}
	l.loaded = append(l.loaded, reports...)
	return files, nil
}

// portion is how many rows are loaded before the database is opened anew: what it keeps of their columns takes 40 MB.
const portion = 4 << 20

// ready prepares the table of a source for the rows that come: what they say is stored, and after a portion the database is
// opened anew. For both the rows that have come so far are committed, in the middle of a file.
func (l *loader) ready(ctx context.Context, s *source) error {
	if l.blank == nil {
		var err error
		if l.blank, err = l.c.blank(ctx); err != nil {
			return err
		}
	}
	blank, says := l.blank[s.target.Table.Name], s.says.of(s.target)
	s.stored, s.blank = nil, make([]bool, len(s.target.Columns))
	var missing []schema.Column
	for i, col := range s.target.Columns {
		if blank[col.Name] && says[i] {
			missing = append(missing, col)
		}
		if s.blank[i] = blank[col.Name] && !says[i]; !s.blank[i] {
			s.stored = append(s.stored, col)
		}
	}
	if len(missing) == 0 && l.fresh < l.c.portion {
		return nil
	}
	if len(missing) > 0 {
		l.blank = nil
	}
	err := l.c.Exec(ctx, "COMMIT")
	if err == nil {
		err = l.c.store(ctx, s.target.Table, missing)
	}
	if err == nil && l.fresh >= l.c.portion {
		err = l.reopen(ctx)
	}
	if err == nil {
		err = l.c.Exec(ctx, "BEGIN")
	}
	return err
}

func (l *loader) reopen(ctx context.Context) error {
	l.fresh = 0
	return l.c.reopen(ctx)
}

// unbooked are the tables, each with a condition, that hold rows of files which are not in the books: the program died
// between bringing them and accounting for them.
func (c *Case) unbooked(ctx context.Context) (from []string, err error) {
	long := schema.Column{Type: schema.Long}
	last, err := c.Select(ctx, "SELECT coalesce(max(Number), 0) FROM EvidenceFiles", []schema.Column{long})
	if err != nil {
		return nil, err
	}
	parts := []string{fmt.Sprintf("RejectedRows WHERE Number > %d", last[0][0])}
	for _, t := range c.canonical() {
		parts = append(parts, fmt.Sprintf("%s WHERE _SourceNumber > %d", quoteName(t.Name), last[0][0]))
	}
	var counts []string
	for i, part := range parts {
		counts = append(counts, fmt.Sprintf("SELECT %d FROM %s", i, part))
	}
	rows, err := c.Select(ctx, "SELECT DISTINCT part FROM ("+strings.Join(counts, " UNION ALL ")+") AS parts(part) ORDER BY 1", []schema.Column{long})
	for _, row := range rows {
		at, _ := row[0].(int64)
		from = append(from, parts[at])
	}
	return from, err
}

// dropUnbooked takes out what is not in the books.
func (c *Case) dropUnbooked(ctx context.Context) error {
	from, err := c.unbooked(ctx)
	if err != nil || len(from) == 0 {
		return err
	}
	if c.readOnly {
		return errOutdated
	}
	for i := range from {
		from[i] = "DELETE FROM " + from[i]
	}
	return c.transact(ctx, func() error { return c.execAll(ctx, from...) })
}

// sizeOf is the size of a file on disk; 0 of what is none, such as a stream or a file in an archive.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (l *loader) number(r *FileReport) *FileReport {
	r.Number, r.ToolVersion = l.next, l.c.opt.ToolVersion
	l.next++
	return r
}

// result are the reports as the books have them at the end: a later file can make a row of an earlier one a copy.
func (l *loader) result(ctx context.Context) ([]*FileReport, error) {
	files, err := l.c.Files(ctx)
	if err != nil {
		return nil, err
	}
	byNumber := map[int64]*FileReport{}
	for _, r := range files {
		byNumber[r.Number] = r
	}
	var out []*FileReport
	for _, r := range l.loaded {
		if final := byNumber[r.Number]; final != nil {
			final.Present = l.present[r.Number]
			r = final
		}
		out = append(out, r)
	}
	return out, nil
}

// progress follows the reading of one file.
func (l *loader) progress(f *evidence.File) {
	tell := l.c.opt.Progress
	if tell == nil {
		return
	}
	if f.Held() > 0 {
		tell(l.read+f.Bytes, l.total, f.Path)
		return
	}
	at, read := l.read, atomic.Int64{}
	f.OnRead = func(n int) { tell(at+min(read.Add(int64(n)), f.Bytes), l.total, f.Path) }
}

// text is a text from outside as the database can hold it.
func text(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// open recognises a file. Parquet is written as JSON lines first: only the database reads it. done removes them. It is
// read on a connection of its own: what fails in a transaction ends the transaction.
func (l *loader) open(ctx context.Context, path string) (f *evidence.File, done func(), err error) {
	if !evidence.IsParquet(path) {
		f, err = l.files.Open(path, l.shapes)
		return f, func() {}, err
	}
	dir, err := os.MkdirTemp(l.c.scratch, "parquet-")
	if err != nil {
		return nil, func() {}, fmt.Errorf("unpack Parquet: %w", err)
	}
	done = func() { _ = os.RemoveAll(dir) }
	rows := filepath.Join(dir, "rows.jsonl")
	conn, err := l.c.db.Conn(ctx)
	if err != nil {
		return nil, done, fmt.Errorf("unpack Parquet: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := l.c.unpack(ctx, conn, path, rows); err != nil {
		return nil, done, err
	}
	f, err = l.files.OpenUnpacked(path, rows, l.shapes)
	return f, done, err
}

// unpack writes the rows of a Parquet file as JSON lines, in their order, for that is their place. Several threads would
// mix groups of rows, or hold them back where no limit of memory counts them; sorting takes more memory than there may be.
func (c *Case) unpack(ctx context.Context, conn *sql.Conn, path, rows string) (err error) {
	set := func(ctx context.Context, threads int, ordered bool) error {
		_, err := conn.ExecContext(ctx, fmt.Sprintf("SET threads = %d; SET preserve_insertion_order = %t", threads, ordered))
		return err
	}
	defer func() { err = cmp.Or(err, set(context.WithoutCancel(ctx), c.threads(), false)) }()
	if err := set(ctx, 1, true); err != nil {
		return fmt.Errorf("unpack Parquet: %w", err)
	}
	_, err = conn.ExecContext(ctx, "COPY (SELECT * FROM read_parquet("+quoteText(literal(path))+")) TO "+quoteText(rows)+" (FORMAT json)")
	var failed *duckdb.Error
	if errors.As(err, &failed) && failed.Type == duckdb.ErrorTypeOutOfMemory || noRoom(err) {
		return fmt.Errorf("unpack Parquet: %w", err)
	}
	if err != nil {
		return &evidence.NotRecognised{Reason: "the Parquet data is damaged: " + err.Error(), Help: "copy the file again from its origin"}
	}
	return nil
}

// take opens a file and loads it in a transaction of its own, or lets it wait for others. Its report is complete when none wait.
func (l *loader) take(ctx context.Context, path string) (*FileReport, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	report := &FileReport{Path: text(path), Tables: map[string]int64{}}
	if info, err := os.Stat(path); err == nil {
		report.Bytes, report.Modified = info.Size(), moment(schema.TicksOf(info.ModTime().UTC()))
	}
	f, done, err := l.open(ctx, path)
	defer done()
	if noRoom(err) {
		return nil, err
	}
	if err != nil {
		report.Error = text(err.Error())
		var hinted interface{ Hint() string }
		if errors.As(err, &hinted) {
			report.Help = hinted.Hint()
		}
		return l.number(report), nil
	}
	report.Bytes, report.Shape = f.Bytes, f.ShapeName()
	if f.Held() > 0 || len(l.known[f.Bytes]) > 0 { // a file of the same size has been loaded: it may be the same one
		if report.SHA256, err = f.Hash(); err != nil {
			report.Error = text(err.Error())
			return l.number(report), nil
		}
		if l.holds(report) {
			if err := l.loadHeld(ctx); err != nil {
				return nil, err
			}
		}
		if same := l.same(report); same != nil {
			return same, nil
		}
	}
	p := &part{file: f, report: l.number(report)}
	l.progress(f)
	if f.Held() > 0 {
		return report, l.hold(ctx, p)
	}
	if err := l.loadHeld(ctx); err != nil {
		return nil, err
	}
	err = l.c.transact(ctx, func() error {
		report, err = l.file(ctx, p)
		return err
	})
	return report, err
}

// file loads a file that is read anew; of a stream that turns out to be in the case already nothing is kept.
func (l *loader) file(ctx context.Context, p *part) (*FileReport, error) {
	report, number := p.report, p.report.Number
	err := l.load(ctx, p)
	sum, hashErr := p.file.Hash()
	if hashErr != nil && err == nil {
		return nil, fmt.Errorf("hash %s: %w", p.file.Path, hashErr)
	}
	report.SHA256, report.Bytes = sum, p.file.Bytes // of standard input both are known now
	if p.file.Once() && err == nil {
		if same := l.same(report); same != nil {
			return same, l.undo(ctx, number)
		}
	}
	l.remember(report)
	return report, err
}

// undo takes out of the tables what a stream brought that turned out to be in the case already.
func (l *loader) undo(ctx context.Context, number int64) error {
	for _, t := range l.c.canonical() {
		if err := l.c.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE _SourceNumber = %d", quoteName(t.Name), number)); err != nil {
			return err
		}
	}
	return l.c.Exec(ctx, fmt.Sprintf("DELETE FROM RejectedRows WHERE Number = %d", number))
}

// same deals with a file whose bytes the case has already: under the same path it is that file, under another one a
// file of its own, all of whose records are duplicates. It returns nil for a new file.
func (l *loader) same(report *FileReport) *FileReport {
	var first *FileReport
	for _, known := range l.known[report.Bytes] {
		if known.SHA256 != report.SHA256 {
			continue
		}
		if known.Path == report.Path {
			l.present[known.Number] = true
			return known
		}
		if first == nil {
			first = known
		}
	}
	if first == nil {
		return nil
	}
	report.SameAs, report.RowsRead, report.RowsDuplicate = first.Number, first.RowsRead, first.RowsRead
	report.Tables, report.RowsLoaded, report.RowsRejected = map[string]int64{}, 0, 0
	report.FirstEvent, report.LastEvent = first.FirstEvent, first.LastEvent
	l.number(report)
	l.remember(report)
	return report
}
