package casefile

import (
	"context"
	"fmt"
	"slices"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/replaytrace/replaytrace/internal/evidence"
)

// chunkSize is DuckDB's vector size.
const chunkSize = 2048

// insert loads a source into its table through a parallel table function.
func (c *Case) insert(ctx context.Context, s *source) error {
	c.sources++
	feeding := s // DuckDB keeps the function until the case is closed, and must not keep the source with it
	defer func() { feeding = nil }()
	name := fmt.Sprintf("evidence_source_%d", c.sources)
	fn := duckdb.ParallelChunkTableFunction{
		BindArguments: func(map[string]any, ...any) (duckdb.ParallelChunkTableSource, error) {
			return newChunkSource(feeding, c.threads())
		},
	}
	if err := duckdb.RegisterTableUDF(c.conn, name, fn); err != nil {
		return fmt.Errorf("register the reader: %w", err)
	}
	defer s.release()
	t := s.target.Table
	into := names(slices.Concat(s.stored, provenance))
	if members := memberColumns(t); len(members) > 0 {
		into += ", " + names(members)
	}
	return c.Exec(ctx, "INSERT INTO "+quoteName(t.Name)+" ("+into+") "+withMembers(t, "SELECT * FROM "+name+"()", true))
}

// chunkSource is a source as DuckDB asks for it.
type chunkSource struct {
	*source
	columns []duckdb.ColumnInfo
	types   []duckdb.Type // of the columns
	threads int
}

func newChunkSource(s *source, threads int) (*chunkSource, error) {
	cs := &chunkSource{source: s, threads: threads}
	add := func(name string, t duckdb.Type) error {
		info, err := duckdb.NewTypeInfo(t)
		if err != nil {
			return err
		}
		cs.columns, cs.types = append(cs.columns, duckdb.ColumnInfo{Name: name, T: info}), append(cs.types, t)
		return nil
	}
	for _, col := range slices.Concat(s.stored, memberColumns(s.target.Table), provenance) {
		if err := add(col.Name, driverTypes[col.Type]); err != nil {
			return nil, err
		}
	}
	return cs, nil
}

// ColumnInfos are the columns that the table stores, its members and where the row stands.
func (s *chunkSource) ColumnInfos() []duckdb.ColumnInfo { return s.columns }

// Cardinality is not known before the file is read.
func (s *chunkSource) Cardinality() *duckdb.CardinalityInfo { return nil }

// Init says how many threads may read.
func (s *chunkSource) Init() duckdb.ParallelTableSourceInfo {
	return duckdb.ParallelTableSourceInfo{MaxThreads: s.threads}
}

// NewLocalState makes a thread's worker.
func (s *chunkSource) NewLocalState() any { return s.worker() }

// vectors are those of a chunk, in the order of the columns.
func (s *chunkSource) vectors(c duckdb.DataChunk, to []vector) error {
	for i := range to {
		v, err := c.GetVector(i)
		if err != nil {
			return err
		}
		if to[i], err = vectorAt(v); err != nil {
			return err
		}
	}
	return nil
}

// FillChunk writes the next rows of this thread.
func (s *chunkSource) FillChunk(local any, c duckdb.DataChunk) (err error) {
	w, ok := local.(*worker)
	if !ok {
		if p, isPointer := local.(*any); isPointer {
			w, _ = (*p).(*worker)
		}
	}
	defer caught(w.reading, &err)
	if w.vectors == nil {
		w.vectors = make([]vector, len(s.columns))
	}
	if err := s.vectors(c, w.vectors); err != nil {
		return err
	}
	w.arena.reset()
	n := 0
	for n < chunkSize {
		row, ok := w.row()
		if !ok {
			break
		}
		s.write(w, n, row)
		n++
	}
	if w.part != nil && w.count() {
		w.part.stream.Pause()
	}
	return c.SetSize(n)
}

// reading says what the worker does.
func (w *worker) reading() string {
	if w.part == nil {
		return "the reading of evidence"
	}
	return "the reading of " + w.part.report.Path
}

func (s *chunkSource) write(w *worker, n int, row *evidence.Row) {
	at := 0
	for i := range row.Cells {
		if !s.blank[i] {
			s.cell(w, n, at, &row.Cells[i])
			at++
		}
	}
	for i := range row.Members {
		s.cell(w, n, at+i, &row.Members[i])
	}
	w.place(n, row)
}

// place writes where a row stands, in the order of provenance. The rows of a part have the same text for its path.
func (w *worker) place(n int, row *evidence.Row) {
	at := w.vectors[len(w.vectors)-len(provenance):]
	if w.placed != w.part || n == 0 {
		at[0].setText(n, []byte(w.part.report.Path), &w.arena)
		w.placed = w.part
	} else {
		at[0].setAsBefore(n)
	}
	at[1].setLong(n, row.Line)
	at[2].setLong(n, w.part.report.Number)
}

// cell writes a cell of a row into a column.
func (s *chunkSource) cell(w *worker, n, column int, cell *evidence.Cell) {
	v := &w.vectors[column]
	if cell.Null {
		v.setNull(n)
		return
	}
	switch s.types[column] {
	case duckdb.TYPE_VARCHAR:
		v.setText(n, cell.Text, &w.arena)
	case duckdb.TYPE_DOUBLE:
		v.setReal(n, cell.Real)
	case duckdb.TYPE_BOOLEAN:
		v.setBool(n, cell.Int == 1)
	default:
		v.setLong(n, cell.Int)
	}
}
