package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// fill makes the row's cells from the record's spans.
func (d *Decoder) fill() error {
	t := d.row.Target
	pl := d.prog.plans[t]
	if cap(d.row.Cells) < len(t.Columns) {
		d.row.Cells = make([]Cell, len(t.Columns))
	}
	d.row.Cells = d.row.Cells[:len(t.Columns)]
	extra := len(pl.steps)
	for i := range pl.steps {
		var v Span
		var err error
		if slot := pl.direct[i]; slot >= 0 {
			v = d.spans[slot]
		} else if v, err = d.pick(pl.steps[i]); err != nil {
			return named(err, t.Columns[i].Name)
		}
		if (v.Kind == Text || v.Kind == Absent) && t.Columns[i].Type == schema.String { // nearly all cells
			d.row.Cells[i] = Cell{Text: v.Bytes}
		} else if err := d.cell(&d.row.Cells[i], &t.Columns[i], v); err != nil {
			return err
		}
		if t.address[i] {
			d.clean(&d.row.Cells[i], t.Columns[i].Name)
		}
	}
	derived := d.derive(t)
	if err := d.happened(t); err != nil {
		return err
	}
	more, err := d.additional(pl)
	d.row.Cells[extra] = Cell{Null: more == nil, Text: more}
	d.row.Cells[extra+1] = Cell{Text: derived}
	d.readMembers()
	return err
}

func named(err error, column string) error {
	if s, ok := err.(*ScanError); ok {
		s.Reason = column + ": " + s.Reason
	}
	return err
}

// pick is the value of the first alternative that has one.
func (d *Decoder) pick(s step) (Span, error) {
	var v Span
	for i := range s {
		a := &s[i]
		switch {
		case a.slot >= 0:
			found := d.spans[a.slot]
			if a.pair != "" {
				found = paired(d, found, a.pair)
			}
			if empty(found) {
				if v.Kind == Absent {
					v = found
				}
				continue
			}
			var err error
			if a.convert != nil {
				if found, err = a.convert(d, found); err != nil {
					return found, err
				}
			}
			if a.mapping != nil {
				to := a.mapping[d.fold(d.text(found))]
				if to == nil {
					to = a.mapping["*"]
				}
				if to != nil {
					found = Span{to, Text}
				}
			}
			v = found
		case a.object != nil:
			var err error
			if v, err = d.object(a.object); err == nil && a.convert != nil && !empty(v) {
				v, err = a.convert(d, v)
			}
			if err != nil {
				return v, err
			}
		case a.made != nil:
			v = a.made(d)
		default:
			v = Span{a.value, Text}
		}
		if !empty(v) {
			return v, nil
		}
	}
	return v, nil
}

// made are the values that are no member of a record.
var made = map[string]func(*Decoder) Span{
	// The file's name without its ending.
	"$file": func(d *Decoder) Span {
		name := d.file.Path[strings.LastIndexAny(d.file.Path, `/\!`)+1:]
		if dot := strings.IndexByte(name, '.'); dot > 0 {
			name = name[:dot]
		}
		return Span{[]byte(name), Text}
	},
	// The name of the record's table.
	"$type": func(d *Decoder) Span { return Span{d.row.Target.name, Text} },
	// The first cell of a CSV.
	"$first": func(d *Decoder) Span {
		if len(d.cells) > 0 {
			return d.cells[0]
		}
		return Span{}
	},
	// The whole record.
	"$all": func(d *Decoder) Span {
		d.rest = d.rest[:0]
		if d.columns == nil {
			return Span{d.record, Object}
		}
		out := []byte{'{'}
		for i, cell := range d.cells {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(appendJSONString(out, bytes.TrimSpace([]byte(d.file.Keys[i]))), ':'), appendJSONString(nil, cell.Bytes)...)
		}
		return Span{append(out, '}'), Object}
	},
}

// fold is fold of a value, which nearly always is one of a few names.
func (d *Decoder) fold(name []byte) string {
	if folded, ok := d.folded[string(name)]; ok {
		return folded
	}
	folded := fold(string(name), false)
	if len(d.folded) < maxMembers && len(name) <= maxName {
		d.folded[string(name)] = folded
	}
	return folded
}

// object makes a JSON object of the members that have a value.
func (d *Decoder) object(members []member) (Span, error) {
	start := len(d.made)
	defer func() { d.made = d.made[:start] }()
	for i := range members {
		m := &members[i]
		v, err := d.pick(m.step)
		if err != nil {
			return v, err
		}
		if empty(v) {
			continue
		}
		d.made = append(append(d.made, ','), m.head...)
		switch v.Kind {
		case Text:
			d.made = appendJSONString(d.made, v.Bytes)
		case Escaped:
			d.made = append(append(append(d.made, '"'), v.Bytes...), '"')
		default:
			d.made = append(d.made, v.Bytes...)
		}
	}
	if len(d.made) == start {
		return Span{}, nil
	}
	d.made[start] = '{'
	d.made = append(d.made, '}')
	return Span{d.kept(d.made[start:]), Object}, nil
}

// kept is a copy of text that lasts as long as the row.
func (d *Decoder) kept(text []byte) []byte {
	start := len(d.arena)
	d.arena = append(d.arena, text...)
	return d.arena[start:len(d.arena):len(d.arena)]
}

// cell converts a value to a column's type.
func (d *Decoder) cell(c *Cell, col *schema.Column, s Span) error {
	*c = Cell{}
	if s.Kind == Escaped {
		s = Span{d.unescaped(s.Bytes), Text}
	}
	if s.Kind == Absent || s.Kind == Null || s.Kind == Text && len(s.Bytes) == 0 {
		c.Null = col.Type != schema.String
		return nil
	}
	switch col.Type {
	case schema.String:
		if c.Text = d.compact(s); s.Kind == Number {
			c.Text = withoutZeros(c.Text)
		}
		return nil
	case schema.Dynamic:
		c.Text = d.dynamic(s)
		c.Null = c.Text == nil
		return nil
	}
	if d.null(s) {
		c.Null = true
		return nil
	}
	ok := false
	switch col.Type {
	case schema.Datetime:
		if s.Kind == Object {
			s = timeInside(s)
		}
		t, code := d.time(s.Bytes)
		c.Int = int64(t)
		switch code {
		case "":
			return nil
		case noZone:
			return ambiguous("%s: %.60q is a local time without its zone", col.Name, s.Bytes)
		case CodeAmbiguousTime:
			return &ScanError{Column: 1, Code: code, Reason: fmt.Sprintf("%s: %.60q can be two days, and no other time in the file says which", col.Name, s.Bytes)}
		}
		return &ScanError{Column: 1, Code: code, Reason: fmt.Sprintf("%s is not a time: %.60q", col.Name, s.Bytes)}
	case schema.Bool:
		c.Int, ok = boolean(s)
	case schema.Int, schema.Long:
		c.Int, ok = integer(bytes.TrimSpace(s.Bytes))
		ok = ok && (col.Type == schema.Long || c.Int >= math.MinInt32 && c.Int <= math.MaxInt32)
	case schema.Real:
		c.Real, ok = schema.ParseReal(string(s.Bytes))
	}
	if !ok {
		return &ScanError{Column: 1, Code: CodeBadValue, Reason: fmt.Sprintf("%s is not a %s: %.60q", col.Name, col.Type, s.Bytes)}
	}
	return nil
}

// timeInside is the time in an object that PowerShell or a database makes of one.
func timeInside(s Span) Span {
	for _, name := range []string{"value", "$date", "DateTime"} {
		if v, err := lookup(s.Bytes, name); err == nil && !empty(v) {
			return Span{unescape(nil, v.Bytes), Text}
		}
	}
	return s
}

// null reports whether a text of the shape stands for no value.
func (d *Decoder) null(s Span) bool {
	for _, text := range d.prog.shape.Nulls {
		if s.Kind == Text && string(s.Bytes) == text {
			return true
		}
	}
	return false
}

func integer(b []byte) (int64, bool) {
	if len(b) > 400 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(b), 64) // a spreadsheet made 1.0 of 1
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<62 {
		return 0, false
	}
	return int64(f), true
}

func boolean(s Span) (int64, bool) {
	switch {
	case s.Kind == True, bytes.EqualFold(s.Bytes, []byte("true")), string(s.Bytes) == "1":
		return 1, true
	case s.Kind == False, bytes.EqualFold(s.Bytes, []byte("false")), string(s.Bytes) == "0":
		return 0, true
	case len(s.Bytes) <= maxBool:
		n, known := spreadsheetBools[strings.ToUpper(string(s.Bytes))]
		return n, known
	}
	return 0, false
}

// maxBool is the length of the longest of spreadsheetBools, in bytes.
const maxBool = 12

// spreadsheetBools are TRUE and FALSE as Excel writes them in other languages: the names of its functions TRUE and FALSE.
var spreadsheetBools = map[string]int64{
	"WAHR": 1, "FALSCH": 0, // German
	"VRAI": 1, "FAUX": 0, // French
	"VERDADERO": 1, "FALSO": 0, // Spanish; FALSO is Italian and Portuguese as well
	"VERO": 1, "VERDADEIRO": 1,
	"WAAR": 1, "ONWAAR": 0, // Dutch
	"SANT": 1, "SAND": 1, "USANN": 0, "FALSKT": 0, "FALSK": 0, // Norwegian, Swedish and Danish
	"TOSI": 1, "EPÄTOSI": 0, // Finnish
	"PRAWDA": 1, "FAŁSZ": 0, // Polish
	"PRAVDA": 1, "NEPRAVDA": 0, // Czech
	"IGAZ": 1, "HAMIS": 0, // Hungarian
	"DOĞRU": 1, "YANLIŞ": 0, // Turkish
	"ИСТИНА": 1, "ЛОЖЬ": 0, // Russian
}

// compact is a value as text; the blanks between the parts of JSON mean nothing and are left out.
func (d *Decoder) compact(s Span) []byte {
	if s.Kind != Object && s.Kind != Array {
		return s.Bytes
	}
	i := 0
	for i < len(s.Bytes) && s.Bytes[i] > ' ' {
		if s.Bytes[i] == '"' {
			i = skipString(s.Bytes, i+1)
		}
		i++
	}
	if i >= len(s.Bytes) {
		return s.Bytes
	}
	start := len(d.arena)
	for k := 0; k < len(s.Bytes); k++ {
		switch c := s.Bytes[k]; {
		case c <= ' ':
		case c == '"':
			end := min(skipString(s.Bytes, k+1)+1, len(s.Bytes))
			d.arena = append(d.arena, s.Bytes[k:end]...)
			k = end - 1
		default:
			d.arena = append(d.arena, c)
		}
	}
	return d.arena[start:len(d.arena):len(d.arena)]
}

// dynamic is the JSON of a dynamic cell: nested JSON as it stands, a string that holds JSON parsed once, any other
// string as a JSON string.
func (d *Decoder) dynamic(s Span) []byte {
	if s.Kind != Text {
		return d.compact(s)
	}
	b := bytes.TrimSpace(s.Bytes)
	if len(b) == 0 || string(b) == "null" {
		return nil
	}
	if end, _, err := value(b, 0, 0); err == nil && end == len(b) {
		return b
	}
	start := len(d.arena)
	d.arena = appendJSONString(d.arena, s.Bytes)
	return d.arena[start:len(d.arena):len(d.arena)]
}

const hexDigits = "0123456789abcdef"

func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		plain := plainEnd(s, 0)
		dst = append(dst, s[:plain]...)
		if plain == len(s) {
			return append(dst, '"')
		}
		switch c := s[plain]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		s = s[plain+1:]
	}
}

// clean takes the port and the brackets off a client address; the original is kept among the additional values.
func (d *Decoder) clean(c *Cell, column string) {
	cleaned := address(c.Text)
	if len(cleaned) != len(c.Text) {
		d.rest = append(d.rest, loose{"", []byte(column), Span{c.Text, Text}})
		c.Text = cleaned
	}
}

// address is a client address without port, brackets and the prefix of IPv4 in IPv6.
func address(b []byte) []byte {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] == '<' { // `<null>`
		return nil
	}
	if b[0] == '[' {
		if end := bytes.IndexByte(b, ']'); end > 0 {
			b = b[1:end]
		}
	} else if bytes.Count(b, []byte{':'}) == 1 && bytes.Count(b, []byte{'.'}) == 3 {
		b = b[:bytes.IndexByte(b, ':')]
	}
	const mapped = "::ffff:"
	if len(b) > len(mapped) && strings.EqualFold(string(b[:len(mapped)]), mapped) && bytes.Count(b, []byte{'.'}) == 3 {
		b = b[len(mapped):]
	}
	return b
}

// derive fills the columns that follow from others, and lists them.
func (d *Decoder) derive(t *Target) []byte {
	start := len(d.arena)
	for _, rule := range t.derive {
		to, from := &d.row.Cells[rule.column], &d.row.Cells[rule.from]
		if !to.Null && (len(to.Text) > 0 || t.Columns[rule.column].Type != schema.String) || from.Null {
			continue
		}
		made := *from
		if rule.by == "guid_token" {
			made = Cell{Text: guidToken(from.Text)}
		}
		if t.Columns[rule.column].Type == schema.String && len(made.Text) == 0 {
			continue
		}
		*to = made
		if len(d.arena) > start {
			d.arena = append(d.arena, ',')
		}
		d.arena = append(d.arena, t.Columns[rule.column].Name...)
	}
	return d.arena[start:len(d.arena):len(d.arena)]
}

// guidToken is the token identifier that belongs to a request id: its 16 bytes, in the order in which Windows writes a
// GUID, as unpadded base64url. It is empty for what is no GUID.
func guidToken(id []byte) []byte {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return nil
	}
	var raw [16]byte
	n := 0
	for i := 0; i < len(id); i += 2 {
		if id[i] == '-' {
			i++
		}
		high, ok1 := hexDigit(id[i])
		low, ok2 := hexDigit(id[i+1])
		if !ok1 || !ok2 {
			return nil
		}
		raw[n] = high<<4 | low
		n++
	}
	binary.LittleEndian.PutUint32(raw[:], binary.BigEndian.Uint32(raw[:]))
	binary.LittleEndian.PutUint16(raw[4:], binary.BigEndian.Uint16(raw[4:]))
	binary.LittleEndian.PutUint16(raw[6:], binary.BigEndian.Uint16(raw[6:]))
	return base64.RawURLEncoding.AppendEncode(nil, raw[:])
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// happened refuses a row that says neither when nor which: it is the line of a summary, not a record.
func (d *Decoder) happened(t *Target) error {
	if t.key < 0 || len(d.row.Cells[t.key].Text) > 0 {
		return nil
	}
	for i := range t.Columns {
		if t.Columns[i].Type == schema.Datetime && !d.row.Cells[i].Null {
			return nil
		}
	}
	return &ScanError{Column: 1, Code: CodeNoRecord, Reason: "the row has neither a time nor an id of " + t.Table.Name + ": it is no record of an event"}
}

// additional is the JSON object of all that the record says and the table has no column for; nil without any.
func (d *Decoder) additional(pl *plan) ([]byte, error) {
	for _, slot := range d.touched {
		if !pl.used[slot] && !empty(d.spans[slot]) && !d.covered(slot) {
			d.rest = append(d.rest, loose{"", nil, Span{}})
			last := &d.rest[len(d.rest)-1]
			last.path, last.span = d.prog.paths[slot], d.spans[slot]
		}
	}
	if len(d.rest) == 0 {
		return nil, nil
	}
	start := len(d.arena)
	d.arena = append(d.arena, '{')
	for i := range d.rest {
		r := &d.rest[i]
		if i < 64 {
			for k := range i {
				if o := &d.rest[k]; o.path == r.path && bytes.Equal(o.name, r.name) && d.columns == nil {
					return nil, &ScanError{Column: 1, Code: CodeDuplicateKey, Reason: fmt.Sprintf("the key %q stands twice in the record", r.path+string(r.name))}
				}
			}
		}
		if empty(r.span) {
			continue
		}
		if len(d.arena) > start+1 {
			d.arena = append(d.arena, ',')
		}
		d.arena = append(d.arena, '"')
		d.arena = append(d.arena, r.path...)
		if d.columns != nil || len(r.name) > 0 {
			d.arena = appendName(d.arena, r.name, d.columns != nil)
		}
		d.arena = append(d.arena, '"', ':')
		switch r.span.Kind {
		case Text:
			d.arena = appendJSONString(d.arena, r.span.Bytes)
		case Escaped:
			d.arena = append(append(append(d.arena, '"'), r.span.Bytes...), '"')
		default:
			d.arena = append(d.arena, r.span.Bytes...)
		}
	}
	if len(d.arena) == start+1 {
		d.arena = d.arena[:start]
		return nil, nil
	}
	d.arena = append(d.arena, '}')
	return d.arena[start:len(d.arena):len(d.arena)], nil
}

// appendName appends the name of a member: raw from JSON, where it is escaped already, or from a CSV's header.
func appendName(dst, name []byte, header bool) []byte {
	if !header {
		return append(dst, name...)
	}
	quoted := appendJSONString(nil, bytes.TrimSpace(name))
	return append(dst, quoted[1:len(quoted)-1]...)
}

// covered reports whether a member around the slot is kept as a whole.
func (d *Decoder) covered(slot int) bool {
	for slot = d.prog.cover[slot]; slot >= 0; slot = d.prog.cover[slot] {
		if d.spans[slot].Kind != Absent {
			return true
		}
	}
	return false
}
