package evidence

import (
	"bytes"
	"io"
)

// blockSize is how much of a file one worker gets at a time; maxRecord bounds a single record.
const (
	blockSize = 2 << 20
	maxRecord = 64 << 20
)

// Block is a piece of a file that holds whole records.
type Block struct {
	Data []byte
	// Records are the records in Data; nil when each line is one.
	Records []Extent
	Line    int64 // the line of Data's first byte
}

// Extent is a record's place in a block.
type Extent struct {
	Start, End int
	Line       int64
}

// framer cuts a stream into blocks of whole records.
type framer struct {
	r      io.Reader
	carry  []byte
	line   int64
	done   bool
	err    error
	reject func(Reject)
	split  splitter
	state  splitState
}

// splitter finds the records of data. It returns how much of data is used up; the rest comes again with more behind it.
type splitter func(data []byte, final bool, st *splitState) (records []Extent, used int)

// splitState is what a splitter remembers between blocks.
type splitState struct {
	inArray bool
	header  bool // the header of a CSV has been passed
}

// next returns the next block; ok is false at the end. A read error ends the stream: what came before stays.
func (f *framer) next() (b Block, ok bool) {
	for !f.done {
		buf := make([]byte, len(f.carry), len(f.carry)+blockSize)
		copy(buf, f.carry)
		n, err := io.ReadFull(f.r, buf[len(buf):len(buf)+blockSize])
		buf = buf[:len(buf)+n]
		if err != nil {
			f.done = true
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				f.err = err
			} else if err == io.ErrUnexpectedEOF && n == blockSize {
				f.err = err
			}
		}
		if len(buf) == 0 {
			return Block{}, false
		}
		block, used := f.cut(buf)
		f.carry = append([]byte(nil), buf[used:]...)
		f.line += int64(bytes.Count(buf[:used], []byte{'\n'}))
		if len(f.carry) > maxRecord {
			f.reject(Reject{Line: f.line, Code: CodeTooLarge, Reason: "the record is larger than 64 MB", Raw: clip(f.carry)})
			f.carry, f.done = nil, true
		}
		if used > 0 {
			return block, true
		}
	}
	return Block{}, false
}

func (f *framer) cut(buf []byte) (Block, int) {
	b := Block{Line: f.line}
	if f.split == nil {
		used := len(buf)
		if !f.done {
			used = bytes.LastIndexByte(buf, '\n') + 1
		}
		b.Data = buf[:used]
		return b, used
	}
	records, used := f.split(buf, f.done, &f.state)
	b.Data, b.Records = buf[:used], records
	if b.Records == nil {
		b.Records = []Extent{}
	}
	line, at := f.line, 0
	for i := range b.Records {
		line += int64(bytes.Count(buf[at:b.Records[i].Start], []byte{'\n'}))
		at = b.Records[i].Start
		b.Records[i].Line = line
	}
	return b, used
}

// splitValues finds the objects of a stream of JSON values, inside arrays or not. It looks at strings and brackets
// only, so that one broken record does not hide its neighbours.
func splitValues(data []byte, final bool, st *splitState) (records []Extent, used int) {
	i := 0
	for {
		for i < len(data) && (data[i] <= ' ' || data[i] == ',' || data[i] == '[' && !st.inArray || data[i] == ']' && st.inArray) {
			switch data[i] {
			case '[':
				st.inArray = true
			case ']':
				st.inArray = false
			}
			i++
		}
		if i >= len(data) {
			return records, i
		}
		end, whole := valueEnd(data, i)
		if !whole && !final {
			return records, i
		}
		records = append(records, Extent{Start: i, End: end})
		i = end
	}
}

// valueEnd finds the end of the value at i by its brackets; whole is false when data ends before it.
func valueEnd(data []byte, i int) (end int, whole bool) {
	depth := 0
	for k := i; k < len(data); k++ {
		switch data[k] {
		case '"':
			k = skipString(data, k+1)
			if k >= len(data) {
				return len(data), false
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
			if depth < 0 {
				return max(k, i+1), true
			}
		case ',', '\n':
			if depth == 0 {
				return max(k, i+1), true
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return k + 1, true
		}
	}
	return len(data), false
}

func skipString(data []byte, k int) int {
	for k < len(data) && data[k] != '"' {
		if data[k] == '\\' {
			k++
		}
		k++
	}
	return k
}

// splitCSV finds the records of a CSV: lines, but for line ends inside quotes. The header is passed over.
func splitCSV(data []byte, final bool, st *splitState) (records []Extent, used int) {
	start, quoted, cellStart := 0, false, true
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"' && (quoted || cellStart):
			quoted = !quoted
			cellStart = false
			if !quoted && i+1 < len(data) && data[i+1] == '"' {
				quoted = true
				i++
			}
		case c == '\n' && !quoted:
			records = appendCSV(records, data, start, i, st)
			start, cellStart = i+1, true
		default:
			cellStart = c == ',' && !quoted
		}
	}
	if final && start < len(data) {
		records = appendCSV(records, data, start, len(data), st)
		start = len(data)
	}
	return records, start
}

func appendCSV(records []Extent, data []byte, start, end int, st *splitState) []Extent {
	if len(bytes.TrimSpace(data[start:end])) == 0 {
		return records
	}
	if !st.header {
		st.header = true
		return records
	}
	return append(records, Extent{Start: start, End: end})
}

// csvCells splits one record. Quotes are doubled inside quotes; a quote inside a bare cell is a character.
func csvCells(record []byte, cells []Span) []Span {
	cells = cells[:0]
	record = bytes.TrimSuffix(record, []byte{'\r'})
	for i := 0; ; {
		if i < len(record) && record[i] == '"' {
			text, next := quotedCell(record, i+1)
			cells = append(cells, Span{text, Text})
			i = next
		} else {
			end := bytes.IndexByte(record[i:], ',')
			if end < 0 {
				end = len(record) - i
			}
			cells = append(cells, Span{record[i : i+end], Text})
			i += end
		}
		if i >= len(record) {
			return cells
		}
		i++ // the comma
		if i == len(record) {
			return append(cells, Span{nil, Text})
		}
	}
}

// quotedCell returns the value of a quoted cell and the index of what follows it.
func quotedCell(record []byte, i int) (text []byte, next int) {
	start, doubled := i, false
	for i < len(record) {
		if record[i] != '"' {
			i++
			continue
		}
		if i+1 < len(record) && record[i+1] == '"' {
			doubled = true
			i += 2
			continue
		}
		break
	}
	text = record[start:i]
	if doubled {
		text = bytes.ReplaceAll(text, []byte(`""`), []byte(`"`))
	}
	// What stands between the closing quote and the comma belongs to the cell, as spreadsheets read it.
	end := min(i+1, len(record))
	tail := bytes.IndexByte(record[end:], ',')
	if tail < 0 {
		tail = len(record) - end
	}
	if tail > 0 {
		text = append(append([]byte(nil), text...), record[end:end+tail]...)
	}
	return text, end + tail
}
