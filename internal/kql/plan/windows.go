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
	items   []Item
	restart *Column // the partition that a restart condition makes; nil for none
}

// call adds a call of a window function; the value is its column.
func (w *windows) call(b *binder, x *syntax.Call, fn *function.Func, args []Expr) Expr {
	if len(w.in.Ordering()) == 0 {
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
	return &Col{w.add(b, restart, applied)}
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
		if w.steps[at].restart == restart {
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
	if len(w.steps) > 1 {
		c := b.column("", schema.Long)
		c.Hidden = true
		n = &Number{base: base{cols: append(append([]*Column(nil), n.Columns()...), c), order: []Key{{X: &Col{c}}}}, In: n, Col: c}
	}
	for _, step := range w.steps {
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
