package evidence

import (
	"bytes"
	"slices"
)

// splitCSV finds the records of a CSV: lines, but for line ends inside quotes. The header is passed over.
func splitCSV(data []byte, final bool, st *splitState) (records []Extent, used int) {
	start := 0
	for start < len(data) {
		end, whole, sound := csvEnd(data, start, st.comma)
		if !whole && !final {
			return records, start
		}
		if !sound { // a quote that does not close spoils its own line only
			if line := bytes.IndexByte(data[start:end], '\n'); line >= 0 {
				end, whole = start+line, true
			}
		}
		records = appendCSV(records, data, Extent{Start: start, End: end, Open: !whole}, st)
		start = min(end+1, len(data))
	}
	return records, start
}

// csvEnd finds the end of the record at i. It is not sound when a quote stays open, or closes before other text than a
// comma on another line than it opened.
func csvEnd(data []byte, i int, comma byte) (end int, whole, sound bool) {
	if quickMarks && comma == ',' {
		if end, whole, sure := lineEnd(data, i); sure {
			return end, whole, true
		}
	}
	return looseLine(data, i, comma)
}

// looseLine is csvEnd of whatever there is.
func looseLine(data []byte, i int, comma byte) (end int, whole, sound bool) {
	for start := i; ; i++ { // a quote opens a cell at start, and behind each comma
		i = plainEnd(data, i)
		switch {
		case i >= len(data):
			return len(data), false, true
		case data[i] == '\n':
			return i, true, true
		case data[i] != '"' || i > start && data[i-1] != comma:
			continue
		}
		closing, lines := closingQuote(data, i+1)
		if closing >= len(data) {
			return len(data), false, false
		}
		i, start = closing, closing+1
		if lines && start < len(data) && data[start] != comma && data[start] != '\n' && data[start] != '\r' {
			return start, true, false
		}
	}
}

// closingQuote finds the quote that ends a cell; lines says that the cell goes over a line end.
func closingQuote(data []byte, i int) (at int, lines bool) {
	for ; ; i++ {
		i = plainEnd(data, i)
		switch {
		case i >= len(data):
			return len(data), true
		case data[i] == '\n':
			lines = true
		case data[i] != '"':
		case i+1 < len(data) && data[i+1] == '"':
			i++
		default:
			return i, lines
		}
	}
}

// appendCSV adds a record that is neither blank nor the header nor PowerShell's line of types.
func appendCSV(records []Extent, data []byte, row Extent, st *splitState) []Extent {
	line := bytes.TrimSpace(data[row.Start:row.End])
	switch {
	case len(line) == 0:
		return records
	case !st.header:
		st.header = !preamble(line)
		return records
	}
	return append(records, row)
}

// preamble reports whether a line before the header says of what type the rows are, or what separates their cells.
func preamble(line []byte) bool {
	return bytes.HasPrefix(line, []byte("#TYPE ")) || bytes.HasPrefix(line, []byte("sep=")) && len(line) < len("sep=;")+2
}

// csvCells splits one record. Quotes are doubled inside quotes; a quote inside a bare cell is a character. It is not
// closed when a quote stays open. What a cell holds is in record, or is appended to arena where it is written otherwise, unless
// d, which may be nil, remembers it.
func csvCells(d *Decoder, record []byte, comma byte, cells []Span, arena []byte) (out []Span, more []byte, closed bool) {
	cells = cells[:0]
	closed = true
	record = bytes.TrimSuffix(record, []byte{'\r'})
	for i := 0; ; {
		text := record[i:]
		if i < len(record) && record[i] == '"' {
			var whole bool
			text, arena, i, whole = quotedCell(d, len(cells), record, i+1, comma, arena)
			closed = closed && whole
		} else {
			if end := bytes.IndexByte(text, comma); end >= 0 {
				text = text[:end]
			}
			i += len(text)
		}
		cells = append(cells, Span{text, Text})
		if i >= len(record) {
			return cells, arena, closed
		}
		i++ // the comma
		if i == len(record) {
			return append(cells, Span{nil, Text}), arena, closed
		}
	}
}

// quotedCell returns the value of the quoted cell whose inside begins at i, the arena and the index of what follows the
// cell; closed is false when no quote ends it. JSON in a cell has a quote every few bytes, and comes again as it does in JSON.
func quotedCell(d *Decoder, cell int, record []byte, i int, comma byte, arena []byte) (text, more []byte, next int, closed bool) {
	at := bytes.IndexByte(record[i:], '"')
	if at < 0 {
		return record[i:], arena, len(record), false
	}
	if next = i + at + 1; next == len(record) || record[next] == comma { // nearly all texts that are no JSON
		return record[i : next-1], arena, next, true
	}
	var seen *repeat
	if d != nil && cell < len(d.columns) {
		seen = d.columns[cell].repeated(record[i:])
		if next = i + seen.length(record[i:]); next > i && (next == len(record) || record[next] == comma) {
			seen.used = d.scanned
			return seen.text, arena, next, true
		}
	}
	start := len(arena)
	arena, next, closed = undoubled(arena, record, i)
	if seen != nil && closed && (next == len(record) || record[next] == comma) {
		d.remember(seen, record[i:next], arena[start:])
	}
	// What stands between the closing quote and the comma belongs to the cell, as spreadsheets read it.
	tail := bytes.IndexByte(record[next:], comma)
	if tail < 0 {
		tail = len(record) - next
	}
	arena = append(arena, record[next:next+tail]...)
	return arena[start:len(arena):len(arena)], arena, next + tail, closed
}

// undoubled appends the value of a quoted cell from i on, in which each quote is doubled, and returns the index after the
// closing quote. It copies while it looks for quotes: JSON in a cell has one every few bytes.
func undoubled(dst, b []byte, i int) (out []byte, end int, closed bool) {
	n := len(dst)
	dst = slices.Grow(dst, len(b)-i+8)
	dst = dst[:cap(dst)]
	for {
		plain := copyPlain(dst[n:], b[i:])
		i, n = i+plain, n+plain
		if i >= len(b) {
			return dst[:n], i, false
		}
		if b[i] == '"' {
			if i++; i == len(b) || b[i] != '"' {
				return dst[:n], i, true
			}
		}
		dst[n] = b[i]
		i, n = i+1, n+1
	}
}

// delimiter is what stands between the cells of a header: a comma, or what spreadsheets of other regions write.
func delimiter(header []byte) byte {
	best, most := byte(','), bytes.Count(header, []byte{','})
	for _, c := range []byte{';', '\t', '|'} {
		if n := bytes.Count(header, []byte{c}); n > most {
			best, most = c, n
		}
	}
	return best
}
