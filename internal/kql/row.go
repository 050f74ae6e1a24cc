package kql

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Row reads the cells of a row by the names of their columns, so that a query may have them in any order. A cell that is
// null, or of another type than is asked for, reads as the zero value.
type Row struct {
	at     map[string]int
	cells  []schema.Value
	absent string // a column that was asked for and is none of the answer's
}

// Each calls f with each row. A column that f asks for and the answer does not have is an error, and ends it.
func (r *Rows) Each(f func(*Row)) error {
	row := &Row{at: make(map[string]int, len(r.Columns))}
	for i, c := range r.Columns {
		row.at[c.Name] = i
	}
	for _, cells := range r.Rows {
		row.cells = cells
		f(row)
		if row.absent != "" {
			return fmt.Errorf("the result has no column %s", row.absent)
		}
	}
	return nil
}

// Has tells whether there is such a column; asking does not end Each.
func (r *Row) Has(column string) bool {
	_, ok := r.at[column]
	return ok
}

func (r *Row) cell(column string) schema.Value {
	i, ok := r.at[column]
	if !ok {
		r.absent = column
		return nil
	}
	return r.cells[i]
}

// Text is the cell of a string or guid.
func (r *Row) Text(column string) string {
	s, _ := r.cell(column).(string)
	return s
}

// Number is the cell of an int or long. A real or decimal reads as 0.
func (r *Row) Number(column string) int64 {
	n, _ := r.cell(column).(int64)
	return n
}

// Time is the cell of a datetime, in UTC and to the tick of 100 ns.
func (r *Row) Time(column string) time.Time {
	t, _ := r.cell(column).(schema.Ticks)
	return t.Time()
}

// JSON is the cell of a dynamic.
func (r *Row) JSON(column string) json.RawMessage {
	raw, _ := r.cell(column).(json.RawMessage)
	return raw
}
