package plan

import (
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// windows collects the window functions of one operator. A call that reads the result of another one goes into a later
// step; a step has one partition.
type windows struct {
	in    Node
	steps []windowStep
}

type windowStep struct {
	items    []Item
	restart  *Column // the partition that a restart condition makes; nil for none
	sequence string  // the function that makes the one item's values of the arguments of all rows
}

// call adds a call of a window function; the value is its column.
func (w *windows) call(b *binder, x *syntax.Call, fn *function.Func, args []Expr) Expr {
	switch {
	case fn.Drawn && b.per != nil:
		b.fail(diag.Unsupported, x.Span(), "", "%s inside of a subquery is not supported", x.Func.Name)
	case fn.Drawn:
		b.drawn++
		args = append(args, &Const{T: schema.Long, V: b.drawn})
	case !serialized(w.in):
		b.fail(diag.Semantic, x.Span(), "", "%s needs serialized rows: sort them first", x.Func.Name)
	}
	var restart *Column
	applied := b.applyAt(x.Func.Span(), x.Func.Name, fn, args) // checks all arguments
	if k := fn.Restart; k > 0 && len(args) >= k {
		begins := b.iff(args[k-1], &Const{T: schema.Long, V: int64(1)}, &Const{T: schema.Long, V: int64(0)})
		restart = w.add(b, nil, b.invent("row_cumsum", begins))
		args = args[:k-1]
		applied = b.applyAt(x.Func.Span(), x.Func.Name, fn, args)
	}
	if fn.Before != "" {
		first := w.add(b, restart, b.invent(fn.Before, args[0]))
		applied = b.applyAt(x.Func.Span(), x.Func.Name, fn, append([]Expr{&Col{first}}, args[1:]...))
	}
	if fn.Sequence != "" {
		return w.sequence(b, x, fn, applied)
	}
	return &Col{w.add(b, restart, applied)}
}

// sequence adds a call whose value of a row depends on those of all rows before it.
func (w *windows) sequence(b *binder, x *syntax.Call, fn *function.Func, applied Expr) Expr {
	if b.per != nil {
		b.fail(diag.Unsupported, x.Span(), "", "%s inside of a subquery is not supported", x.Func.Name)
	}
	call, _ := applied.(*Apply)
	c := b.column("", call.T)
	c.Hidden = true
	w.steps = append(w.steps, windowStep{items: []Item{{Col: c, X: b.invent("pack_array", call.Args...)}}, sequence: fn.Sequence})
	return &Col{c}
}

func (w *windows) add(b *binder, restart *Column, x Expr) *Column {
	c := b.column("", x.Type())
	c.Hidden = true
	at := 0
	reads := map[*Column]bool{restart: true}
	Walk(x, func(e Expr) {
		if col, ok := e.(*Col); ok {
			reads[col.C] = true
		}
	})
	for i, step := range w.steps {
		for _, it := range step.items {
			if reads[it.Col] {
				at = i + 1
			}
		}
	}
	for ; at < len(w.steps); at++ {
		if w.steps[at].restart == restart && w.steps[at].sequence == "" {
			w.steps[at].items = append(w.steps[at].items, Item{Col: c, X: x})
			return c
		}
	}
	w.steps = append(w.steps, windowStep{items: []Item{{Col: c, X: x}}, restart: restart})
	return c
}

// node puts the window steps under the operator, when it used any. Several steps must agree on the order of rows that
// tie: the rows are numbered first.
func (w *windows) node(b *binder, n Node) Node {
	var row *Column
	if len(w.steps) > 1 || len(w.steps) == 1 && w.steps[0].sequence != "" {
		c := b.column("", schema.Long)
		c.Hidden = true
		n = &Number{base: base{cols: append(append([]*Column(nil), n.Columns()...), c), order: []Key{{X: &Col{c}}}}, In: n, Col: c}
		row = c
	}
	for _, step := range w.steps {
		if step.sequence != "" {
			n = b.sequential(n, row, step)
			continue
		}
		cols := append([]*Column(nil), n.Columns()...)
		for _, it := range step.items {
			cols = append(cols, it.Col)
		}
		per := b.per.columns()
		if step.restart != nil {
			per = append(per, step.restart)
		}
		n = &Windowed{base: base{cols: cols, order: n.Ordering()}, In: n, Items: step.items, Per: per}
	}
	return n
}

// sequential puts the arguments of all rows into one array, makes the array of values of it, and hands each row its own.
func (b *binder) sequential(n Node, row *Column, step windowStep) Node {
	item := step.items[0]
	c := b.column("", schema.Dynamic)
	rows := b.share("rows", &Compute{base: base{cols: append(append([]*Column(nil), n.Columns()...), c), order: n.Ordering()}, In: n, Items: []Item{{Col: c, X: item.X}}})
	left, all := b.ref(rows), b.ref(rows)
	columns := all.Columns()
	arguments := &Col{columns[len(columns)-1]}
	list := b.column("", schema.Dynamic)
	agg := &Aggregate{base: base{cols: []*Column{list}}, In: all, Aggs: []Item{{Col: list, X: b.invent("make_list", b.invent("pack_array", arguments))}}}
	values := b.column("", schema.Dynamic)
	made := b.computeItems(agg, []Item{{Col: values, X: b.invent(step.sequence, &Col{list})}})
	one, index := b.column("", schema.Dynamic), b.column("", schema.Long)
	each := &Expand{base: base{cols: []*Column{one, index}}, In: made, Items: []ExpandItem{{Col: one, X: &Col{values}}}, Index: index}
	value, number := b.copyOf(item.Col), b.column("", schema.Long)
	ready := &Compute{base: base{cols: []*Column{value, number}}, In: each, Items: []Item{
		{Col: value, X: b.convert(&Col{one}, item.Col.Type)}, {Col: number, X: b.invent("+", &Col{index}, &Const{T: schema.Long, V: int64(1)})},
	}}
	return &Join{
		base: base{cols: append(append([]*Column(nil), n.Columns()...), item.Col), order: n.Ordering()},
		Kind: Inner, L: left, R: ready, On: []Pair{{L: &Col{row}, R: &Col{number}}}, Copies: []Copy{{item.Col, value}},
	}
}

// draws reports whether the value of x is drawn by lot anew wherever it stands: it calls rand() or new_guid(), itself
// or through a let of sc. What toscalar() draws is drawn once.
func draws(sc *scope, x syntax.Expr) bool {
	found, once := false, diag.Pos(0) // once is the end of the toscalar() that is being walked
	syntax.Walk(x, func(at syntax.Expr) {
		name := ""
		switch at := at.(type) {
		case *syntax.Name:
			name = at.Name
		case *syntax.Call:
			name = at.Func.Name
		}
		if found || name == "" || at.Span().Start < once {
			return
		}
		if name == "toscalar" {
			once = at.Span().End
		} else if v, ok := sc.find(name); ok {
			c, ok := v.(*closure)
			found = ok && draws(c.scope, c.lit.Body)
		} else if _, ok := at.(*syntax.Call); ok {
			fn, known := function.Lookup(name)
			found = known && fn.Drawn
		}
	})
	return found
}
