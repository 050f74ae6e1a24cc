package evidence

import (
	"bytes"
	"io"
	"strings"
)

// tableRows turns the query API's {"tables":[{"columns":[..],"rows":[[..]]}]} and the frames of Kusto into objects, one per
// row of the primary result.
// https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format
// https://learn.microsoft.com/kusto/api/rest/response-v2
type tableRows struct {
	columns [][]byte   // the names of the table's columns as they stand before a value: quoted, with the colon
	rows    []tableRow // of the last block
	cells   []int      // where the cells of these rows begin and end
	depth   int        // brackets that are open around the rows
	inRows  bool
	aside   bool   // the table is about the query, not its result
	cut     bool   // the last row is not whole
	failed  string // what the service says went wrong
	spare   []byte // a block that nobody reads any more
}

// tableRow is a row with the columns of its table. What is known of its cells is all of them, or nothing.
type tableRow struct {
	columns    [][]byte
	first, end int // of cells
}

// split finds the rows of data: a splitter.
func (t *tableRows) split(data []byte, final bool, _ *splitState) (records []Extent, used int) {
	t.rows, t.cells = t.rows[:0], t.cells[:0]
	i := 0
	for {
		if !t.inRows {
			var found bool
			if i, found = t.seek(data, i, final); !found {
				return records, i
			}
		}
		for i < len(data) && (data[i] <= ' ' || data[i] == ',') {
			i++
		}
		if i >= len(data) {
			return records, i
		}
		if data[i] == ']' {
			t.inRows = false
			continue // seek closes it
		}
		row := tableRow{t.columns, len(t.cells), len(t.cells)}
		end, whole := t.rowEnd(data, i)
		if !whole && !final {
			return records, i
		}
		if !t.aside {
			row.end = len(t.cells)
			records, t.rows, t.cut = append(records, Extent{Start: i, End: end, Open: !whole}), append(t.rows, row), !whole
		}
		i = end
	}
}

// rowEnd finds the end of the row at i and, where it fits its columns, its cells.
func (t *tableRows) rowEnd(data []byte, i int) (end int, whole bool) {
	if before := len(t.cells); quickMarks && data[i] == '[' && !t.aside {
		var sure bool
		end, t.cells, whole, sure = rowEnd(data, i, len(t.columns), t.cells)
		if !sure || !whole || len(t.cells)-before != 2*len(t.columns) {
			t.cells = t.cells[:before]
		}
		if sure {
			return end, whole
		}
	}
	return valueEnd(data, i)
}

// seek goes on to the next rows and reads the columns on the way. It stops before a member that data does not hold whole.
func (t *tableRows) seek(data []byte, i int, final bool) (at int, found bool) {
	for i < len(data) {
		switch data[i] {
		case '{', '[':
			t.depth++
		case '}', ']':
			t.depth--
		case '"':
			next, more, rows := t.member(data, i)
			switch {
			case more && !final:
				return i, false
			case rows:
				t.depth, t.inRows = t.depth+1, true
				return next, true
			}
			i = next
			continue
		}
		i++
	}
	return i, false
}

// member reads the string at i, and what follows where it is a name that matters. It returns where to go on, which is
// inside of the rows if they are what it names; more says that data ends too early to tell.
func (t *tableRows) member(data []byte, i int) (next int, more, rows bool) {
	end := skipString(data, i+1) + 1
	at := blanks(data, end)
	if at >= len(data) {
		return len(data), true, false
	}
	if data[at] != ':' {
		return at, false, false
	}
	name := string(data[i+1 : end-1])
	at = blanks(data, at+1)
	switch name {
	case "rows", "Rows":
		if at < len(data) && data[at] == '[' {
			return at + 1, false, true
		}
	case "TableKind", "TableName", "columns", "Columns", "error", "Exceptions", "OneApiErrors":
		end, whole := valueEnd(data, at)
		if !whole {
			return len(data), true, false
		}
		t.about(name, data[at:end])
		return end, false, false
	}
	return at, at >= len(data), false
}

// about notes what a member says of the rows that come.
func (t *tableRows) about(name string, v []byte) {
	switch name {
	case "TableKind":
		t.aside = string(v) != `"PrimaryResult"`
	case "TableName": // Kusto v1 numbers its tables
		if number, ok := strings.CutPrefix(string(v), `"Table_`); ok {
			t.aside = number != `0"`
		}
	case "columns", "Columns":
		t.columns = columnHeads(v)
	case "error", "Exceptions", "OneApiErrors": // a result comes with it that is not the whole of one
		if t.depth <= 2 && (v[0] == '{' || v[0] == '[') && len(bytes.Trim(v, "{}[] \t\r\n")) > 0 {
			t.failed = string(v[:min(len(v), maxLink)])
		}
	}
}

// columnHeads are the names in a list of columns; nil of what is none.
func columnHeads(list []byte) (heads [][]byte) {
	splitElements(list, func(column []byte) {
		var head []byte
		_ = scanObject(column, func(_ int, name []byte, v Span) error {
			if key := string(name); (key == "name" || key == "ColumnName") && (v.Kind == Text || v.Kind == Escaped) {
				head = append(append(append([]byte{'"'}, v.Bytes...), '"'), ':')
			}
			return nil
		})
		heads = append(heads, head)
	})
	return heads
}

// splitElements shows the elements of an array as far as its brackets and commas are sound, and reports whether all are.
func splitElements(b []byte, visit func(element []byte)) bool {
	if len(b) == 0 || b[0] != '[' {
		return false
	}
	i := blanks(b, 1)
	if i < len(b) && b[i] == ']' {
		return i+1 == len(b)
	}
	for {
		end, whole := valueEnd(b, i)
		if !whole {
			return false
		}
		visit(bytes.TrimRight(b[i:end], " \t\r"))
		i = blanks(b, end)
		if i >= len(b) || b[i] != ',' {
			return i < len(b) && b[i] == ']' && i+1 == len(b)
		}
		i = blanks(b, i+1)
	}
}

// objects makes the objects of a block's rows. A row that does not fit its columns stays as it is: it is no object, and is
// rejected with the reason.
func (t *tableRows) objects(b Block) Block {
	out := t.spare[:0]
	for n := range b.Records {
		e, row := &b.Records[n], &t.rows[n]
		start := len(out)
		out = row.object(out, b.Data, t.cells[row.first:row.end])
		if len(out) == start {
			out = row.soundObject(out, b.Data[e.Start:e.End])
		}
		e.Start, e.End = start, len(out)
		out = append(out, '\n')
	}
	t.spare, b.Data = b.Data, out
	return b
}

// object appends the object of a row whose cells are known.
func (r *tableRow) object(out, data []byte, cells []int) []byte {
	start := len(out)
	for k := 0; k < len(cells); k += 2 {
		out = append(append(append(out, ','), r.columns[k/2]...), data[cells[k]:cells[k+1]]...)
	}
	if len(out) > start {
		out[start] = '{'
		out = append(out, '}')
	}
	return out
}

// soundObject appends the object of a row, or the row where it is not sound or does not fit its columns.
func (r *tableRow) soundObject(out, row []byte) []byte {
	start, k := len(out), 0
	sound := splitElements(row, func(cell []byte) {
		if k < len(r.columns) {
			out = append(append(append(out, ','), r.columns[k]...), cell...)
		}
		k++
	})
	if !sound || k == 0 || k != len(r.columns) {
		return append(out[:start], row...)
	}
	out[start] = '{'
	return append(out, '}')
}

// err is what the end of the file leaves open.
func (t *tableRows) err() error {
	if t.depth > 0 && !t.cut {
		return io.ErrUnexpectedEOF
	}
	return nil
}
