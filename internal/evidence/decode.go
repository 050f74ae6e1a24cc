package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Cell is one value in its stored form: text for string and dynamic, Int for bool, numbers and ticks.
type Cell struct {
	Null bool
	Text []byte
	Int  int64
	Real float64
}

// Row is a decoded record.
type Row struct {
	Target *Target
	Cells  []Cell
	// Members are the texts of the members that the table stores, in its order; null where only the database can tell.
	Members []Cell
	Line    int64
}

// Decoder turns records of one file into rows. It belongs to one worker; a row is valid until the next call.
type Decoder struct {
	raw    bool // local times stay as they stand: what is sought is the order of day and month, which turning them needs
	layout *Layout
	file   *File
	prog   *program
	root   *scope
	place  *Target // what the file's path names
	others []*Decoder

	spans   []Span // of the slots, and the constants
	touched []int
	rest    []loose
	told    []told // by choice
	cells   []Span
	columns []*scope // of a CSV
	headers [][]byte // of the columns
	tree    *branch  // of a flattened CSV
	record  []byte
	row     Row
	arena   []byte
	inner   []byte
	scanned int64  // records so far
	repeats int    // bytes that the repeats of all scopes take
	made    []byte // JSON objects that are being made, the inner ones behind those around them
	readers map[*Target][]memberReader
	folded  map[string]string // names that values had, see fold
	unknown map[string]bool   // the keys that no table has
}

// scope is a node of the program as one decoder walks it. The members of an object come in the same order in nearly every
// record of an export, so that each is looked for where it was the last time: behind the one before it.
type scope struct {
	node  *node
	path  string // of what is inside, with a dot at the end
	slot  int
	cover bool // a slot at or around it takes all that is inside
	exact bool // the key is the path's own, no suffix was taken off

	head    []byte            // the member's name as it stands before its value: quoted, with the colon
	members map[string]*scope // those inside that have been met, by their raw names
	first   *scope            // the one that stood first in the last object
	next    *scope            // the one that followed this one
	repeats []repeat          // texts that it had
}

// maxMembers bounds how many names an object's scope remembers.
const maxMembers = 4096

// maxName is the length of the longest text that is remembered as a name.
const maxName = 64

// loose is a member that no column takes.
type loose struct {
	path string
	name []byte
	span Span
}

// NewDecoder makes a decoder for records of f.
func (l *Layout) NewDecoder(f *File) *Decoder {
	d := l.decoder(f, f.Shape)
	if f.Shape.Container == CSV && len(f.wraps) == 0 {
		seen := map[int]bool{}
		for _, key := range f.Keys {
			at := d.root.find([]byte(key), d.prog.shape)
			if at.slot >= 0 && seen[at.slot] && at.exact {
				at = &scope{node: at.node, slot: -1, path: at.path} // the first of equal headers counts
			}
			seen[at.slot] = true
			d.columns, d.headers = append(d.columns, at), append(d.headers, []byte(key))
			d.note(at, "", key)
		}
	}
	return d
}

func (l *Layout) decoder(f *File, s *Shape) *Decoder {
	d := &Decoder{layout: l, file: f, prog: l.program(s), unknown: map[string]bool{}, folded: map[string]string{}, place: l.byPath(f.Path)}
	d.root = &scope{node: d.prog.root, slot: -1, exact: true}
	d.spans, d.told = append(make([]Span, d.prog.slots), d.prog.constants...), make([]told, len(d.prog.choices))
	return d
}

// note counts a key that no column takes.
func (d *Decoder) note(at *scope, path, key string) {
	if at.slot < 0 && at.node == nil && len(d.unknown) < 1000 {
		d.unknown[path+key] = true
	}
}

// find returns the scope of a key: the node of that name, or of the name's parts.
func (sc *scope) find(key []byte, s *Shape) *scope {
	text := string(unescape(nil, key))
	to := &scope{slot: -1, path: sc.path + string(key) + ".", cover: sc.cover, exact: true}
	if sc.node == nil {
		return to
	}
	at := sc.node.children[s.fold(text)]
	if at == nil && strings.Contains(text, ".") {
		at = sc.node
		for part := range strings.SplitSeq(text, ".") {
			if at = at.children[s.fold(part)]; at == nil {
				break
			}
		}
	}
	if at != nil {
		to.node, to.slot, to.exact = at, at.slot, s.fold(text) == fold(text, s.Snake)
		to.cover = to.cover || at.slot >= 0
	}
	return to
}

// member reads the name of the member at i, which follows the member before, or is the first one without it. It returns
// the member's scope, its raw name and where its value begins.
func (d *Decoder) member(sc, before *scope, b []byte, i int) (to *scope, name []byte, at int, err error) {
	guess := &sc.first
	if before != nil {
		guess = &before.next
	}
	i = blanks(b, i)
	if to = *guess; to != nil && bytes.HasPrefix(b[i:], to.head) {
		at = i + len(to.head)
		return to, b[i+1 : at-2], blanks(b, at), nil
	}
	if name, at, err = memberName(b, i); err != nil {
		return nil, nil, at, err
	}
	to = sc.members[string(name)]
	if to == nil {
		to = sc.find(name, d.prog.shape)
		to.head = append(append([]byte{'"'}, name...), '"', ':')
		if sc.members == nil {
			sc.members = map[string]*scope{}
		}
		if len(sc.members) < maxMembers {
			sc.members[string(name)] = to
		}
		if !sc.cover {
			d.note(to, sc.path, string(name))
		}
	}
	*guess = to
	return to, name, at, nil
}

// Decode reads one record. The error is a *ScanError with the code of the reject.
func (d *Decoder) Decode(record []byte, line int64) (*Row, error) {
	if !utf8.Valid(record) {
		return nil, badUTF8(record)
	}
	d.arena, d.inner = d.arena[:0], d.inner[:0]
	inner, err := d.unwrapAll(record)
	var row *Row
	if err == nil {
		row, err = d.decode(inner, line)
	}
	if err == nil && !d.strange() {
		return row, nil
	}
	var s *ScanError
	if err == nil || errors.As(err, &s) && (s.unplaced || s.Code == CodeNoRecord) {
		if other := d.elsewhere(inner, line, err == nil); other != nil {
			return other, nil
		}
	}
	return row, err
}

// strange reports whether the record lacks what its shape is told by.
func (d *Decoder) strange() bool {
	return slices.ContainsFunc(d.prog.all, func(slot int) bool { return d.spans[slot].Kind == Absent })
}

// unwrapAll returns what a record holds inside the wraps that are still around it. With an error it is what was reached.
func (d *Decoder) unwrapAll(record []byte) ([]byte, error) {
	for _, w := range d.file.wraps[d.file.spread:] {
		inner, err := d.unwrap(w, record)
		if err != nil {
			return record, err
		}
		record = inner
	}
	return record, nil
}

// elsewhere offers a record that is none of the file's shape to the other shapes: a SIEM's export may hold several. It is nil
// where none of them takes it. Where the file's own can take it as well, only shapes count that name keys which must be there.
func (d *Decoder) elsewhere(record []byte, line int64, own bool) *Row {
	if d.others == nil {
		d.others = []*Decoder{}
		for i := range d.file.shapes {
			if s := &d.file.shapes[i]; s.Container == JSON && !s.Wrap() && (s != d.prog.shape || len(d.file.wraps) > 0) && d.prog.shape.Container == JSON {
				d.others = append(d.others, d.layout.decoder(d.file, s))
			}
		}
	}
	if len(d.others) == 0 {
		return nil
	}
	keys := objectPaths(record)
	for _, o := range d.others {
		if s := o.prog.shape; own && (s == d.prog.shape || len(s.Match.All) == 0) || !s.matches(JSON, keys) {
			continue
		}
		if row, err := o.decode(record, line); err == nil {
			return row
		}
	}
	return nil
}

func badUTF8(record []byte) error {
	at := 0
	for at < len(record) {
		r, size := utf8.DecodeRune(record[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return &ScanError{Column: at + 1, Code: CodeInvalidUTF8, Reason: fmt.Sprintf("byte 0x%02x is not UTF-8", record[min(at, len(record)-1)])}
}

func (d *Decoder) decode(record []byte, line int64) (*Row, error) {
	if err := d.scan(record); err != nil {
		return nil, err
	}
	d.row.Line = line
	var err error
	if d.row.Target, err = d.target(); err != nil {
		return nil, err
	}
	if err := d.fill(); err != nil {
		return nil, err
	}
	return &d.row, nil
}

// scan puts the members of a record into their slots.
func (d *Decoder) scan(record []byte) error {
	for _, slot := range d.touched {
		d.spans[slot] = Span{}
	}
	d.touched, d.rest, d.record = d.touched[:0], d.rest[:0], record
	d.scanned++
	if d.columns != nil {
		return d.scanCSV(record)
	}
	i := blanks(record, 0)
	if i < len(record) && record[i] != '{' && bytes.HasPrefix(record[i:], byteOrderMark) { // of a file that was appended
		i = blanks(record, i+len(byteOrderMark))
	}
	if i >= len(record) || record[i] != '{' {
		return noObject(record, i)
	}
	end, err := d.members(d.root, record, i, 0)
	if err != nil {
		return err
	}
	if end = blanks(record, end); end != len(record) {
		return bad(end, "more data behind the record")
	}
	return nil
}

// noObject is why what stands at i is no record: a row of a table that does not fit its columns may have been cut.
func noObject(record []byte, i int) error {
	var s *ScanError
	if i < len(record) && record[i] == '[' {
		if _, _, err := value(record, i, 0); errors.As(err, &s) && s.Code == CodeTruncated {
			return err
		}
	}
	return &ScanError{Column: i + 1, Code: CodeInvalidJSON, Reason: errNoObject.Error()}
}

// members walks the object at i.
func (d *Decoder) members(sc *scope, b []byte, i, depth int) (int, error) {
	first := i
	i, done, err := objectStart(b, i)
	var to *scope
	for !done && err == nil {
		var name []byte
		var at, end int
		if to, name, at, err = d.member(sc, to, b, i); err != nil {
			return at, err
		}
		var v Span
		if v, end, err = d.memberValue(to, b, at, depth+1); err != nil {
			return end, err
		}
		if err = d.put(to, sc, name, v, b[first:]); err != nil {
			return at, err
		}
		i, done, err = memberEnd(b, end)
	}
	return i, err
}

// memberValue reads the value at i. A string that a column may take becomes its text at once; any other one stays raw.
func (d *Decoder) memberValue(to *scope, b []byte, i, depth int) (v Span, end int, err error) {
	if i < len(b) {
		switch {
		case b[i] == '"' && to.slot >= 0:
			v.Kind = Text
			v.Bytes, end, err = d.quoted(to, b, i+1)
			return v, end, err
		case b[i] == '{' && to.node != nil && to.node.children != nil:
			if end, err = d.members(to, b, i, depth); err != nil {
				return v, end, err
			}
			return Span{b[i:end], Object}, end, nil
		}
	}
	end, kind, err := value(b, i, depth)
	if err != nil {
		return v, end, err
	}
	return span(b, i, end, kind), end, nil
}

// put notes one value. around is the text from the beginning of the object on, for the look at what stands twice.
func (d *Decoder) put(to, sc *scope, name []byte, v Span, around []byte) error {
	inside := to.node != nil && to.node.children != nil
	if inside && (v.Kind == Text || v.Kind == Escaped) && d.insideText(to, v) && to.slot < 0 {
		return nil
	}
	if to.slot < 0 {
		if !sc.cover && !(inside && v.Kind == Object) {
			d.rest = append(d.rest, loose{sc.path, name, v})
		}
		return nil
	}
	old := d.spans[to.slot]
	if old.Kind == Absent {
		d.spans[to.slot] = v
		d.touched = append(d.touched, to.slot)
		return nil
	}
	if to.exact && around != nil && twice(around, name) {
		return &ScanError{Column: 1, Code: CodeDuplicateKey, Reason: fmt.Sprintf("the key %q stands twice in the record", name)}
	}
	if empty(old) { // X_dynamic and X_string: the one that has a value counts
		d.spans[to.slot] = v
	} else if !empty(v) && !bytes.Equal(old.Bytes, v.Bytes) && !sc.cover {
		d.rest = append(d.rest, loose{sc.path, name, v})
	}
	return nil
}

func empty(s Span) bool {
	return s.Kind == Absent || s.Kind == Null || len(s.Bytes) == 0
}

// insideText walks the object in a string; it reports whether there was one.
func (d *Decoder) insideText(to *scope, v Span) bool {
	text := bytes.TrimSpace(v.Bytes)
	if len(text) < 2 || text[0] != '{' && !printed(text[0]) {
		return false
	}
	if v.Kind == Escaped {
		text = bytes.TrimSpace(d.unescaped(v.Bytes))
	}
	if printed(text[0]) {
		text = printedObject(text)
	}
	if end, _, err := value(text, 0, 0); err != nil || end != len(text) {
		return false
	}
	_, err := d.members(to, text, 0, 1)
	return err == nil
}

// twice reports whether a name stands twice in the object that b begins with.
func twice(b, name []byte) bool {
	found := 0
	_, _ = members(b, 0, 0, func(_ int, other []byte, _ Span) error {
		if bytes.Equal(other, name) {
			found++
		}
		return nil
	})
	return found > 1
}

func (d *Decoder) scanCSV(record []byte) error {
	if err := d.split(record, len(d.columns)); err != nil {
		return err
	}
	for i, c := range d.cells {
		if len(c.Bytes) == 0 && d.columns[i].slot < 0 {
			continue
		}
		if err := d.put(d.columns[i], d.root, d.headers[i], c, nil); err != nil {
			return err
		}
	}
	return nil
}

// split splits a row of a CSV into its cells, which are as many as the headers.
func (d *Decoder) split(record []byte, headers int) error {
	var closed bool
	d.cells, d.arena, closed = csvCells(d, record, d.file.comma(), d.cells, d.arena)
	switch {
	case !closed:
		return &ScanError{Column: 1, Code: CodeOpenQuote, Reason: "a quote in the row is not closed", early: true}
	case len(d.cells) != headers:
		return &ScanError{Column: 1, Code: CodeWrongCells, Reason: fmt.Sprintf("the row has %d cells, the header has %d", len(d.cells), headers), early: len(d.cells) < headers}
	}
	for i, c := range d.cells {
		if printedByPython(c.Bytes) {
			if object := pythonJSON(c.Bytes); object != nil {
				d.cells[i].Bytes = object
			}
		}
	}
	for i, z := range d.file.zones {
		if z != nil && d.prog != nil && !d.raw {
			text, err := z.toUTC(d, d.cells[i].Bytes)
			if err != nil {
				return named(err, strings.TrimSuffix(d.file.Keys[i], utcSuffix))
			}
			d.cells[i].Bytes = text
		}
	}
	return nil
}

// text is the value of a span as text.
func (d *Decoder) text(s Span) []byte {
	switch s.Kind {
	case Escaped:
		return d.unescaped(s.Bytes)
	case Absent, Null:
		return nil
	}
	return s.Bytes
}

func (d *Decoder) unescaped(b []byte) []byte {
	start := len(d.arena)
	d.arena = unescape(d.arena, b)
	return d.arena[start:len(d.arena):len(d.arena)]
}

// codeAndReason returns the code and reason of a decoding error.
func codeAndReason(err error) (code, reason string) {
	if err == nil {
		return "", ""
	}
	var s *ScanError
	if errors.As(err, &s) {
		if s.Column > 1 {
			return s.Code, s.Error()
		}
		return s.Code, s.Reason
	}
	return CodeBadValue, err.Error()
}

// RejectOf makes the reject of a record. One that ends too early where the file ends says that the file was cut.
func RejectOf(record Record, err error) Reject {
	code, reason := codeAndReason(err)
	var s *ScanError
	if errors.As(err, &s) && s.early && record.Open {
		code, reason = CodeTruncatedFile, "the file ends in the middle: "+reason
	}
	return Reject{Place: record.Place, Code: code, Reason: reason, Raw: clip(bytes.TrimRight(record.Text, "\r\n"))}
}

// UnknownNames lists the keys that no table has, sorted.
func (d *Decoder) UnknownNames() []string {
	out := slices.Collect(maps.Keys(d.unknown))
	for _, o := range d.others {
		out = append(out, o.UnknownNames()...)
	}
	sort.Strings(out)
	return slices.Compact(out)
}
