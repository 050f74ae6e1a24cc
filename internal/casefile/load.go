package casefile

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/evidence"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// RejectReason counts the rejected rows of one kind.
type RejectReason struct {
	Code, Reason string
	Count        int64
	FirstRow     int64
}

// FileReport accounts for one file: RowsRead = RowsLoaded + RowsDuplicate + RowsRejected.
type FileReport struct {
	Path, SHA256, Shape string
	Bytes               int64
	Tables              map[string]int64 // loaded rows, before copies are folded
	RowsRead            int64
	RowsLoaded          int64
	RowsDuplicate       int64
	RowsRejected        int64
	Rejects             []RejectReason
	UnknownColumns      []string
	Error, Help         string // why the file as a whole could not be read, and what to do
}

// Load adds evidence to the case. A file that cannot be read is a report with an Error; it ends nothing.
func (c *Case) Load(ctx context.Context, paths []string) ([]*FileReport, error) {
	shapes, err := evidence.DefaultShapes()
	if err != nil {
		return nil, err
	}
	if err := c.forget(ctx); err != nil {
		return nil, err
	}
	files, problems := evidence.Discover(paths)
	var reports []*FileReport
	for _, p := range problems {
		reports = append(reports, &FileReport{Path: p.Path, Error: p.Err.Error(), Help: p.Help})
	}
	l := &loader{c: c, layout: c.layout(), seen: map[string]*FileReport{}, sizes: map[int64]int{}}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			l.total += info.Size()
		}
	}
	for _, path := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		report, err := l.file(ctx, path, shapes)
		if err != nil {
			return nil, err
		}
		l.read += report.Bytes
		reports = append(reports, report)
	}
	if err := c.fold(ctx, reports); err != nil {
		return nil, err
	}
	return reports, c.account(ctx, reports)
}

func (c *Case) layout() *evidence.Layout {
	var targets []*schema.Table
	for _, name := range c.names {
		if t := c.tables[name]; len(t.Columns) > 0 && t.Source != "" {
			targets = append(targets, t)
		}
	}
	return evidence.NewLayout(targets)
}

type loader struct {
	c      *Case
	layout *evidence.Layout
	seen   map[string]*FileReport // by SHA-256
	sizes  map[int64]int          // files loaded, by size
	total  int64                  // bytes of all files
	read   int64                  // bytes of the files that are done
}

// progress follows the reading of one file.
func (l *loader) progress(f *evidence.File) {
	tell := l.c.opt.Progress
	if tell == nil {
		return
	}
	at, read := l.read, atomic.Int64{}
	f.OnRead = func(n int) { tell(at+min(read.Add(int64(n)), f.Bytes), l.total, f.Path) }
}

func (l *loader) file(ctx context.Context, path string, shapes []evidence.Shape) (*FileReport, error) {
	report := &FileReport{Path: path, Tables: map[string]int64{}}
	f, err := evidence.Open(path, shapes)
	if err != nil {
		report.Error = err.Error()
		var hinted interface{ Hint() string }
		if errors.As(err, &hinted) {
			report.Help = hinted.Hint()
		}
		if info, err := os.Stat(path); err == nil {
			report.Bytes = info.Size()
		}
		return report, nil
	}
	report.Bytes, report.Shape = f.Bytes, f.Shape.Name
	if l.sizes[f.Bytes] > 0 { // a file of the same size has been loaded: it may be the same one
		if report.SHA256, err = f.Hash(); err != nil {
			report.Error = err.Error()
			return report, nil
		}
		if first := l.seen[report.SHA256]; first != nil {
			report.RowsRead, report.RowsRejected, report.Rejects = first.RowsRead, first.RowsRejected, first.Rejects
			report.RowsDuplicate = report.RowsRead - report.RowsRejected
			return report, nil
		}
	}
	l.sizes[f.Bytes]++
	l.progress(f)
	hashed := make(chan error, 1)
	go func() {
		sum, err := f.Hash() // beside the loading, which waits for DuckDB often enough
		report.SHA256 = sum
		hashed <- err
	}()
	err = l.load(ctx, f, report)
	if hashErr := <-hashed; hashErr != nil && err == nil {
		return nil, fmt.Errorf("hash %s: %w", path, hashErr)
	}
	l.seen[report.SHA256] = report
	return report, err
}

// load reads the file once per table it holds, which is once for nearly all files.
func (l *loader) load(ctx context.Context, f *evidence.File, report *FileReport) error {
	done := map[string]bool{}
	var target *evidence.Target
	for pass := 0; ; pass++ {
		s := &source{layout: l.layout, file: f, target: target, others: map[*evidence.Target]int64{}, first: pass == 0}
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
			if err := l.rejects(ctx, s, report); err != nil {
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

// rejects stores the rejected rows of a file and counts them by kind.
func (l *loader) rejects(ctx context.Context, s *source, report *FileReport) error {
	sort.SliceStable(s.rejected, func(i, j int) bool { return s.rejected[i].Line < s.rejected[j].Line })
	index := map[string]int{}
	for _, r := range s.rejected {
		key := r.Code
		if r.Code == evidence.CodeUnsupportedTable {
			key = r.Reason
		}
		i, ok := index[key]
		if !ok {
			i = len(report.Rejects)
			index[key] = i
			report.Rejects = append(report.Rejects, RejectReason{Code: r.Code, Reason: r.Reason, FirstRow: r.Line})
		}
		report.Rejects[i].Count++
	}
	report.RowsRejected += int64(len(s.rejected))
	report.RowsRead += int64(len(s.rejected))
	report.UnknownColumns = s.unknown()
	return l.c.storeRejects(ctx, s.file.Path, s.rejected)
}

// storeRejects writes rejected rows to RejectedRows. Their text may be anything; what is not UTF-8 is replaced, because
// the driver would store it as null.
func (c *Case) storeRejects(_ context.Context, path string, rejected []evidence.Reject) error {
	if len(rejected) == 0 {
		return nil
	}
	return c.conn.Raw(func(dc any) error {
		conn, ok := dc.(driver.Conn)
		if !ok {
			return fmt.Errorf("unexpected connection %T", dc)
		}
		a, err := duckdb.NewAppenderFromConn(conn, "", "RejectedRows")
		if err != nil {
			return fmt.Errorf("store the rejected rows of %s: %w", path, err)
		}
		for _, r := range rejected {
			if err := a.AppendRow(path, r.Line, r.Code, strings.ToValidUTF8(r.Reason, "\ufffd"), strings.ToValidUTF8(r.Raw, "\ufffd")); err != nil {
				return errors.Join(fmt.Errorf("store the rejected rows of %s: %w", path, err), a.Close())
			}
		}
		return a.Close()
	})
}

// source feeds the rows of one file and table to DuckDB. Its workers share it.
type source struct {
	layout *evidence.Layout
	file   *evidence.File
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
	w := &worker{source: s, decoder: s.layout.NewDecoder(s.file)}
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
	stream, err := s.file.Read(func(evidence.Reject) {})
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	w := &worker{source: &source{layout: s.layout, file: s.file, stream: stream, others: map[*evidence.Target]int64{}}}
	w.decoder = s.layout.NewDecoder(s.file)
	for {
		record, line, ok := w.record()
		if !ok {
			return nil, nil
		}
		if row, err := w.decoder.Decode(record, line); err == nil {
			return row.Target, nil
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
	block   evidence.Block
	at      int
	line    int64
	loaded  int64
	text    []textVector
	arena   arena
}

// record returns the next record of the file that this worker gets.
func (w *worker) record() (record []byte, line int64, ok bool) {
	for {
		if w.block.Records != nil {
			if w.at < len(w.block.Records) {
				e := w.block.Records[w.at]
				w.at++
				return w.block.Data[e.Start:e.End], e.Line, true
			}
		} else if w.at < len(w.block.Data) {
			rest := w.block.Data[w.at:]
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			record, line = rest[:end], w.line
			w.at += end + 1
			w.line++
			if len(bytes.TrimSpace(record)) == 0 {
				continue
			}
			return record, line, true
		}
		if w.block, ok = w.stream.Next(); !ok {
			return nil, 0, false
		}
		w.at, w.line = 0, w.block.Line
	}
}

// row returns the next row of the source's table.
func (w *worker) row() (*evidence.Row, bool) {
	for {
		record, line, ok := w.record()
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
		default:
			w.mu.Lock()
			w.others[row.Target]++
			w.mu.Unlock()
		}
	}
}
