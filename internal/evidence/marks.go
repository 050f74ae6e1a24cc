package evidence

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// marks are the characters of 64 bytes that matter to the structure of JSON or a CSV, a bit for each byte that is one.
type marks struct {
	quotes, backs, lines, commas uint64
	opens, closes                uint64 // braces and brackets
}

// outline tells what stands in strings, 64 bytes after 64 bytes, as simdjson does: https://arxiv.org/abs/1902.08318
type outline struct {
	inside  uint64 // all bits where a string is open at the end of what was passed
	escaped uint64 // 1 where a backslash at its end escapes what comes next
	last    [64]byte
}

// next passes over 64 bytes of data from i on, or what is left of them. Of the marks only those outside of strings stay, and the
// quotes of strings themselves. It is not sure where a backslash stands outside of strings, or a line end inside.
func (o *outline) next(data []byte, i int, m *marks) (inside uint64, sure bool) {
	o.mark(data, i, m)
	if m.backs|o.escaped != 0 {
		m.quotes &^= o.escapes(m.backs)
	}
	inside = o.between(m.quotes)
	m.opens, m.closes = m.opens&^inside, m.closes&^inside
	return inside, m.backs&^inside|m.lines&inside == 0
}

// mark finds the marks of 64 bytes of data from i on, or of what is left of them.
func (o *outline) mark(data []byte, i int, m *marks) {
	if i+len(o.last) <= len(data) {
		mark((*[64]byte)(data[i:]), m)
		return
	}
	o.last = [64]byte{}
	copy(o.last[:], data[i:])
	mark(&o.last, m)
}

// between marks what stands between quotes, with the first one of each two.
func (o *outline) between(quotes uint64) (inside uint64) {
	inside = quotes
	inside ^= inside << 1 // each bit becomes whether those up to it are odd in number
	inside ^= inside << 2
	inside ^= inside << 4
	inside ^= inside << 8
	inside ^= inside << 16
	inside ^= inside << 32
	inside ^= o.inside
	o.inside = uint64(int64(inside) >> 63)
	return inside
}

// escapes marks what backslashes escape: of several in a row each second one is escaped itself.
func (o *outline) escapes(backs uint64) uint64 {
	const even = 0x5555555555555555
	backs &^= o.escaped
	follow := backs<<1 | o.escaped
	odd := backs &^ (even | follow)
	sum, carry := bits.Add64(odd, backs, 0)
	o.escaped = carry
	return (even ^ sum<<1) & follow
}

// bracketsEnd is valueEnd of what begins with a brace or a bracket, many times as fast; it is not sure of what is no JSON.
func bracketsEnd(data []byte, i int) (end int, whole, sure bool) {
	var o outline
	var m marks
	depth := 0
	for ; i < len(data); i += len(o.last) {
		if _, sure := o.next(data, i, &m); !sure {
			return 0, false, false
		}
		if n := bits.OnesCount64(m.closes); n < depth {
			depth += bits.OnesCount64(m.opens) - n
			continue
		}
		for both := m.opens | m.closes; both != 0; both &= both - 1 {
			if m.opens&both&-both != 0 {
				depth++
			} else if depth--; depth == 0 {
				return i + bits.TrailingZeros64(both) + 1, true, true
			}
		}
	}
	return len(data), false, true
}

// rowEnd is bracketsEnd of a row of a table, of which it appends where each cell begins and ends. It is sure only of a row that has
// no more cells than the table has columns, and in each of them one value.
func rowEnd(data []byte, i, columns int, cells []int) (end int, more []int, whole, sure bool) {
	var o outline
	var m marks
	depth, most := 0, len(cells)+2*columns
	start := blanks(data, i+1) // of the cell
	closed := 0                // where the string, object or list ends that it is
	for ; i < len(data); i += len(o.last) {
		inside, sure := o.next(data, i, &m)
		if !sure {
			return 0, cells, false, false
		}
		if n := bits.OnesCount64(m.closes); n+1 < depth {
			depth += bits.OnesCount64(m.opens) - n
			continue
		}
		for all := m.quotes | m.commas&^inside | m.opens | m.closes; all != 0; all &= all - 1 {
			first, at := all&-all, i+bits.TrailingZeros64(all)
			begins, ends := m.opens|m.quotes&inside, m.closes|m.quotes&^inside
			switch {
			case depth == 1 && begins&first != 0 && at != start:
				return 0, cells, false, false
			case m.opens&first != 0:
				depth++
				continue
			case m.closes&first != 0:
				depth--
			}
			switch {
			case depth > 1 || begins&first != 0:
				continue
			case depth == 1 && ends&first != 0:
				closed = at + 1
				continue
			}
			last := at // a comma, or the bracket that ends the row
			for last > start && isBlank(data[last-1]) {
				last--
			}
			if last <= start || len(cells) == most || closed > 0 && closed != last || closed == 0 && bytes.IndexByte(data[start:last], '\n') >= 0 {
				return 0, cells, false, false
			}
			cells = append(cells, start, last)
			if depth == 0 {
				return at + 1, cells, true, data[at] == ']'
			}
			start, closed = blanks(data, at+1), 0
		}
	}
	return len(data), cells, false, true
}

// lineEnd is csvEnd of a record with commas between its cells. It is sure where quotes stand around whole cells, or doubled inside of
// such, and no line ends between them.
func lineEnd(data []byte, i int) (end int, whole, sure bool) {
	var o outline
	var m marks
	opens := uint64(1) // behind what ended the 64 bytes before a quote may open a cell
	for ; i < len(data); i += len(o.last) {
		o.mark(data, i, &m)
		inside := o.between(m.quotes)
		before := m.commas | m.quotes&^inside // the second quote of two opens what the first one closed
		if m.quotes&inside&^(before<<1|opens)|m.lines&inside != 0 {
			return 0, false, false
		}
		if m.lines != 0 {
			return i + bits.TrailingZeros64(m.lines), true, true
		}
		opens = before >> 63
	}
	return len(data), false, o.inside == 0
}

// markWords finds the marks of 64 bytes eight at a time, where no instructions of the processor are used.
func markWords(b *[64]byte, m *marks) {
	*m = marks{}
	for i := 0; i < len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		brace := x | ' '*ones // a bracket and its brace differ in this bit
		m.quotes |= alike(x, '"') << i
		m.backs |= alike(x, '\\') << i
		m.lines |= alike(x, '\n') << i
		m.commas |= alike(x, ',') << i
		m.opens |= alike(brace, '{') << i
		m.closes |= alike(brace, '}') << i
	}
}

const ones = 0x0101010101010101

// alike has a bit for each of the eight bytes of a word that is c.
func alike(x, c uint64) uint64 {
	x ^= c * ones
	const lows = 0x7f * ones
	zero := ^(x&lows + lows | x | lows)         // the highest bit of each byte that is 0
	return zero >> 7 * 0x0102040810204080 >> 56 // all of them beside each other
}
