package evidence

import (
	"bytes"
	"slices"
)

// memberReader reads the texts of the members of one JSON column that its table stores, where a document is so plain that
// there is nothing to decide: what tostring() makes of a member is the database's to say. Documents come again and again.
type memberReader struct {
	column int
	names  []string          // of the members
	known  map[string][]Cell // by document
	ask    []Cell            // of a document that is not plain: all are null
}

// What is remembered of a table's documents: so many, and none that is longer.
const (
	maxDocuments = 4096
	maxDocument  = 1024
)

// memberReaders are those of a table, in the order of its members.
func (t *Target) memberReaders() (out []memberReader) {
	for _, m := range t.Table.Members {
		for i := range t.Columns {
			if t.Columns[i].Name == m.Column {
				out = append(out, memberReader{column: i, names: m.Keys, ask: slices.Repeat([]Cell{{Null: true}}, len(m.Keys))})
			}
		}
	}
	return out
}

// readMembers fills the row's members.
func (d *Decoder) readMembers() {
	t := d.row.Target
	if d.readers == nil {
		d.readers = map[*Target][]memberReader{}
	}
	readers, ok := d.readers[t]
	if !ok {
		readers = t.memberReaders()
		d.readers[t] = readers
	}
	d.row.Members = d.row.Members[:0]
	for i := range readers {
		r := &readers[i]
		d.row.Members = append(d.row.Members, r.of(d.row.Cells[r.column].Text)...)
	}
}

// of are the members of a document; all of them are null where it is not plain.
func (r *memberReader) of(document []byte) []Cell {
	if cells, ok := r.known[string(document)]; ok {
		return cells
	}
	if len(document) > maxDocument {
		return r.ask
	}
	if r.known == nil || len(r.known) == maxDocuments {
		r.known = map[string][]Cell{}
	}
	cells := make([]Cell, len(r.names))
	if len(document) > 0 && !r.read(bytes.Clone(document), cells) {
		cells = r.ask
	}
	r.known[string(document)] = cells
	return cells
}

// read reads the members of a document; it reports whether the document is plain: one object that has each member once at
// most, as a text without escapes, a bool, a whole number or null.
func (r *memberReader) read(document []byte, cells []Cell) (plain bool) {
	if document[0] != '{' {
		return false
	}
	plain = true
	seen := uint64(0)
	end, err := members(document, 0, 0, func(_ int, name []byte, v Span) error {
		if bytes.IndexByte(name, '\\') >= 0 {
			plain = false
		}
		for i, wanted := range r.names {
			if string(name) != wanted {
				continue
			}
			plain = plain && seen&(1<<i) == 0 && (v.Kind != Number || wholeNumber(v.Bytes)) && v.Kind != Escaped && v.Kind != Object && v.Kind != Array
			if seen |= 1 << i; v.Kind != Null {
				cells[i].Text = v.Bytes
			}
		}
		return nil
	})
	return plain && err == nil && end == len(document)
}

// wholeNumber reports whether a number is written as every reader of JSON would write it.
func wholeNumber(b []byte) bool {
	number := bytes.TrimPrefix(b, []byte{'-'})
	return len(number) <= 15 && len(bytes.Trim(number, "0123456789")) == 0 && (len(number) == len(b) || number[0] != '0')
}
