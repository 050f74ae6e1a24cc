package evidence

import (
	"bytes"
	"slices"
	"strings"
)

// maxWraps bounds how deep records may be wrapped: a hit of a search, that holds an event, that holds the record.
const maxWraps = 3

// recognise finds the shape of a file by its first bytes.
func (f *File) recognise() error {
	head := bytes.TrimSpace(f.header)
	if err := f.refused(head); err != nil {
		return err
	}
	var found bool
	if head[0] == '{' || head[0] == '[' {
		f.container = JSON
		found = f.recogniseJSON(head)
	} else if prefix := bytes.IndexByte(firstLine(head), '{'); prefix >= 0 && scanObject(firstLine(head)[prefix:], nil) == nil {
		f.container = JSON
		found = f.unwrapped(firstLine(head))
	} else {
		f.container = CSV
		found = f.recogniseCSV(bytes.Trim(f.header, " \r\n")) // a tab is an empty cell
	}
	if found {
		return nil
	}
	return f.unrecognised(head)
}

// portalRow tells whether a row begins with a time and the id of a request, as those of the Entra admin centre do.
func (f *File) portalRow(first []byte) bool {
	cells, _, _ := csvCells(nil, first, f.comma(), nil, nil)
	if len(cells) < 10 {
		return false
	}
	when, id := cells[0].Bytes, cells[1].Bytes
	return len(when) > 0 && when[0] >= '0' && when[0] <= '9' && bytes.IndexByte(when, ':') > 0 &&
		len(id) == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-'
}

func firstLine(b []byte) []byte {
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		b = b[:end]
	}
	return bytes.TrimRight(b, "\r")
}

// choose takes the first shape that has the keys.
func (f *File) choose(keys *keySet) bool {
	for i := range f.shapes {
		s := &f.shapes[i]
		if s.Wrap() || f.otherPage(s) || !f.endsAs(s.Match.Endings) || f.nested() && !s.Flat {
			continue
		}
		container := f.container
		if len(f.wraps) > 0 {
			container = JSON
		}
		if s.matches(container, keys) {
			f.Shape = s
			return true
		}
	}
	return false
}

// nested reports whether the records are rows of a flattened CSV.
func (f *File) nested() bool { return len(f.wraps) > 0 && f.wraps[0].Nest }

// otherPage reports whether the shape has pages of its own, and the file's are those of another one.
func (f *File) otherPage(s *Shape) bool {
	if f.page == nil || len(f.wraps) > 0 || len(s.Pages) == 0 || pageOf(s, f.page) {
		return false
	}
	return slices.ContainsFunc(f.shapes, func(other Shape) bool { return pageOf(&other, f.page) })
}

// endsAs reports whether the file's name, without those of packers, has one of the endings, if there are any.
func (f *File) endsAs(endings []string) bool {
	name := strings.ToLower(f.Path)
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	return len(endings) == 0 || slices.ContainsFunc(endings, func(end string) bool { return strings.HasSuffix(name, end) })
}

func pageOf(s *Shape, page []string) bool {
	for _, p := range s.Pages {
		if fold(p, false) == strings.Join(page, ".") {
			return true
		}
	}
	return false
}

func (f *File) recogniseJSON(head []byte) bool {
	start := bytes.IndexByte(head, '{')
	if start < 0 {
		return false
	}
	keys := objectPaths(head[start:])
	if keys.names["frametype"] || (keys.names["tables"] || firstMember(head[start:]) == "tables") && bytes.Contains(bytes.ToLower(head), []byte(`"columns"`)) {
		return f.recogniseTables()
	}
	tried := map[string]bool{} // many shapes have the same pages
	for i := range f.shapes {
		for _, p := range f.shapes[i].Pages {
			if tried[p] {
				continue
			}
			tried[p] = true
			path := strings.Split(fold(p, false), ".")
			if _, found, _ := pageStart(head, start, path); found && f.recogniseRecords(head, path) {
				return true
			}
		}
	}
	return f.recogniseRecords(head, nil) || f.anyPage(head, start) || f.recogniseTables()
}

// recogniseTables looks for columns and rows apart.
func (f *File) recogniseTables() bool {
	f.container, f.page, f.wraps = Tables, nil, nil
	if keys := f.tableKeys(); len(keys.names) > 0 && f.choose(keys) {
		return true
	}
	f.container = JSON
	return false
}

// recogniseRecords finds the shape of the first records, which lie in the page of an enclosing object if there is one.
func (f *File) recogniseRecords(head []byte, page []string) bool {
	f.page = page
	records, _ := splitValues(head, true, &splitState{page: page, most: maxTried})
	for _, r := range records {
		if f.unwrapped(head[r.Start:r.End]) {
			return true
		}
	}
	return false
}

// maxTried bounds how many records, pages or rows are looked at to recognise a file.
const maxTried = 20

// anyPage finds the one member of the enclosing object that is a list of records, whatever its name. Two of them are
// none: the records of the second would be lost.
func (f *File) anyPage(head []byte, start int) bool {
	var only []string
	pages := pagesIn(head, start, 1)
	for _, page := range pages[:min(len(pages), maxTried)] {
		if !f.recogniseRecords(head, page) {
			continue
		}
		if only != nil {
			return false
		}
		only = page
	}
	return only != nil && f.recogniseRecords(head, only)
}

// tableKeys are the names of the columns of the first tables.
func (f *File) tableKeys() *keySet {
	record, ok := f.Head().Reader().Next()
	if !ok {
		return &keySet{}
	}
	return objectPaths(record.Text)
}

// unwrapped finds the shape of a record, through what it is wrapped in.
func (f *File) unwrapped(record []byte) bool {
	f.wraps, f.bundle, f.spread = nil, nil, 0
	if len(record) == 0 || record[0] != '{' && f.wrap(record, &keySet{}) == nil {
		return false
	}
	return f.inside(record)
}

// inside finds the shape of what the wraps hold that have been found so far.
func (f *File) inside(record []byte) bool {
	d := &Decoder{file: f}
	for range maxWraps {
		keys := objectPaths(record)
		if f.choose(keys) && !(f.Shape.Priority < 0) {
			if len(f.wraps) == 0 || f.Keys == nil {
				f.Keys = topKeys(record)
			}
			return true
		}
		if len(f.wraps) > 0 && f.bundled(record) {
			return true
		}
		w := f.wrap(record, keys)
		if w == nil {
			return false
		}
		inner, err := d.unwrap(w, record)
		if err != nil {
			return false
		}
		f.wraps = append(f.wraps, w)
		record = append([]byte(nil), inner...)
	}
	return f.choose(objectPaths(record)) || f.bundled(record)
}

// bundled finds the shape of records of which a wrap holds several.
func (f *File) bundled(text []byte) bool {
	pages := pagesIn(text, 0, 1)
	for _, page := range append([][]string{nil}, pages[:min(len(pages), maxTried)]...) {
		if page == nil && text[0] != '[' {
			continue
		}
		records, _ := splitValues(text, true, &splitState{page: page})
		for _, r := range records[:min(len(records), maxTried)] {
			if f.choose(objectPaths(text[r.Start:r.End])) {
				f.bundle, f.spread = append([]string{}, page...), len(f.wraps)
				return true
			}
		}
	}
	return false
}

// wrap finds the shape that a record is a wrap of.
func (f *File) wrap(record []byte, keys *keySet) *Shape {
	for i := range f.shapes {
		s := &f.shapes[i]
		switch {
		case s.Prefix && len(f.wraps) == 0 && len(record) > 0 && record[0] != '{' && record[0] != '[':
			return s
		case len(s.Inside) > 0 && s.matches(JSON, keys) && (s.Flat || !f.nested()):
			return s
		}
	}
	return nil
}

// unwrap returns the record that a wrap holds, or the text of several.
func (d *Decoder) unwrap(w *Shape, record []byte) ([]byte, error) {
	var v Span
	switch {
	case w.Nest:
		return d.nest(record)
	case w.Prefix:
		v = Span{record, Text}
	case w.Container == CSV:
		d.cells, d.arena, _ = csvCells(nil, record, d.file.comma(), d.cells, d.arena)
		for i, key := range d.file.Keys {
			if i < len(d.cells) && fold(key, false) == fold(w.Inside[0], false) {
				v = d.cells[i]
				break
			}
		}
	default:
		for _, path := range w.Inside {
			found, err := lookup(record, path)
			if err != nil {
				return nil, err
			}
			if holdsJSON(found) {
				v = found
				break
			}
		}
	}
	text := v.Bytes
	if v.Kind == Escaped {
		start := len(d.inner)
		d.inner = unescape(d.inner, text)
		text = d.inner[start:]
	}
	at := bytes.IndexAny(text, "{[")
	if w.Prefix {
		at = bytes.IndexByte(text, '{') // a prefix has brackets of its own
	}
	if at < 0 {
		return nil, &ScanError{Column: 1, Code: CodeUnrecognised, unplaced: true, Reason: "no record inside the " + w.Name + " wrap"}
	}
	return bytes.TrimSpace(text[at:]), nil
}

// holdsJSON reports whether a value is an object or a list, or a text that has one.
func holdsJSON(v Span) bool { return v.Kind > Absent && bytes.IndexByte(v.Bytes, '{') >= 0 }

// lookup finds a member by its path; a key may be the whole path as well as its parts.
func lookup(record []byte, path string) (found Span, err error) {
	first, rest, nested := strings.Cut(path, ".")
	i := blanks(record, 0)
	if i >= len(record) || record[i] != '{' {
		return found, &ScanError{Column: i + 1, Code: CodeInvalidJSON, Reason: errNoObject.Error()}
	}
	_, err = members(record, i, 0, func(_ int, name []byte, v Span) error {
		switch {
		case strings.EqualFold(string(name), path):
			found = v
		case nested && strings.EqualFold(string(name), first) && v.Kind == Object && empty(found):
			found, err = lookup(v.Bytes, rest)
			return err
		}
		return nil
	})
	return found, err
}

func (f *File) recogniseCSV(head []byte) bool {
	head, f.separator = csvStart(head)
	st := splitState{comma: f.separator, header: true}
	records, _ := splitCSV(append(append([]byte(nil), head...), '\n'), true, &st)
	if len(records) == 0 {
		return false
	}
	row := func(i int) []byte { return head[records[i].Start:min(records[i].End, len(head))] }
	f.Keys = nil
	headers, _, _ := csvCells(nil, row(0), f.separator, nil, nil)
	for _, h := range headers {
		f.Keys = append(f.Keys, strings.ToValidUTF8(string(h.Bytes), "\ufffd")) // headers become names, and names are text
	}
	f.zonedHeaders()
	rows := make([][]byte, 0, maxTried)
	for i := 1; i < len(records) && i <= maxTried; i++ {
		rows = append(rows, row(i))
	}
	keys := newKeySet()
	for _, k := range f.Keys {
		keys.names[fold(k, false)] = true
	}
	if f.recogniseWrapped(keys, rows) {
		return true
	}
	var own *Shape
	if f.choose(keys) && f.Shape.Priority >= 0 {
		own = f.Shape
	}
	if f.recogniseFlat(rows) && (own == nil || f.Shape.Priority > own.Priority) {
		return true
	}
	f.wraps, f.bundle, f.spread = nil, nil, 0
	if own != nil {
		f.Shape = own
		return true
	}
	if f.byAlias() || len(rows) > 0 && f.byPosition(rows[0]) {
		return true
	}
	if f.foreign = len(rows) > 0 && f.portalRow(rows[0]); f.foreign { // no list of the tenant's own, whatever its headers say
		return false
	}
	return f.choose(keys)
}

// csvStart passes over what stands before the header: PowerShell's line of types, and the separator as spreadsheets say
// it. It returns what separates the cells.
func csvStart(head []byte) ([]byte, byte) {
	for {
		line := firstLine(head)
		if !preamble(line) || len(line) == len(head) {
			return head, delimiter(line)
		}
		head = bytes.TrimLeft(head[len(line):], "\r\n")
	}
}

// recogniseWrapped finds the wrap that one cell of each row is, and the shape of what is in it.
func (f *File) recogniseWrapped(keys *keySet, rows [][]byte) bool {
	d := &Decoder{file: f}
	for i := range f.shapes {
		s := &f.shapes[i]
		if len(s.Inside) == 0 || !s.matches(CSV, keys) {
			continue
		}
		for _, row := range rows {
			f.wraps = []*Shape{s}
			if inner, err := d.unwrap(s, row); err == nil && f.choose(objectPaths(inner)) {
				return true
			}
		}
	}
	f.wraps = nil
	return false
}

// recogniseFlat finds the shape of the objects that the rows of a flattened CSV stand for.
func (f *File) recogniseFlat(rows [][]byte) bool {
	for i := range f.shapes {
		if !f.shapes[i].Nest {
			continue
		}
		f.wraps, f.bundle, f.spread = []*Shape{&f.shapes[i]}, nil, 0
		if f.choose(flatKeys(f.Keys)) {
			return true
		}
		d := &Decoder{file: f}
		for _, row := range rows { // a cell, or what the paths begin with, may be a wrap of its own
			f.wraps, f.bundle, f.spread = []*Shape{&f.shapes[i]}, nil, 0
			if object, err := d.nest(row); err == nil && f.inside(object) && len(f.wraps) > 1 {
				return true
			}
		}
	}
	return false
}

// byAlias recognises an export whose headers are in another language that a shape knows.
func (f *File) byAlias() bool {
	for i := range f.shapes {
		s := &f.shapes[i]
		if len(s.Aliases) == 0 {
			continue
		}
		names := slices.Clone(f.Keys)
		keys := newKeySet()
		for k, name := range names {
			for from, to := range s.Aliases {
				if s.fold(from) == s.fold(name) {
					names[k] = to
				}
			}
			keys.names[fold(names[k], false)] = true
		}
		if s.matches(CSV, keys) {
			f.Shape, f.Keys = s, names
			return true
		}
	}
	return false
}

// byPosition recognises an export by the number of its columns when the headers are in another language: the first two
// are a time and a request id in all of them.
func (f *File) byPosition(first []byte) bool {
	var row []string
	cells, _, _ := csvCells(nil, first, f.separator, nil, nil)
	for _, c := range cells {
		row = append(row, string(c.Bytes))
	}
	if len(row) < 2 || len(row) != len(f.Keys) || len(row[1]) != 36 {
		return false
	}
	if _, ok := datetimeMonthFirst([]byte(row[0])); !ok || !strings.HasSuffix(row[0], "Z") {
		return false
	}
	for i := range f.shapes {
		for _, headers := range f.shapes[i].Positions {
			if len(headers) == len(row) {
				f.Shape, f.Keys = &f.shapes[i], headers
				return true
			}
		}
	}
	return false
}

// comma is what stands between the cells of a CSV.
func (f *File) comma() byte {
	if f.separator == 0 {
		return ','
	}
	return f.separator
}

// objectPaths are the folded paths of an object's members, three deep, as far as it can be read.
func objectPaths(b []byte) *keySet {
	keys := newKeySet()
	var walk func(b []byte, prefix string, deep int)
	walk = func(b []byte, prefix string, deep int) {
		_, _ = members(b, 0, 0, func(_ int, name []byte, v Span) error {
			key := prefix + fold(string(unescape(nil, name)), false)
			keys.names[key] = true
			if v.Kind == Object && deep < 3 && len(keys.names) < 5000 {
				walk(v.Bytes, key+".", deep+1)
			}
			return nil
		})
	}
	if i := blanks(b, 0); i < len(b) && b[i] == '{' {
		walk(b[i:], "", 1)
	}
	return keys
}

// firstMember is the folded name of an object's first member, whose value may be larger than what was read of it.
func firstMember(b []byte) string {
	i, done, err := objectStart(b, 0)
	if done || err != nil {
		return ""
	}
	name, _, err := memberName(b, i)
	if err != nil {
		return ""
	}
	return fold(string(unescape(nil, name)), false)
}

// topKeys are the names of an object's members.
func topKeys(b []byte) []string {
	var keys []string
	if i := blanks(b, 0); i < len(b) && b[i] == '{' {
		_, _ = members(b, i, 0, func(_ int, name []byte, _ Span) error {
			keys = append(keys, string(unescape(nil, name)))
			return nil
		})
	}
	return keys
}
