package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// blockSize is how much of a file one worker gets at a time: so little that the cache of a processor still holds it when it
// is hashed and decoded, and that no worker waits long for another one to read. maxRecord bounds a single record.
const (
	blockSize = 256 << 10
	maxRecord = 64 << 20
)

// Block is a piece of a file that holds whole records.
type Block struct {
	Data []byte
	// Records are the records in Data; nil when each line is one.
	Records []Extent
	Place   // of Data's first byte
}

// Place is where something stands in a file: its line, counted from 1, and the bytes before it in the text, which is what
// is unpacked and, of UTF-16, turned into UTF-8. An offset of -1 says that the file holds no text.
type Place struct{ Line, Offset int64 }

// Extent is a record's place in a block. Nothing ends a record that is Open: the file may have been cut in its middle.
type Extent struct {
	Start, End int
	Place
	Open bool
}

// Record is one record of a file, not yet decoded.
type Record struct {
	Text []byte
	Place
	Open bool // nothing but the end of the file ends it
}

// Reader hands out the records of a stream one by one. Each worker has its own.
type Reader struct {
	stream *Stream
	block  Block
	at     int
	line   int64
	// How many bytes may still be looked at for what damaged records of the block hide.
	patience int
}

// Reader makes a reader.
func (s *Stream) Reader() *Reader { return &Reader{stream: s} }

// Next returns the next record that this reader gets, which lasts until the next call; ok is false at the end of the file.
func (r *Reader) Next() (record Record, ok bool) {
	for {
		if record, ok = r.inBlock(); ok {
			return record, true
		}
		if r.block, ok = r.stream.next(r.block.Data); !ok {
			return Record{}, false
		}
		r.at, r.line, r.patience = 0, r.block.Line, mostLooks*len(r.block.Data)
	}
}

// inBlock returns the next record of the block.
func (r *Reader) inBlock() (record Record, ok bool) {
	if r.block.Records != nil {
		if r.at >= len(r.block.Records) {
			return Record{}, false
		}
		e := r.block.Records[r.at]
		r.at++
		return Record{r.block.Data[e.Start:e.End], e.Place, e.Open}, true
	}
	for r.at < len(r.block.Data) {
		rest := r.block.Data[r.at:]
		end := bytes.IndexByte(rest, '\n')
		open := end < 0
		if open {
			end = len(rest)
		}
		record = Record{rest[:end], Place{r.line, r.block.Offset + int64(r.at)}, open}
		r.at += end + 1
		r.line++
		if len(bytes.TrimSpace(record.Text)) > 0 {
			return record, true
		}
	}
	return Record{}, false
}

// framer cuts a stream into blocks of whole records.
type framer struct {
	r      io.Reader
	carry  []byte
	free   [][]byte // blocks to use again
	at     Place    // of what comes next
	done   bool
	skip   bool  // the rest of a line whose record is too large
	broken error // what cut the file short
	reject func(Reject)
	split  splitter
	state  splitState
}

// splitter finds the records of data. It returns how much of data is used up; the rest comes again with more behind it.
type splitter func(data []byte, final bool, st *splitState) (records []Extent, used int)

// splitState is what a splitter remembers between blocks.
type splitState struct {
	array  int      // arrays around the records that nothing else encloses
	page   []string // the path to the records of an enclosing object
	inPage bool
	open   int  // objects that enclose the page's records and are open
	header bool // the header of a CSV has been passed
	comma  byte
	names  bool   // what was passed last behind the records of a page names the next one
	next   string // the address of the page that follows the last one, as far as it has been read
	most   int    // records that are looked for, 0 for all
}

// nextPage are the folded names under which an API gives the address of the page that follows.
var nextPage = map[string]bool{"@odata.nextlink": true, "odata.nextlink": true, "nextlink": true}

// behind notes a name or value that stands behind the records of a page, where most APIs put the address of the next.
func (st *splitState) behind(token []byte) {
	text, quoted := bytes.CutPrefix(token, []byte{'"'})
	text = bytes.TrimSuffix(text, []byte{'"'})
	if st.names && quoted {
		st.next = string(unescape(nil, text[:min(len(text), maxLink)]))
	}
	st.names = !st.names && quoted && nextPage[fold(string(text[:min(len(text), maxLink)]), false)]
}

// maxLink bounds how much of an address is kept.
const maxLink = 4 << 10

// before notes the members that stand before the records of a page.
func (st *splitState) before(envelope []byte) {
	st.names, st.next = false, ""
	_, _ = members(envelope, 0, 0, func(_ int, name []byte, v Span) error {
		if nextPage[fold(string(name), false)] && (v.Kind == Text || v.Kind == Escaped) {
			st.next = string(unescape(nil, v.Bytes[:min(len(v.Bytes), maxLink)]))
		}
		return nil
	})
}

// buffer returns memory for n bytes and what may come with them, used before if there is any.
func (f *framer) buffer(n int) []byte {
	for i, b := range f.free {
		if cap(b) >= n {
			f.free = append(f.free[:i], f.free[i+1:]...)
			return b[:n]
		}
	}
	return make([]byte, n, n+n/4)
}

// maxFree bounds how many blocks wait to be used again.
const maxFree = 4

// next returns the next block; ok is false at the end. old is a block that nobody reads any more. A read error ends the
// stream: what came before stays, the record that it cuts is rejected.
func (f *framer) next(old []byte) (b Block, ok bool) {
	if cap(old) >= blockSize && len(f.free) < maxFree {
		f.free = append(f.free, old)
	}
	for !f.done {
		buf := f.buffer(len(f.carry) + f.piece())
		copy(buf, f.carry)
		n, err := io.ReadFull(f.r, buf[len(f.carry):])
		buf = buf[:len(f.carry)+n]
		if err != nil {
			f.done = true
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				f.broken = err
			}
		}
		if f.skip {
			end := bytes.IndexByte(buf, '\n')
			if end < 0 {
				f.at.Offset += int64(len(buf))
				continue
			}
			f.pass(buf[:end+1])
			buf, f.skip = buf[end+1:], false
		}
		if len(buf) == 0 && f.broken == nil {
			return Block{}, false
		}
		block, used := f.cut(buf)
		f.carry = append(f.carry[:0], buf[used:]...)
		if f.broken != nil {
			f.reject(Reject{Place: f.at, Code: CodeTruncatedFile, Reason: "the file ends in the middle: " + f.broken.Error(), Raw: clip(f.carry)})
		}
		if len(f.carry) > maxRecord {
			f.reject(Reject{Place: f.at, Code: CodeTooLarge, Reason: "the record is larger than 64 MB; reading goes on at the next line", Raw: clip(f.carry)})
			end := bytes.IndexByte(f.carry, '\n') + 1
			if f.skip = end == 0; f.skip {
				end = len(f.carry)
			}
			f.pass(f.carry[:end])
			f.carry = append([]byte(nil), f.carry[end:]...)
		}
		if used > 0 {
			return block, true
		}
	}
	return Block{}, false
}

// piece is how much is read next: of a record that fills blocks as much again as there is, so that what is looked at anew
// with each piece comes to a few times its length, whatever that is. Of a text that is in memory it is not more than there is.
func (f *framer) piece() int {
	if text, ok := f.r.(*bytes.Reader); ok && text.Len() < blockSize {
		return text.Len() + 1 // so that its end is seen
	}
	return max(blockSize, min(len(f.carry), maxRecord-len(f.carry)))
}

// pass goes on behind some text.
func (f *framer) pass(text []byte) {
	f.at.Line += int64(bytes.Count(text, []byte{'\n'}))
	f.at.Offset += int64(len(text))
}

// cut cuts the records off that buf begins with, and goes on behind them.
func (f *framer) cut(buf []byte) (Block, int) {
	b := Block{Place: f.at}
	if f.split == nil {
		used := len(buf)
		if !f.done || f.broken != nil {
			used = bytes.LastIndexByte(buf, '\n') + 1
		}
		b.Data = buf[:used]
		f.pass(b.Data)
		return b, used
	}
	records, used := f.split(buf, f.done && f.broken == nil, &f.state)
	b.Data, b.Records = buf[:used], records
	if b.Records == nil {
		b.Records = []Extent{}
	}
	at := 0
	for i := range b.Records {
		start := b.Records[i].Start
		f.pass(buf[at:start])
		b.Records[i].Place, at = f.at, start
	}
	f.pass(buf[at:used])
	return b, used
}

// splitValues finds the objects of a stream of JSON values: one after another, in arrays, in the pages of an API. It
// looks at strings and brackets only, so that one broken record does not hide its neighbours.
func splitValues(data []byte, final bool, st *splitState) (records []Extent, used int) {
	i := 0
	for {
		i = st.between(data, i)
		if i >= len(data) || st.most > 0 && len(records) == st.most {
			return records, i
		}
		record := st.open == 0 || st.inPage
		if record && !st.inPage && len(st.page) > 0 && data[i] == '{' {
			at, found, more := pageStart(data, i, st.page)
			if more && !final {
				return records, i
			}
			if found {
				st.before(data[i:at])
				i, st.inPage, st.open = at, true, len(st.page)
				continue
			}
		}
		end, whole := valueEnd(data, i)
		if !whole && !final {
			return records, i
		}
		if record {
			records = append(records, Extent{Start: i, End: end, Open: !whole})
		} else {
			st.behind(bytes.TrimSpace(data[i:end]))
		}
		i = end
	}
}

// between passes over what stands between values, and opens and closes what encloses them.
func (st *splitState) between(data []byte, i int) int {
	for ; i < len(data); i++ {
		switch c := data[i]; {
		case c <= ' ', c == ',':
		case c == 0xef && bytes.HasPrefix(data[i:], byteOrderMark): // tools that append write one for each piece
			i += len(byteOrderMark) - 1
		case st.inPage:
			if c != ']' {
				return i
			}
			st.inPage = false
		case st.open > 0: // behind the records of a page
			if c == '}' {
				st.open--
			} else if c != ':' {
				return i
			}
		case c == '[':
			st.array++
		case c == ']' && st.array > 0:
			st.array--
		default:
			return i
		}
	}
	return i
}

// pageStart finds the first record of the page that begins at i; more says that data ends too early to tell.
func pageStart(data []byte, i int, path []string) (at int, found, more bool) {
	i, done, err := objectStart(data, i)
	for !done && err == nil {
		var name []byte
		if name, at, err = memberName(data, i); err != nil {
			break
		}
		if at >= len(data) {
			return at, false, true
		}
		if isKey(name, path[0]) {
			if len(path) == 1 && data[at] == '[' {
				return at + 1, true, false
			}
			if len(path) > 1 && data[at] == '{' {
				return pageStart(data, at, path[1:])
			}
		}
		end, whole := valueEnd(data, at)
		if !whole {
			return at, false, true
		}
		i, done, err = memberEnd(data, end)
	}
	var s *ScanError
	return i, false, errors.As(err, &s) && s.Code == CodeTruncated
}

// pagesIn lists the paths of the lists of objects inside the object at i, three deep, in their order and as far as data
// goes.
func pagesIn(data []byte, i, deep int) (paths [][]string) {
	i, done, err := objectStart(data, i)
	for !done && err == nil {
		name, at, nameErr := memberName(data, i)
		if nameErr != nil || at >= len(data) {
			return paths
		}
		key := fold(string(unescape(nil, name)), false)
		switch first := blanks(data, at+1); {
		case data[at] == '[' && first < len(data) && data[first] == '{':
			paths = append(paths, []string{key})
		case data[at] == '{' && deep < 3:
			for _, p := range pagesIn(data, at, deep+1) {
				paths = append(paths, append([]string{key}, p...))
			}
		}
		end, whole := valueEnd(data, at)
		if !whole {
			return paths
		}
		i, done, err = memberEnd(data, end)
	}
	return paths
}

// valueEnd finds the end of the value at i by its brackets; whole is false when data ends before it. A line end inside
// a string ends the value: JSON has none there, and what follows must not be lost with it.
func valueEnd(data []byte, i int) (end int, whole bool) {
	if quickMarks && i < len(data) && (data[i] == '{' || data[i] == '[') {
		if end, whole, sure := bracketsEnd(data, i); sure {
			return end, whole
		}
	}
	return looseEnd(data, i)
}

// looseEnd is valueEnd of whatever there is, byte by byte.
func looseEnd(data []byte, i int) (end int, whole bool) {
	depth := 0
	for k := i; k < len(data); k++ {
		switch data[k] {
		case '"':
			k = skipString(data, k+1)
			if k >= len(data) {
				return len(data), false
			}
			if data[k] == '\n' {
				return k, true
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

// skipString returns the index of the quote that ends the string whose inside begins at k, or of a line end before it.
func skipString(data []byte, k int) int {
	for k < len(data) {
		if k+8 <= len(data) {
			found := specials(binary.LittleEndian.Uint64(data[k:]))
			if found == 0 {
				k += 8
				continue
			}
			k += bits.TrailingZeros64(found) / 8
		}
		switch data[k] {
		case '"', '\n':
			return k
		case '\\':
			k++
		}
		k++
	}
	return len(data)
}
