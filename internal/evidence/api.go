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
	heads   [][][]byte // the columns of each row of the last block
	depth   int        // brackets that are open around the rows
	inRows  bool
	aside   bool   // the table is about the query, not its result
	cut     bool   // the last row is not whole
	failed  string // what the service says went wrong
	spare   []byte // a block that nobody reads any more
}

// split finds the rows of data: a splitter.
func (t *tableRows) split(data []byte, final bool, _ *splitState) (records []Extent, used int) {
	t.heads = t.heads[:0]
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
		end, whole := valueEnd(data, i)
		if !whole && !final {
			return records, i
		}
		if !t.aside {
			records, t.heads, t.cut = append(records, Extent{Start: i, End: end}), append(t.heads, t.columns), !whole
		}
		i = end
	}
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
		e := &b.Records[n]
		row, start := b.Data[e.Start:e.End], len(out)
		heads, k := t.heads[n], 0
		sound := splitElements(row, func(cell []byte) {
			if k < len(heads) {
				out = append(append(append(out, ','), heads[k]...), cell...)
			}
			k++
		})
		if sound && k > 0 && k == len(heads) {
			out[start] = '{'
			out = append(out, '}')
		} else {
			out = append(out[:start], row...)
		}
		e.Start, e.End = start, len(out)
		out = append(out, '\n')
	}
	t.spare, b.Data = b.Data, out
	return b
}

// err is what the end of the file leaves open.
func (t *tableRows) err() error {
	if t.depth > 0 && !t.cut {
		return io.ErrUnexpectedEOF
	}
	return nil
}
