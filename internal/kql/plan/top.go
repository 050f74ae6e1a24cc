package plan

import (
	"slices"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// topHitters binds `top-hitters`, exactly where Kusto approximates. Ties come in the order of the values.
// https://learn.microsoft.com/kusto/query/top-hitters-operator
func (b *binder) topHitters(sc *scope, n Node, op *syntax.TopHitters) Node {
	total, call := "approximate_count_"+implicitName(op.X), &syntax.Call{At: op.At, Func: &syntax.Name{At: op.At, Name: "count"}}
	if op.By != nil {
		_, by := named(op.By)
		if t := b.scalar(b.row(sc, n), by).Type(); !t.IsNumeric() && t != schema.Unknown {
			b.fail(diag.Semantic, by.Span(), "", "top-hitters sums numbers, this is %s", t)
		}
		total = "approximate_sum_" + implicitName(op.By)
		call = &syntax.Call{At: syntax.At{Pos: op.By.Span()}, Func: &syntax.Name{At: op.At, Name: "sum"}, Args: []syntax.Expr{by}}
	}
	sum := &syntax.Name{At: op.At, Name: total}
	grouped := b.summarize(sc, n, &syntax.Summarize{
		Head: op.Head, By: []syntax.Expr{op.X},
		Aggs: []syntax.Expr{&syntax.Named{At: op.At, Names: []*syntax.Name{sum}, X: call}},
	})
	value := &syntax.Name{At: op.At, Name: grouped.Columns()[0].Name}
	return b.limit(sc, b.sort(sc, grouped, []syntax.SortKey{{X: sum}, {X: value, Asc: true}}), op.N)
}

// sampleDistinct binds `sample-distinct`. Any values will do: these are the least.
// https://learn.microsoft.com/kusto/query/sample-distinct-operator
func (b *binder) sampleDistinct(sc *scope, n Node, op *syntax.SampleDistinct) Node {
	values := b.distinct(sc, n, &syntax.Distinct{Head: op.Head, Items: []syntax.Expr{op.X}})
	value := &syntax.Name{At: op.At, Name: values.Columns()[0].Name}
	return b.limit(sc, b.sort(sc, values, []syntax.SortKey{{X: value, Asc: true}}), op.N)
}

// nested is what top-nested has made of its levels so far. rows are the input's rows that are still in, with the key
// of each level.
type nested struct {
	op     *syntax.TopNested
	rows   *Shared
	keys   []*Column // of rows: per level its value, and whether the row is among the others
	names  *namer
	labels []string // per level the names of its value and of its aggregate
	totals []Node   // per level, its keys and its aggregate
}

// topNested binds `top-nested`: each level groups the rows of the level before it and keeps the best groups of each.
// https://learn.microsoft.com/kusto/query/top-nested-operator
func (b *binder) topNested(sc *scope, n Node, op *syntax.TopNested) Node {
	t := &nested{op: op, rows: b.share("nested", n), names: b.newNamer(nil)}
	t.names.number = new(int) // the analyser does not count these with the query's other unnamed columns
	for i := range op.Levels {
		b.nestedLevel(sc, t, &op.Levels[i])
	}
	last := t.totals[len(t.totals)-1]
	width := len(t.keys)
	out := &Compute{In: last}
	totals := []*Column{last.Columns()[width]}
	keys := last.Columns()[:width]
	for i := len(t.totals) - 2; i >= 0; i-- {
		upper := t.totals[i]
		j := &Join{Kind: Inner, Nulls: true, L: out.In, R: upper}
		for k := range 2 * (i + 1) {
			j.On = append(j.On, Pair{L: &Col{keys[k]}, R: &Col{upper.Columns()[k]}})
		}
		total := upper.Columns()[2*(i+1)]
		j.cols = slices.Clone(out.In.Columns())
		copied := b.copied(j, total)
		out.In = j
		totals = append([]*Column{copied}, totals...)
	}
	for i, total := range totals { // the others of a level come last
		out.order = append(out.order, Key{X: &Col{keys[2*i+1]}, Origin: Written}, Key{X: &Col{total}, Desc: true, Origin: Written}, Key{X: &Col{keys[2*i]}, Desc: true, Origin: Written})
		out.cols = append(out.cols, b.renamed(out, keys[2*i], t.labels[2*i]), b.renamed(out, total, t.labels[2*i+1]))
	}
	return out
}

func (b *binder) renamed(out *Compute, c *Column, name string) *Column {
	n := b.column(name, c.Type)
	out.Items = append(out.Items, Item{Col: n, X: &Col{c}})
	return n
}

// nestedLevel adds a level: which of its values are best, the rows with their key, and the total of each.
func (b *binder) nestedLevel(sc *scope, t *nested, l *syntax.NestedLevel) {
	in := b.ref(t.rows)
	above := t.keysOf(in)
	name, x := b.oneName(l.X)
	value := b.scalar(b.row(sc, in), x)
	if value.Type() == schema.Dynamic {
		b.fail(diag.Unsupported, x.Span(), "tostring(...)", "grouping by a dynamic value is not supported: convert it first")
	}
	if name == "" {
		name = t.names.implicit(implicitName(x))
	}
	t.names.taken.add(name)
	rows := b.nestedRows(sc, t, l, in, above, value)
	t.rows = b.share("nested", rows)
	t.keys = nil
	for _, k := range above {
		t.keys = append(t.keys, k.Col)
	}
	t.keys = append(t.keys, rows.Columns()[len(rows.Columns())-2:]...)

	all := b.ref(t.rows)
	total, explicit := b.nestedTotal(sc, all, t.keysOf(all), l)
	label := "aggregated_" + name
	if explicit != "" {
		label = explicit
	}
	t.labels = append(t.labels, name, t.names.unique(label))
	t.totals = append(t.totals, total)
}

// keysOf are the keys of the levels in a reader of the rows.
func (t *nested) keysOf(in *Ref) []Item {
	var out []Item
	for _, k := range t.keys {
		for _, it := range in.Copies {
			if it.Of == k {
				out = append(out, Item{Col: it.Col, X: &Col{it.Col}})
			}
		}
	}
	return out
}

// nestedTotal groups rows by the keys and computes the level's aggregate, which is the last column.
func (b *binder) nestedTotal(sc *scope, in Node, keys []Item, l *syntax.NestedLevel) (*Compute, string) {
	name, x := b.oneName(l.By)
	f := b.row(sc, in)
	f.aggs = &aggregates{}
	v := b.scalar(f, x)
	b.aggregatesOnly(f, x, v)
	agg := &Aggregate{In: in, Aggs: f.aggs.items}
	out := &Compute{In: agg}
	for _, k := range keys {
		c := b.copyOf(k.Col)
		agg.Keys = append(agg.Keys, Item{Col: c, X: k.X})
		agg.cols = append(agg.cols, c)
		out.cols = append(out.cols, c)
	}
	for _, a := range agg.Aggs {
		agg.cols = append(agg.cols, a.Col)
	}
	c := b.column("", v.Type())
	out.cols = append(out.cols, c)
	out.Items = []Item{{Col: c, X: v}}
	return out, name
}

// nestedRows are the rows of the best values, and the others where they are wanted. The key of the level is added as
// the last two columns.
func (b *binder) nestedRows(sc *scope, t *nested, l *syntax.NestedLevel, in *Ref, above []Item, value Expr) Node {
	if len(above) > 0 && l.Others == nil && t.op.Levels[len(above)/2-1].Others != nil {
		b.fail(diag.Unsupported, l.Span(), "", "a level without `with others` below one that has it is not supported")
	}
	key, rest := b.hidden("", value.Type()), b.hidden("", schema.Bool)
	if l.N == nil {
		return &Compute{base: base{cols: append(append([]*Column(nil), in.Columns()...), key, rest)}, In: in, Items: []Item{
			{Col: key, X: value}, {Col: rest, X: &Const{T: schema.Bool, V: false}},
		}}
	}
	own := b.hidden("", value.Type())
	computed := &Compute{base: base{cols: append(append([]*Column(nil), in.Columns()...), own)}, In: in, Items: []Item{{Col: own, X: value}}}
	best := b.nestedBest(sc, computed, above, own, l)
	j := &Join{Kind: Inner, Nulls: true, L: computed, R: best}
	for i, k := range append(append([]Item(nil), above...), Item{Col: own, X: &Col{own}}) {
		j.On = append(j.On, Pair{L: k.X, R: &Col{best.Columns()[i]}})
	}
	found := lastColumn(best)
	j.cols = slices.Clone(computed.cols)
	hit := b.copied(j, found)
	out := &Compute{base: base{cols: append(append([]*Column(nil), in.Columns()...), key, rest)}, In: j}
	if l.Others == nil {
		out.Items = []Item{{Col: key, X: &Col{own}}, {Col: rest, X: &Const{T: schema.Bool, V: false}}}
		return out
	}
	j.Kind = LeftOuter
	missed := b.invent("isnull", &Col{hit})
	others := b.scalar(&frame{scope: sc}, l.Others)
	if others.Type() != value.Type() {
		others = b.convert(others, value.Type())
	}
	out.Items = []Item{{Col: key, X: b.iff(missed, others, &Col{own})}, {Col: rest, X: missed}}
	return out
}

func (b *binder) hidden(name string, t schema.Type) *Column {
	c := b.column(name, t)
	c.Hidden = true
	return c
}

// nestedBest are the best values of each group above, with a last column that is true. The others of the level above
// stay one group, of which no value is best.
func (b *binder) nestedBest(sc *scope, in Node, above []Item, own *Column, l *syntax.NestedLevel) Node {
	from := in
	if len(above) > 0 {
		from = &Filter{base: base{cols: in.Columns()}, In: in, Pred: b.invent("not", above[len(above)-1].X)}
	}
	totals, _ := b.nestedTotal(sc, from, append(append([]Item(nil), above...), Item{Col: own, X: &Col{own}}), l)
	keys := totals.cols[:len(totals.cols)-1]
	total := lastColumn(totals)
	sorted := &Sort{base: base{cols: totals.cols, order: []Key{{X: &Col{total}, Desc: !l.Asc, NullsFirst: l.Asc}, {X: &Col{keys[len(keys)-1]}}}}, In: totals}
	n := b.scalar(&frame{scope: sc}, l.N)
	if !n.Type().IsNumeric() {
		b.fail(diag.Semantic, l.N.Span(), "", "a number of values is expected, this is %s", n.Type())
	}
	top := &Limit{base: base{cols: totals.cols, order: sorted.order}, In: sorted, N: b.convert(n, schema.Long), Per: append([]*Column(nil), keys[:len(keys)-1]...)}
	found := b.hidden("", schema.Bool)
	return &Compute{base: base{cols: append(append([]*Column(nil), keys...), found)}, In: top, Items: []Item{{Col: found, X: &Const{T: schema.Bool, V: true}}}}
}
