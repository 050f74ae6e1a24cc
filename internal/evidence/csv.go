package evidence

import "bytes"

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
				end = start + line
			}
		}
		records = appendCSV(records, data, start, end, st)
		start = min(end+1, len(data))
	}
	return records, start
}

// csvEnd finds the end of the record at i. It is not sound when a quote stays open, or closes before other text than a
// comma on another line than it opened.
func csvEnd(data []byte, i int, comma byte) (end int, whole, sound bool) {
	for {
		if i < len(data) && data[i] == '"' {
			closing, lines := closingQuote(data, i+1)
			if closing >= len(data) {
				return len(data), false, false
			}
			i = closing + 1
			if lines && i < len(data) && data[i] != comma && data[i] != '\n' && data[i] != '\r' {
				return i, true, false
			}
		}
		for i < len(data) && data[i] != comma && data[i] != '\n' {
			i++
		}
		if i >= len(data) {
			return len(data), false, true
		}
		if data[i] == '\n' {
			return i, true, true
		}
		i++
	}
}

// closingQuote finds the quote that ends a cell; lines says that the cell goes over a line end.
func closingQuote(data []byte, i int) (at int, lines bool) {
	for {
		k := bytes.IndexByte(data[i:], '"')
		if k < 0 {
			return len(data), true
		}
		lines = lines || bytes.IndexByte(data[i:i+k], '\n') >= 0
		i += k
		if i+1 < len(data) && data[i+1] == '"' {
			i += 2
			continue
		}
		return i, lines
	}
}

// appendCSV adds a record that is neither blank nor the header nor PowerShell's line of types.
func appendCSV(records []Extent, data []byte, start, end int, st *splitState) []Extent {
	line := bytes.TrimSpace(data[start:end])
	switch {
	case len(line) == 0:
		return records
	case !st.header:
		st.header = !preamble(line)
		return records
	}
	return append(records, Extent{Start: start, End: end})
}

// preamble reports whether a line before the header says of what type the rows are, or what separates their cells.
func preamble(line []byte) bool {
	return bytes.HasPrefix(line, []byte("#TYPE ")) || bytes.HasPrefix(line, []byte("sep=")) && len(line) < len("sep=;")+2
}

// csvCells splits one record. Quotes are doubled inside quotes; a quote inside a bare cell is a character. It is not
// closed when a quote stays open.
func csvCells(record []byte, comma byte, cells []Span) (out []Span, closed bool) {
	cells = cells[:0]
	closed = true
	record = bytes.TrimSuffix(record, []byte{'\r'})
	for i := 0; ; {
		if i < len(record) && record[i] == '"' {
			text, next, whole := quotedCell(record, i+1, comma)
			cells = append(cells, Span{text, Text})
			closed = closed && whole
			i = next
		} else {
			end := bytes.IndexByte(record[i:], comma)
			if end < 0 {
				end = len(record) - i
			}
			cells = append(cells, Span{record[i : i+end], Text})
			i += end
		}
		if i >= len(record) {
			return cells, closed
		}
		i++ // the comma
		if i == len(record) {
			return append(cells, Span{nil, Text}), closed
		}
	}
}

// quotedCell returns the value of a quoted cell and the index of what follows it; closed is false when no quote ends it.
func quotedCell(record []byte, i int, comma byte) (text []byte, next int, closed bool) {
	closing, _ := closingQuote(record, i)
	closed = closing < len(record)
	text = record[i:closing]
	if bytes.IndexByte(text, '"') >= 0 {
		text = undoubled(text)
	}
	// What stands between the closing quote and the comma belongs to the cell, as spreadsheets read it.
	end := min(closing+1, len(record))
	tail := bytes.IndexByte(record[end:], comma)
	if tail < 0 {
		tail = len(record) - end
	}
	if tail > 0 {
		text = append(append([]byte(nil), text...), record[end:end+tail]...)
	}
	return text, end + tail, closed
}

// undoubled is a text whose quotes are doubled with each of them once. JSON in a cell has one every few bytes.
func undoubled(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for {
		k := bytes.IndexByte(text, '"') + 1
		if k == 0 || k == len(text) {
			return append(out, text...)
		}
		out, text = append(out, text[:k]...), text[k:]
		if text[0] == '"' {
			text = text[1:]
		}
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
