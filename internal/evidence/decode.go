package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Layout numbers every column of every table once, so that one scan of a record serves whichever table it belongs to.
type Layout struct {
	slots  map[string]int
	tables []*Target
	byType map[string]*Target // by Type and by Category
}

// Target is a table that records are decoded into.
type Target struct {
	Table   *schema.Table
	Columns []schema.Column // the visible ones
	slots   []int
	// keys are the slots that only this table has, or nearly: they tell it when Type and Category are missing.
	required [][]int
	absent   []int
}

// categories are the values of Category that name a table.
// https://learn.microsoft.com/entra/identity/monitoring-health/concept-diagnostic-settings-logs-options
var categories = map[string]string{
	"SignInLogs": "SigninLogs", "SigninLogs": "SigninLogs",
	"NonInteractiveUserSignInLogs": "AADNonInteractiveUserSignInLogs",
	"ServicePrincipalSignInLogs":   "AADServicePrincipalSignInLogs",
	"ManagedIdentitySignInLogs":    "AADManagedIdentitySignInLogs",
}

// shapesOfRows tells a table by its columns when nothing names it: a row needs one column of each group, in this order
// of tables. https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
var shapesOfRows = []struct {
	table  string
	groups [][]string
	absent []string
}{
	{"AuditLogs", [][]string{{"OperationName"}, {"TargetResources", "InitiatedBy", "AADOperationType"}}, nil},
	{"AADNonInteractiveUserSignInLogs", [][]string{{"SignInEventTypes", "ProcessingTimeInMs"}, {"UserPrincipalName", "UserId"}, {"AppId"}}, nil},
	{"SigninLogs", [][]string{{"UserPrincipalName", "UserId"}, {"AppId", "AppDisplayName"}, {"ResultType"}, {"IPAddress"}, {"IsInteractive", "ProcessingTimeInMilliseconds", "SignInIdentifier", "FlaggedForReview", "RiskLevelDuringSignIn"}}, []string{"Operation", "RecordType"}},
	{"AADServicePrincipalSignInLogs", [][]string{{"ServicePrincipalId"}, {"AppId"}, {"ServicePrincipalCredentialKeyId", "ServicePrincipalCredentialThumbprint"}, {"ResultType"}}, []string{"UserPrincipalName"}},
	{"AADManagedIdentitySignInLogs", [][]string{{"ServicePrincipalId"}, {"AppId"}, {"ResultType"}}, []string{"UserPrincipalName"}},
}

// NewLayout lays out the tables.
func NewLayout(tables []*schema.Table) *Layout {
	l := &Layout{slots: map[string]int{}, byType: map[string]*Target{}}
	for _, t := range tables {
		target := &Target{Table: t}
		for _, c := range t.Columns {
			if c.Hidden {
				continue
			}
			target.Columns = append(target.Columns, c)
			target.slots = append(target.slots, l.slot(c.Name))
		}
		l.tables = append(l.tables, target)
		l.byType[t.Name] = target
	}
	for category, table := range categories {
		if t := l.byType[table]; t != nil {
			l.byType[category] = t
		}
	}
	for _, s := range shapesOfRows {
		t := l.byType[s.table]
		if t == nil {
			continue
		}
		for _, group := range s.groups {
			var slots []int
			for _, name := range group {
				slots = append(slots, l.slot(name))
			}
			t.required = append(t.required, slots)
		}
		for _, name := range s.absent {
			t.absent = append(t.absent, l.slot(name))
		}
	}
	l.slot("Type")
	l.slot("Category")
	return l
}

func (l *Layout) slot(name string) int {
	if i, ok := l.slots[name]; ok {
		return i
	}
	l.slots[name] = len(l.slots)
	return len(l.slots) - 1
}

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
	Line   int64
}

// Decoder turns records of one file into rows. It belongs to one worker; a row is valid until the next call.
type Decoder struct {
	layout    *Layout
	shape     *Shape
	spans     []Span
	hintNames [][]byte
	hintSlots []int
	header    []int
	cells     []Span
	row       Row
	arena     []byte
	// Unknown counts the keys that no table has.
	Unknown map[string]int64
	typeAt  int
	catAt   int
}

// NewDecoder makes a decoder for records of f.
func (l *Layout) NewDecoder(f *File) *Decoder {
	d := &Decoder{layout: l, shape: f.Shape, spans: make([]Span, len(l.slots)), Unknown: map[string]int64{}}
	d.typeAt, d.catAt = l.slots["Type"], l.slots["Category"]
	if f.Shape.Container == CSV {
		for _, k := range f.Keys {
			d.header = append(d.header, d.slotOf(k))
		}
	}
	return d
}

// slotOf finds the slot of a key as it stands in the file; -1 when no table has such a column.
func (d *Decoder) slotOf(key string) int {
	if i, ok := d.layout.slots[key]; ok {
		return i
	}
	if i, ok := d.layout.slots[d.shape.Column(key)]; ok {
		return i
	}
	if len(d.Unknown) < 1000 {
		d.Unknown[key]++
	}
	return -1
}

// Decode reads one record. The error is a *ScanError with the code of the reject.
func (d *Decoder) Decode(record []byte, line int64) (*Row, error) {
	if !utf8.Valid(record) {
		at := 0
		for at < len(record) {
			r, size := utf8.DecodeRune(record[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return nil, &ScanError{Column: at + 1, Code: CodeInvalidUTF8, Reason: fmt.Sprintf("byte 0x%02x is not UTF-8", record[min(at, len(record)-1)])}
	}
	clear(d.spans)
	d.arena = d.arena[:0]
	var err error
	if d.shape.Container == CSV {
		err = d.scanCSV(record)
	} else {
		err = scanObject(record, d.visit)
	}
	if err != nil {
		return nil, err
	}
	d.row.Line = line
	if d.row.Target, err = d.target(); err != nil {
		return nil, err
	}
	return &d.row, d.fill()
}

func (d *Decoder) visit(n int, name []byte, v Span) error {
	slot := -1
	if n < len(d.hintNames) && bytes.Equal(d.hintNames[n], name) {
		slot = d.hintSlots[n]
	} else {
		slot = d.slotOf(string(unescape(nil, name)))
		if n == len(d.hintNames) && n < 1024 {
			d.hintNames = append(d.hintNames, append([]byte(nil), name...))
			d.hintSlots = append(d.hintSlots, slot)
		} else if n < len(d.hintNames) {
			d.hintNames[n] = append(d.hintNames[n][:0], name...)
			d.hintSlots[n] = slot
		}
	}
	if slot < 0 {
		return nil
	}
	if old := d.spans[slot]; old.Kind != Absent && old.Kind != Null && len(old.Bytes) > 0 {
		if d.layout.twin(string(name)) {
			return nil // X_dynamic and X_string: the one that has a value counts
		}
		return &ScanError{Column: 1, Code: CodeDuplicateKey, Reason: fmt.Sprintf("the key %q stands twice in the record", name)}
	}
	d.spans[slot] = v
	return nil
}

// twin reports whether a key is one of the suffixed columns of a union export.
func (l *Layout) twin(name string) bool {
	_, exact := l.slots[name]
	return !exact
}

func (d *Decoder) scanCSV(record []byte) error {
	d.cells = csvCells(record, d.cells)
	if len(d.cells) != len(d.header) {
		return &ScanError{Column: 1, Code: CodeWrongCells, Reason: fmt.Sprintf("the row has %d cells, the header has %d", len(d.cells), len(d.header))}
	}
	for i, c := range d.cells {
		if slot := d.header[i]; slot >= 0 && (d.spans[slot].Kind == Absent || len(d.spans[slot].Bytes) == 0) {
			d.spans[slot] = c
		}
	}
	return nil
}

// target decides which table a record belongs to: Type, then Category, then its columns.
func (d *Decoder) target() (*Target, error) {
	name := d.text(d.typeAt)
	if t := d.layout.byType[string(name)]; t != nil {
		return t, nil
	}
	if len(name) > 0 && !(d.layout.byType["AuditLogs"] != nil && d.fits(d.layout.byType["AuditLogs"])) {
		// Audit records of some collectors carry the type of their target under this name; all others name a table.
		return nil, &ScanError{Column: 1, Code: CodeUnsupportedTable, Reason: fmt.Sprintf("rows of the table %s are not supported yet", clip(name[:min(len(name), 80)]))}
	}
	if t := d.layout.byType[string(d.text(d.catAt))]; t != nil {
		return t, nil
	}
	for _, s := range shapesOfRows {
		if t := d.layout.byType[s.table]; t != nil && d.fits(t) {
			return t, nil
		}
	}
	if d.present() == 0 {
		return nil, &ScanError{Column: 1, Code: CodeUnrecognised, Reason: "the record has no column of a known table"}
	}
	return nil, &ScanError{Column: 1, Code: CodeUnsupportedTable, Reason: "the record's columns are those of no supported table"}
}

func (d *Decoder) present() int {
	n := 0
	for _, s := range d.spans {
		if s.Kind != Absent {
			n++
		}
	}
	return n
}

// fits reports whether the record has the columns that tell a table.
func (d *Decoder) fits(t *Target) bool {
	for _, slot := range t.absent {
		if d.spans[slot].Kind != Absent {
			return false
		}
	}
	for _, group := range t.required {
		found := false
		for _, slot := range group {
			found = found || d.spans[slot].Kind != Absent
		}
		if !found {
			return false
		}
	}
	return true
}

// text is the value of a slot that holds a string.
func (d *Decoder) text(slot int) []byte {
	s := d.spans[slot]
	switch s.Kind {
	case Text:
		return s.Bytes
	case Escaped:
		return d.unescaped(s.Bytes)
	}
	return nil
}

func (d *Decoder) unescaped(b []byte) []byte {
	start := len(d.arena)
	d.arena = unescape(d.arena, b)
	return d.arena[start:len(d.arena):len(d.arena)]
}

func (d *Decoder) fill() error {
	t := d.row.Target
	if cap(d.row.Cells) < len(t.Columns) {
		d.row.Cells = make([]Cell, len(t.Columns))
	}
	d.row.Cells = d.row.Cells[:len(t.Columns)]
	for i := range t.Columns {
		if err := d.cell(&d.row.Cells[i], t.Columns[i], d.spans[t.slots[i]]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) cell(c *Cell, col schema.Column, s Span) error {
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
		c.Text = s.Bytes
		if col.Name == "IPAddress" {
			c.Text = address(s.Bytes)
		}
		return nil
	case schema.Dynamic:
		c.Text = d.dynamic(s)
		c.Null = c.Text == nil
		return nil
	}
	ok := false
	switch col.Type {
	case schema.Datetime:
		var t schema.Ticks
		t, ok = Datetime(s.Bytes)
		c.Int = int64(t)
		if !ok {
			return &ScanError{Column: 1, Code: CodeBadDatetime, Reason: fmt.Sprintf("%s is not a time: %.60q", col.Name, s.Bytes)}
		}
	case schema.Bool:
		c.Int, ok = boolean(s)
	case schema.Int, schema.Long:
		n, err := strconv.ParseInt(string(bytes.TrimSpace(s.Bytes)), 10, 64)
		if f, ferr := strconv.ParseFloat(string(bytes.TrimSpace(s.Bytes)), 64); err != nil && ferr == nil && f == float64(int64(f)) {
			n, err = int64(f), nil // a spreadsheet made 1 of it as 1.0
		}
		c.Int, ok = n, err == nil
	case schema.Real:
		c.Real, ok = schema.ParseReal(string(s.Bytes))
	}
	if !ok {
		return &ScanError{Column: 1, Code: CodeBadValue, Reason: fmt.Sprintf("%s is not a %s: %.60q", col.Name, col.Type, s.Bytes)}
	}
	return nil
}

func boolean(s Span) (int64, bool) {
	switch {
	case s.Kind == True, bytes.EqualFold(s.Bytes, []byte("true")), string(s.Bytes) == "1":
		return 1, true
	case s.Kind == False, bytes.EqualFold(s.Bytes, []byte("false")), string(s.Bytes) == "0":
		return 0, true
	}
	return 0, false
}

// dynamic is the JSON of a dynamic cell: nested JSON as it stands, a string that holds JSON parsed once, any other
// string as a JSON string.
func (d *Decoder) dynamic(s Span) []byte {
	if s.Kind != Text {
		return s.Bytes
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
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// address takes the port and the brackets off a client address.
func address(b []byte) []byte {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '[' {
		if end := bytes.IndexByte(b, ']'); end > 0 {
			return b[1:end]
		}
		return b
	}
	if bytes.Count(b, []byte{':'}) == 1 && bytes.Count(b, []byte{'.'}) == 3 {
		return b[:bytes.IndexByte(b, ':')]
	}
	return b
}

// AsScanError returns the code and reason of a decoding error.
func AsScanError(err error) (code, reason string) {
	var s *ScanError
	if errors.As(err, &s) {
		if s.Column > 1 {
			return s.Code, s.Error()
		}
		return s.Code, s.Reason
	}
	return CodeBadValue, err.Error()
}

// RejectOf makes the reject of a record.
func RejectOf(record []byte, line int64, err error) Reject {
	code, reason := AsScanError(err)
	return Reject{Line: line, Code: code, Reason: reason, Raw: clip(bytes.TrimRight(record, "\r\n"))}
}

// UnknownNames lists the keys that no table has, sorted.
func (d *Decoder) UnknownNames() []string {
	var out []string
	for k := range d.Unknown {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
