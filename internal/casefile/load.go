package casefile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// load reads a file and loads the rows of its first table. Those of other tables, which few files have, and those that
// say something in a column that the table does not store yet, are set aside on the way and loaded from there, a table at a time.
func (l *loader) load(ctx context.Context, p *part) (err error) {
	s := l.source(said{}, p)
	if s.target, err = s.peek(p.file); err != nil {
		return fmt.Errorf("read %s: %w", p.file.Path, err)
	}
	if p.stream, err = p.file.Read(p.reject); err != nil {
		return fmt.Errorf("read %s: %w", p.file.Path, err)
	}
	err = l.pass(ctx, s)
	if err == nil {
		err = l.rejects(p)
	}
	for err == nil && s.aside != nil {
		next := l.source(s.says, p)
		next.target = s.nextTarget()
		before := s.aside
		if err = l.c.Exec(ctx, l.c.limit()); err == nil {
			p.stream, err = before.Read()
		}
		if err == nil {
			err = l.pass(ctx, next)
		}
		err = errors.Join(err, before.Close())
		s = next
	}
	if err != nil {
		return errors.Join(fmt.Errorf("load %s: %w", p.file.Path, err), s.close())
	}
	return nil
}

// pass loads the rows of one table, in portions between which the database is opened anew.
func (l *loader) pass(ctx context.Context, s *source) (err error) {
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
		again = s.resume()
	}
	err = errors.Join(err, s.failed)
	for _, p := range s.parts {
		broken := p.stream.Close()
		if err == nil {
			err = p.end(s.target, broken)
		}
	}
	return err
}

// part is a file whose rows a source feeds.
type part struct {
	file   *evidence.File
	report *FileReport
	stream *evidence.Stream           // of its records, in this pass
	rows   map[*evidence.Target]int64 // of each table, where they are known before they are loaded; nil where they are not
	passed bool                       // what is rejected has been noted in an earlier pass

	mu       sync.Mutex
	rejected []evidence.Reject
	unknown  map[string]bool // keys that no table has
	loaded   int64           // in this pass
}

func (p *part) reject(r evidence.Reject) {
	if p.passed {
		return
	}
	if p.file.Unpacked() {
		r.Offset = -1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rejected = append(p.rejected, r)
}

// end accounts for a pass that loaded rows of a table, nil without any; broken is what cut the file short.
func (p *part) end(t *evidence.Target, broken error) error {
	if broken != nil && p.passed {
		return broken
	}
	if broken != nil {
		p.reject(evidence.Reject{Place: p.stream.Place(), Code: evidence.CodeTruncatedFile, Reason: "the file ends in the middle: " + broken.Error()})
	}
	if p.rows != nil && p.loaded != p.rows[t] {
		return fmt.Errorf("%s had %d rows of a table, and %d when it was decoded again", p.file.Path, p.rows[t], p.loaded)
	}
	if !p.passed {
		p.report.NextPage, p.report.Failure = text(p.stream.NextPage()), text(p.stream.Failure())
	}
	if t != nil {
		p.report.Tables[t.Table.Name] += p.loaded
		p.report.RowsLoaded += p.loaded
		p.report.RowsRead += p.loaded
	}
	p.passed, p.loaded = true, 0
	return nil
}

// source feeds the rows of one table in one or more files to DuckDB. Its workers share it.
type source struct {
	layout *evidence.Layout
	dir    string // for what is set aside
	parts  []*part
	target *evidence.Target

	mayWait int64           // of its rows, for a worker
	stored  []schema.Column // of the target's columns, for the time being
	blank   []bool          // by the target's columns: the others
	says    said            // in the rows that have been looked at ahead and those that were set aside

	mu      sync.Mutex
	others  []*evidence.Target // of the rows that are set aside, the source's own for rows that are late
	aside   *evidence.Aside    // nil without any
	failed  error              // of setting aside
	loaded  int64
	pauseAt int64 // of loaded, for the time being
	workers []*worker
}

func (l *loader) source(says said, parts ...*part) *source {
	return &source{layout: l.layout, dir: l.c.scratch, parts: parts, mayWait: l.c.mayWait, says: says}
}

// resume ends the pauses of all parts and reports whether there was one.
func (s *source) resume() (paused bool) {
	for _, p := range s.parts {
		paused = p.stream.Resume() || paused
	}
	return paused
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
	w := &worker{source: s, says: said{}}
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

// peek finds the table that is loaded first: the one of most records at the beginning, or of the first record that has one.
// What they say is noted, and what some records further behind say.
func (s *source) peek(f *evidence.File) (*evidence.Target, error) {
	_, t := s.look(f, f.Head(), math.MaxInt)
	ahead, err := f.Ahead()
	if err != nil {
		return nil, err
	}
	if ahead != nil {
		defer func() { _ = ahead.Close() }()
		s.look(f, ahead, math.MaxInt)
	}
	if t != nil || f.Once() {
		return t, nil
	}
	stream, err := f.Read(func(evidence.Reject) {})
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	_, t = s.look(f, stream, 1)
	return t, nil
}

// look counts the first n records of a stream that have a table, and finds the table that most of them belong to; of several
// the one that comes first. What they say is noted.
func (s *source) look(f *evidence.File, stream *evidence.Stream, n int) (rows map[*evidence.Target]int64, most *evidence.Target) {
	records, decoder := stream.Reader(), s.layout.NewDecoder(f)
	rows = map[*evidence.Target]int64{}
	for found := 0; found < n; {
		record, ok := records.Next()
		if !ok {
			break
		}
		_, row, err := records.Decode(record, decoder)
		if err != nil {
			continue
		}
		found++
		s.says.add(row)
		if rows[row.Target]++; rows[row.Target] > rows[most] {
			most = row.Target
		}
	}
	return rows, most
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

// worker is one thread's part of a source. It goes through all parts, and gets of each the blocks that no other worker has.
type worker struct {
	*source
	part    *part // nil before the first one and behind the last one
	next    int   // of the parts
	decoder *evidence.Decoder
	records *evidence.Reader
	loaded  int64                 // rows that have not been counted yet
	writer  *evidence.AsideWriter // nil before the first row that is set aside
	last    *evidence.Target      // of the row that was set aside last
	says    said                  // what is said in the rows that were set aside
	blanks  []int                 // the target's columns that are blank
	waits   int64                 // rows of the target that were set aside
	vectors []vector
	arena   arena
	placed  *part // of the row that was written last
}

// record returns the next record, with the decoder of its part.
func (w *worker) record() (evidence.Record, bool) {
	for {
		if w.part != nil {
			record, ok := w.records.Next()
			if ok && w.decoder == nil {
				w.decoder = w.layout.NewDecoder(w.part.file)
			}
			if ok {
				return record, true
			}
			w.leave()
		}
		if w.next == len(w.parts) {
			return evidence.Record{}, false
		}
		w.part = w.parts[w.next]
		w.records = w.part.stream.Reader()
		w.next++
	}
}

// leave ends what the worker does with a part.
func (w *worker) leave() {
	w.count()
	if w.decoder != nil {
		w.part.knowsNot(w.decoder.UnknownNames())
	}
	w.part, w.decoder = nil, nil
}

// count counts the rows that were loaded since it was called last, and reports whether they are enough for this time.
func (w *worker) count() (full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.part.loaded += w.loaded
	w.source.loaded += w.loaded
	w.loaded = 0
	return w.source.loaded >= w.pauseAt
}

// knowsNot notes the keys that no table has.
func (p *part) knowsNot(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unknown == nil {
		p.unknown = map[string]bool{}
	}
	for _, name := range names {
		p.unknown[name] = true
	}
}

// row returns the next row of the source's table.
func (w *worker) row() (*evidence.Row, bool) {
	for {
		record, ok := w.record()
		if !ok {
			return nil, false
		}
		record, row, err := w.records.Decode(record, w.decoder)
		switch {
		case err != nil:
			w.part.reject(evidence.RejectOf(record, err))
		case row.Target == w.target && !w.late(row):
			w.loaded++
			return row, true
		case w.part.rows != nil: // it is loaded in another pass
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
			w.part.stream.Pause()
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
