package plan

import (
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// aggregates collects the aggregate calls of a summarize, so that expressions around them are computed afterwards.
type aggregates struct {
	items []Item
}

func (a *aggregates) add(b *binder, x Expr) Expr {
	c := b.column("", x.Type())
	a.items = append(a.items, Item{Col: c, X: x})
	return b.col(c)
}

// aggregate binds a call of an aggregate inside summarize.
func (b *binder) aggregate(f *frame, x *syntax.Call, fn *function.Func) Expr {
	inner := b.made.frames.New(*f)
	inner.aggs = nil
	var few [4]Expr
	args := append(few[:0], make([]Expr, len(x.Args))...)
	for i, a := range x.Args {
		args[i] = b.scalar(inner, a)
	}
	return f.aggs.add(b, b.applyAt(x.Func.Span(), x.Func.Name, fn, args))
}

func (b *binder) countRows() Expr { return b.invent("count") }

func (b *binder) summarize(sc *scope, n Node, op *syntax.Summarize) Node {
	agg := &Aggregate{Keys: make([]Item, 0, len(op.By))}
	out := &Compute{base: base{cols: make([]*Column, 0, len(op.By)+len(op.Aggs))}, In: agg}
	nm := b.newNamer(nil)
	f := b.windowRow(sc, n)
	for _, item := range op.By {
		b.attempt(func() {
			name, x := b.oneName(item)
			v := b.scalar(f, x)
			if v.Type() == schema.Dynamic {
				text := b.src.Text[x.Span().Start:x.Span().End]
				b.fail(diag.Semantic, x.Span(), "tostring("+text+")", "rows cannot be grouped by a dynamic value: convert it first")
			}
			if column, plain := x.(*syntax.Name); plain && name == "" {
				name = column.Name
			}
			if name == "" {
				name = nm.implicit(nameOf(f, x))
			} else {
				name = b.give(nm, item, name)
			}
			c := b.columnOf(name, v)
			agg.Keys = append(agg.Keys, Item{Col: c, X: v})
			out.cols = append(out.cols, c)
		})
	}
	collected := &aggregates{items: make([]Item, 0, len(op.Aggs))}
	f.aggs = collected
	for _, item := range op.Aggs {
		b.attempt(func() { b.aggItem(f, nm, out, item) })
	}
	agg.In = f.windows.node(b, n)
	agg.Aggs = collected.items
	if len(op.Aggs) == 0 {
		keys := &Compute{base: base{order: agg.In.Ordering()}, In: agg.In}
		for _, k := range agg.Keys {
			keys.add(k.Col, k.X)
		}
		return b.distinctRows(keys, keys.cols)
	}
	agg.cols = make([]*Column, 0, len(agg.Keys)+len(agg.Aggs)+1) // firstOfGroup may add one
	for _, k := range agg.Keys {
		agg.cols = append(agg.cols, k.Col)
	}
	for _, a := range agg.Aggs {
		agg.cols = append(agg.cols, a.Col)
	}
	if len(agg.Keys) > 0 {
		out.order = b.firstOfGroup(agg)
	}
	out.In = b.grouped(agg)
	return out
}

// aggItem binds one aggregate expression, which may make several columns.
func (b *binder) aggItem(f *frame, nm *namer, out *Compute, item syntax.Expr) {
	names, x := named(item)
	emit := func(i int, implicit string, v Expr) {
		name := implicit
		if i < len(names) {
			name = b.give(nm, item, names[i].Name)
		} else {
			name = nm.implicit(implicit)
		}
		if c, ok := v.(*Col); ok && c.C.Name == "" { // an aggregate by itself, of which nobody has asked yet
			c.C.Name = name
		}
		out.add(b.columnOf(name, v), v)
	}
	if call, ok := x.(*syntax.Call); ok {
		if bind, ok := several[call.Func.Name]; ok {
			bind(b, f, call, emit, out)
			return
		}
	}
	v := b.scalar(f, x)
	b.aggregatesOnly(f, item, v)
	emit(0, implicitName(x), v)
}

// emitter takes the i-th column that an aggregate makes: the name that it has unless one is given, and its value.
type emitter func(i int, implicit string, v Expr)

// several are the aggregates that make a column of each of several values. Inside of an expression they must make one.
var several map[string]func(*binder, *frame, *syntax.Call, emitter, *Compute)

func init() {
	several = map[string]func(*binder, *frame, *syntax.Call, emitter, *Compute){
		"arg_max": (*binder).best, "argmax": (*binder).best, "arg_min": (*binder).best, "argmin": (*binder).best,
		"take_any": (*binder).takeAny, "any": (*binder).takeAny, "takeany": (*binder).takeAny,
		"percentile": (*binder).percentiles, "percentiles": (*binder).percentiles, "percentiles_array": (*binder).percentiles,
		"percentilew": (*binder).percentiles, "percentilesw": (*binder).percentiles, "percentilesw_array": (*binder).percentiles,
	}
}

// sole binds an aggregate of several values inside of an expression.
func (b *binder) sole(f *frame, x *syntax.Call) Expr {
	if f.aggs == nil {
		b.fail(diag.Semantic, x.Func.Span(), "", "%s is an aggregate: it is allowed in summarize only", x.Func.Name)
	}
	var values []Expr
	several[x.Func.Name](b, f, x, func(_ int, _ string, v Expr) { values = append(values, v) }, nil)
	if len(values) != 1 {
		b.fail(diag.Semantic, x.Span(), "", "%s makes %d columns, an expression needs one value", x.Func.Name, len(values))
	}
	return values[0]
}

// aggregatesOnly refuses a column that stands outside of the aggregates of an item: it has no one value per group.
func (b *binder) aggregatesOnly(f *frame, item syntax.Expr, v Expr) {
	if len(f.aggs.items) == 0 {
		b.fail(diag.Semantic, item.Span(), "", "an aggregate is expected here")
	}
	Walk(v, func(e Expr) {
		if c, ok := e.(*Col); ok && findColumn(f.cols, c.C.Name) == c.C {
			b.fail(diag.Semantic, item.Span(), "take_any("+c.C.Name+")", "the column %s must be inside an aggregate here", c.C.Name)
		}
	})
}

// isKey reports whether the rows are grouped by the column itself, under whatever name.
func isKey(out *Compute, c *Column) bool {
	if out == nil {
		return false
	}
	agg, ok := out.In.(*Aggregate)
	if !ok {
		return false
	}
	for _, k := range agg.Keys {
		if col, ok := k.X.(*Col); ok && col.C == c {
			return true
		}
	}
	return false
}

// picked lists the columns that arg_max and take_any return: for `*` all that are not keys already.
func (b *binder) picked(f *frame, args []syntax.Expr, out *Compute, skip *Column) (names []string, values []Expr) {
	for _, a := range args {
		if _, ok := a.(*syntax.Star); !ok {
			_, inner := named(a)
			row := *f
			row.aggs = nil
			names = append(names, implicitName(a))
			values = append(values, b.scalar(&row, inner))
			continue
		}
		for _, c := range f.cols {
			if c.Hidden || c == skip || isKey(out, c) {
				continue
			}
			names = append(names, c.Name)
			values = append(values, &Col{c})
		}
	}
	return names, values
}

func (b *binder) best(f *frame, call *syntax.Call, emit emitter, out *Compute) {
	if len(call.Args) == 0 {
		b.fail(diag.Semantic, call.Span(), "", "%s needs an expression to compare by", call.Func.Name)
	}
	row := *f
	row.aggs = nil
	_, inner := named(call.Args[0])
	by := b.scalar(&row, inner)
	b.takes(call, by, function.Orderable)
	var skip *Column
	if c, ok := by.(*Col); ok {
		skip = c.C
	}
	names, values := b.picked(f, call.Args[1:], out, skip)
	least := call.Func.Name == "arg_min" || call.Func.Name == "argmin"
	pick := &Pick{By: by, Least: least, Values: values}
	first := implicitName(call.Args[0])
	if prefix := oldPrefixes[call.Func.Name]; prefix != "" {
		first = prefix + "_" + first
		for i := range names {
			names[i] = first + "_" + names[i]
		}
	}
	emit(0, first, f.aggs.add(b, &Best{X: by, Pick: pick}))
	for i, v := range values {
		emit(i+1, names[i], f.aggs.add(b, &Best{X: v, Pick: pick}))
	}
}

// oldPrefixes begin the columns of the old aggregates, whose successors leave the names of the columns as they are.
var oldPrefixes = map[string]string{"any": "any", "argmax": "max", "argmin": "min"}

func (b *binder) takeAny(f *frame, call *syntax.Call, emit emitter, out *Compute) {
	if len(call.Args) == 0 {
		b.fail(diag.Semantic, call.Span(), "", "%s needs an expression or `*`", call.Func.Name)
	}
	names, values := b.picked(f, call.Args, out, nil)
	pick := &Pick{Values: values}
	prefix := oldPrefixes[call.Func.Name]
	for i, v := range values {
		if prefix != "" {
			names[i] = prefix + "_" + names[i]
		}
		emit(i, names[i], f.aggs.add(b, &Best{X: v, Pick: pick}))
	}
}
