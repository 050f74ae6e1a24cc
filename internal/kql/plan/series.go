package plan

import (
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// axis is the axis of a make-series. Bin i begins at Start + i*Step; Start is the multiple of Step 0 when the query
// names none.
type axis struct {
	x, start, step Expr
	count          Expr // bins in all; nil up to the last bin with data
	fixed          bool // bin 0 is the first; otherwise it is the first bin with data
}

// makeSeries binds `make-series`: rows are aggregated per key and bin, then the bins of a key become arrays.
// https://learn.microsoft.com/kusto/query/make-series-operator
func (b *binder) makeSeries(sc *scope, n Node, op *syntax.MakeSeries) Node {
	f := b.row(sc, n)
	nm := b.newNamer(nil)
	bins := &Aggregate{In: n}
	keys := []Item{}
	for _, c := range b.per.columns() {
		bins.Keys = append(bins.Keys, Item{Col: c, X: &Col{c}})
		keys = append(keys, Item{Col: c, X: &Col{c}})
	}
	for _, item := range op.By {
		name, x := b.oneName(item)
		v := b.scalar(f, x)
		if v.Type() == schema.Dynamic {
			b.fail(diag.Unsupported, x.Span(), "tostring(...)", "grouping by a dynamic value is not supported: convert it first")
		}
		if name == "" {
			name = nm.implicit(implicitName(x))
		}
		nm.taken.add(name)
		c := b.column(name, v.Type())
		bins.Keys = append(bins.Keys, Item{Col: c, X: v})
		keys = append(keys, Item{Col: c, X: &Col{c}})
	}
	a, axisName := b.axis(f, op)
	bin := b.column("", schema.Long)
	bins.Keys = append(bins.Keys, Item{Col: bin, X: b.invent("series_bin", a.x, a.start, a.step)})
	bins.In = b.within(n, a)
	names, values, defaults := b.seriesAggs(f, nm, bins, op)
	for _, k := range bins.Keys {
		bins.cols = append(bins.cols, k.Col)
	}
	for _, x := range bins.Aggs {
		bins.cols = append(bins.cols, x.Col)
	}
	out := &Aggregate{In: b.computeItems(bins, values), Keys: keys}
	for _, k := range keys {
		out.cols = append(out.cols, k.Col)
	}
	count := a.count
	if count == nil {
		count = null(schema.Long)
	}
	first := Expr(null(schema.Long))
	if a.fixed {
		first = &Const{T: schema.Long, V: int64(0)}
	}
	add := func(name string, x Expr) {
		c := b.column(name, schema.Dynamic)
		out.cols = append(out.cols, c)
		out.Aggs = append(out.Aggs, Item{Col: c, X: x})
	}
	for i, v := range values {
		add(names[i], b.invent("series_values", &Col{bin}, &Col{v.Col}, defaults[i], first, count))
	}
	add(nm.unique(axisName), b.invent("series_axis", &Col{bin}, a.start, a.step, first, count))
	if kind, _ := b.option(op.Options, "kind"); kind == "nonempty" || len(keys) > 0 {
		return out
	}
	rows := b.column("", schema.Long)
	rows.Hidden = true
	out.Aggs = append(out.Aggs, Item{Col: rows, X: b.countRows()})
	visible := out.cols
	out.cols = append(append([]*Column(nil), visible...), rows)
	return &Filter{base: base{cols: visible}, In: out, Pred: b.invent(">", &Col{rows}, &Const{T: schema.Long, V: int64(0)})}
}

func (b *binder) computeItems(in Node, items []Item) Node {
	c := &Compute{base: base{cols: append([]*Column(nil), in.Columns()...)}, In: in, Items: items}
	for _, it := range items {
		c.cols = append(c.cols, it.Col)
	}
	return c
}

// axis binds the axis and its bounds.
func (b *binder) axis(f *frame, op *syntax.MakeSeries) (axis, string) {
	names, x := named(op.On)
	name := implicitName(x)
	if len(names) == 1 {
		name = names[0].Name
	}
	constants := &frame{scope: f.scope}
	a := axis{x: b.scalar(f, x), step: b.scalar(constants, op.Step)}
	t := a.x.Type()
	stepType := t
	switch {
	case t == schema.Datetime:
		stepType = schema.Timespan
	case t == schema.Int:
		a.x, t, stepType = b.convert(a.x, schema.Long), schema.Long, schema.Long
	}
	switch {
	case t == schema.Decimal:
		b.fail(diag.Unsupported, x.Span(), "", "an axis of decimals is not supported: convert it with toreal()")
	case t != schema.Datetime && t != schema.Timespan && t != schema.Long && t != schema.Real:
		b.fail(diag.Semantic, x.Span(), "", "the axis must be a datetime, a timespan or a number, this is %s", t)
	case t == schema.Timespan && a.step.Type().IsNumeric():
		b.fail(diag.Unsupported, op.Step.Span(), "", "a step of an axis of timespans that is %s is not supported: what it means is not documented", a.step.Type())
	case a.step.Type() != stepType && !(a.step.Type().IsNumeric() && stepType.IsNumeric()):
		b.fail(diag.Semantic, op.Step.Span(), "", "the step of a %s axis must be %s, this is %s", t, stepType, a.step.Type())
	}
	a.step = b.convert(a.step, stepType)
	bound := func(x syntax.Expr) Expr {
		v := b.scalar(constants, x)
		if v.Type() != t && !(v.Type().IsNumeric() && t.IsNumeric()) {
			b.fail(diag.Semantic, x.Span(), "", "the bound of a %s axis must be %s, this is %s", t, t, v.Type())
		}
		return b.convert(v, t)
	}
	a.start = b.convert(&Const{T: schema.Long, V: int64(0)}, t)
	if t == schema.Datetime || t == schema.Timespan {
		a.start = &Const{T: t, V: schema.Ticks(0)}
	}
	if op.From != nil {
		a.start, a.fixed = bound(op.From), true
		if op.Inclusive {
			a.start = b.invent("bin", a.start, a.step)
		}
	}
	if op.To != nil {
		name := "series_bins"
		if op.Inclusive {
			name = "series_bins_inclusive"
		}
		a.count = b.invent(name, bound(op.To), a.start, a.step)
	}
	return a, name
}

// within keeps the rows whose bin is one of the axis.
func (b *binder) within(n Node, a axis) Node {
	bin := b.invent("series_bin", a.x, a.start, a.step)
	pred := b.invent("isnotnull", bin)
	if a.fixed {
		pred = b.invent("and", pred, b.invent(">=", bin, &Const{T: schema.Long, V: int64(0)}))
	}
	if a.count != nil {
		pred = b.invent("and", pred, b.invent("<", bin, a.count))
	}
	return &Filter{base: base{cols: n.Columns(), order: n.Ordering()}, In: n, Pred: pred}
}

// seriesAggs binds the aggregates; values are the expressions over them, one per series.
func (b *binder) seriesAggs(f *frame, nm *namer, bins *Aggregate, op *syntax.MakeSeries) (names []string, values []Item, defaults []Expr) {
	collected := &aggregates{}
	f.aggs = collected
	for _, item := range op.Aggs {
		name, x := b.oneName(item.X)
		v := b.scalar(f, x)
		if v.Type() == schema.Datetime {
			b.fail(diag.Unsupported, x.Span(), "", "a series of datetimes is not supported: what its missing values are is not documented")
		}
		if !v.Type().IsNumeric() && v.Type() != schema.Timespan && v.Type() != schema.Bool {
			b.fail(diag.Semantic, x.Span(), "", "make-series needs numbers, this is %s", v.Type())
		}
		if name == "" {
			name = nm.implicit(implicitName(x))
		}
		nm.taken.add(name)
		d := b.convert(&Const{T: schema.Long, V: int64(0)}, v.Type())
		if item.Default != nil {
			d = b.scalar(&frame{scope: f.scope}, item.Default)
			if v.Type().IsNumeric() && d.Type().IsNumeric() && d.Type() != schema.Real {
				d = b.convert(d, v.Type())
			}
		}
		c := b.column("", v.Type())
		names, values, defaults = append(names, name), append(values, Item{Col: c, X: v}), append(defaults, d)
	}
	bins.Aggs = collected.items
	return names, values, defaults
}
