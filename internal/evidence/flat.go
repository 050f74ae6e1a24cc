package evidence

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// branch is a place in the object that a row of a flattened CSV stands for: the cells of `a.b` and `a.c` are members of a.
type branch struct {
	name     string
	cell     int // the column that is the value, -1 without one
	children []*branch
	byName   map[string]*branch // the children by their names in lower case
}

// grow makes the tree of the headers. Of equal headers the first one has the name.
func grow(headers []string) *branch {
	root := &branch{cell: -1}
	for i, header := range headers {
		at := root
		for _, part := range headerPath(header) {
			at = at.child(part)
		}
		if at.cell >= 0 {
			at = root.child(strings.TrimSpace(header) + "#" + strconv.Itoa(i))
		}
		at.cell = i
	}
	root.sort()
	return root
}

// sort orders the members of what is nested: the same object has the same text, whatever the order of the columns.
func (b *branch) sort() {
	for _, c := range b.children {
		slices.SortFunc(c.children, func(x, y *branch) int { return strings.Compare(x.name, y.name) })
		c.sort()
	}
}

func (b *branch) child(name string) *branch {
	key := strings.ToLower(name)
	at := b.byName[key]
	if at == nil {
		at = &branch{name: name, cell: -1}
		b.children = append(b.children, at)
		if b.byName == nil {
			b.byName = map[string]*branch{}
		}
		b.byName[key] = at
	}
	return at
}

// headerPath is the path that a header names, with points as most tools write it or with slashes. A header that is no
// path is a name.
func headerPath(header string) []string {
	header = strings.TrimSpace(strings.TrimSuffix(header, utcSuffix))
	for _, separator := range []string{".", "/"} {
		parts := strings.Split(header, separator)
		if len(parts) > 1 && len(parts) < 12 && !slices.ContainsFunc(parts, func(p string) bool { return p == "" || strings.ContainsAny(p, " ()") }) {
			return parts
		}
	}
	return []string{header}
}

// flatKeys are the folded paths of the headers, and of all that encloses them.
func flatKeys(headers []string) *keySet {
	keys := newKeySet()
	for _, header := range headers {
		path := headerPath(header)
		for i := range path {
			keys.names[fold(strings.Join(path[:i+1], "."), false)] = true
		}
	}
	return keys
}

// nest makes the object that a row of a flattened CSV stands for.
func (d *Decoder) nest(record []byte) ([]byte, error) {
	if err := d.split(record, len(d.file.Keys)); err != nil {
		return nil, err
	}
	if d.tree == nil {
		d.tree = grow(d.file.Keys)
	}
	start := len(d.inner)
	d.inner = d.tree.appendTo(d.inner, d.cells, 0)
	if len(d.inner) == start {
		d.inner = append(d.inner, "{}"...)
	}
	return d.inner[start:], nil
}

// appendTo writes the object of a branch; nothing when no cell below it has a value.
func (b *branch) appendTo(dst []byte, cells []Span, depth int) []byte {
	start := len(dst)
	for _, c := range b.children {
		before := len(dst)
		if before == start {
			dst = append(dst, '{')
		} else {
			dst = append(dst, ',')
		}
		dst = append(appendJSONString(dst, []byte(c.name)), ':')
		named := len(dst)
		own := c.cell >= 0 && !blankCell(cells[c.cell].Bytes)
		if own {
			dst = appendCellValue(dst, cells[c.cell].Bytes, depth)
		}
		if len(c.children) > 0 && (!own || dst[named] != '{') {
			inside := c.appendTo(nil, cells, depth+1)
			switch {
			case own && len(inside) > 0: // `a` and `a.b` both have a value
				dst = append(append(appendJSONString(append(dst, ','), []byte(c.name+".")), ':'), inside...)
			case !own:
				dst = append(dst, inside...)
			}
		}
		if len(dst) == named {
			dst = dst[:before]
		}
	}
	if len(dst) > start {
		dst = append(dst, '}')
	}
	return dst
}

// blankCell reports whether a cell stands for no value; tools that flatten write a dash or a word for it.
func blankCell(cell []byte) bool {
	switch string(bytes.TrimSpace(cell)) {
	case "", "-", "null", "(null)", "(empty)", "(blank)", "NULL", "None", "NaN", "nan":
		return true
	}
	return false
}

// appendCellValue writes a cell as the value that it was: nested JSON, and inside of objects numbers and bools.
func appendCellValue(dst, cell []byte, depth int) []byte {
	text := bytes.TrimSpace(cell)
	if text[0] == '{' || text[0] == '[' {
		if end, _, err := value(text, 0, depth+1); err == nil && end == len(text) {
			return append(dst, text...)
		}
	}
	if depth > 0 {
		switch {
		case bytes.EqualFold(text, []byte("true")), bytes.EqualFold(text, []byte("false")):
			return append(dst, bytes.ToLower(text)...)
		case len(text) < 16 && (text[0] == '-' || text[0] >= '0' && text[0] <= '9'):
			if end, err := numberEnd(text, 0); err == nil && end == len(text) {
				return append(dst, text...)
			}
		}
	}
	return appendJSONString(dst, cell)
}

// spreadOut takes the wraps off the records of a block of which each holds several, and makes a block of those. What has
// none stays, to be rejected with its reason.
func (f *File) spreadOut(b Block, d *Decoder) Block {
	out := Block{Place: b.Place, Records: []Extent{}}
	add := func(record []byte, at Place, open bool) {
		start := len(out.Data)
		out.Data = append(out.Data, record...)
		out.Records = append(out.Records, Extent{start, len(out.Data), at, open})
		out.Data = append(out.Data, '\n')
	}
	r := Reader{block: b, line: b.Line}
	for record, ok := r.inBlock(); ok; record, ok = r.inBlock() {
		d.arena, d.inner = d.arena[:0], d.inner[:0]
		text := record.Text
		var err error
		for _, w := range f.wraps[:f.spread] {
			if text, err = d.unwrap(w, text); err != nil {
				break
			}
		}
		if err != nil {
			add(record.Text, record.Place, record.Open)
			continue
		}
		records, _ := splitValues(text, true, &splitState{page: f.bundle})
		for _, e := range records {
			add(text[e.Start:e.End], record.Place, false)
		}
	}
	return out
}
