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
)

// load reads the file and loads the rows of its first table. Those of other tables, which few files have, are set aside on
// the way and loaded from there, a table at a time.
func (l *loader) load(ctx context.Context, f *evidence.File, report *FileReport) (err error) {
	s := &source{layout: l.layout, file: f, path: report.Path, number: report.Number, dir: l.c.dir(), noteRejects: true}
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
		next := &source{layout: l.layout, file: f, path: s.path, number: s.number, dir: s.dir, target: s.nextTarget()}
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
		s.pauseAt = before + l.c.portion - l.fresh
		err = errors.Join(l.c.insert(ctx, s), s.flush())
		l.fresh += s.loaded - before
		if again = s.stream.Resume(); again && err == nil {
			err = l.settle(ctx)
		}
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

	noteRejects bool // in the first pass; what comes from aside has been decoded before

	mu       sync.Mutex
	rejected []evidence.Reject
	others   []*evidence.Target // of the rows that are set aside
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

// worker makes a worker of the source.
func (s *source) worker() *worker {
	w := &worker{source: s, decoder: s.layout.NewDecoder(s.file), records: s.stream.Reader()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = append(s.workers, w)
	return w
}

// setAside makes the file for rows of other tables with the first of them.
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
func (s *source) peek() (*evidence.Target, error) {
	if t := s.mostOf(s.file.Head(), math.MaxInt); t != nil || s.file.Once() {
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
	writer  *evidence.AsideWriter // nil before the first row of another table
	last    *evidence.Target      // of the row that was set aside last
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
		case row.Target == w.target:
			w.loaded++
			return row, true
		default:
			if err := w.later(record, row.Target); err != nil {
				w.fail(err)
				return nil, false
			}
		}
	}
}

// later sets a record of another table aside.
func (w *worker) later(record evidence.Record, t *evidence.Target) error {
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
