package evidence

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// maxWraps bounds how deep records may be wrapped: a hit of a search, that holds an event, that holds the record.
const maxWraps = 3

// recognise finds the shape of a file by its first bytes.
func (f *File) recognise() error {
	head := bytes.TrimSpace(f.header)
	switch {
	case len(head) == 0:
		return &NotRecognised{"the file is empty", "export it again"}
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf")), bytes.HasPrefix(head, []byte("Rar!")):
		return &NotRecognised{"the file is a 7z or RAR archive", "unpack it first and give the folder, or pack it as zip"}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return &NotRecognised{"the file is an archive in an archive", "unpack it first and give the folder"}
	case bytes.HasPrefix(head, []byte("PAR1")):
		return &NotRecognised{"the file is Parquet", "export the table as CSV or JSON lines"}
	case bytes.Count(f.header, []byte{0}) > len(f.header)/8:
		return &NotRecognised{"the file is binary", "give exports as CSV or JSON, plain, gzip, zstd or zip"}
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
		found = f.recogniseCSV(head)
	}
	if found {
		return nil
	}
	return &NotRecognised{
		fmt.Sprintf("no sign-in evidence recognised (it reads as %s)", f.container),
		"give exports of Log Analytics, Azure Monitor, Microsoft Graph, the Entra admin centre, Defender XDR or Purview: docs/evidence.md lists the shapes",
	}
}

func firstLine(b []byte) []byte {
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		b = b[:end]
	}
	return bytes.TrimRight(b, "\r")
}

// choose takes the first shape that has the keys.
func (f *File) choose(keys map[string]bool) bool {
	for i := range f.shapes {
		s := &f.shapes[i]
		if s.Wrap() || f.page != nil && len(f.wraps) == 0 && len(s.Pages) > 0 && !pageOf(s, f.page) || !f.endsAs(s.Match.Endings) {
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
	if keys["frametype"] || (keys["tables"] || firstMember(head[start:]) == "tables") && bytes.Contains(bytes.ToLower(head), []byte(`"columns"`)) {
		f.container = Tables
		return f.choose(f.tableKeys())
	}
	for i := range f.shapes {
		for _, p := range f.shapes[i].Pages {
			path := strings.Split(fold(p, false), ".")
			if _, found, _ := pageStart(head, start, path); found {
				f.page = path
			}
		}
	}
	records, _ := splitValues(head, true, &splitState{page: f.page})
	for i, r := range records {
		if i == 20 {
			break
		}
		if f.unwrapped(head[r.Start:r.End]) {
			return true
		}
	}
	return false
}

// tableKeys are the names of the columns of the first tables.
func (f *File) tableKeys() map[string]bool {
	keys := map[string]bool{}
	a := newAPIReader(bytes.NewReader(f.header))
	block, _ := a.next()
	if len(block.Records) == 0 {
		return keys
	}
	return objectPaths(block.Data[block.Records[0].Start:block.Records[0].End])
}

// unwrapped finds the shape of a record, through what it is wrapped in.
func (f *File) unwrapped(record []byte) bool {
	f.wraps = nil
	d := &Decoder{file: f}
	for range maxWraps {
		keys := objectPaths(record)
		if f.choose(keys) && !(f.Shape.Priority < 0) {
			f.Keys = topKeys(record)
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
	return f.choose(objectPaths(record))
}

// wrap finds the shape that a record is a wrap of.
func (f *File) wrap(record []byte, keys map[string]bool) *Shape {
	for i := range f.shapes {
		s := &f.shapes[i]
		switch {
		case s.Prefix && len(f.wraps) == 0 && len(record) > 0 && record[0] != '{':
			return s
		case len(s.Inside) > 0 && s.matches(JSON, keys):
			return s
		}
	}
	return nil
}

// unwrap returns the record that a wrap holds.
func (d *Decoder) unwrap(w *Shape, record []byte) ([]byte, error) {
	if w.Prefix {
		at := bytes.IndexByte(record, '{')
		if at < 0 {
			return nil, &ScanError{Column: 1, Code: CodeUnrecognised, Reason: "the line holds no JSON object"}
		}
		return record[at:], nil
	}
	var v Span
	if w.Container == CSV {
		d.cells, _ = csvCells(record, d.file.comma(), d.cells)
		for i, key := range d.file.Keys {
			if i < len(d.cells) && fold(key, false) == fold(w.Inside[0], false) {
				v = d.cells[i]
				break
			}
		}
	} else {
		for _, path := range w.Inside {
			var err error
			if v, err = lookup(record, path); err != nil {
				return nil, err
			}
			if !empty(v) {
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
	at := bytes.IndexByte(text, '{')
	if at < 0 || v.Kind == Array {
		return nil, &ScanError{Column: 1, Code: CodeUnrecognised, Reason: "no record inside the " + w.Name + " wrap"}
	}
	return bytes.TrimSpace(text[at:]), nil
}

// lookup finds a member by its path; a key may be the whole path as well as its parts.
func lookup(record []byte, path string) (found Span, err error) {
	first, rest, nested := strings.Cut(path, ".")
	i := blanks(record, 0)
	if i >= len(record) || record[i] != '{' {
		return found, &ScanError{Column: i + 1, Code: CodeInvalidJSON, Reason: errNoObject.Error()}
	}
	_, err = members(record, i, 0, func(_ int, name []byte, v Span) error {
		switch {
		case string(name) == path:
			found = v
		case nested && string(name) == first && v.Kind == Object && empty(found):
			found, err = lookup(v.Bytes, rest)
			return err
		}
		return nil
	})
	return found, err
}

func (f *File) recogniseCSV(head []byte) bool {
	f.separator = delimiter(firstLine(head))
	if bytes.HasPrefix(head, []byte("#TYPE ")) {
		f.separator = delimiter(firstLine(head[len(firstLine(head))+1:]))
	}
	var st splitState
	st.comma, st.header = f.separator, true
	records, _ := splitCSV(append(append([]byte(nil), head...), '\n'), true, &st)
	if len(records) > 0 && bytes.HasPrefix(head, []byte("#TYPE ")) {
		records = records[1:]
	}
	if len(records) == 0 {
		return false
	}
	cells := func(i int) (out []string) {
		cells, _ := csvCells(head[records[i].Start:min(records[i].End, len(head))], f.separator, nil)
		for _, c := range cells {
			out = append(out, string(c.Bytes))
		}
		return out
	}
	f.Keys = cells(0)
	for i, k := range f.Keys {
		f.Keys[i] = strings.ToValidUTF8(k, "\ufffd") // headers become names, and names are text
	}
	keys := map[string]bool{}
	for _, k := range f.Keys {
		keys[fold(k, false)] = true
	}
	for i := range f.shapes {
		s := &f.shapes[i]
		if len(s.Inside) > 0 && s.matches(CSV, keys) && len(records) > 1 {
			f.wraps = []*Shape{s}
			d := &Decoder{file: f}
			inner, err := d.unwrap(s, head[records[1].Start:min(records[1].End, len(head))])
			if err == nil && f.choose(objectPaths(inner)) {
				return true
			}
			f.wraps = nil
		}
	}
	if f.choose(keys) && f.Shape.Priority >= 0 {
		return true
	}
	if len(records) > 1 && f.byPosition(cells(1)) {
		return true
	}
	return f.choose(keys)
}

// byPosition recognises an export by the number of its columns when the headers are in another language: the first two
// are a time and a request id in all of them.
func (f *File) byPosition(row []string) bool {
	if len(row) < 2 || len(row) != len(f.Keys) || len(row[1]) != 36 {
		return false
	}
	if _, ok := Datetime([]byte(row[0])); !ok || !strings.HasSuffix(row[0], "Z") {
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
func objectPaths(b []byte) map[string]bool {
	keys := map[string]bool{}
	var walk func(b []byte, prefix string, deep int)
	walk = func(b []byte, prefix string, deep int) {
		_, _ = members(b, 0, 0, func(_ int, name []byte, v Span) error {
			key := prefix + fold(string(unescape(nil, name)), false)
			keys[key] = true
			if v.Kind == Object && deep < 3 && len(keys) < 5000 {
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
