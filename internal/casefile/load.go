package casefile

import (
	"context"
	"fmt"
	"sort"
	"sync"

	"github.com/replaytrace/replaytrace/internal/evidence"
)

// load reads the file once per table it holds, which is once for nearly all files.
func (l *loader) load(ctx context.Context, f *evidence.File, report *FileReport) error {
	done := map[string]bool{}
	var target *evidence.Target
	for pass := 0; ; pass++ {
		s := &source{layout: l.layout, file: f, path: report.Path, number: report.Number, target: target, others: map[*evidence.Target]int64{}, first: pass == 0}
		if target == nil {
			var err error
			if target, err = s.peek(); err != nil {
				return fmt.Errorf("read %s: %w", f.Path, err)
			}
			s.target = target
		}
		if err := l.pass(ctx, s, report); err != nil {
			return fmt.Errorf("load %s: %w", f.Path, err)
		}
		if pass == 0 {
			if err := l.rejects(s, report); err != nil {
				return err
			}
		}
		if target == nil {
			return nil
		}
		done[target.Table.Name] = true
		target = nil
		for t := range s.others {
			if !done[t.Table.Name] && (target == nil || t.Table.Name < target.Table.Name) {
				target = t
			}
		}
		if target == nil {
			return nil
		}
	}
}

func (l *loader) pass(ctx context.Context, s *source, report *FileReport) error {
	stream, err := s.file.Read(s.reject)
	if err != nil {
		return err
	}
	s.stream = stream
	if s.target == nil {
		s.drain()
	} else if err := l.c.insert(ctx, s); err != nil {
		_ = stream.Close()
		return err
	}
	if err := stream.Close(); err != nil && s.first {
		s.reject(evidence.Reject{Line: stream.Line(), Code: evidence.CodeTruncated, Reason: "the file ends in the middle: " + err.Error()})
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
	stream *evidence.Stream
	target *evidence.Target
	first  bool // rejects are noted in the first pass only

	mu       sync.Mutex
	rejected []evidence.Reject
	others   map[*evidence.Target]int64
	loaded   int64
	workers  []*worker
}

func (s *source) reject(r evidence.Reject) {
	if !s.first {
		return
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

// peek finds the table of the first record that has one.
func (s *source) peek() (*evidence.Target, error) {
	if t := firstTarget(s, s.file.Head()); t != nil || s.file.Once() {
		return t, nil
	}
	stream, err := s.file.Read(func(evidence.Reject) {})
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	return firstTarget(s, stream), nil
}

func firstTarget(s *source, stream *evidence.Stream) *evidence.Target {
	records, decoder := stream.Reader(), s.layout.NewDecoder(s.file)
	for {
		record, line, ok := records.Next()
		if !ok {
			return nil
		}
		if row, err := decoder.Decode(record, line); err == nil {
			return row.Target
		}
	}
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
	vectors []vector
	arena   arena
}

// row returns the next row of the source's table.
func (w *worker) row() (*evidence.Row, bool) {
	for {
		record, line, ok := w.records.Next()
		if !ok {
			return nil, false
		}
		row, err := w.decoder.Decode(record, line)
		switch {
		case err != nil:
			w.reject(evidence.RejectOf(record, line, err))
		case row.Target == w.target:
			w.loaded++
			return row, true
		case w.file.Once():
			w.reject(evidence.Reject{Line: line, Code: evidence.CodeSecondTable, Reason: "a row of " + row.Target.Table.Name + " in a stream of " + w.tableName(), Raw: string(record)})
		default:
			w.mu.Lock()
			w.others[row.Target]++
			w.mu.Unlock()
		}
	}
}

func (w *worker) tableName() string {
	if w.target == nil {
		return "no table"
	}
	return w.target.Table.Name
}
