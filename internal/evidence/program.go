package evidence

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Extra are the hidden columns that intake adds to every canonical table.
var Extra = []schema.Column{
	// What a record says beyond the table's columns, and the original of what was cleaned.
	{Name: "_Additional", Type: schema.Dynamic, Hidden: true},
	// The columns whose values do not stand in the record but follow from it, separated by commas.
	{Name: "_Derived", Type: schema.String, Hidden: true},
}

// Layout is the tables that records are decoded into, and the shapes compiled for them.
type Layout struct {
	tables []*Target
	names  map[string]*Target // by every folded name that exports give a table
	places []place            // the names as parts of a path, the longest first

	mu       sync.Mutex
	programs map[*Shape]*program
}

type place struct {
	name   string
	target *Target
}

// Target is a table that records are decoded into.
type Target struct {
	Table *schema.Table
	// Columns are the table's visible ones and Extra.
	Columns []schema.Column
	name    []byte
	key     int // the column of the record's key, -1 without one
	address []bool
	derive  []derivation
}

type derivation struct {
	column, from int
	by           string
}

// NewLayout lays out the tables.
func NewLayout(tables []*schema.Table) *Layout {
	l := &Layout{names: map[string]*Target{}, programs: map[*Shape]*program{}}
	for _, t := range tables {
		target := &Target{Table: t, name: []byte(t.Name), key: -1}
		index := map[string]int{}
		for _, c := range t.Columns {
			if !c.Hidden {
				index[c.Name] = len(target.Columns)
				target.Columns = append(target.Columns, c)
			}
		}
		target.address = make([]bool, len(target.Columns))
		for _, name := range t.Intake.Addresses {
			target.address[index[name]] = true
		}
		for _, d := range t.Intake.Derive {
			target.derive = append(target.derive, derivation{index[d.Column], index[d.From], d.By})
		}
		if at, ok := index[t.Intake.Key]; ok {
			target.key = at
		}
		target.Columns = append(target.Columns, Extra...)
		l.tables = append(l.tables, target)
		for _, name := range append([]string{t.Name}, t.Intake.Names...) {
			name = fold(name, false)
			l.names[name] = target
			l.places = append(l.places, place{squeezed(name), target})
		}
	}
	sort.Slice(l.places, func(i, j int) bool {
		a, b := l.places[i], l.places[j]
		if len(a.name) != len(b.name) {
			return len(a.name) > len(b.name)
		}
		return a.name < b.name
	})
	return l
}

// byPath finds the table that a file's path names: the longest name in the nearest part of the path.
func (l *Layout) byPath(path string) *Target {
	parts := strings.FieldsFunc(path, func(c rune) bool { return c == '/' || c == '\\' || c == '!' })
	for i := len(parts) - 1; i >= 0; i-- {
		part := squeezed(fold(parts[i], false))
		for _, p := range l.places {
			if strings.Contains(part, p.name) {
				return p.target
			}
		}
	}
	return nil
}

// squeezed leaves out what separates the words of a name.
func squeezed(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(name)
}

// named is the table of a folded name that a record gives; a table restored, searched or ingested anew has an ending.
func (l *Layout) named(name string) *Target {
	if t := l.names[name]; t != nil {
		return t
	}
	for _, ending := range []string{"_rst", "_srch", "_cl"} {
		if before, ok := strings.CutSuffix(name, ending); ok {
			return l.names[before]
		}
	}
	return nil
}

// node is a place in the records of a shape.
type node struct {
	slot     int // where its value goes, -1 when only what is inside counts
	children map[string]*node
}

// program is a shape compiled for a layout: where the members of a record go, and what the columns make of them.
type program struct {
	shape   *Shape
	root    *node
	slots   int
	paths   []string // of each slot
	cover   []int    // of each slot: the slot of the nearest member around it that has one, or -1
	all     []int    // the slots of members that every record of the shape has, of those that some column or choice takes
	choices []choice
	plans   map[*Target]*plan

	constants []Span // values of columns that stand in no record
}

type choice struct {
	Choice
	slot   int
	target *Target
}

// plan is how a record of a shape becomes a row of a table.
type plan struct {
	steps  []step
	direct []int  // of each step: where in a decoder's spans the value stands that the column takes as it is, -1 where there is more to do
	used   []bool // the slots that some column takes
	known  [][]int
	unlike []int
}

// step fills one column with the first alternative that has a value.
type step []alternative

// direct is where a decoder has the value of a step that is a slot and nothing else, a constant or nothing at all, as nearly
// all are; -1 of others.
func (p *program) direct(s step) int {
	switch {
	case len(s) == 0:
		return p.constant(Span{})
	case len(s) > 1 || s[0].pair != "" || s[0].convert != nil || s[0].mapping != nil || s[0].object != nil || s[0].made != nil:
		return -1
	case s[0].slot < 0:
		return p.constant(Span{s[0].value, Text})
	}
	return s[0].slot
}

// constant is where a decoder has a value that no record changes: behind the slots, all of which are known by now.
func (p *program) constant(v Span) int {
	at := slices.IndexFunc(p.constants, func(c Span) bool { return c.Kind == v.Kind && string(c.Bytes) == string(v.Bytes) })
	if at < 0 {
		at = len(p.constants)
		p.constants = append(p.constants, v)
	}
	return p.slots + at
}

type alternative struct {
	slot    int    // -1 for a constant, an object or what is made
	pair    string // the name of the one pair that counts, of a list of them
	convert converter
	mapping map[string][]byte // by folded names
	value   []byte            // a constant
	object  []member
	made    func(*Decoder) Span
}

type member struct {
	head []byte // the name as it stands before the value: quoted, with the colon
	step step
}

// program compiles a shape, once.
func (l *Layout) program(s *Shape) *program {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.programs[s]
	if p == nil {
		p = l.compile(s)
		l.programs[s] = p
	}
	return p
}

func (l *Layout) compile(s *Shape) *program {
	p := &program{shape: s, root: &node{slot: -1}, plans: map[*Target]*plan{}}
	for _, c := range s.Table {
		chosen := choice{Choice: c, slot: -1}
		switch {
		case strings.HasPrefix(c.From, "="):
			chosen.target = l.names[fold(c.From[1:], false)]
		case !strings.HasPrefix(c.From, "$"):
			chosen.slot = p.slot(c.From)
		}
		p.choices = append(p.choices, chosen)
	}
	for _, t := range l.tables {
		pl := &plan{}
		for _, col := range t.Columns[:len(t.Columns)-len(Extra)] {
			pl.steps = append(pl.steps, p.column(t.Table.Name, col.Name))
		}
		p.plans[t] = pl
	}
	for t, pl := range p.plans {
		p.finish(t, pl)
	}
	for _, path := range s.Match.All {
		if at := p.root.at(path, s); at != nil && at.slot >= 0 {
			p.all = append(p.all, at.slot)
		}
	}
	p.cover = make([]int, p.slots)
	p.covers(p.root, -1)
	return p
}

// column is the step of a column: that of the table, that of all tables, or the defaults.
func (p *program) column(table, column string) step {
	if f, ok := p.shape.Tables[table][column]; ok {
		return p.step(&f)
	}
	if f, ok := p.shape.Columns[column]; ok {
		return p.step(&f)
	}
	var out step
	for _, d := range p.shape.Defaults {
		d.From = strings.Replace(d.From, "*", column, 1)
		out = append(out, p.step(&d)...)
	}
	return out
}

func (p *program) step(f *Field) step {
	switch {
	case f.First != nil:
		var out step
		for i := range f.First {
			out = append(out, p.step(&f.First[i])...)
		}
		return out
	case f.Value != nil:
		return step{{slot: -1, value: []byte(*f.Value)}}
	case f.Object != nil:
		a := alternative{slot: -1, object: []member{}, convert: converters[f.As].convert}
		for _, name := range slices.Sorted(maps.Keys(f.Object)) {
			inner := f.Object[name]
			a.object = append(a.object, member{append(appendJSONString(nil, []byte(name)), ':'), p.step(&inner)})
		}
		return step{a}
	case made[f.From] != nil:
		return step{{slot: -1, made: made[f.From]}}
	case f.From != "":
		a := alternative{slot: p.slot(f.From), pair: f.Pair, convert: converters[f.As].convert}
		if f.Map != nil {
			a.mapping = map[string][]byte{}
			for from, to := range f.Map {
				a.mapping[fold(from, false)] = []byte(to)
			}
		}
		return step{a}
	}
	return nil
}

// slot returns the slot of a path. A key may be the whole path as well as its parts.
func (p *program) slot(path string) int {
	at := p.root
	for part := range strings.SplitSeq(path, ".") {
		key := p.shape.fold(part)
		next := at.children[key]
		if next == nil {
			next = &node{slot: -1}
			if at.children == nil {
				at.children = map[string]*node{}
			}
			at.children[key] = next
		}
		at = next
	}
	if at.slot < 0 {
		at.slot = p.slots
		p.slots++
		p.paths = append(p.paths, path)
	}
	return at.slot
}

// at is the node at a path below a node, nil where there is none.
func (n *node) at(path string, s *Shape) *node {
	for part := range strings.SplitSeq(path, ".") {
		if n = n.children[s.fold(part)]; n == nil {
			return nil
		}
	}
	return n
}

// covers notes for every slot below a node which slot is the nearest around it.
func (p *program) covers(n *node, around int) {
	if n.slot >= 0 {
		p.cover[n.slot] = around
		around = n.slot
	}
	for _, child := range n.children {
		p.covers(child, around)
	}
}

// finish marks what a plan uses, and finds what tells its table.
func (p *program) finish(t *Target, pl *plan) {
	pl.used = make([]bool, p.slots)
	var mark func(step)
	mark = func(s step) {
		for _, a := range s {
			if a.slot >= 0 && a.pair == "" {
				pl.used[a.slot] = true
			}
			for _, m := range a.object {
				mark(m.step)
			}
		}
	}
	for _, s := range pl.steps {
		mark(s)
		pl.direct = append(pl.direct, p.direct(s))
	}
	for _, c := range p.choices {
		if c.slot >= 0 {
			pl.used[c.slot] = true
		}
	}
	slots := func(name string) (out []int) {
		for i, col := range t.Columns {
			if col.Name == name && i < len(pl.steps) {
				for _, a := range pl.steps[i] {
					if a.slot >= 0 {
						out = append(out, a.slot)
					}
				}
				return out
			}
		}
		if at := p.root.children[p.shape.fold(name)]; at != nil && at.slot >= 0 {
			out = append(out, at.slot)
		}
		return out
	}
	for _, group := range t.Table.Intake.KnownBy {
		var some []int
		for _, name := range group {
			some = append(some, slots(name)...)
		}
		pl.known = append(pl.known, some)
	}
	for _, name := range t.Table.Intake.Unlike {
		pl.unlike = append(pl.unlike, slots(name)...)
	}
}
