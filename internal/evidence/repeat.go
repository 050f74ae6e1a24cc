package evidence

import (
	"bytes"
	"encoding/binary"
)

// repeat is a text with escapes that a member or a column had, as it stands in the record with the closing quote, and what it says. JSON
// in a string has an escape every few bytes, and the same policies, places and devices come in row after row: to see that
// the same bytes stand there again costs a tenth of reading them.
type repeat struct {
	raw, text []byte
	used      int64 // the record that it was used for last
}

const (
	repeatSlots  = 32      // how many texts of a member are remembered
	repeatBegins = 64      // how many bytes of a text tell where it is remembered
	repeatBudget = 4 << 20 // how many bytes a decoder remembers
)

// repeated finds where a text that begins with b is remembered; nil where it is too near to the end of its record.
func (sc *scope) repeated(b []byte) *repeat {
	if len(b) < repeatBegins {
		return nil
	}
	hash := uint64(0)
	for i := 0; i < repeatBegins; i += 8 {
		hash = (hash ^ binary.LittleEndian.Uint64(b[i:])) * 0x9e3779b97f4a7c15
		hash ^= hash >> 32
	}
	if sc.repeats == nil {
		sc.repeats = make([]repeat, repeatSlots)
	}
	return &sc.repeats[hash%repeatSlots]
}

// length is how long the text is that is remembered where b begins with it, otherwise 0.
func (r *repeat) length(b []byte) int {
	if r == nil || !bytes.HasPrefix(b, r.raw) {
		return 0
	}
	return len(r.raw)
}

// quoted is the text of the string whose inside begins at i, a value of the member to: in place, or, where it has escapes,
// what is remembered of it or in the arena.
func (d *Decoder) quoted(to *scope, b []byte, i int) (text []byte, end int, err error) {
	end = plainEnd(b, i)
	if end < len(b) && b[end] == '"' {
		return b[i:end], end + 1, nil
	}
	seen := to.repeated(b[i:])
	if n := seen.length(b[i:]); n > 0 {
		seen.used = d.scanned
		return seen.text, i + n, nil
	}
	start := len(d.arena)
	d.arena, end, err = unquote(append(d.arena, b[i:end]...), b, end)
	text = d.arena[start:len(d.arena):len(d.arena)]
	if seen != nil && err == nil {
		d.remember(seen, b[i:end], text)
	}
	return text, end, err
}

// remember puts a text in the place of another one, unless the record that is being read has that one.
func (d *Decoder) remember(at *repeat, raw, text []byte) {
	if more := len(raw) - cap(at.raw) + len(text) - cap(at.text); at.used == d.scanned || d.repeats+more > repeatBudget {
		return
	}
	d.repeats -= cap(at.raw) + cap(at.text)
	at.raw, at.text = append(at.raw[:0], raw...), append(at.text[:0], text...)
	d.repeats += cap(at.raw) + cap(at.text)
}
