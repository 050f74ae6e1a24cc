package casefile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// load reads the file and loads the rows of its first table. Those of other tables, which few files have, and those that
// say something in a column that the table does not store yet, are set aside on the way and loaded from there, a table at a time.
func (l *loader) load(ctx context.Context, f *evidence.File, report *FileReport) (err error) {
	s := &source{layout: l.layout, file: f, path: report.Path, number: report.Number, dir: l.c.dir(), mayWait: l.c.mayWait, noteRejects: true, says: said{}}
	if s.target, err = s.peek(); err != nil {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	if s.stream, err = f.Read(s.reject); err != nil {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	err = l.pass(ctx, s, report)
	if err == nil {
		err = l.rejects(s, report)
	}
	for err == nil && s.aside != nil {
		next := &source{layout: l.layout, file: f, path: s.path, number: s.number, dir: s.dir, target: s.nextTarget(), mayWait: s.mayWait, says: s.says}
		before := s.aside
		if err = l.c.Exec(ctx, l.c.limit()); err == nil {
			next.stream, err = before.Read()
		}
		if err == nil {
			err = l.pass(ctx, next, report)
		}
		err = errors.Join(err, before.Close())
		s = next
	}
	if err != nil {
		return errors.Join(fmt.Errorf("load %s: %w", f.Path, err), s.close())
	}
	return nil
}

// pass loads the rows of one table, in portions between which the database is opened anew.
func (l *loader) pass(ctx context.Context, s *source, report *FileReport) (err error) {
	if s.target == nil {
		s.drain()
		err = s.flush()
	}
	for again := s.target != nil; again && err == nil; {
		before := s.loaded
		if err = l.ready(ctx, s); err == nil {
			s.pauseAt = before + l.c.portion - l.fresh
			err = errors.Join(l.c.insert(ctx, s), s.flush())
		}
		l.fresh += s.loaded - before
		again = s.stream.Resume()
	}
	broken := s.stream.Close()
	if err = errors.Join(err, s.failed); err != nil {
		return err
	}
	if broken != nil && !s.noteRejects {
		return broken
	}
	if broken != nil {
		s.reject(evidence.Reject{Place: s.stream.Place(), Code: evidence.CodeTruncated, Reason: "the file ends in the middle: " + broken.Error()})
	}
	if s.noteRejects {
		report.NextPage, report.Failure = text(s.stream.NextPage()), text(s.stream.Failure())
	}
	if s.target != nil {
		report.Tables[s.target.Table.Name] += s.loaded
		report.RowsLoaded += s.loaded
		report.RowsRead += s.loaded
	}
	return nil
}

// source feeds the rows of one file and table to DuckDB. Its workers share it.
type source struct {
	layout *evidence.Layout
	file   *evidence.File
	path   string // of the file, as the case names it
	number int64  // of the file
	dir    string // for what is set aside
	stream *evidence.Stream
	target *evidence.Target

	mayWait int64           // of its rows, for a worker
	stored  []schema.Column // of the target's columns, for the time being
	blank   []bool          // by the target's columns: the others
	says    said            // in the rows that have been looked at ahead and those that were set aside

	noteRejects bool // in the first pass; what comes from aside has been decoded before

	mu       sync.Mutex
	rejected []evidence.Reject
	others   []*evidence.Target // of the rows that are set aside, the source's own for rows that are late
	aside    *evidence.Aside    // nil without any
	failed   error              // of setting aside
	loaded   int64
	pauseAt  int64 // of loaded, for the time being
	workers  []*worker
}

func (s *source) reject(r evidence.Reject) {
	if !s.noteRejects {
		return
	}
	if s.file.Unpacked() {
		r.Offset = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = append(s.rejected, r)
}

// said tells in which columns of their table rows say something.
type said map[*evidence.Target][]bool

// of are the columns of a table.
func (s said) of(t *evidence.Target) []bool {
	if s[t] == nil {
		s[t] = make([]bool, len(t.Columns))
	}
	return s[t]
}

func (s said) add(row *evidence.Row) {
	columns := s.of(row.Target)
	for i := range row.Cells {
		columns[i] = columns[i] || says(row, i)
	}
}

// says reports whether a row says in a column what a blank one would not.
func says(row *evidence.Row, i int) bool {
	cell := &row.Cells[i]
	return !cell.Null && (len(cell.Text) > 0 || row.Target.Columns[i].Type != schema.String)
}

// worker makes a worker of the source.
func (s *source) worker() *worker {
	w := &worker{source: s, decoder: s.layout.NewDecoder(s.file), records: s.stream.Reader(), says: said{}}
	for i, blank := range s.blank {
		if blank {
			w.blanks = append(w.blanks, i)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = append(s.workers, w)
	return w
}

// setAside makes the file for rows that are loaded later with the first of them.
func (s *source) setAside(t *evidence.Target) (*evidence.Aside, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aside == nil && s.failed == nil {
		s.aside, s.failed = evidence.NewAside(s.dir)
	}
	if !slices.Contains(s.others, t) {
		s.others = append(s.others, t)
	}
	return s.aside, s.failed
}

// nextTarget is the table of which rows are loaded next, whatever the order in which they came.
func (s *source) nextTarget() *evidence.Target {
	return slices.MinFunc(s.others, func(a, b *evidence.Target) int { return strings.Compare(a.Table.Name, b.Table.Name) })
}

// flush ends what the workers set aside.
func (s *source) flush() (err error) {
	for _, w := range s.workers {
		if w.writer != nil {
			err = errors.Join(err, w.writer.Flush())
		}
		w.writer, w.last = nil, nil
		for t, columns := range w.says {
			have := s.says.of(t)
			for i := range columns {
				have[i] = have[i] || columns[i]
			}
		}
	}
	return err
}

// close gives what is set aside free.
func (s *source) close() error {
	if s.aside == nil {
		return nil
	}
	return s.aside.Close()
}

// release gives the memory of all workers free.
func (s *source) release() {
	for _, w := range s.workers {
		w.arena.release()
	}
}

func (s *source) unknown() []string {
	seen := map[string]bool{}
	var out []string
	for _, w := range s.workers {
		for _, name := range w.decoder.UnknownNames() {
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	sort.Strings(out)
	return out
}

// peek finds the table that is loaded first: the one of most records at the beginning, or of the first record that has one.
// What they say is noted, and what some records further behind say.
func (s *source) peek() (*evidence.Target, error) {
	t := s.mostOf(s.file.Head(), math.MaxInt)
	ahead, err := s.file.Ahead()
	if err != nil {
		return nil, err
	}
	if ahead != nil {
		defer func() { _ = ahead.Close() }()
		s.mostOf(ahead, math.MaxInt)
	}
	if t != nil || s.file.Once() {
		return t, nil
	}
	stream, err := s.file.Read(func(evidence.Reject) {})
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	return s.mostOf(stream, 1), nil
}

// mostOf is the table that most of the first n records with a table belong to; of several the one that comes first.
func (s *source) mostOf(stream *evidence.Stream, n int) (most *evidence.Target) {
	records, decoder := stream.Reader(), s.layout.NewDecoder(s.file)
	rows := map[*evidence.Target]int{}
	for found := 0; found < n; {
		record, ok := records.Next()
		if !ok {
			break
		}
		row, err := decoder.Decode(record.Text, record.Line)
		if err != nil {
			continue
		}
		found++
		s.says.add(row)
		if rows[row.Target]++; rows[row.Target] > rows[most] {
			most = row.Target
		}
	}
	return most
}

// drain counts the rejects of a file that has no row of a supported table.
func (s *source) drain() {
	w := s.worker()
	for {
		if _, ok := w.row(); !ok {
			return
		}
	}
}

// worker is one thread's part of a source.
type worker struct {
	*source
	decoder *evidence.Decoder
	records *evidence.Reader
	loaded  int64
	writer  *evidence.AsideWriter // nil before the first row that is set aside
	last    *evidence.Target      // of the row that was set aside last
	says    said                  // what is said in the rows that were set aside
	blanks  []int                 // the target's columns that are blank
	waits   int64                 // rows of the target that were set aside
	vectors []vector
	arena   arena
}

// row returns the next row of the source's table.
func (w *worker) row() (*evidence.Row, bool) {
	for {
		record, ok := w.records.Next()
		if !ok {
			return nil, false
		}
		row, err := w.decoder.Decode(record.Text, record.Line)
		switch {
		case err != nil:
			w.reject(evidence.RejectOf(record, err))
		case row.Target == w.target && !w.late(row):
			w.loaded++
			return row, true
		default:
			if err := w.later(record, row); err != nil {
				w.fail(err)
				return nil, false
			}
		}
	}
}

// late reports whether a row says something in a blank column.
func (w *worker) late(row *evidence.Row) bool {
	for _, i := range w.blanks {
		if says(row, i) {
			return true
		}
	}
	return false
}

// mayWait is how many rows of its table a worker sets aside before their columns are stored. Storing some takes about as long
// as loading fifty thousand rows, setting a row aside half as long as loading it.
const mayWait = 4 * chunkSize

// later sets a record aside that is of another table, or late. When many are late reading pauses, so that the table can
// store what the others say.
func (w *worker) later(record evidence.Record, row *evidence.Row) error {
	t := row.Target
	w.says.add(row)
	if t == w.target {
		if w.waits++; w.waits == w.mayWait {
			w.stream.Pause()
		}
	}
	if w.last != t {
		to, err := w.setAside(t)
		if err != nil {
			return err
		}
		if w.writer == nil {
			w.writer = to.Writer()
		}
		w.last = t
	}
	return w.writer.Add(record)
}

func (w *worker) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = errors.Join(w.failed, err)
}
