package evidence

import (
	"bytes"
	"fmt"
	"slices"
)

// target decides which table a record belongs to.
func (d *Decoder) target() (*Target, error) {
	named := ""
	for i := range d.prog.choices {
		c := &d.prog.choices[i]
		var t *Target
		switch {
		case c.target != nil:
			t = c.target
		case c.From == "$file":
			if t = d.place; t != nil && !d.prog.plans[t].likely(d) {
				t = nil
			}
		case c.From == "$rows":
			t = d.byColumns()
		case c.slot >= 0:
			var name string
			if name, t = d.tableOf(i); t == nil && named == "" {
				named = name
			}
		}
		if t != nil {
			return t, nil
		}
	}
	switch {
	case named != "":
		return nil, &ScanError{Column: 1, Code: CodeUnsupportedTable, unplaced: true, Reason: fmt.Sprintf("rows of the table %s are not supported", clip([]byte(named[:min(len(named), 80)])))}
	case len(d.touched) == 0:
		return nil, &ScanError{Column: 1, Code: CodeUnrecognised, unplaced: true, Reason: "the record has no column of a known table"}
	}
	return nil, &ScanError{Column: 1, Code: CodeUnsupportedTable, unplaced: true, Reason: "the record's columns do not say of which supported table it is; export the column Type with it, or name the file after the table"}
}

// told is what a choice said of the last record: nearly all records of a file say the same.
type told struct {
	text  []byte
	name  string
	table *Target
}

// tableOf is the table that a choice names, and the name.
func (d *Decoder) tableOf(choice int) (string, *Target) {
	c, last := &d.prog.choices[choice], &d.told[choice]
	v := d.spans[c.slot]
	if empty(v) {
		return "", nil
	}
	if last.text == nil || !bytes.Equal(last.text, v.Bytes) {
		last.text = append(last.text[:0], v.Bytes...)
		last.name = d.tableName(c, v)
		last.table = d.layout.named(last.name)
	}
	return last.name, last.table
}

// tableName is the folded name that a value gives a table; of a list it is the first one.
func (d *Decoder) tableName(c *choice, v Span) string {
	if v.Kind == Array || (v.Kind == Text || v.Kind == Escaped) && len(v.Bytes) > 0 && v.Bytes[0] == '[' {
		v = firstElement(d, v)
	}
	text := d.text(v)
	if len(text) == 0 || len(text) > 200 {
		return ""
	}
	name := fold(string(text), false)
	if c.Map == nil {
		return name
	}
	for from, to := range c.Map {
		if fold(from, false) == name {
			return fold(to, false)
		}
	}
	return fold(c.Map["*"], false)
}

// byColumns finds the table whose columns the record has: the one of which most groups are there, with values if any has.
func (d *Decoder) byColumns() *Target {
	filled := func(slot int) bool { return !empty(d.spans[slot]) }
	there := func(slot int) bool { return d.spans[slot].Kind != Absent }
	ways := []func(int) bool{filled}
	if d.columns != nil {
		ways = append(ways, there) // a CSV has its header's columns, filled or not
	}
	for _, present := range ways {
		var best *Target
		most := 0
		for _, t := range d.layout.tables {
			pl := d.prog.plans[t]
			if n := len(pl.known); n > most && pl.fits(present) && !slices.ContainsFunc(pl.unlike, filled) {
				best, most = t, n
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// fits reports whether each group has a column that is present.
func (pl *plan) fits(present func(slot int) bool) bool {
	for _, group := range pl.known {
		if !slices.ContainsFunc(group, present) {
			return false
		}
	}
	return true
}

// likely reports whether the record has a column of at least one group, so that a name may say the rest.
func (pl *plan) likely(d *Decoder) bool {
	return len(pl.known) == 0 || slices.ContainsFunc(pl.known, func(group []int) bool {
		return slices.ContainsFunc(group, func(slot int) bool { return !empty(d.spans[slot]) })
	})
}
